#![deny(warnings)]

use trio::{TaskStatus, nursery};
use ui_tests::{serve, work};

#[trio::task]
async fn twins() -> trio::Result<()> {
    nursery!(|n| {
        n.start(serve, 80).await?;
        n.spawn(serve, TaskStatus::ignored(), 81);
        n.spawn(work);
        n.cancel();
    })?;
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
