//! Clean-up that may await.
//!
//! ```text
//!   Body ──value · unwound · panic──▶ Cleanup (shielded) ──▶ the body's ending goes on
//! ```

use std::future::Future;
use std::marker::PhantomPinned;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context as PollContext, Poll};
use std::time::Duration;

use super::call::Call;
use super::context::{self, Heard, Hearing};
use super::moments;
use super::report;
use super::scope::{ScopeCore, Scoped};
use super::task::Payload;
use super::thunk::Thunk;
use super::trace::Site;

static CLEANUP: Site = Site::scope("cleanup");

/// Runs `body`, then `cleanup`, however the body ended: with a value, unwound by a cancellation, or
/// by a panic. Then that ending goes on.
///
/// The clean-up may await: cancellations from outside are kept off it. It returns `()`: what it
/// cannot do it has to deal with. See [`finally_within`] for one that must not take for ever.
///
/// # Cancellation
///
/// As in the body; the clean-up is not interrupted. Its counterpart in Trio is a shielded
/// `CancelScope` in a `finally:` block.
///
/// # Panics
///
/// With the panic of the body, or of the clean-up. If both panic the body's goes on, and the other
/// one is reported.
///
/// ```
/// # use std::cell::Cell;
/// # #[trio::task] async fn example() {
/// let closed = Cell::new(false);
/// let result = trio::move_on_after(std::time::Duration::from_millis(1), async {
///     trio::finally(
///         async { trio::sleep_forever().await },
///         async {
///             trio::lowlevel::checkpoint().await;
///             closed.set(true);
///         },
///     )
///     .await
/// })
/// .await;
/// assert!(result.is_none() && closed.get());
/// # }
/// # trio::run(example);
/// ```
pub fn finally<B, C>(body: B, cleanup: C) -> Call<impl Future<Output = B::Output> + use<B, C>>
where
    B: Thunk,
    C: Thunk<Output = ()>,
{
    let scope = ScopeCore::new();
    with_cleanup(scope, body, cleanup)
}

/// [`finally`] with a limit for the clean-up: after `timeout`, counted from its start, it is
/// cancelled itself.
///
/// # Cancellation
///
/// As [`finally`].
///
/// # Panics
///
/// As [`finally`].
pub fn finally_within<B, C>(
    timeout: Duration,
    body: B,
    cleanup: C,
) -> Call<impl Future<Output = B::Output> + use<B, C>>
where
    B: Thunk,
    C: Thunk<Output = ()>,
{
    with_cleanup(ScopeCore::with_timeout(timeout), body, cleanup)
}

fn with_cleanup<B, C>(scope: ScopeCore, body: B, cleanup: C) -> Call<Finally<B::Frame, C::Frame, C>>
where
    B: Thunk,
    C: Thunk<Output = ()>,
{
    scope.node().set_shielded(true);
    // SAFETY: rule 1: the frames are polled by `Finally` alone, in a `Call`.
    unsafe {
        Call::new(Finally {
            body: Some(body.into_frame()),
            thunk: Some((scope, cleanup)),
            cleanup: None,
            ending: None,
            torn: false,
            _pinned: PhantomPinned,
        })
    }
}

/// How a body ended.
pub(super) enum Ending<T> {
    Value(T),
    Unwound,
    Panic(Payload),
}

struct Finally<B: Future, F: Future<Output = ()>, C> {
    body: Option<B>,
    /// The clean-up is called when the body is over.
    thunk: Option<(ScopeCore, C)>,
    cleanup: Option<Scoped<F, ()>>,
    ending: Option<Ending<B::Output>>,
    /// Of the body: see [`Hearing::hear`].
    torn: bool,
    _pinned: PhantomPinned,
}

impl<B, F, C> Future for Finally<B, F, C>
where
    B: Future,
    F: Future<Output = ()>,
    C: Thunk<Frame = F, Output = ()>,
{
    type Output = B::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<B::Output> {
        // SAFETY: rule 1: `body` and `cleanup` are pinned with the whole: they are dropped in place
        // by assigning `None`, never moved. The rest is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        if this.body.is_some() {
            let Some(ending) = poll_body(&mut this.body, &mut this.torn, cx) else {
                return context::wait();
            };
            this.ending = Some(ending);
        }
        if let Some((scope, thunk)) = this.thunk.take() {
            // SAFETY: rule 1: the frame is polled here alone.
            match catch_unwind(AssertUnwindSafe(|| unsafe { thunk.into_frame() })) {
                Ok(frame) => {
                    this.cleanup = Some(Scoped::new(scope, frame, &CLEANUP, |_| ()));
                }
                Err(payload) => return Poll::Ready(panicked_twice(this.ending.take(), payload)),
            }
        }
        if let Some(cleanup) = &mut this.cleanup {
            // SAFETY: rule 1: see above.
            let cleanup = unsafe { Pin::new_unchecked(cleanup) };
            match catch_unwind(AssertUnwindSafe(|| cleanup.poll(cx))) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(())) => this.cleanup = None,
                Err(payload) => return Poll::Ready(panicked_twice(this.ending.take(), payload)),
            }
        }
        match this.ending.take().expect("a future is not polled after it was ready") {
            Ending::Value(value) => Poll::Ready(value),
            Ending::Panic(payload) => resume_unwind(payload),
            Ending::Unwound => {
                this.ending = Some(Ending::Unwound);
                context::unwind_further()
            }
        }
    }
}

/// Polls the body, and drops it once it is over. `None`: it waits.
pub(super) fn poll_body<B: Future>(
    body: &mut Option<B>,
    torn: &mut bool,
    cx: &mut PollContext<'_>,
) -> Option<Ending<B::Output>> {
    let trace = context::with(|c| c.trace.get());
    let node = context::with(|c| c.node.get());
    let hearing = Hearing::begin();
    let polled = catch_unwind(AssertUnwindSafe(|| {
        let body = body.as_mut().expect("the caller has looked");
        // SAFETY: rule 1: the caller holds the body pinned.
        unsafe { Pin::new_unchecked(body) }.poll(cx)
    }));
    let ending = match polled {
        Ok(Poll::Ready(value)) => Ending::Value(value),
        Ok(Poll::Pending) => match hearing.hear(torn, cx) {
            Heard::Wait | Heard::Silence => return None,
            Heard::Unwind => {
                moments::unwinding();
                Ending::Unwound
            }
        },
        Err(payload) => Ending::Panic(payload),
    };
    context::with(|c| {
        c.trace.set(trace);
        c.node.set(node);
    });
    let dropped = catch_unwind(AssertUnwindSafe(|| *body = None));
    Some(match (ending, dropped) {
        (ending @ Ending::Panic(_), dropped) => {
            report::discard(dropped);
            ending
        }
        (ending, Ok(())) => ending,
        (ending, Err(payload)) => {
            report::discard(ending);
            Ending::Panic(payload)
        }
    })
}

/// The clean-up has panicked. If the body had, too, that one goes on.
fn panicked_twice<T>(ending: Option<Ending<T>>, payload: Payload) -> T {
    if let Some(Ending::Panic(first)) = ending {
        report::panicked("the clean-up after a panic", &*payload);
        report::discard(payload);
        resume_unwind(first);
    }
    resume_unwind(payload)
}
