//! The one way to block on something that is not a queue.
//!
//! ```text
//!             setup runs                  resume(value)
//!   New ───────────────────▶ Blocked ────────────────────▶ Resumed ──▶ (ready: the value)
//!                              │  │
//!                 cancelled,   │  │ cancelled, abort says Failed:
//!         abort says Succeeded │  │ stays blocked, is not asked again
//!                              ▼  ▼
//!                         (unwinds)  … resume(value) or resume_cancelled()
//! ```
//!
//! A future that is dropped while it is blocked, as a combinator does to the loser of a race, calls
//! the operation off, too; there the answer makes no difference.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as PollContext, Poll};

use super::context;
use super::report;
use super::wake::WakeTarget;

/// What an abort callback answers when the task is cancelled while it is blocked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Abort {
    /// The operation was called off and will not happen: the task unwinds.
    Succeeded,
    /// It cannot be called off now: the task stays blocked until it is resumed.
    Failed,
}

enum State<T> {
    Blocked,
    Resumed(T),
    ResumedCancelled,
    /// The resumer was dropped.
    Abandoned,
    Over,
}

struct Shared<T> {
    state: RefCell<State<T>>,
    target: Cell<Option<WakeTarget>>,
}

impl<T> Shared<T> {
    fn settle(&self, state: State<T>) {
        let mut current = self.state.borrow_mut();
        if matches!(*current, State::Blocked) {
            *current = state;
            drop(current);
            if let Some(target) = self.target.take() {
                target.wake();
            }
        }
    }
}

/// Lets a task go on that is blocked in [`suspend`]: exactly once, from anywhere in the run.
///
/// From another thread use [`TrioToken::call_soon`](crate::lowlevel::TrioToken::call_soon).
/// Dropping it without using it is a bug, and makes the suspended task panic.
pub struct Resumer<T>(Rc<Shared<T>>);

impl<T> Resumer<T> {
    /// Lets the task go on with `value`. If the task is no longer blocked the value is dropped.
    pub fn resume(self, value: T) {
        self.0.settle(State::Resumed(value));
    }

    /// Lets a task unwind whose abort callback answered [`Abort::Failed`] earlier.
    ///
    /// The cancellation is delivered even if the task has been shielded since. If no cancellation
    /// was ever delivered to the block this is a misuse, and the suspended task panics.
    pub fn resume_cancelled(self) {
        self.0.settle(State::ResumedCancelled);
    }

    /// Whether the task still waits to be resumed.
    pub fn is_waiting(&self) -> bool {
        matches!(*self.0.state.borrow(), State::Blocked)
    }
}

impl<T> Drop for Resumer<T> {
    fn drop(&mut self) {
        self.0.settle(State::Abandoned);
    }
}

impl<T> fmt::Debug for Resumer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resumer").field("waiting", &self.is_waiting()).finish()
    }
}

/// Blocks the task until its [`Resumer`] is used. Every other way to wait for something that is not
/// a queue (see [`ParkingLot`](crate::lowlevel::ParkingLot)) or a descriptor can be built from it.
///
/// `setup` is called when the task blocks; it stores the resumer where it will be found, and returns
/// the abort callback. That is called at most once, if the task is cancelled while it is blocked: it
/// has to call the operation off and answer [`Abort::Succeeded`], or to answer [`Abort::Failed`]. If
/// the future is dropped while it is blocked, as the loser of a race is, the callback is called
/// likewise, though nobody waits for what it answers.
///
/// # Cancellation
///
/// A cancellation point, before `setup` is called and, as the abort callback decides, while blocked.
/// A task that has been resumed does not look for a cancellation any more.
///
/// # Panics
///
/// Outside a task; if the resumer is dropped without being used; if the abort callback panics; and if it
/// was unwound and is awaited again outside of the scope that was cancelled.
///
/// Its counterpart in Trio is `trio.lowlevel.wait_task_rescheduled`, with `reschedule`.
///
/// ```
/// use trio::lowlevel::{Abort, suspend};
/// use std::cell::Cell;
///
/// # #[trio::task] async fn resume(place: &Cell<Option<trio::lowlevel::Resumer<u32>>>) {
/// #     trio::lowlevel::checkpoint().await;
/// #     place.take().unwrap().resume(7) }
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let place = Cell::new(None);
/// trio::nursery!(|n| {
///     n.spawn(resume, &place);
///     let value = suspend(|resumer| {
///         place.set(Some(resumer));
///         || {
///             drop(place.take());
///             Abort::Succeeded
///         }
///     })
///     .await;
///     assert_eq!(value, 7);
/// })?;
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub fn suspend<T, S, A>(setup: S) -> Suspend<T, S, A>
where
    S: FnOnce(Resumer<T>) -> A,
    A: FnMut() -> Abort,
{
    Suspend { setup: Some(setup), abort: None, aborted: false, shared: None }
}

