//! Waiting in a lot.

use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::ptr;
use std::task::{Context as PollContext, Poll};

use super::ParkingLot;
use super::list::{State, Waiter};
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
    pub(super) fn new(lot: &'a ParkingLot, note: u64) -> Park<'a> {
        Park { lot, firm_once_moved: false, waiter: Waiter::new(note), _pinned: PhantomPinned }
    }
}

impl Park<'_> {
    /// Whether the task has been unparked, though the future may not have been polled since. For the
    /// `Drop` of a primitive that hands something over with the turn.
    pub fn is_unparked(&self) -> bool {
        self.waiter.state.get() == State::Unparked
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

    fn leave(&self) {
        // SAFETY: rule 1: a lot that goes lets its waiters go first, which clears this.
        if let Some(lot) = unsafe { self.waiter.lot.get().as_ref() } {
            lot.unlink(&self.waiter);
        }
        self.waiter.state.set(State::Idle);
        self.waiter.target.set(None);
    }

    /// Whether it is in a queue. One that was unwound and is polled again, as a foreign combinator can
    /// do, is not: for a primitive that has to look again before it parks anew.
    pub fn is_parked(&self) -> bool {
        self.waiter.state.get() == State::Parked
    }
}

impl Future for Park<'_> {
    type Output = Result<(), BrokenResourceError>;

    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<Self::Output> {
        let this = self.as_ref().get_ref();
        match this.waiter.state.get() {
            State::Idle => {
                context::task(|task| task.count_cancel_point());
                if context::cancelled() {
                    return context::unwind();
                }
                if let Some(error) = this.lot.0.broken() {
                    if points::schedule(cx) {
                        return Poll::Ready(Err(error));
                    }
                    this.waiter.error.set(Some(Box::new(error)));
                    this.waiter.state.set(State::Broken);
                    return context::wait();
                }
                context::task(|task| {
                    task.count_schedule_point();
                    task.set_waits_for(&"a parking lot");
                });
                this.waiter.target.set(Some(WakeTarget::current(cx)));
                this.waiter.state.set(State::Parked);
                this.lot.0.push(&this.waiter);
                context::wait()
            }
            State::Parked if context::cancelled() && !(this.firm_once_moved && this.is_moved()) => {
                this.leave();
                context::unwind()
            }
            State::Parked => {
                let target = this.waiter.target.take();
                let is_current = target.as_ref().is_some_and(|target| target.is_current(cx));
                this.waiter.target.set(target);
                if !is_current {
                    let target = WakeTarget::current(cx);
                    // A foreign waker may run arbitrary code when it is cloned.
                    if this.waiter.state.get() != State::Parked {
                        return self.poll(cx);
                    }
                    this.waiter.target.set(Some(target));
                }
                context::wait()
            }
            State::Unparked => {
                this.waiter.state.set(State::Idle);
                Poll::Ready(Ok(()))
            }
            State::Broken => {
                this.waiter.state.set(State::Idle);
                let error = this.waiter.error.take().expect("set together with the state");
                Poll::Ready(Err(*error))
            }
        }
    }
}

impl Drop for Park<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Park<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Park").field("unparked", &self.is_unparked()).finish_non_exhaustive()
    }
}
