#![deny(warnings)]

use trio::nursery;
use ui_tests::child;

#[trio::task]
async fn twins() -> trio::Result<()> {
    async { child(1).await }.await;
    let block = async { child(2).await };
    nursery!(|n| {
        n.spawn(block);
        n.spawn(async { child(3).await });
    })?;
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
