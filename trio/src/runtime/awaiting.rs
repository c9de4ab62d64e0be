//! What `x.await` does in a task.
//!
//! A call or block is entered: its frame is polled in place. The three checkpoint functions act for
//! themselves. Anything else that can be awaited is *wrapped* as a cancellation point:
//!
//! ```text
//!   first poll ── cancelled? ──yes──▶ unwind, nothing was started
//!       │ no
//!       ▼
//!   poll the future ──▶ Ready ──▶ did anything below ask the scheduler? if not, ask it now
//!       │ Pending
//!       ▼
//!   did a leaf of ours speak below?  ──yes──▶ its word counts: it waits, or it unwinds
//!       │ no: a foreign future waits
//!       ▼
//!   cancelled? ──yes──▶ unwind: the future is dropped with the frames
//!       │ no
//!       ▼
//!     wait
//! ```
//!
//! A future that has been woken is polled once more before it is given up, so that an operation which
//! has already happened is not lost; and a leaf that must not be interrupted is not.

use std::convert::Infallible;
use std::future::{Future, IntoFuture};
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context as PollContext, Poll};

use super::call::{Block, Boxed, Call};
use super::context::{self, Heard, Hearing, PolledWith};
use super::points;
use super::task::TaskRef;
use super::trace::{Site, TraceNode};

mod sealed {
    pub trait Sealed {}
}

/// What can be awaited in a task: a [`Call`], a [`Block`], or any future.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be awaited",
    label = "this is neither a call of a task function nor a future"
)]
pub trait Checkpoint: sealed::Sealed {
    /// What awaiting it gives.
    type Output;
    /// The future that the runtime polls.
    #[doc(hidden)]
    type Frame: Future<Output = Self::Output>;

    /// # Safety
    ///
    /// The frame must be polled by the runtime, or by a frame that the macros made (rule 1).
    #[doc(hidden)]
    unsafe fn into_frame(self) -> Self::Frame;
}

impl<F: Future> sealed::Sealed for Call<F> {}
impl<F: Future> Checkpoint for Call<F> {
    type Output = F::Output;
    type Frame = F;

    #[inline]
    unsafe fn into_frame(self) -> F {
        Call::into_frame(self)
    }
}

impl<F: Future> sealed::Sealed for Block<F> {}
impl<F: Future> Checkpoint for Block<F> {
    type Output = F::Output;
    type Frame = F;

    #[inline]
    unsafe fn into_frame(self) -> F {
        Block::into_frame(self)
    }
}

impl<F: Future> sealed::Sealed for Pin<Box<Call<F>>> {}
/// A call in a box, as recursion needs it: `Box::pin(f(n - 1)).await`.
impl<F: Future> Checkpoint for Pin<Box<Call<F>>> {
    type Output = F::Output;
    type Frame = Boxed<F>;

    #[inline]
    unsafe fn into_frame(self) -> Boxed<F> {
        Boxed::of(self)
    }
}

#[diagnostic::do_not_recommend]
impl<F: IntoFuture> sealed::Sealed for F {}
#[diagnostic::do_not_recommend]
impl<F: IntoFuture> Checkpoint for F {
    type Output = F::Output;
    type Frame = Wrapped<F::IntoFuture>;

    #[inline]
    unsafe fn into_frame(self) -> Self::Frame {
        let future = self.into_future();
        Wrapped::Polling { future, started: false, torn: false, _pinned: PhantomPinned }
    }
}

/// Any future as a cancellation point.
#[doc(hidden)]
#[allow(missing_debug_implementations)]
pub enum Wrapped<F: Future> {
    Polling {
        future: F,
        started: bool,
        /// See [`Hearing::hear`].
        torn: bool,
        _pinned: PhantomPinned,
    },
    /// The future was ready at once; the scheduler lets others go first.
    Yielding { output: Option<F::Output> },
}

impl<F: Future> Future for Wrapped<F> {
    type Output = F::Output;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<F::Output> {
        // SAFETY: rule 1: `future` is not moved; `Yielding` holds a value that is not pinned.
        let this = unsafe { self.as_mut().get_unchecked_mut() };
        let (future, started, torn) = match this {
            Wrapped::Polling { future, started, torn, .. } => (future, started, torn),
            Wrapped::Yielding { output } => {
                let output = output.take().expect("a future is not polled after it was ready");
                return Poll::Ready(output);
            }
        };
        if points::acts_for_itself::<F>() {
            // SAFETY: rule 1: the future stays in this pinned enum until it is dropped in place.
            return unsafe { Pin::new_unchecked(future) }.poll(cx);
        }
        let first = !*started;
        let before = context::task(|task| {
            if first {
                task.count_cancel_point();
                if context::cancelled() {
                    return None;
                }
                *started = true;
            }
            Some(task.points().1)
        });
        let Some(before) = before else {
            return context::unwind();
        };
        let hearing = Hearing::begin();
        let polled = {
            let _others = PolledWith::others();
            // SAFETY: rule 1: the future stays in this pinned enum until it is dropped in place.
            unsafe { Pin::new_unchecked(future) }.poll(cx)
        };
        match polled {
            Poll::Ready(output) => {
                drop(hearing);
                if first && asked_nobody(before) && !points::schedule(cx) {
                    self.set(Wrapped::Yielding { output: Some(output) });
                    return context::wait();
                }
                Poll::Ready(output)
            }
            Poll::Pending => match hearing.hear(torn, cx) {
                Heard::Wait => context::wait(),
                Heard::Silence => {
                    context::task(|task| task.wait_for_a_future(first));
                    context::wait()
                }
                Heard::Unwind => {
                    // Its leaves begin anew, should it be polled again.
                    *started = false;
                    context::unwind()
                }
            },
        }
    }
}

