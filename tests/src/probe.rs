//! Looking at single polls, at what is dropped when, and at what is left open.

use std::future::Future;
use std::pin::pin;
use std::task::Context;

/// Polls `future` once, within a poll of the task, and tells whether it was ready. What it says about
/// cancellation is heard by nobody: this is how a foreign future would swallow it.
pub fn is_ready(cx: &mut Context<'_>, future: impl Future) -> bool {
    pin!(future).poll(cx).is_ready()
}

/// Calls a function when it is dropped.
#[derive(Debug)]
pub struct OnDrop<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// How many descriptors this process has. Other tests have some, too: see [`alone`](crate::rerun::alone).
pub fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}
