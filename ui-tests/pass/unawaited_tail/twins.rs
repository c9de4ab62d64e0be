#![deny(warnings)]

use ui_tests::{child, compute, plain};

#[trio::task]
async fn returns_a_future() -> impl Future<Output = u32> {
    trio::lowlevel::checkpoint().await;
    plain(1)
}

#[trio::task]
async fn twins() -> u32 {
    let awaited = async { child(1).await };
    let value = async { compute(2) };
    let wrapped = async { Ok::<u32, u32>(child(1).await) };
    #[trio(allow(unawaited_tail))]
    let twice = async { child(4) };
    let foreign = returns_a_future().await;
    awaited.await + value.await + wrapped.await.unwrap_or(0) + twice.await.await + foreign.await
}

fn main() {
    assert_eq!(trio::run(twins), 1 + 3 + 1 + 4 + 1);
}
