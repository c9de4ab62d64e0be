//! Waiting for a turn that must not be lost.
//!
//! A foreign combinator may drop the future of one whose turn has come before it is polled again, as
//! `select!` does to the loser of a race. What was handed over with the turn is then passed on.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as PollContext, Poll};

use super::error::BrokenResourceError;
use super::park::Park;

impl<'a> Park<'a> {
    /// Calls `pass_on` if the future is dropped between being unparked and being polled: for what is
    /// handed over with the turn, and must not be lost with it.
    ///
    /// ```
    /// # use std::cell::Cell;
    /// # use trio::lowlevel::ParkingLot;
    /// # struct Tickets { free: Cell<usize>, waiting: ParkingLot }
    /// # impl Tickets {
    /// async fn take(&self) {
    ///     if self.free.get() > 0 {
    ///         self.free.set(self.free.get() - 1);
    ///     } else {
    ///         let parked = self.waiting.park().passing_on(|| self.give_back());
    ///         parked.await.expect("nobody breaks this lot");
    ///     }
    /// }
    ///
    /// fn give_back(&self) {
    ///     if self.waiting.unpark(1) == 0 {
    ///         self.free.set(self.free.get() + 1);
    ///     }
    /// }
    /// # }
    /// ```
    #[inline(always)]
    pub fn passing_on<F: FnOnce()>(self, pass_on: F) -> PassingOn<'a, F> {
        PassingOn { park: self, pass_on: Some(pass_on) }
    }
}

/// The future of [`Park::passing_on`].
#[must_use = "futures do nothing unless awaited"]
pub struct PassingOn<'a, F: FnOnce()> {
    park: Park<'a>,
    pass_on: Option<F>,
}

impl<F: FnOnce()> Future for PassingOn<'_, F> {
    type Output = Result<(), BrokenResourceError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<Self::Output> {
        // SAFETY: rule 1: `park` is pinned with the whole and never moved out.
        unsafe { self.map_unchecked_mut(|this| &mut this.park) }.poll(cx)
    }
}

impl<F: FnOnce()> Drop for PassingOn<'_, F> {
    #[inline]
    fn drop(&mut self) {
        if self.park.is_unparked()
            && let Some(pass_on) = self.pass_on.take()
        {
            pass_on();
        }
    }
}

impl<F: FnOnce()> fmt::Debug for PassingOn<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PassingOn").field(&self.park).finish()
    }
}
