//! What the compiler says about misuse, case by case: `fail/<rule>/*.rs` with the expected output
//! beside it, and `pass/<rule>/*.rs` for what looks nearly the same and is right.
//!
//! The cases use the functions below, so that they show nothing but what they are about.

use std::time::Duration;

/// An async function of one argument.
#[trio::task]
pub async fn child(number: u32) -> u32 {
    trio::sleep(Duration::from_millis(u64::from(number))).await;
    number
}

/// One without.
#[trio::task]
pub async fn work() {
    trio::lowlevel::checkpoint().await;
}

/// One that borrows.
#[trio::task]
pub async fn greet(name: &str) -> usize {
    trio::lowlevel::checkpoint().await;
    name.len()
}

/// One that may fail.
#[trio::task]
pub async fn fetch(url: &str) -> trio::Result<String> {
    trio::lowlevel::checkpoint().await;
    Ok(url.to_owned())
}

/// One that says when it has started.
#[trio::task]
pub async fn serve(status: trio::TaskStatus<u16>, port: u16) {
    status.started(port);
    trio::sleep_forever().await;
}

/// An `async fn` that is no task.
///
/// # Panics
///
/// Never.
pub async fn plain(number: u32) -> u32 {
    number
}

/// A function that is not async.
#[must_use]
pub fn compute(number: u32) -> u32 {
    number + 1
}

/// What macros like `trio::race!` make of the calls that they are given.
pub async fn started<C>(_calls: C) {}
