//! Whom to wake: a task of ours by pointer, or a foreign waker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context as PollContext, Waker};

use super::context;
use super::report;
use super::task::TaskRef;

/// Whom to wake: a task of ours, straight; or whatever a foreign combinator has passed down.
pub(crate) enum WakeTarget {
    Task(TaskRef),
    /// The task is the one that has polled, for those who ask who waits.
    Foreign {
        task: TaskRef,
        waker: Waker,
    },
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
        context::task(|header| {
            let task = TaskRef::from_header(header);
            if context::is_own_waker(cx, header) {
                WakeTarget::Task(task)
            } else {
                WakeTarget::Foreign { task, waker: cx.waker().clone() }
            }
        })
    }

    /// The task that waits.
    #[inline]
    pub(crate) fn task(&self) -> &TaskRef {
        match self {
            WakeTarget::Task(task) | WakeTarget::Foreign { task, .. } => task,
        }
    }

    /// Whether this target is already the one who polls with `cx`.
    #[inline]
    pub(crate) fn is_current(&self, cx: &PollContext<'_>) -> bool {
        match self {
            WakeTarget::Task(task) => context::is_own_waker(cx, task),
            WakeTarget::Foreign { task, waker } => {
                waker.will_wake(cx.waker())
                    && context::task(|header| std::ptr::eq(task.as_ptr(), header))
            }
        }
    }

    /// Wakes. A foreign waker that panics is reported and has no other consequence: what is being
    /// woken must not fail the one who wakes.
    #[inline]
    pub(crate) fn wake(self) {
        match self {
            WakeTarget::Task(task) => task.wake(),
            WakeTarget::Foreign { waker, .. } => wake_foreign(waker),
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
