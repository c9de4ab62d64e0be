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

    fn check(&self) -> io::Result<bool> {
        if self.source.closed.get() {
            return Err(ClosedResourceError::new().into());
        }
        if let Some(code) = self.source.error.get() {
            return Err(io::Error::from_raw_os_error(code));
        }
        Ok(self.source.side(self.direction).ready.get())
    }

    fn leave(&mut self) {
        if self.state == State::Waiting {
            let side = self.source.side(self.direction);
            side.busy.set(false);
            side.target.set(None);
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
                let outcome = match self.check() {
                    Ok(_) if self.source.side(self.direction).busy.get() => {
                        Some(Err(BusyResourceError::new().into()))
                    }
                    Ok(ready) => ready.then_some(Ok(())),
                    Err(error) => Some(Err(error)),
                };
                if let Some(outcome) = outcome {
                    if points::schedule(cx) {
                        return Poll::Ready(outcome);
                    }
                    self.error = outcome.err();
                    self.state = State::Yielding;
                    return context::wait();
                }
                let side = self.source.side(self.direction);
                context::task(|task| {
                    task.count_schedule_point();
                    task.set_waits_for(match self.direction {
                        Direction::Read => &"a descriptor to be readable",
                        Direction::Write => &"a descriptor to be writable",
                    });
                });
                side.busy.set(true);
                side.target.set(Some(WakeTarget::current(cx)));
                self.state = State::Waiting;
                context::wait()
            }
            State::Yielding => {
                self.state = State::New;
                Poll::Ready(self.error.take().map_or(Ok(()), Err))
            }
            State::Waiting => match self.check() {
                Ok(false) if context::cancelled() => {
                    self.leave();
                    context::unwind()
                }
                Ok(false) => {
                    let target = WakeTarget::current(cx);
                    self.source.side(self.direction).target.set(Some(target));
                    context::wait()
                }
                Ok(true) => {
                    self.leave();
                    Poll::Ready(Ok(()))
                }
                Err(error) => {
                    self.leave();
                    Poll::Ready(Err(error))
                }
            },
        }
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        self.leave();
    }
}
