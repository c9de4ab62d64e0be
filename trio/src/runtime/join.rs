//! The boundary of a nursery: polls the body, then waits for the children.
//!
//! ```text
//!   Body ──value / Err / unwound / panic──▶ Children ──none left──▶ decide:
//!                                              │  only services left: cancels them
//!
//!     a panic?                                    goes on, here
//!     errors?                                     Ready(Err(group))
//!     unwound, or a child was,
//!       and the cancellation came from outside?   Unwound: the mark stays
//!     unwound by the nursery's own scope?         Ready(Ok(())), or Err if a value is missing
//!     else                                        Ready(Ok(value))
//! ```
//!
//! Waiting for children is a schedule point and never a cancellation point: they are cancelled
//! themselves.

use std::future::Future;
use std::marker::{PhantomData, PhantomPinned};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context as PollContext, Poll};

use super::context::{self, Heard, Hearing, InNode};
use super::error::{Error, NurseryCancelled};
use super::group::{ErrorGroup, Failure, Origin};
use super::moments;
use super::node::Node;
use super::nursery::{NurseryCore, NurseryGuard};
use super::points;
use super::report;
use super::task::Header;
use super::trace::{self, BoundaryTrace};
use super::wake::WakeTarget;

impl<'scope> NurseryGuard<'scope> {
    /// Polls the body and waits for the children. `when_cancelled` is the value to give if the
    /// nursery's own cancellation has left the body without one.
    ///
    /// # Safety
    ///
    /// As [`new`](NurseryGuard::new): awaited at once, in the frame that holds the guard.
    #[inline]
    pub unsafe fn join<'g, B, T>(
        &'g self,
        body: B,
        when_cancelled: Option<T>,
    ) -> Join<'g, 'scope, B, T>
    where
        B: Future<Output = Result<T, Error>>,
    {
        Join {
            guard: self,
            body: Some(body),
            value: None,
            when_cancelled,
            state: State::Body,
            unwound: false,
            torn: false,
            trace: BoundaryTrace::new(self.core().site()),
            _pinned: PhantomPinned,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Body,
    Children,
    /// The children are done, and the scheduler has said "wait".
    Leaving,
    Unwound,
    Done,
}

/// The future of [`NurseryGuard::join`].
#[doc(hidden)]
#[must_use = "futures do nothing unless awaited"]
pub struct Join<'g, 'scope, B, T> {
    guard: &'g NurseryGuard<'scope>,
    body: Option<B>,
    value: Option<T>,
    when_cancelled: Option<T>,
    state: State,
    /// The body was unwound by a cancellation.
    unwound: bool,
    /// Of the body: see [`Hearing::hear`].
    torn: bool,
    trace: BoundaryTrace,
    _pinned: PhantomPinned,
}

impl<B, T> std::fmt::Debug for Join<'_, '_, B, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Join").finish_non_exhaustive()
    }
}

impl<B, T> Future for Join<'_, '_, B, T>
where
    B: Future<Output = Result<T, Error>>,
{
    type Output = Result<T, ErrorGroup>;

    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<Self::Output> {
        context::demand_in_place(&*self, cx);
        // SAFETY: rule 1: `body` is pinned with the whole: it is dropped in place by assigning
        // `None`, never moved. The rest is not pinned, but for `trace`, which has only cells.
        let this = unsafe { self.get_unchecked_mut() };
        let core = this.guard.core();
        let node = core.scope().node();
        this.trace.leave();
        let mut waited = false;
        loop {
            match this.state {
                State::Body => {
                    let Some(polled) = poll_body(&mut this.body, &mut this.torn, node, cx) else {
                        this.trace.push(node);
                        return context::wait();
                    };
                    match polled {
                        Ok(Some(Ok(value))) => this.value = Some(value),
                        Ok(Some(Err(error))) => core.body_failed(error),
                        Ok(None) => this.unwound = true,
                        Err(payload) => core.body_panicked(payload),
                    }
                    this.state = State::Children;
                }
                State::Children if core.is_busy() => {
                    let waits_for = if core.needs_services() {
                        &"its children"
                    } else {
                        core.end_services();
                        &"its services"
                    };
                    core.wait(WakeTarget::current(cx));
                    context::task(|task| task.set_waits_for(waits_for));
                    this.trace.push(node);
                    return context::wait();
                }
                State::Children => {
                    this.state = State::Leaving;
                    if !points::schedule(cx) {
                        waited = true;
                    }
                }
                // A child may have come while the nursery was about to be left.
                State::Leaving if core.is_busy() => this.state = State::Children,
                State::Leaving if waited => {
                    this.trace.push(node);
                    return context::wait();
                }
                State::Leaving => {
                    this.state = State::Done;
                    return this.leave(core);
                }
                State::Unwound => return context::unwind_further(),
                State::Done => panic!("a future is not polled after it was ready"),
            }
        }
    }
}

