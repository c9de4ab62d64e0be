#![deny(warnings)]

use std::time::Duration;

use ui_tests::work;

fn step(_: u32) {}

const LIMIT: Duration = Duration::from_secs(1);

#[trio::task(deny(scope_no_guaranteed_checkpoint))]
pub async fn denied(ready: bool) -> trio::Result<()> {
    trio::fail_after(LIMIT, async || {
        if ready {
            work().await;
        }
    })
    .await?;
    Ok(())
}

#[trio::task]
pub async fn warned(numbers: &[u32]) {
    #[trio(warn(scope_no_guaranteed_checkpoint))]
    trio::move_on_after(LIMIT, async {
        for number in numbers {
            step(*number);
            work().await;
        }
    })
    .await;
}

fn main() {}
