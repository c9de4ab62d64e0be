use trio::{TaskStatus, nursery};
use ui_tests::{child, serve, work};

#[trio::task]
async fn arity() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(child);
        n.spawn(child, 1, 2);
        n.spawn(work, 1);
        n.start(serve).await?;
        n.start(serve, 1, 2).await?;
        n.start(no_status).await?;
    })?;
    Ok(())
}

#[trio::task]
async fn no_status() {
    work().await;
}

#[trio::task]
async fn only_status(status: TaskStatus<()>) {
    status.started(());
    work().await;
}

fn main() {}
