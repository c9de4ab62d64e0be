#![deny(warnings)]

use std::time::Duration;

use trio::lowlevel::checkpoint;
use trio::{CancelScope, nursery};
use ui_tests::{child, compute, work};

fn step(_: u32) {}

const LIMIT: Duration = Duration::from_secs(10);

macro_rules! awaits {
    ($call:expr) => {
        $call.await
    };
}

#[trio::task]
async fn scopes(ready: bool) -> trio::Result<()> {
    trio::move_on_after(LIMIT, async { work().await }).await;
    trio::move_on_after(LIMIT, work).await;
    trio::fail_after(LIMIT, || child(1)).await?;
    trio::fail_after(LIMIT, async {
        if ready {
            work().await;
        }
    })
    .await?;
    trio::fail_after(LIMIT, async { awaits!(checkpoint()) }).await?;
    trio::fail_after(LIMIT, async { println!("{}", child(1).await) }).await?;
    trio::fail_after(LIMIT, async { trio::move_on_after(LIMIT, async { child(1).await }).await })
        .await?;
    trio::fail_after(LIMIT, async {
        nursery!(|n| {
            n.spawn(work);
            n.spawn(work);
        })
    })
    .await??;
    CancelScope::new().run(async { child(1).await }).await;
    trio::shield(async { compute(1) }).await;
    trio::finally(async { work().await }, async { step(1) }).await;
    #[trio(allow(scope_without_checkpoint))]
    trio::move_on_after(LIMIT, async { compute(1) }).await;
    Ok(())
}

fn main() {
    trio::run(|| scopes(true)).unwrap();
}
