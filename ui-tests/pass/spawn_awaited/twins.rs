#![deny(warnings)]

use trio::nursery;
use ui_tests::{child, serve, work};

#[trio::task]
async fn twins() -> trio::Result<()> {
    nursery!(|n| {
        let port = n.start(serve, 80).await?;
        n.spawn(work);
        n.spawn(child, 1).wait().await;
        let handle = n.spawn(child, 1);
        handle.wait().await;
        assert_eq!((port, handle.take()), (80, Some(1)));
        n.cancel();
    })?;
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
