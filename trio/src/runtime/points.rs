//! The three checkpoint functions.
//!
//! A checkpoint is two things: a *cancellation point*, where a cancelled task unwinds, and a
//! *schedule point*, where the scheduler is asked. Asking is a call, not necessarily a suspension:
//! if nothing else is runnable and the turn's budget is not used up, the answer is "go on".
//!
//! Any other future becomes a whole checkpoint by being awaited in a task. These act for themselves:
//! half a checkpoint must stay a half.

use std::any::TypeId;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context as PollContext, Poll};

use super::context;
use super::park::Park;
use super::sleep::{Sleep, SleepForever};
use super::wake::WakeTarget;

/// A checkpoint: a cancellation point and a schedule point.
///
/// Put it where a task computes for long without awaiting anything.
///
/// # Cancellation
///
/// A cancellation point, before and after the scheduler is asked. Its counterpart in Trio is
/// `trio.lowlevel.checkpoint`.
///
/// # Panics
///
/// Outside a task.
///
/// ```
/// # trio::run(|| async {
/// for chunk in [1, 2, 3] {
///     // … work on it …
///     trio::lowlevel::checkpoint().await;
/// }
/// # });
/// ```
pub fn checkpoint() -> impl Future<Output = ()> {
    SchedulePoint { cancellable: true, asked: false }
}

/// Only the schedule point of a [`checkpoint`]. Not a cancellation point.
///
/// For the end of an operation that has already happened. Its counterpart in Trio is
/// `trio.lowlevel.cancel_shielded_checkpoint`.
///
/// # Panics
///
/// Outside a task.
pub fn cancel_shielded_checkpoint() -> impl Future<Output = ()> {
    SchedulePoint { cancellable: false, asked: false }
}

/// Only the cancellation point of a [`checkpoint`]: unwinds if cancelled, else goes straight on.
///
/// For the beginning of an operation. Its counterpart in Trio is
/// `trio.lowlevel.checkpoint_if_cancelled`.
///
/// # Panics
///
/// Outside a task.
pub fn checkpoint_if_cancelled() -> impl Future<Output = ()> {
    CancelPoint
}

#[must_use = "futures do nothing unless awaited"]
struct SchedulePoint {
    cancellable: bool,
    /// The scheduler has said "wait".
    asked: bool,
}

impl Future for SchedulePoint {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<()> {
        if self.cancellable {
            context::task(|task| task.count_cancel_point());
            if context::cancelled() {
                self.asked = false;
                return context::unwind();
            }
        }
        if self.asked || schedule(cx) {
            self.asked = false;
            return Poll::Ready(());
        }
        self.asked = true;
        context::wait()
    }
}

/// Asks the scheduler. `true`: go on; `false`: whoever polls has been put at the end of the queue.
#[inline]
pub(crate) fn schedule(cx: &PollContext<'_>) -> bool {
    context::task(|task| {
        task.count_schedule_point();
        if context::run(|run| run.may_go_on()) {
            return true;
        }
        task.set_waits_for(&"its turn");
        if context::is_own_waker(cx, task) {
            task.wake();
        } else {
            WakeTarget::current(cx).wake();
        }
        false
    })
}

struct CancelPoint;

impl Future for CancelPoint {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, _cx: &mut PollContext<'_>) -> Poll<()> {
        context::task(|task| task.count_cancel_point());
        if context::cancelled() { context::unwind() } else { Poll::Ready(()) }
    }
}

/// Whether `F` is the future of one of these functions, or another leaf that is itself a checkpoint, says
/// what it waits for, and polls nothing of others.
#[inline(always)]
pub(crate) fn acts_for_itself<F>() -> bool {
    let id = id_of::<F>();
    id == TypeId::of::<SchedulePoint>()
        || id == TypeId::of::<CancelPoint>()
        || id == TypeId::of::<Park<'_>>()
        || id == TypeId::of::<Sleep>()
        || id == TypeId::of::<SleepForever>()
}

/// The id of a type that may borrow: as if all its lifetimes were `'static`.
#[inline(always)]
fn id_of<F>() -> TypeId {
    trait Id {
        fn id(&self) -> TypeId
        where
            Self: 'static;
    }
    impl<F> Id for PhantomData<F> {
        #[inline(always)]
        fn id(&self) -> TypeId
        where
            Self: 'static,
        {
            TypeId::of::<F>()
        }
    }
    let marker: &dyn Id = &PhantomData::<F>;
    // SAFETY: this rests on no rule: the marker holds nothing, so that nothing borrowed is reached
    // through it, and a type's id does not depend on lifetimes.
    let marker = unsafe { std::mem::transmute::<&dyn Id, &(dyn Id + 'static)>(marker) };
    marker.id()
}
