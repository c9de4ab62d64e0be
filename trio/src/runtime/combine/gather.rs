//! `gather`: any number of one kind, some at a time.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::Location;

use super::unwound;
use crate::runtime::awaiting::Checkpoint;
use crate::runtime::call::Call;
use crate::runtime::error::Error;
use crate::runtime::group::ErrorGroup;
use crate::runtime::nursery::NurseryGuard;
use crate::runtime::output::TaskOutput;
use crate::runtime::park::ParkingLot;
use crate::runtime::points;
use crate::runtime::task::{NamedAfter, flag};
use crate::runtime::trace::Site;

static GATHER: Site = Site::scope("gather");
static TRY_GATHER: Site = Site::scope("try_gather");

/// Runs the operations that an iterator gives, at most `limit` of them at once: their values, in the
/// iterator's order.
///
/// Each is a task of its own, which may borrow what outlives the call. The iterator is asked for the
/// next one when there is room for it, by the task that awaits this; so it may be as long as it likes,
/// and an operation does not exist before its turn. `usize::MAX` is no limit. A `Result` is a value like
/// any other here; [`try_gather`] ends with the first error.
///
/// Several operations of different types are run by [`join!`](crate::join!). Trio has no counterpart; there
/// it is a nursery and a `CapacityLimiter`.
///
/// # Cancellation
///
/// A checkpoint. When it is cancelled, no operation begins any more, those that run are unwound, and what
/// the others gave is dropped. If all have begun and end with a value all the same, the values are given.
///
/// # Panics
///
/// If `limit` is 0. A panic of an operation or of the iterator cancels the others and goes on when they
/// have ended.
///
/// ```
/// #[trio::task]
/// async fn length(word: &str) -> usize {
///     trio::lowlevel::checkpoint().await;
///     word.len()
/// }
///
/// # #[trio::task] async fn example() {
/// let words = [String::from("some"), String::from("words"), String::from("to"), String::from("borrow")];
/// let lengths = trio::gather(2, words.iter().map(|word| length(word))).await;
/// assert_eq!(lengths, [4, 5, 2, 6]);
/// # }
/// # trio::run(example);
/// ```
#[track_caller]
pub fn gather<I>(
    limit: usize,
    operations: I,
) -> Call<impl Future<Output = Vec<<I::Item as Checkpoint>::Output>>>
where
    I: IntoIterator<Item: Checkpoint>,
{
    let gathered = gathered(&GATHER, limit, operations, Ok);
    // SAFETY: rule 1: the frames go into tasks, and this one into a `Call`.
    unsafe {
        Call::new(async move {
            gathered.await.expect("whatever these children return is a value, and not an error")
        })
    }
}

/// [`gather`] for operations that may fail: the first error cancels the others.
///
/// # Cancellation
///
/// As [`gather`].
///
/// # Errors
///
/// The errors that there are by the time that all have ended, as a nursery gives them. The values of those
/// that have succeeded are dropped.
///
/// # Panics
///
/// As [`gather`].
///
/// ```
/// # #[trio::task] async fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
/// #     trio::lowlevel::checkpoint().await; text.parse() }
/// # #[trio::task] async fn example() {
/// let numbers = trio::try_gather(4, ["1", "2", "3"].map(parse)).await;
/// assert_eq!(numbers.unwrap(), [1, 2, 3]);
/// let group = trio::try_gather(4, ["1", "two"].map(parse)).await.unwrap_err();
/// assert!(group.find::<std::num::ParseIntError>().is_some());
/// # }
/// # trio::run(example);
/// ```
#[track_caller]
pub fn try_gather<I, V>(
    limit: usize,
    operations: I,
) -> Call<impl Future<Output = Result<Vec<V>, ErrorGroup>>>
where
    I: IntoIterator<Item: Checkpoint<Output: TaskOutput<Value = V>>>,
{
    // SAFETY: rule 1: the frames go into tasks, and this one into a `Call`.
    unsafe { Call::new(gathered(&TRY_GATHER, limit, operations, TaskOutput::into_result)) }
}

#[track_caller]
fn gathered<I, V>(
    site: &'static Site,
    limit: usize,
    operations: I,
    keep: fn(<I::Item as Checkpoint>::Output) -> Result<V, Error>,
) -> impl Future<Output = Result<Vec<V>, ErrorGroup>>
where
    I: IntoIterator<Item: Checkpoint>,
{
    assert!(
        limit > 0,
        "nothing can run with a limit of 0: give at least 1, or `usize::MAX` for none"
    );
    let at = Location::caller();
    async move {
        let room = Room { left: Cell::new(limit), waiting: ParkingLot::new() };
        let values = RefCell::new(Vec::new());
        // SAFETY: rules 2 and 4: bound in a task's frame, where it stays, before there are any
        // children, and joined in the same frame.
        let guard = unsafe { NurseryGuard::new(site) };
        let n = guard.open();
        let body = async {
            let mut operations = operations.into_iter();
            loop {
                let place = room.enter().await;
                let Some(operation) = operations.next() else {
                    return Ok(());
                };
                let index = values.borrow().len();
                values.borrow_mut().push(None);
                // SAFETY: rule 1: the frame goes straight into a task.
                let frame = unsafe { operation.into_frame() };
                let values = &values;
                let kept = async move {
                    let _place = place;
                    let value = keep(frame.await)?;
                    values.borrow_mut()[index] = Some(value);
                    Ok::<(), Error>(())
                };
                type Named<C> = NamedAfter<<C as Checkpoint>::Frame>;
                n.spawn_frame::<Named<I::Item>, _>(kept, at, flag::HANDLE, None);
            }
        };
        // SAFETY: as above.
        unsafe { guard.join(body, Some(())) }.await?;
        match values.take().into_iter().collect() {
            Some(values) => Ok(values),
            None => unwound().await,
        }
    }
}

/// How many may still begin.
struct Room {
    left: Cell<usize>,
    waiting: ParkingLot,
}

/// The place of one that runs, until it is dropped.
struct Place<'a>(&'a Room);

impl Room {
    /// Takes a place when there is one. A cancellation point each time, so that nothing more begins once
    /// one has failed.
    async fn enter(&self) -> Place<'_> {
        points::checkpoint_if_cancelled().await;
        while self.left.get() == 0 {
            self.waiting.park().await.expect("nobody breaks this lot");
            points::checkpoint_if_cancelled().await;
        }
        self.left.set(self.left.get() - 1);
        Place(self)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.left.set(self.0.left.get() + 1);
        self.0.waiting.unpark(1);
    }
}
