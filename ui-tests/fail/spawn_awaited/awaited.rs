use trio::{Nursery, nursery};
use ui_tests::{child, work};

#[trio::task]
async fn awaited() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(child, 1).await;
        n.spawn_named("work", work).await;
        let value = async { n.spawn(child, 2).await };
        value.await;
    })?;
    Ok(())
}

#[trio::task]
async fn in_a_closure(n: Nursery<'_>) {
    let start = async |number: u32| n.spawn(child, number).await;
    start(1).await;
}

fn main() {}
