//! Waiting in a lot.

use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::ptr;
use std::task::{Context as PollContext, Poll};

use super::ParkingLot;
use super::list::{Kind, State, Waiter};
use crate::runtime::context;
use crate::runtime::error::BrokenResourceError;
use crate::runtime::points;
use crate::runtime::wake::WakeTarget;

/// The future of [`ParkingLot::park`].
#[must_use = "futures do nothing unless awaited"]
pub struct Park<'a> {
    lot: &'a ParkingLot,
    firm_once_moved: bool,
    waiter: Waiter,
    _pinned: PhantomPinned,
}

impl<'a> Park<'a> {
    #[inline(always)]
    pub(super) fn new(lot: &'a ParkingLot, note: u64) -> Park<'a> {
        Park { lot, firm_once_moved: false, waiter: Waiter::new(note), _pinned: PhantomPinned }
    }
}

impl Park<'_> {
    /// Whether the task has been unparked, though the future may not have been polled since. For the
    /// `Drop` of a primitive that hands something over with the turn.
    pub fn is_unparked(&self) -> bool {
        self.waiter.kind() == Kind::Unparked
    }

    /// Whether the task waits in another lot than the one it has parked in, moved there by
    /// [`ParkingLot::repark`].
    pub fn is_moved(&self) -> bool {
        let lot = self.waiter.lot.get();
        !lot.is_null() && !ptr::eq(lot, &*self.lot.0)
    }

    /// Makes it a cancellation point only as long as the task waits in this lot. Once moved to
    /// another one it waits there until its turn comes: for a primitive whose caller must not miss
    /// what it was moved for.
    pub fn firm_once_moved(mut self) -> Self {
        self.firm_once_moved = true;
        self
    }

    /// Whether it is in a queue. One that was unwound and is polled again, as a foreign combinator can
    /// do, is not: for a primitive that has to look again before it parks anew.
    pub fn is_parked(&self) -> bool {
        self.waiter.kind() == Kind::Parked
    }
}

impl Future for Park<'_> {
    type Output = Result<(), BrokenResourceError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<Self::Output> {
        let this = self.as_ref().get_ref();
        match this.waiter.kind() {
            Kind::Unparked => {
                this.waiter.mark(State::Idle);
                Poll::Ready(Ok(()))
            }
            Kind::Idle => this.begin(cx),
            Kind::Parked | Kind::Broken => this.look_again(cx),
        }
    }
}

impl Park<'_> {
    /// The first poll, or the first after it was unwound.
    #[inline(never)]
    fn begin(&self, cx: &PollContext<'_>) -> Poll<Result<(), BrokenResourceError>> {
        context::task(|task| task.count_cancel_point());
        if context::cancelled() {
            return context::unwind();
        }
        if self.lot.0.is_broken() {
            return self.fail(cx);
        }
        let is_own = context::task(|task| {
            task.count_schedule_point();
            task.set_waits_for(&"a parking lot");
            self.waiter.mark(State::Parked(WakeTarget::of(task)));
            context::is_own_waker(cx, task)
        });
        self.lot.0.push(&self.waiter);
        if is_own {
            return context::wait();
        }
        // Only now that it is in the queue: a foreign waker may unpark it when it is cloned.
        self.look_again(cx)
    }

    #[cold]
    #[inline(never)]
    fn fail(&self, cx: &PollContext<'_>) -> Poll<Result<(), BrokenResourceError>> {
        let error = self.lot.0.broken().expect("the caller has looked");
        if points::schedule(cx) {
            return Poll::Ready(Err(error));
        }
        self.waiter.mark(State::Broken(Box::new(error)));
        context::wait()
    }

    /// It was not unparked, though it is polled again.
    #[inline(never)]
    fn look_again(&self, cx: &PollContext<'_>) -> Poll<Result<(), BrokenResourceError>> {
        loop {
            let is_current = match self.waiter.kind() {
                Kind::Parked => self.waiter.is_target(cx),
                Kind::Unparked => {
                    self.waiter.mark(State::Idle);
                    return Poll::Ready(Ok(()));
                }
                Kind::Idle => return self.begin(cx),
                Kind::Broken => match self.waiter.set(State::Idle) {
                    State::Broken(error) => return Poll::Ready(Err(*error)),
                    _ => unreachable!("just looked at"),
                },
            };
            if context::cancelled() && !(self.firm_once_moved && self.is_moved()) {
                self.waiter.clear();
                return context::unwind();
            }
            if !is_current {
                let target = WakeTarget::current(cx);
                // A foreign waker may run arbitrary code when it is cloned.
                if !self.is_parked() {
                    continue;
                }
                drop(self.waiter.set(State::Parked(target)));
            }
            return context::wait();
        }
    }
}

impl Drop for Park<'_> {
    #[inline]
    fn drop(&mut self) {
        self.waiter.clear();
    }
}

impl fmt::Debug for Park<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Park").field("unparked", &self.is_unparked()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::rc::Rc;

    use super::*;
    use crate::runtime::hostile;

    /// What comes of parking with a waker that calls `function` whatever is done with it.
    fn park_with(
        function: impl Fn(&ParkingLot) + 'static,
    ) -> Poll<Result<(), BrokenResourceError>> {
        crate::run(|| async {
            let lot = Rc::new(ParkingLot::new());
            let called = Rc::clone(&lot);
            hostile::set_call(move || function(&called));
            let waker = hostile::waker();
            let polled = pin!(lot.park()).poll(&mut PollContext::from_waker(&waker));
            drop(waker);
            hostile::clear_call();
            polled
        })
    }

    #[test]
    fn a_waker_that_unparks_when_it_is_cloned_is_not_too_early() {
        assert!(matches!(park_with(|lot| _ = lot.unpark_all()), Poll::Ready(Ok(()))));
    }

    #[test]
    fn a_waker_that_breaks_the_lot_when_it_is_cloned_leaves_nobody_in_it() {
        assert!(matches!(park_with(|lot| lot.break_lot("it")), Poll::Ready(Err(_))));
    }
}
