//! The request to stop: what a graceful end is made of.
//!
//! ```text
//!   running ──request_stop(grace)──▶ stopping ──grace is over, or cancel()──▶ cancelled
//!                                       │
//!                                       └─ at once: what runs in a stoppable scope
//! ```
//!
//! A request is a flag of the scope's node that nodes below inherit (`node.rs`); the grace is the
//! scope's deadline (`scope/core.rs`). What is here is how code inside hears of it.

use std::future::Future;

use super::call::Call;
use super::context;
use super::points;
use super::scope::{ScopeCore, scoped};
use super::sleep::sleep_forever;
use super::thunk::Thunk;
use super::trace::Site;

static UNTIL_STOP: Site = Site::scope("until_stop");
static FOR_STOP: Site = Site::scope("wait_for_stop");

/// Runs the thunk until a stop is requested: `Some` of its value, or `None` if the request came first.
///
/// For what can be given up as soon as the program, or a part of it, is to end: waiting for the next
/// connection, the next job, the next tick. What is outside such a scope is left alone by the request,
/// and has its grace. It is [`CancelScope::stoppable`](crate::CancelScope::stoppable) in one call; the
/// request is [`CancelScope::request_stop`](crate::CancelScope::request_stop).
///
/// # Cancellation
///
/// As in the thunk. If a stop was requested before, the thunk runs up to its first cancellation point.
/// As with any cancellation an operation that is given up did not happen, so that no connection or job
/// is lost.
///
/// ```
/// # use std::time::Duration;
/// # #[trio::task] async fn one_unit_of_work() { trio::lowlevel::checkpoint().await }
/// # #[trio::task] async fn example() {
/// # let limit = trio::CancelScope::new();
/// # limit.request_stop(Duration::from_secs(1));
/// # limit.run(async {
/// loop {
///     one_unit_of_work().await; // is completed
///     let pause = Duration::from_secs(60);
///     if trio::until_stop(async { trio::sleep(pause).await }).await.is_none() {
///         break;
///     }
/// }
/// # }).await;
/// # }
/// # trio::run(example);
/// ```
pub fn until_stop<T: Thunk>(thunk: T) -> Call<impl Future<Output = Option<T::Output>> + use<T>> {
    let core = ScopeCore::new();
    core.node().set_stoppable(true);
    scoped(core, thunk, &UNTIL_STOP, |value| value)
}

/// Whether a stop was requested of any scope around this code, up to the nearest shield. Sync, not a
/// cancellation point.
///
/// For code that goes from one unit of work to the next; what waits is wrapped in
/// [`until_stop`](crate::until_stop()). How much time is left tells
/// [`current_effective_deadline`](crate::current_effective_deadline).
///
/// # Panics
///
/// Outside a task.
#[track_caller]
pub fn stop_requested() -> bool {
    context::task(|_| ());
    let node = context::with(|c| c.node.get());
    // SAFETY: rule 1: the node that is being polled in is alive.
    unsafe { &*node }.is_stopping()
}

/// Waits until a stop is requested of any scope around this code, up to the nearest shield.
///
/// For code that has something to do then: tell its peers, close a listener, say so to the user.
///
/// # Cancellation
///
/// A checkpoint.
///
/// ```
/// # use std::time::Duration;
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// trio::nursery!(|n| {
///     n.spawn(async {
///         trio::wait_for_stop().await;
///         println!("finishing; press Ctrl-C again to give up");
///     });
///     n.request_stop(Duration::from_secs(5));
/// })?;
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub fn wait_for_stop() -> Call<impl Future<Output = ()>> {
    let core = ScopeCore::new();
    core.node().set_stoppable(true);
    let stop = scoped(core, sleep_forever, &FOR_STOP, |_| ()).into_frame();
    // SAFETY: rule 1: the frame goes straight into a `Call`, and so does the one inside it.
    unsafe {
        Call::new(async {
            stop.await;
            points::cancel_shielded_checkpoint().await;
        })
    }
}
