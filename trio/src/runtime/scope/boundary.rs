//! The scope in a task's frame.
//!
//! ```text
//!                                    Ready(value)
//!   New ── first poll: link ──▶ Inside ─────────────▶ left: Some(value)
//!                                 │
//!                                 │ Pending, and the mark says "unwinding":
//!                                 │ drop the frames inside, leave
//!                                 ▼
//!                  does this scope absorb it, now? ──yes──▶ left: None
//!                                 │ no
//!                                 ▼
//!                  Unwound: the mark stays, the frames outside go, too
//! ```

use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context as PollContext, Poll};

use super::core::ScopeCore;
use crate::runtime::call::Call;
use crate::runtime::context::{self, Heard, Hearing, InNode};
use crate::runtime::moments;
use crate::runtime::thunk::Thunk;
use crate::runtime::trace::{self, BoundaryTrace, Site};

/// Runs a thunk in a scope; `finish` makes the result out of `Some(value)` or `None`.
pub(crate) fn scoped<T: Thunk, R, C: AsRef<ScopeCore>>(
    core: C,
    thunk: T,
    site: &'static Site,
    finish: fn(Option<T::Output>) -> R,
) -> Call<Scoped<T::Frame, R, C>> {
    // SAFETY: rule 1: the frame is polled by `Scoped` alone, in a `Call`.
    unsafe { Call::new(Scoped::new(core, thunk.into_frame(), site, finish)) }
}

/// The boundary of a scope in a task's frame. `C` holds the scope: it is part of the frame, unless
/// somebody else has it, too.
pub(crate) struct Scoped<F: Future, R, C: AsRef<ScopeCore> = ScopeCore> {
    core: C,
    inside: Option<F>,
    state: State,
    /// See [`Hearing::hear`].
    torn: bool,
    finish: fn(Option<F::Output>) -> R,
    trace: BoundaryTrace,
    _pinned: PhantomPinned,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Inside,
    /// Left by a cancellation that somebody further out absorbs.
    Unwound,
    Done,
}

impl<F: Future, R, C: AsRef<ScopeCore>> Scoped<F, R, C> {
    pub(crate) fn new(
        core: C,
        inside: F,
        site: &'static Site,
        finish: fn(Option<F::Output>) -> R,
    ) -> Self {
        Scoped {
            core,
            inside: Some(inside),
            state: State::New,
            torn: false,
            finish,
            trace: BoundaryTrace::new(site),
            _pinned: PhantomPinned,
        }
    }
}

impl<F: Future, R, C: AsRef<ScopeCore>> Future for Scoped<F, R, C> {
    type Output = R;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<R> {
        // SAFETY: rule 1: `inside` is pinned with the whole: it is dropped in place by assigning
        // `None`, never moved. The rest is not pinned, but for `core`, which is never moved either, and
        // `trace`, which has only cells.
        let this = unsafe { self.get_unchecked_mut() };
        let core = this.core.as_ref();
        this.trace.leave();
        match this.state {
            State::New => {
                core.enter();
                this.state = State::Inside;
            }
            State::Inside => {}
            State::Unwound => return context::unwind_further(),
            State::Done => panic!("a future is not polled after it was ready"),
        }
        let trace = context::with(|c| c.trace.get());
        let inside = this.inside.as_mut().expect("there while the state is `Inside`");
        let polled = {
            let _inner = InNode::enter(core.node());
            let hearing = Hearing::begin();
            // SAFETY: rule 1: see above.
            match unsafe { Pin::new_unchecked(inside) }.poll(cx) {
                Poll::Ready(value) => Poll::Ready(Some(value)),
                Poll::Pending if hearing.hear(&mut this.torn, cx) == Heard::Unwind => {
                    moments::unwinding();
                    Poll::Ready(None)
                }
                Poll::Pending => Poll::Pending,
            }
        };
        match polled {
            Poll::Ready(Some(value)) => {
                this.state = State::Done;
                core.leave();
                Poll::Ready((this.finish)(Some(value)))
            }
            Poll::Pending => {
                core.arm();
                if context::is_in_place(&this.trace, cx) {
                    this.trace.push(core.node());
                }
                context::wait()
            }
            Poll::Ready(None) => {
                trace::cut(trace);
                {
                    let _inner = InNode::enter(core.node());
                    this.inside = None;
                }
                let absorbs = core.node().absorbs();
                core.leave();
                if absorbs {
                    core.set_caught();
                    this.state = State::Done;
                    Poll::Ready((this.finish)(None))
                } else {
                    this.state = State::Unwound;
                    context::unwind_further()
                }
            }
        }
    }
}

impl<F: Future, R, C: AsRef<ScopeCore>> Drop for Scoped<F, R, C> {
    fn drop(&mut self) {
        // The frames inside go first: destructors still see the scope. `Scoped` is pinned whenever
        // it was polled, and assigning drops in place.
        self.inside = None;
        if self.state == State::Inside {
            self.core.as_ref().leave();
        }
    }
}