/// Whether the scheduler was not asked since that many times.
#[inline(always)]
fn asked_nobody(before: u32) -> bool {
    context::task(|task| task.points().1) == before
}

/// An operand of `.await` on its way: what the macros poll in place of it.
#[doc(hidden)]
#[must_use = "futures do nothing unless awaited"]
pub struct Entered<F> {
    frame: F,
    trace: TraceNode,
    _pinned: PhantomPinned,
}

impl<F> std::fmt::Debug for Entered<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entered at {}", self.trace.site())
    }
}

/// What is awaited, which the macros enter: `operand.await` becomes
/// `unsafe { Operand(operand).enter(&SITE) }.await`.
///
/// Two methods have this name. The compiler takes the first, unless the operand cannot be awaited;
/// then it takes that of [`NotAwaitable`], which says so once, and whose type is not looked at again.
#[doc(hidden)]
#[derive(Debug)]
pub struct Operand<C>(pub C);

impl<C: Checkpoint> Operand<C> {
    /// Enters it.
    ///
    /// # Safety
    ///
    /// Called by the macros alone: the result is awaited at once, in the frame of a task (rule 1).
    #[inline]
    pub unsafe fn enter(self, site: &'static Site) -> Entered<C::Frame> {
        // SAFETY: by this function's contract.
        let frame = unsafe { self.0.into_frame() };
        Entered { frame, trace: TraceNode::new(site), _pinned: PhantomPinned }
    }

    /// Gives back what a thunk returned.
    #[inline]
    pub fn returned(self) -> C {
        self.0
    }
}

/// What is awaited and cannot be.
#[doc(hidden)]
pub trait NotAwaitable: Sized {
    /// The operand.
    type Operand;

    /// Says so.
    ///
    /// # Safety
    ///
    /// It cannot be called.
    unsafe fn enter(self, _site: &'static Site) -> <Self::Operand as Awaitable>::Output
    where
        Self::Operand: Awaitable,
    {
        unreachable!("no type has this")
    }

    /// Says so of what a thunk returned.
    fn returned(self) -> <Self::Operand as Returned>::Instead
    where
        Self::Operand: Returned,
    {
        unreachable!("no type has this")
    }

    /// Says so in place of a thunk that would return it.
    fn thunk<T>(self, _thunk: T) -> <Self::Operand as Returned>::Instead
    where
        Self::Operand: Returned,
    {
        unreachable!("no type has this")
    }
}

impl<C> NotAwaitable for Operand<C> {
    type Operand = C;
}

/// Nothing is.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "only async functions can be spawned",
    label = "this gives `{Self}`, which cannot be awaited",
    note = "do the work before, or in the task: `n.spawn(child, compute(1))`",
    note = "for blocking code: `trio::thread::run_in_worker_thread(compute, 1).await`",
    note = "rule: spawn_sync_function"
)]
pub trait Returned {
    /// What would stand for it.
    type Instead;
}

#[diagnostic::do_not_recommend]
impl Returned for Infallible {
    type Instead = Self;
}

/// Nothing is.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be awaited",
    label = "this is neither a call of a task function nor a future",
    note = "remove `.await`, if this is already the value",
    note = "a function is called first: `f(args).await`; a `TaskHandle` is waited for: `handle.wait().await`",
    note = "rule: await_not_async"
)]
pub trait Awaitable {
    /// What the expression would be.
    type Output;
}

#[diagnostic::do_not_recommend]
impl Awaitable for Infallible {
    type Output = Self;
}

impl<F: Future> Future for Entered<F> {
    type Output = F::Output;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<F::Output> {
        // SAFETY: rule 1: `frame` is pinned with the whole and never moved out; `trace` has only
        // cells, and stays where it is while the task is suspended.
        let (frame, trace) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.frame), &this.trace)
        };
        trace.leave();
        let result = frame.poll(cx);
        match result {
            // The frames of one that is polled by hand may go at any time.
            Poll::Pending if context::is_in_place(trace, cx) => trace.push(),
            Poll::Pending => {}
            Poll::Ready(_) => context::with(|c| {
                // SAFETY: rule 1: the running task is alive.
                if let Some(task) = unsafe { c.task.get().as_ref() } {
                    task.set_last_await(trace.site());
                }
            }),
        }
        result
    }
}

/// The task that polls, for boundaries that enter a scope.
pub(crate) fn polling_task() -> TaskRef {
    context::task(TaskRef::from_header)
}