type Polled<T> = std::thread::Result<Option<Result<T, Error>>>;

/// Polls the body, and drops it once it is over. `None`: it waits; `Ok(None)`: it was unwound.
fn poll_body<B, T>(
    body: &mut Option<B>,
    torn: &mut bool,
    node: &Node,
    cx: &mut PollContext<'_>,
) -> Option<Polled<T>>
where
    B: Future<Output = Result<T, Error>>,
{
    let trace = context::with(|c| c.trace.get());
    let _inner = InNode::enter(node);
    let polled = catch_unwind(AssertUnwindSafe(|| {
        let hearing = Hearing::begin();
        let body = body.as_mut().expect("there while the state is `Body`");
        // SAFETY: rule 1: the caller holds the body pinned.
        match unsafe { Pin::new_unchecked(body) }.poll(cx) {
            Poll::Ready(result) => Some(Some(result)),
            Poll::Pending if hearing.hear(torn, cx) == Heard::Unwind => {
                moments::unwinding();
                Some(None)
            }
            Poll::Pending => None,
        }
    }));
    if let Ok(None) = polled {
        return None;
    }
    trace::cut(trace);
    // A destructor that panics counts as a panic of the body.
    let dropped = catch_unwind(AssertUnwindSafe(|| *body = None));
    Some(match (polled, dropped) {
        (Ok(Some(result)), Ok(())) => Ok(result),
        (Err(payload), dropped) => {
            report::discard(dropped);
            Err(payload)
        }
        (polled, Err(payload)) => {
            report::discard(polled);
            Err(payload)
        }
        (Ok(None), Ok(())) => unreachable!("returned above"),
    })
}

impl<B, T> Join<'_, '_, B, T> {
    /// The children are finished: decides what the nursery's result is, and closes it.
    fn leave(&mut self, core: &NurseryCore) -> Poll<Result<T, ErrorGroup>> {
        let node = core.scope().node();
        let absorbs = node.absorbs();
        let from_outside = node.is_cancelled_from_outside();
        core.close();
        core.leave();
        if core.has_trouble()
            && let Some(group) = troubled(core)
        {
            return Poll::Ready(Err(group));
        }
        if self.unwound && absorbs {
            core.scope().set_caught();
            return Poll::Ready(self.when_cancelled.take().ok_or_else(|| {
                let task = context::task(Header::name);
                let origin = Origin { task: task.into(), spawned: None, last_await: None };
                let missing = Failure::new(Box::new(NurseryCancelled(())), origin);
                ErrorGroup::new(vec![missing], Some(core.site()))
            }));
        }
        if core.had_cancelled_child() && absorbs {
            core.scope().set_caught();
        }
        if self.unwound || (core.had_cancelled_child() && from_outside) {
            self.state = State::Unwound;
            return context::unwind_further();
        }
        Poll::Ready(Ok(self.value.take().expect("the body was not unwound, so it has a value")))
    }
}

/// The errors of a nursery that is left. A panic goes on.
#[cold]
fn troubled(core: &NurseryCore) -> Option<ErrorGroup> {
    let failures = core.take_failures();
    let group = (!failures.is_empty()).then(|| ErrorGroup::new(failures, Some(core.site())));
    if let Some(payload) = core.take_panic() {
        if let Some(group) = group {
            report::say(format_args!("errors that came with a panic: {group:#}"));
        }
        resume_unwind(payload);
    }
    group
}

/// Tells at compile time whether a body's value is `()`, which needs no body to make.
#[doc(hidden)]
#[derive(Debug)]
pub struct BodyProbe<'a, B>(PhantomData<&'a B>);

impl<'a, B> BodyProbe<'a, B> {
    /// Looks at the type of a body.
    #[inline]
    pub fn new(_body: &'a B) -> Self {
        BodyProbe(PhantomData)
    }
}

/// Any body: without a value of its own there is none.
#[doc(hidden)]
pub trait OtherBody {
    /// The type of the body's value.
    type Value;
    /// The value of a body that was cancelled.
    fn when_cancelled(&self) -> Option<Self::Value>;
}

/// A body whose value is `()`.
#[doc(hidden)]
pub trait UnitBody {
    /// The value of a body that was cancelled.
    fn when_cancelled(&self) -> Option<()>;
}

impl<B, T> OtherBody for BodyProbe<'_, B>
where
    B: Future<Output = Result<T, Error>>,
{
    type Value = T;

    #[inline]
    fn when_cancelled(&self) -> Option<T> {
        None
    }
}

impl<B> UnitBody for &BodyProbe<'_, B>
where
    B: Future<Output = Result<(), Error>>,
{
    #[inline]
    fn when_cancelled(&self) -> Option<()> {
        Some(())
    }
}
