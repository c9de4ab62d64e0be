#![deny(warnings)]

use std::time::Duration;

use ui_tests::work;

#[trio::task]
pub async fn get(url: &str, timeout: Duration) -> usize {
    trio::move_on_after(timeout, work).await;
    url.len()
}

pub struct Client;

impl Client {
    #[trio::task]
    pub async fn get(&self, timeout: Option<Duration>) {
        trio::sleep(timeout.unwrap_or_default()).await;
    }
}

fn main() {}
