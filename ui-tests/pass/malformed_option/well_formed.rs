#![deny(warnings)]

#[trio::task(allow(never_awaits), allow(busy_wait))]
async fn task() {
    #[trio(allow(zero_sleep), deny(long_sleep))]
    trio::sleep(std::time::Duration::ZERO).await;
}

fn main() {
    trio::run(task);
}
