#![deny(warnings)]

use std::time::Duration;

use trio::sleep;

#[trio::task]
async fn twins(pause: Duration) {
    sleep(pause).await;
    sleep(Duration::from_millis(1)).await;
    trio::move_on_after(Duration::ZERO, || sleep(Duration::from_millis(2))).await;
    #[trio(allow(zero_sleep))]
    sleep(Duration::ZERO).await;
}

fn main() {
    trio::run(|| twins(Duration::ZERO));
}
