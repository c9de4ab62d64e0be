//! Nothing of a run leaves its thread.
use trio::lowlevel::{current_task, current_trio_token};
use trio::{CancelScope, Nursery, TaskHandle, nursery};

fn send<T: Send>(_: T) {}
fn share<T: Sync>(_: &T) {}

#[trio::task]
async fn greet() {
    trio::lowlevel::checkpoint().await;
}

fn a_nursery(n: Nursery<'_>) {
    std::thread::scope(|threads| {
        threads.spawn(move || n.cancel());
    });
}

fn a_handle(handle: TaskHandle<u32>) {
    send(handle);
}

fn a_call() {
    send(greet());
}

fn a_converted_call() {
    send(greet().into_future());
}

fn a_scope(scope: CancelScope) {
    current_trio_token().call_soon(move || scope.cancel()).unwrap();
}

fn a_task() {
    send(current_task());
}

fn a_shared_nursery(n: Nursery<'_>) {
    share(&n);
}

#[trio::task]
async fn a_block() {
    send(async { greet().await });
    nursery!(|n| {
        send(async { n.cancel() });
    })
    .unwrap();
}

fn main() {}
