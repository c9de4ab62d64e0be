use std::pin::pin;

use ui_tests::child;

fn wants_a_future(_: impl Future) {}

#[trio::task]
async fn by_hand() {
    let call = pin!(child(1));
    let waker = std::task::Waker::noop();
    call.poll(&mut std::task::Context::from_waker(waker));
    wants_a_future(child(2));
    wants_a_future(async { child(3).await });
    child(4).await;
}

fn main() {}
