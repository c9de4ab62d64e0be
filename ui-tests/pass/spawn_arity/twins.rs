#![deny(warnings)]

use trio::nursery;
use ui_tests::{child, serve, work};

#[trio::task]
async fn many(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) -> u8 {
    work().await;
    a + b + c + d + e + f + g
}

#[trio::task]
async fn twins() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(child, 1);
        n.spawn(work);
        n.spawn(many, 1, 2, 3, 4, 5, 6, 7);
        n.start(serve, 1).await?;
        n.cancel();
    })?;
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
