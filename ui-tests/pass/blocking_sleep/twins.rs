#![deny(warnings)]

use std::time::Duration;

fn run_in_worker_thread<R>(function: impl FnOnce() -> R) -> std::future::Ready<R> {
    std::future::ready(function())
}

#[trio::task]
async fn twins() {
    trio::sleep(Duration::from_millis(1)).await;
    run_in_worker_thread(|| std::thread::sleep(Duration::from_millis(1))).await;
    #[trio(allow(blocking_sleep))]
    std::thread::sleep(Duration::from_millis(1));
}

fn main() {
    std::thread::sleep(Duration::from_millis(1));
    trio::run(twins);
}
