#![deny(warnings)]
#![allow(dead_code)]

use std::time::Duration;

use ui_tests::work;

fn sync(timeout: Duration) -> Duration {
    timeout
}

#[trio::task]
async fn others(timeouts: u32, my_timeout: Duration) {
    trio::sleep(my_timeout * timeouts).await;
}

#[trio::task]
async fn on_the_parameter(#[trio(allow(timeout_parameter))] timeout: Duration) {
    trio::sleep(timeout).await;
}

#[trio::task(allow(timeout_parameter))]
async fn on_the_function(timeout: Duration) {
    trio::sleep(timeout).await;
}

trait Connect {
    #[trio::task]
    async fn connect(&self, timeout: Duration);
}

impl Connect for u32 {
    #[trio::task]
    async fn connect(&self, timeout: Duration) {
        trio::sleep(timeout).await;
        work().await;
    }
}

fn main() {
    trio::run(|| others(1, sync(Duration::from_millis(1))));
}
