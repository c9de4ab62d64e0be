//! Waiting for one direction of a descriptor.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as PollContext, Poll};

use super::sources::{Direction, Source};
use crate::runtime::context;
use crate::runtime::error::{BusyResourceError, ClosedResourceError};
use crate::runtime::points;
use crate::runtime::wake::WakeTarget;

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Waiting,
    /// It was ready, or has failed, at once; the scheduler lets others go first.
    Yielding,
}

/// Waits for one direction of a source.
pub(super) struct Ready {
    source: Rc<Source>,
    direction: Direction,
    state: State,
    /// What it has failed with, until others have gone first.
    error: Option<io::Error>,
}

impl Ready {
    pub(super) fn new(source: Rc<Source>, direction: Direction) -> Ready {
        Ready { source, direction, state: State::New, error: None }
    }

    /// What it is ready with: the event that has come, or why none will.
    #[inline]
    fn outcome(&self) -> Option<io::Result<()>> {
        if self.source.closed.get() {
            return Some(Err(ClosedResourceError::new().into()));
        }
        if let Some(code) = self.source.error.get() {
            return Some(Err(io::Error::from_raw_os_error(code)));
        }
        self.source.side(self.direction).ready.get().then_some(Ok(()))
    }

    /// What it is ready with when it begins.
    #[inline]
    fn first_outcome(&self) -> Option<io::Result<()>> {
        match self.outcome() {
            Some(Err(error)) => Some(Err(error)),
            _ if self.source.side(self.direction).busy.get() => {
                Some(Err(BusyResourceError::new().into()))
            }
            outcome => outcome,
        }
    }

    /// Has whoever polls with `cx` woken: there is no outcome yet. A foreign waker is cloned by code of
    /// others, which may close the source, or wait for it itself: so that is looked at once more.
    #[inline]
    fn set_target(
        &self,
        cx: &PollContext<'_>,
        outcome: impl FnOnce(&Ready) -> Option<io::Result<()>>,
    ) -> Option<io::Result<()>> {
        let target = WakeTarget::current(cx);
        if target.is_foreign()
            && let Some(outcome) = outcome(self)
        {
            return Some(outcome);
        }
        self.source.side(self.direction).target.set(Some(target));
        None
    }

    fn leave(&mut self) {
        if self.state == State::Waiting {
            self.source.end_wait(self.direction);
        }
        self.state = State::New;
    }
}

impl Future for Ready {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<io::Result<()>> {
        match self.state {
            State::New => {
                context::task(|task| task.count_cancel_point());
                if context::cancelled() {
                    return context::unwind();
                }
                let outcome = self.first_outcome();
                if let Some(outcome) = outcome.or_else(|| self.set_target(cx, Ready::first_outcome))
                {
                    if points::schedule(cx) {
                        return Poll::Ready(outcome);
                    }
                    self.error = outcome.err();
                    self.state = State::Yielding;
                    return context::wait();
                }
                context::task(|task| {
                    task.count_schedule_point();
                    task.set_waits_for(match self.direction {
                        Direction::Read => &"a descriptor to be readable",
                        Direction::Write => &"a descriptor to be writable",
                    });
                });
                self.source.begin_wait(self.direction);
                self.state = State::Waiting;
                context::wait()
            }
            State::Yielding => {
                self.state = State::New;
                Poll::Ready(self.error.take().map_or(Ok(()), Err))
            }
            State::Waiting => {
                let outcome = match self.outcome() {
                    None if context::cancelled() => {
                        self.leave();
                        return context::unwind();
                    }
                    None => self.set_target(cx, Ready::outcome),
                    outcome => outcome,
                };
                let Some(outcome) = outcome else {
                    return context::wait();
                };
                self.leave();
                Poll::Ready(outcome)
            }
        }
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::pin::pin;
    use std::rc::Rc;
    use std::task::Waker;

    use super::*;
    use crate::is_error;
    use crate::lowlevel::IoSource;
    use crate::runtime::hostile;

    /// A source that is not ready, and the other side.
    fn source() -> (Rc<IoSource>, (UnixStream, UnixStream)) {
        let (near, far) = UnixStream::pair().unwrap();
        let source = IoSource::new(near.as_fd()).unwrap();
        source.would_block_reading();
        (Rc::new(source), (near, far))
    }

    fn poll_with(
        waker: &Waker,
        future: Pin<&mut impl Future<Output = io::Result<()>>>,
    ) -> Poll<io::Result<()>> {
        future.poll(&mut PollContext::from_waker(waker))
    }

    async fn in_a_task(mut f: impl FnMut()) {
        poll_fn(|_| {
            f();
            Poll::Ready(())
        })
        .await;
    }

    #[test]
    fn a_waker_that_closes_the_source_when_it_is_cloned_leaves_nobody_waiting() {
        crate::run(|| {
            in_a_task(|| {
                for first in [true, false] {
                    let (source, _streams) = source();
                    let mut waits = pin!(source.readable());
                    let closing = Rc::clone(&source);
                    if !first {
                        assert!(poll_with(&hostile::waker(), waits.as_mut()).is_pending());
                    }
                    hostile::set_call(move || closing.notify_closing());
                    let polled = poll_with(&hostile::waker(), waits);
                    hostile::clear_call();
                    assert!(matches!(
                        polled,
                        Poll::Ready(Err(error)) if is_error::<ClosedResourceError>(&error)
                    ));
                }
            })
        });
    }

    #[test]
    fn a_waker_that_waits_for_the_source_when_it_is_cloned_is_not_forgotten() {
        crate::run(|| {
            in_a_task(|| {
                let (source, _streams) = source();
                let other = Rc::new(Cell::new(Some(Box::pin(source.readable()))));
                let inside = Rc::clone(&other);
                hostile::set_call(move || {
                    let mut waits = inside.take().unwrap();
                    assert!(poll_with(Waker::noop(), waits.as_mut()).is_pending());
                    inside.set(Some(waits));
                });
                let polled = poll_with(&hostile::waker(), pin!(source.readable()));
                hostile::clear_call();
                // The first one to wait is the one that waits.
                assert!(matches!(
                    polled,
                    Poll::Ready(Err(error)) if is_error::<BusyResourceError>(&error)
                ));
                source.notify_closing();
                let mut waits = other.take().unwrap();
                assert!(poll_with(Waker::noop(), waits.as_mut()).is_ready());
            })
        });
    }

    #[test]
    fn a_waker_that_closes_the_source_when_it_is_dropped_ends_the_wait() {
        crate::run(|| {
            in_a_task(|| {
                let (source, _streams) = source();
                let mut waits = pin!(source.readable());
                assert!(poll_with(&hostile::waker(), waits.as_mut()).is_pending());
                let closing = Rc::clone(&source);
                hostile::set_call(move || closing.notify_closing());
                // The new one takes the place of the old one, which is dropped.
                let _ = poll_with(Waker::noop(), waits.as_mut());
                hostile::clear_call();
                assert!(poll_with(Waker::noop(), waits).is_ready());
            })
        });
    }
}