/// The future of [`suspend`].
#[must_use = "futures do nothing unless awaited"]
pub struct Suspend<T, S, A>
where
    S: FnOnce(Resumer<T>) -> A,
    A: FnMut() -> Abort,
{
    setup: Option<S>,
    abort: Option<A>,
    /// A cancellation was delivered: the abort callback is not called again.
    aborted: bool,
    shared: Option<Rc<Shared<T>>>,
}

// Nothing in it is borrowed by address.
impl<T, S, A> Unpin for Suspend<T, S, A>
where
    S: FnOnce(Resumer<T>) -> A,
    A: FnMut() -> Abort,
{
}

impl<T, S, A> Future for Suspend<T, S, A>
where
    S: FnOnce(Resumer<T>) -> A,
    A: FnMut() -> Abort,
{
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<T> {
        let this = &mut *self;
        let Some(shared) = &this.shared else {
            context::task(|task| task.count_cancel_point());
            if context::cancelled() {
                return context::unwind();
            }
            context::task(|task| {
                task.count_schedule_point();
                task.set_waits_for(&"a resumer");
            });
            let shared = Rc::new(Shared {
                state: RefCell::new(State::Blocked),
                target: Cell::new(Some(WakeTarget::current(cx))),
            });
            let setup = this.setup.take().expect("a future is not polled after it was ready");
            this.abort = Some(setup(Resumer(Rc::clone(&shared))));
            this.shared = Some(shared);
            return context::wait();
        };
        loop {
            let state = std::mem::replace(&mut *shared.state.borrow_mut(), State::Over);
            match state {
                State::Resumed(value) => return Poll::Ready(value),
                State::ResumedCancelled if this.aborted => {
                    // A future that a foreign combinator polls again unwinds again.
                    *shared.state.borrow_mut() = State::ResumedCancelled;
                    return context::unwind_further();
                }
                State::ResumedCancelled => {
                    panic!("`resume_cancelled` was called on a task that was not cancelled")
                }
                State::Abandoned => {
                    panic!("the `Resumer` of this task was dropped: nothing could have woken it")
                }
                State::Over if this.aborted => return context::unwind_further(),
                State::Over => panic!("a suspension is not polled after it was ready"),
                State::Blocked => {}
            }
            // Blocked again before user code runs: the callback may resume, or drop the resumer.
            *shared.state.borrow_mut() = State::Blocked;
            if this.aborted || !context::cancelled() {
                let target = WakeTarget::current(cx);
                // A foreign waker may run arbitrary code when it is cloned.
                if !matches!(*shared.state.borrow(), State::Blocked) {
                    continue;
                }
                shared.target.set(Some(target));
                return context::wait();
            }
            this.aborted = true;
            let abort = this.abort.as_mut().expect("set together with `shared`");
            if abort() == Abort::Succeeded {
                *shared.state.borrow_mut() = State::Over;
                return context::unwind();
            }
        }
    }
}

impl<T, S, A> Drop for Suspend<T, S, A>
where
    S: FnOnce(Resumer<T>) -> A,
    A: FnMut() -> Abort,
{
    fn drop(&mut self) {
        let Some(shared) = &self.shared else {
            return;
        };
        let state = std::mem::replace(&mut *shared.state.borrow_mut(), State::Over);
        if let (State::Blocked, false, Some(abort)) = (state, self.aborted, &mut self.abort)
            && let Err(payload) = catch_unwind(AssertUnwindSafe(abort))
        {
            report::panicked("an abort callback", &*payload);
            report::discard(payload);
        }
    }
}

impl<T, S, A> fmt::Debug for Suspend<T, S, A>
where
    S: FnOnce(Resumer<T>) -> A,
    A: FnMut() -> Abort,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suspend").field("blocked", &self.shared.is_some()).finish_non_exhaustive()
    }
}
