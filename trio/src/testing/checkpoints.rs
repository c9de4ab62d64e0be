//! Does an operation do what every async operation must?

use std::future::Future;
use std::panic::Location;

use crate::lowlevel::{count_checkpoints, current_task};
use crate::{Call, Thunk};

/// Runs the thunk, and checks that it went through a cancellation point *and* a schedule point.
///
/// What the thunk awaits in a task is a checkpoint by being awaited. To look at a future without that,
/// use [`assert_future_checkpoints`].
///
/// # Cancellation
///
/// As in the thunk. Its counterpart in Trio is `trio.testing.assert_checkpoints`.
///
/// # Panics
///
/// If the thunk has a value without having gone through both.
///
/// ```
/// # #[trio::task] async fn example() {
/// trio::testing::assert_checkpoints(|| trio::lowlevel::checkpoint()).await;
/// # }
/// # trio::run(example);
/// ```
#[track_caller]
pub fn assert_checkpoints<T: Thunk>(thunk: T) -> Call<impl Future<Output = T::Output> + use<T>> {
    let here = Location::caller();
    count_checkpoints(thunk, move |(cancel, schedule)| {
        assert!(
            cancel > 0 && schedule > 0,
            "assert_checkpoints at {here}: {}",
            whats_missing(cancel > 0, schedule > 0)
        );
    })
}

/// Runs the thunk, and checks that it went through neither a cancellation point nor a schedule
/// point.
///
/// # Cancellation
///
/// As in the thunk. Its counterpart in Trio is `trio.testing.assert_no_checkpoints`.
///
/// # Panics
///
/// If the thunk has a value and went through one of them.
#[track_caller]
pub fn assert_no_checkpoints<T: Thunk>(thunk: T) -> Call<impl Future<Output = T::Output> + use<T>> {
    let here = Location::caller();
    count_checkpoints(thunk, move |(cancel, schedule)| {
        assert!(
            cancel == 0 && schedule == 0,
            "assert_no_checkpoints at {here}: there were {cancel} cancellation points and \
             {schedule} schedule points"
        );
    })
}

/// Awaits the future, and checks that it is a checkpoint *by itself*.
///
/// Whatever a task awaits is a checkpoint: the `.await` sees to that, so that
/// [`assert_checkpoints`] finds nothing wrong with a future that never looks for a cancellation. Here
/// nothing is added: for the operations of one's own primitives, which others may await in a plain
/// `async fn`, or in a combinator.
///
/// # Cancellation
///
/// As in the future.
///
/// # Panics
///
/// If the future has a value without having gone through a cancellation point *and* a schedule point.
///
/// ```
/// # #[trio::task] async fn example() {
/// use trio::lowlevel::{cancel_shielded_checkpoint, checkpoint_if_cancelled};
///
/// /// Succeeds at once, and is a checkpoint all the same.
/// async fn operation() {
///     checkpoint_if_cancelled().await;
///     // … it happens here …
///     cancel_shielded_checkpoint().await;
/// }
///
/// trio::testing::assert_future_checkpoints(operation()).await;
/// # }
/// # trio::run(example);
/// ```
#[track_caller]
pub fn assert_future_checkpoints<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let here = Location::caller();
    async move {
        let before = current_task().checkpoints();
        let output = future.await;
        let after = current_task().checkpoints();
        let (cancel, schedule) = (after.0 != before.0, after.1 != before.1);
        assert!(
            cancel && schedule,
            "assert_future_checkpoints at {here}: {}",
            whats_missing(cancel, schedule)
        );
        output
    }
}

fn whats_missing(cancel: bool, schedule: bool) -> &'static str {
    match (cancel, schedule) {
        (false, false) => "there was no checkpoint at all",
        (false, true) => "there was a schedule point, but no cancellation point",
        _ => "there was a cancellation point, but no schedule point",
    }
}
