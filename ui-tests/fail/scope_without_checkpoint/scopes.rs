use std::time::Duration;

use trio::{CancelScope, nursery};
use ui_tests::{compute, work};

fn step(_: u32) {}

const LIMIT: Duration = Duration::from_secs(1);

#[trio::task]
async fn timeouts(deadline: trio::Instant) -> trio::Result<()> {
    trio::move_on_after(LIMIT, async { compute(1) }).await;
    trio::fail_after(LIMIT, async move { compute(2) }).await?;
    let _number = trio::move_on_at(deadline, async || compute(3)).await;
    trio::fail_at(deadline, async {}).await?;
    Ok(())
}

#[trio::task]
async fn scopes() {
    CancelScope::with_timeout(LIMIT)
        .shielded(true)
        .run(async {
            for number in 0..3 {
                step(number);
            }
        })
        .await;
}

#[trio::task]
async fn nested() -> trio::Result<()> {
    trio::fail_after(LIMIT, async {
        trio::move_on_after(LIMIT, async { compute(1) }).await;
    })
    .await?;
    Ok(())
}

#[trio::task]
async fn what_runs_elsewhere() -> trio::Result<()> {
    nursery!(|n| {
        trio::move_on_after(LIMIT, async {
            n.spawn(work);
            n.spawn(async { work().await });
        })
        .await;
    })?;
    Ok(())
}

fn main() {}
