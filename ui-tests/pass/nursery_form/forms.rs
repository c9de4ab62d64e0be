#![deny(warnings)]

use trio::{Nursery, nursery};
use ui_tests::work;

#[trio::task]
async fn forms() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(work);
        n.spawn(work);
    })?;
    trio::nursery! {|n: Nursery<'_>| {
        n.spawn(work);
        n.spawn(work);
    }}?;
    let number = nursery!(|_n| 1)?;
    assert_eq!(number, 1);
    work().await;
    Ok(())
}

fn main() {
    trio::run(forms).unwrap();
}
