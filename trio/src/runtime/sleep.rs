//! Sleeping.

use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context as PollContext, Poll};
use std::time::Duration;

use super::context;
use super::deadlines::{Action, Timer};
use super::instant::Instant;
use super::points;
use super::task::flag;
use super::wake::WakeTarget;

/// Sleeps for `duration`, counted from when it is awaited. Zero is exactly one checkpoint.
///
/// # Cancellation
///
/// A checkpoint. Its counterpart in Trio is `trio.sleep`.
///
/// # Panics
///
/// Outside a task.
///
/// ```
/// # trio::run(|| async {
/// trio::sleep(std::time::Duration::from_millis(1)).await;
/// # });
/// ```
pub fn sleep(duration: Duration) -> Sleep {
    Sleep::new(When::After(duration))
}

/// Sleeps until `deadline`. One that has passed is exactly one checkpoint.
///
/// # Cancellation
///
/// A checkpoint. Its counterpart in Trio is `trio.sleep_until`.
///
/// # Panics
///
/// Outside a task.
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep::new(When::At(deadline))
}

/// Sleeps until it is cancelled.
///
/// # Cancellation
///
/// A checkpoint. Its counterpart in Trio is `trio.sleep_forever`.
///
/// # Panics
///
/// Outside a task.
pub fn sleep_forever() -> SleepForever {
    SleepForever { asked: false }
}

#[derive(Clone, Copy, Debug)]
enum When {
    After(Duration),
    At(Instant),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    /// The timer is armed, or has fired.
    Asleep,
    /// There was nothing to wait for; the scheduler lets others go first.
    Yielding,
}

/// The future of [`sleep`] and [`sleep_until`].
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    when: When,
    state: State,
    timer: Timer,
    _pinned: PhantomPinned,
}

impl Sleep {
    fn new(when: When) -> Sleep {
        Sleep { when, state: State::New, timer: Timer::new(), _pinned: PhantomPinned }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<()> {
        // SAFETY: rule 1: nothing is moved out; the timer stays where it is.
        let this = unsafe { self.get_unchecked_mut() };
        match this.state {
            State::New => {
                context::task(|task| task.count_cancel_point());
                if context::cancelled() {
                    return context::unwind();
                }
                let waits = context::run(|run| {
                    let (deadline, waits) = match this.when {
                        When::After(duration) if duration.is_zero() => (Instant::FAR_FUTURE, false),
                        When::After(duration) => (run.clock().now().saturating_add(duration), true),
                        When::At(deadline) => (deadline, deadline > run.clock().now()),
                    };
                    if waits {
                        let action = Action::Wake(WakeTarget::current(cx));
                        // SAFETY: rule 1: the timer is pinned, and disarmed when it is dropped.
                        unsafe { run.deadlines().arm(&this.timer, deadline, action) };
                    }
                    waits
                });
                if waits {
                    context::task(|task| {
                        task.count_schedule_point();
                        task.set_waits_for(&"a time");
                    });
                    this.state = State::Asleep;
                    this.note_that_it_lasts();
                } else if points::schedule(cx) {
                    return Poll::Ready(());
                } else {
                    this.state = State::Yielding;
                }
                context::wait()
            }
            State::Asleep if !this.timer.is_armed() && !this.lasts_forever() => {
                this.state = State::New;
                Poll::Ready(())
            }
            State::Asleep if context::cancelled() => {
                this.timer.disarm();
                this.state = State::New;
                context::unwind()
            }
            State::Asleep => {
                if this.timer.is_armed() {
                    this.timer.set_action(Action::Wake(WakeTarget::current(cx)));
                }
                this.note_that_it_lasts();
                context::wait()
            }
            State::Yielding if context::cancelled() => {
                this.state = State::New;
                context::unwind()
            }
            State::Yielding => {
                this.state = State::New;
                Poll::Ready(())
            }
        }
    }
}

impl Sleep {
    /// Without a timer it is a `sleep_forever`.
    fn note_that_it_lasts(&self) {
        if !self.timer.is_armed() {
            context::task(|task| task.set(flag::WAITS_FOR_EVER));
        }
    }

    /// A time beyond the clock's range is never armed.
    fn lasts_forever(&self) -> bool {
        match self.when {
            When::After(duration) => duration.as_nanos() > i64::MAX as u128 / 2,
            When::At(deadline) => deadline == Instant::FAR_FUTURE,
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("when", &self.when).finish_non_exhaustive()
    }
}

/// The future of [`sleep_forever`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct SleepForever {
    asked: bool,
}

impl Future for SleepForever {
    /// It never gives it; a plain `()` fits wherever a body or function ends with it.
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _cx: &mut PollContext<'_>) -> Poll<()> {
        let first = !std::mem::replace(&mut self.asked, true);
        if first {
            context::task(|task| task.count_cancel_point());
        }
        if context::cancelled() {
            self.asked = false;
            return context::unwind();
        }
        context::task(|task| {
            if first {
                task.count_schedule_point();
            }
            task.set(flag::WAITS_FOR_EVER);
            task.set_waits_for(&"ever");
        });
        context::wait()
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Waker;

    use super::*;
    use crate::runtime::hostile;

    #[test]
    fn a_waker_may_sleep_whatever_is_done_with_it() {
        crate::run(|| async {
            let mut slept = pin!(sleep(Duration::from_millis(1)));
            poll_fn(|_| {
                hostile::set_call(|| {
                    // Arms a timer, and disarms it.
                    let mut cx = PollContext::from_waker(Waker::noop());
                    assert!(pin!(sleep(Duration::from_secs(3600))).poll(&mut cx).is_pending());
                });
                for _ in 0..2 {
                    let waker = hostile::waker();
                    let mut cx = PollContext::from_waker(&waker);
                    assert!(slept.as_mut().poll(&mut cx).is_pending());
                }
                Poll::Ready(())
            })
            .await;
            // The time comes, which wakes it.
            sleep(Duration::from_millis(2)).await;
            hostile::clear_call();
            slept.await;
        });
    }
}
