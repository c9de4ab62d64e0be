use trio::nursery;
use ui_tests::{child, work};

#[trio::task]
async fn block() -> trio::Result<()> {
    let later = async { child(1) };
    later.await.await;
    nursery!(|n| {
        n.spawn(async {
            work().await;
            work()
        });
        n.spawn(async move { child(2) });
    })?;
    Ok(())
}

fn main() {}
