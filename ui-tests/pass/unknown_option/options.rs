#![deny(warnings)]

#[trio::task(boxed, allow(never_awaits), deny(busy_wait), warn(blocking_path_method),)]
async fn task() {}

#[trio::test(clock = "mock", seed = 7)]
async fn test() {
    task().await;
}

#[trio::main(crate = "::trio")]
async fn main() {
    task().await;
}
