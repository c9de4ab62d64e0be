//! Whom to wake: a task of ours by pointer, or a foreign waker.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context as PollContext, Waker};

use super::context;
use super::report;
use super::task::{Header, TaskRef};

/// Whom to wake: a task of ours, straight; or whatever a foreign combinator has passed down.
pub(crate) struct WakeTarget {
    /// The one that has polled: with a waker of others, for those who ask who waits.
    task: TaskRef,
    foreign: Option<Waker>,
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
            let own = context::is_own_waker(cx, header);
            WakeTarget {
                task: TaskRef::from_header(header),
                foreign: (!own).then(|| cx.waker().clone()),
            }
        })
    }

    /// A task, straight.
    #[inline]
    pub(crate) fn of(task: &Header) -> WakeTarget {
        WakeTarget { task: TaskRef::from_header(task), foreign: None }
    }

    /// The task that waits.
    #[inline]
    pub(crate) fn task(&self) -> &TaskRef {
        &self.task
    }

    /// Whether a waker of others is called, which may run any code.
    #[inline]
    pub(crate) fn is_foreign(&self) -> bool {
        self.foreign.is_some()
    }

    /// Whether this target is already the one who polls with `cx`.
    #[inline]
    pub(crate) fn is_current(&self, cx: &PollContext<'_>) -> bool {
        match &self.foreign {
            None => context::is_own_waker(cx, &self.task),
            Some(waker) => {
                waker.will_wake(cx.waker())
                    && context::task(|header| std::ptr::eq(self.task.as_ptr(), header))
            }
        }
    }

    /// Wakes. A foreign waker that panics is reported and has no other consequence: what is being
    /// woken must not fail the one who wakes.
    #[inline]
    pub(crate) fn wake(self) {
        match self.foreign {
            None => self.task.wake(),
            Some(waker) => wake_foreign(waker),
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
