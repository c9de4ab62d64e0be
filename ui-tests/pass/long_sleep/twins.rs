#![deny(warnings)]
#![allow(dead_code)]

use std::time::Duration;

const YEAR: Duration = Duration::from_secs(31_536_000);

#[trio::task]
async fn twins() {
    trio::sleep(Duration::from_secs(86_400)).await;
    trio::sleep(YEAR).await;
    trio::sleep_forever().await;
}

fn main() {}
