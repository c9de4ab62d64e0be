//! Does an operation do what every async operation must?

use std::future::Future;
use std::panic::Location;

use crate::lowlevel::count_checkpoints;
use crate::{Call, Thunk};

/// Runs the thunk, and checks that it went through a cancellation point *and* a schedule point.
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
            match (cancel > 0, schedule > 0) {
                (false, false) => "there was no checkpoint at all",
                (false, true) => "there was a schedule point, but no cancellation point",
                _ => "there was a cancellation point, but no schedule point",
            }
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
