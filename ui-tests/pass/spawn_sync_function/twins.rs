#![deny(warnings)]

use trio::nursery;
use ui_tests::{child, compute, work};

#[trio::task]
async fn twins() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(child, compute(1));
        n.spawn(async {
            println!("{}", compute(1));
            work().await;
        });
    })?;
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
