//! For tests: virtual time, waiting for quiet, checking for checkpoints, steps in order, streams in
//! memory, what every stream has to do, and cancelling or failing everywhere.

mod byte_queue;
mod cancel_injector;
mod checkpoints;
mod clock;
mod conformance;
mod fault_injector;
mod hooks;
mod lockstep_stream;
mod memory_pair;
mod memory_receive_stream;
mod memory_send_stream;
mod sequencer;
mod threads;

pub use cancel_injector::{CancelInjector, CancelPlace, CancelRound, cancel_everywhere};
pub use checkpoints::{assert_checkpoints, assert_future_checkpoints, assert_no_checkpoints};
pub use clock::MockClock;
pub use conformance::{
    Clogged, check_half_closeable_stream, check_one_way_stream, check_two_way_stream,
};
pub use fault_injector::FaultInjector;
pub use lockstep_stream::{
    LockstepReceiveStream, LockstepSendStream, LockstepStream, lockstep_stream_one_way_pair,
    lockstep_stream_pair,
};
pub use memory_pair::{
    MemoryStream, memory_stream_one_way_pair, memory_stream_pair, memory_stream_pump,
};
pub use memory_receive_stream::MemoryReceiveStream;
pub use memory_send_stream::MemorySendStream;
pub use sequencer::{Sequencer, SequencerStep};

pub use crate::sys::faults::SystemCall;
pub use threads::{active_thread_count, wait_all_threads_completed};

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
