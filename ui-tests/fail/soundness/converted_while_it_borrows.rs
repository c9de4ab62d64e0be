//! Only a frame that borrows nothing can be converted to a plain future.
use trio::{Nursery, TaskStatus};

fn keep<T>(_: T) {}

#[trio::task]
async fn read(text: &str) {
    trio::lowlevel::checkpoint().await;
    println!("{text}");
}

fn a_call(text: &str) {
    keep(read(text).into_future());
}

#[trio::task]
async fn a_block() {
    let text = String::from("a");
    let block = async { read(&text).await };
    keep(block.into_future());
    trio::lowlevel::checkpoint().await;
}

fn a_scope(text: &str) {
    keep(trio::CancelScope::new().run(|| read(text)).into_future());
}

fn a_start(n: Nursery<'_>) {
    keep(n.start(|status: TaskStatus<()>| async move { status.started(()) }).into_future());
}

fn a_call_of_any_type<T: Clone>(value: T) {
    #[trio::task]
    async fn copy<T: Clone>(value: T) -> T {
        trio::lowlevel::checkpoint().await;
        value.clone()
    }
    keep(copy(value).into_future());
}

fn main() {}
