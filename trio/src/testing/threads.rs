//! The worker threads of the run.

use crate::thread::Threads;

/// How many worker threads work for this run. One that was abandoned counts as long as it works.
///
/// Its counterpart in Trio is `trio.testing.active_thread_count`.
///
/// # Panics
///
/// Outside a run.
#[track_caller]
pub fn active_thread_count() -> usize {
    Threads::current().active()
}

/// Waits until no worker thread works for this run.
///
/// # Cancellation
///
/// A checkpoint. Its counterpart in Trio is `trio.testing.wait_all_threads_completed`.
///
/// # Panics
///
/// Outside a task.
///
/// ```
/// use trio::testing::{active_thread_count, wait_all_threads_completed};
///
/// # #[trio::task] async fn example() {
/// wait_all_threads_completed().await;
/// assert_eq!(active_thread_count(), 0);
/// # }
/// # trio::run(example);
/// ```
pub async fn wait_all_threads_completed() {
    Threads::current().wait_until_none().await;
}
