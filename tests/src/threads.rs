//! Waiting for what blocks: it is done in a thread of its own.

use std::future::Future;
use std::thread;

/// Calls `f` in a thread and gives its value. If it panics, so does who awaits it.
pub fn in_thread<T: Send + 'static>(
    f: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = T> {
    let (sender, receiver) = futures::channel::oneshot::channel();
    let thread = thread::spawn(move || drop(sender.send(f())));
    async move {
        let value = receiver.await;
        let ended = thread.join();
        match (value, ended) {
            (Ok(value), Ok(())) => value,
            (_, Err(payload)) => std::panic::resume_unwind(payload),
            (Err(_), Ok(())) => unreachable!("a thread that has ended has sent its value"),
        }
    }
}
