#![deny(warnings)]

use std::time::Duration;

#[trio::task]
pub async fn long() {
    trio::sleep(Duration::MAX).await;
    trio::sleep(Duration::from_secs(86_401)).await;
    trio::sleep(Duration::from_hours(48)).await;
}

fn main() {}
