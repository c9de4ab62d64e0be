//! What happens when every task is blocked.
//!
//! The run is *primed* when it goes to poll with nothing runnable while somebody waits for that: for
//! the smallest cushion of those in `wait_all_tasks_blocked`, or else for the clock's autojump
//! threshold. If the poll then comes back with nothing, that time has passed undisturbed.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as PollContext, Poll};
use std::time::Duration;

use super::context;
use super::run::Run;
use super::wake::WakeTarget;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Primed {
    #[default]
    No,
    /// For those who wait with this cushion.
    Waiters(Duration),
    Autojump,
}

struct Waiter {
    cushion: Duration,
    served: Cell<bool>,
    target: Cell<Option<WakeTarget>>,
}

#[derive(Default)]
pub(crate) struct Idle {
    primed: Cell<Primed>,
    waiters: RefCell<Vec<Rc<Waiter>>>,
}

impl Idle {
    /// Something happened.
    pub(crate) fn disturb(&self) {
        self.primed.set(Primed::No);
    }

    /// The poll has found nothing, and nothing is runnable.
    pub(crate) fn serve(&self, run: &Run) {
        match self.primed.take() {
            Primed::No => {}
            Primed::Waiters(cushion) => {
                let served: Vec<Rc<Waiter>> = self
                    .waiters
                    .borrow_mut()
                    .extract_if(.., |waiter| waiter.cushion == cushion)
                    .collect();
                for waiter in served {
                    waiter.served.set(true);
                    if let Some(target) = waiter.target.take() {
                        target.wake();
                    }
                }
            }
            Primed::Autojump => run.jump(),
        }
    }

    /// How long to poll: until the deadline, or until the idle time is over if that is earlier.
    pub(crate) fn limit(
        &self,
        until_deadline: Option<Duration>,
        threshold: Option<Duration>,
        has_deadline: bool,
    ) -> Option<Duration> {
        let cushion = self.waiters.borrow().iter().map(|waiter| waiter.cushion).min();
        let (primed, limit) = match (cushion, threshold) {
            (Some(cushion), _) => (Primed::Waiters(cushion), cushion),
            (None, Some(threshold)) if has_deadline => (Primed::Autojump, threshold),
            _ => return until_deadline,
        };
        match until_deadline {
            Some(deadline) if deadline <= limit => until_deadline,
            _ => {
                self.primed.set(primed);
                Some(limit)
            }
        }
    }
}

/// Waits until every other task of the run has been blocked for `cushion` of real time. Of several who
/// wait, those with the smallest cushion go on first.
///
/// What [`testing::wait_all_tasks_blocked`](crate::testing::wait_all_tasks_blocked) is made of.
///
/// # Cancellation
///
/// A checkpoint.
///
/// # Panics
///
/// Outside a task.
///
/// ```
/// # use std::time::Duration;
/// # #[trio::task] async fn example() {
/// trio::lowlevel::all_tasks_blocked(Duration::ZERO).await;
/// # }
/// # trio::run(example);
/// ```
pub fn all_tasks_blocked(cushion: Duration) -> impl Future<Output = ()> {
    AllBlocked { cushion, waiter: None }
}

struct AllBlocked {
    cushion: Duration,
    waiter: Option<Rc<Waiter>>,
}

impl AllBlocked {
    fn leave(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            context::try_run(|run| {
                if let Some(run) = run {
                    run.idle().waiters.borrow_mut().retain(|other| !Rc::ptr_eq(other, &waiter));
                }
            });
        }
    }
}

impl Future for AllBlocked {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<()> {
        if let Some(waiter) = &self.waiter {
            if waiter.served.get() {
                self.waiter = None;
                return Poll::Ready(());
            }
            if context::cancelled() {
                self.leave();
                return context::unwind();
            }
            waiter.target.set(Some(WakeTarget::current(cx)));
            return context::wait();
        }
        context::task(|task| task.count_cancel_point());
        if context::cancelled() {
            return context::unwind();
        }
        context::task(|task| {
            task.count_schedule_point();
            task.set_waits_for(&"all other tasks to be blocked");
        });
        let waiter = Rc::new(Waiter {
            cushion: self.cushion,
            served: Cell::new(false),
            target: Cell::new(Some(WakeTarget::current(cx))),
        });
        context::run(|run| run.idle().waiters.borrow_mut().push(Rc::clone(&waiter)));
        self.waiter = Some(waiter);
        context::wait()
    }
}

impl Drop for AllBlocked {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;

    use super::*;
    use crate::runtime::hostile;

    #[test]
    fn a_waker_may_wait_for_all_tasks_to_be_blocked_whatever_is_done_with_it() {
        crate::run(|| async {
            poll_fn(|_| {
                hostile::set_call(|| {
                    // Joins those who wait, and leaves them.
                    let mut cx = PollContext::from_waker(std::task::Waker::noop());
                    assert!(pin!(all_tasks_blocked(Duration::ZERO)).poll(&mut cx).is_pending());
                });
                let mut waits = pin!(all_tasks_blocked(Duration::from_secs(3600)));
                for _ in 0..2 {
                    let waker = hostile::waker();
                    let mut cx = PollContext::from_waker(&waker);
                    assert!(waits.as_mut().poll(&mut cx).is_pending());
                }
                Poll::Ready(())
            })
            .await;
            all_tasks_blocked(Duration::ZERO).await;
            hostile::clear_call();
        });
    }
}
