#![deny(warnings)]

use trio::nursery;
use ui_tests::serve;

#[trio::task]
async fn twins() -> trio::Result<()> {
    nursery!(|n| {
        let port = n.start(serve, 80).await?;
        let starting = n.start(serve, port + 1);
        n.start(serve, port).await?;
        n.start_service(serve, port).await?;
        starting.await?;
        n.cancel();
    })?;
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
