#![deny(warnings)]

use std::time::Duration;

use ui_tests::{child, work};

const LIMIT: Duration = Duration::from_secs(10);

#[trio::task(deny(scope_no_guaranteed_checkpoint))]
async fn asked_for(ready: bool) -> trio::Result<()> {
    trio::fail_after(LIMIT, async || if ready { child(1).await } else { child(2).await }).await?;
    trio::fail_after(LIMIT, async {
        if !ready {
            return Err(trio::Error::from("not ready"));
        }
        child(1).await;
        Ok(())
    })
    .await??;
    trio::fail_after(LIMIT, async { trio::move_on_after(LIMIT, async { work().await }).await })
        .await?;
    #[trio(allow(scope_no_guaranteed_checkpoint))]
    trio::move_on_after(LIMIT, async {
        if ready {
            work().await;
        }
    })
    .await;
    Ok(())
}

#[trio::task]
async fn not_asked_for(ready: bool) {
    trio::move_on_after(LIMIT, async {
        if ready {
            work().await;
        }
    })
    .await;
}

fn main() {
    trio::run(|| asked_for(true)).unwrap();
    trio::run(|| not_asked_for(false));
}
