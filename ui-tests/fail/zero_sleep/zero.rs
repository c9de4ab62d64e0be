#![deny(warnings)]

use std::time::Duration;

use trio::sleep;

#[trio::task]
pub async fn zero(choice: bool) {
    trio::sleep(Duration::ZERO).await;
    sleep(Duration::from_secs(0)).await;
    if choice {
        sleep(std::time::Duration::from_millis(0)).await;
    }
}

fn main() {}
