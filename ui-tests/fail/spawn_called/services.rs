//! Services are spawned like any other task.

use trio::nursery;
use ui_tests::{child, compute, serve, work};

#[trio::task]
async fn services(number: u32) -> trio::Result<()> {
    nursery!(|n| {
        n.spawn_service(child(number));
        n.spawn_service(compute, number);
        n.spawn_service(serve, 80);
        n.spawn_service(work).await;
    })?;
    Ok(())
}

fn main() {}
