use trio::nursery;
use ui_tests::{serve, work};

#[trio::task]
async fn spawned() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(serve, 80);
        n.spawn(work);
    })?;
    Ok(())
}

fn main() {}
