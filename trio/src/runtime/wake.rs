//! Whom to wake: a task of ours by pointer, or a foreign waker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context as PollContext, Waker};

use super::context;
use super::report;
use super::task::TaskRef;

/// Whom to wake: a task of ours, straight; or whatever a foreign combinator has passed down.
pub(crate) enum WakeTarget {
    Task(TaskRef),
    Foreign(Waker),
}

impl WakeTarget {
    /// Whoever polls with `cx`.
    ///
    /// # Panics
    ///
    /// Outside a task.
    #[inline]
    #[track_caller]
    pub(crate) fn current(cx: &PollContext<'_>) -> WakeTarget {
        context::task(|task| {
            if context::is_own_waker(cx, task) {
                WakeTarget::Task(TaskRef::from_header(task))
            } else {
                WakeTarget::Foreign(cx.waker().clone())
            }
        })
    }

    /// Whether this target is already the one who polls with `cx`.
    #[inline]
    pub(crate) fn is_current(&self, cx: &PollContext<'_>) -> bool {
        match self {
            WakeTarget::Task(task) => context::is_own_waker(cx, task),
            WakeTarget::Foreign(waker) => waker.will_wake(cx.waker()),
        }
    }

    /// Wakes. A foreign waker that panics is reported and has no other consequence: what is being
    /// woken must not fail the one who wakes.
    #[inline]
    pub(crate) fn wake(self) {
        match self {
            WakeTarget::Task(task) => task.wake(),
            WakeTarget::Foreign(waker) => wake_foreign(waker),
        }
    }
}

#[cold]
fn wake_foreign(waker: Waker) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
        report::panicked("a waker", &*payload);
        report::discard(payload);
    }
}
