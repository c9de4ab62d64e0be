#![deny(warnings)]

#[trio::task(allow(never_awaits), allow(busy_wait))]
async fn task() {
    #[trio(allow(zero_sleep), deny(long_sleep))]
    trio::sleep(std::time::Duration::ZERO).await;
}

#[trio::main(grace_seconds = 5, allow(zero_sleep))]
async fn main() {
    task().await;
}
