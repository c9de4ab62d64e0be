#![deny(warnings)]

use trio::nursery;
use ui_tests::{child, work};

fn sync() -> u32 {
    1
}

#[trio::task]
async fn twins() -> trio::Result<()> {
    child(1).await;
    sync();
    [sync(), sync()].iter().for_each(|number| drop(number.to_string()));
    nursery!(|n| {
        n.spawn(child, 1);
        (0..3).for_each(|number| {
            n.spawn(child, number);
        });
    })?;
    let both = (child(1).await, child(2).await);
    assert_eq!(both, (1, 2));
    #[allow(unused_must_use)]
    child(3);
    work().await;
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
