//! Timeouts, shields and clean-up: the everyday uses of cancel scopes.

use std::future::Future;
use std::time::Duration;

use super::call::Call;
use super::error::TooSlowError;
use super::instant::Instant;
use super::scope::{ScopeCore, scoped};
use super::thunk::Thunk;
use super::trace::Site;

static MOVE_ON: Site = Site::scope("move_on");
static FAIL: Site = Site::scope("fail");
static SHIELD: Site = Site::scope("shield");

/// Runs the thunk for at most `timeout`, counted from when the call is awaited: `Some` of its value,
/// or `None` if the time ran out.
///
/// # Cancellation
///
/// As in the thunk. Its counterpart in Trio is `trio.move_on_after`.
///
/// ```
/// use std::time::Duration;
///
/// # #[trio::task] async fn example() {
/// let result = trio::move_on_after(Duration::from_millis(1), || trio::sleep_forever()).await;
/// assert!(result.is_none());
/// # }
/// # trio::run(example);
/// ```
pub fn move_on_after<T: Thunk>(
    timeout: Duration,
    thunk: T,
) -> Call<impl Future<Output = Option<T::Output>> + use<T>> {
    scoped(ScopeCore::with_timeout(timeout), thunk, &MOVE_ON, |value| value)
}

/// Runs the thunk until `deadline` at the latest: `Some` of its value, or `None` if the time ran out.
/// A deadline that has passed lets it run up to its first cancellation point.
///
/// # Cancellation
///
/// As in the thunk. Its counterpart in Trio is `trio.move_on_at`.
pub fn move_on_at<T: Thunk>(
    deadline: Instant,
    thunk: T,
) -> Call<impl Future<Output = Option<T::Output>> + use<T>> {
    scoped(ScopeCore::with_deadline(deadline), thunk, &MOVE_ON, |value| value)
}

/// Runs the thunk for at most `timeout`, counted from when the call is awaited.
///
/// # Cancellation
///
/// As in the thunk. Its counterpart in Trio is `trio.fail_after`.
///
/// # Errors
///
/// [`TooSlowError`] if the time ran out and the thunk was cancelled for it.
///
/// ```
/// use std::time::Duration;
///
/// # #[trio::task] async fn example() -> Result<(), trio::TooSlowError> {
/// trio::fail_after(Duration::from_secs(5), || trio::lowlevel::checkpoint()).await?;
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub fn fail_after<T: Thunk>(
    timeout: Duration,
    thunk: T,
) -> Call<impl Future<Output = Result<T::Output, TooSlowError>> + use<T>> {
    scoped(ScopeCore::with_timeout(timeout), thunk, &FAIL, |value| value.ok_or(TooSlowError::new()))
}

/// Runs the thunk until `deadline` at the latest.
///
/// # Cancellation
///
/// As in the thunk. Its counterpart in Trio is `trio.fail_at`.
///
/// # Errors
///
/// [`TooSlowError`] if the time ran out and the thunk was cancelled for it.
pub fn fail_at<T: Thunk>(
    deadline: Instant,
    thunk: T,
) -> Call<impl Future<Output = Result<T::Output, TooSlowError>> + use<T>> {
    scoped(ScopeCore::with_deadline(deadline), thunk, &FAIL, |value| {
        value.ok_or(TooSlowError::new())
    })
}

/// Runs the thunk with cancellations from outside kept off.
///
/// For short work that must be finished; clean-up has [`finally`](crate::finally). A scope inside
/// can still be cancelled.
///
/// # Cancellation
///
/// A cancellation from outside waits until this is over. Its counterpart in Trio is
/// `trio.CancelScope(shield=True)`.
///
/// ```
/// # #[trio::task] async fn commit() { trio::lowlevel::checkpoint().await }
/// # #[trio::task] async fn example() {
/// trio::shield(commit).await;
/// # }
/// # trio::run(example);
/// ```
pub fn shield<T: Thunk>(thunk: T) -> Call<impl Future<Output = T::Output> + use<T>> {
    let core = ScopeCore::new();
    core.node().set_shielded(true);
    scoped(core, thunk, &SHIELD, |value| {
        value.expect("a shield is never cancelled itself, so it absorbs nothing")
    })
}
