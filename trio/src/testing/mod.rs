//! For tests: virtual time, waiting for quiet, and checking for checkpoints.

mod checkpoints;
mod clock;

pub use checkpoints::{assert_checkpoints, assert_no_checkpoints};
pub use clock::MockClock;

use std::future::Future;
use std::time::Duration;

use crate::lowlevel::all_tasks_blocked;

/// Waits until every other task of the run is blocked: what to do instead of sleeping until "it has
/// surely got there".
///
/// # Cancellation
///
/// A checkpoint. Its counterpart in Trio is `trio.testing.wait_all_tasks_blocked`.
///
/// # Panics
///
/// Outside a task.
///
/// ```
/// # #[trio::task] async fn waits() { trio::sleep_forever().await; }
/// # #[trio::task] async fn example() {
/// trio::nursery!(|n| {
///     n.spawn(waits);
///     trio::testing::wait_all_tasks_blocked().await;
///     n.cancel();
/// }).unwrap();
/// # }
/// # trio::run(example);
/// ```
pub fn wait_all_tasks_blocked() -> impl Future<Output = ()> {
    all_tasks_blocked(Duration::ZERO)
}

/// Waits until every other task of the run has been blocked for `cushion` of real time. Of several
/// who wait, those with the smallest cushion go on first.
///
/// # Cancellation
///
/// A checkpoint.
///
/// # Panics
///
/// Outside a task.
pub fn wait_all_tasks_blocked_for(cushion: Duration) -> impl Future<Output = ()> {
    all_tasks_blocked(cushion)
}
