#![deny(warnings)]
//! What borrows nothing from outside can be made a future, which must be polled in a task.

use ui_tests::child;

fn boxed() -> std::pin::Pin<Box<dyn Future<Output = u32>>> {
    Box::pin(child(2).into_future())
}

#[trio::task]
async fn converted() -> u32 {
    boxed().await
}

fn main() {
    assert_eq!(trio::run(converted), 2);
}
