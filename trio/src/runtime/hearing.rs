//! What a poll that returns `Pending` has to say: that it waits, or that it unwinds.
//!
//! Leaves say it, and whoever deals with an unwinding listens: the boundaries, the wrappers around foreign
//! futures, and the task itself.

use std::task::{Context as PollContext, Poll};

use super::context::{self, cancelled, with};
use super::node::Node;
use super::wake::WakeTarget;

/// The word of the leaves polled: what a boundary or a wrapper hears when a poll returns `Pending`.
///
/// ```text
///    Untouched ──── a leaf is polled ──── not cancelled ───▶ Waiting ◀──┐
///        ▲                     │                                │       │
///        │                     └───────── cancelled ──▶ Unwinding, Torn ┘
///        └─── the poll of a boundary or a wrapper begins (`Hearing`)
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mark {
    /// No leaf has spoken since the surrounding boundary or wrapper began its poll.
    Untouched,
    /// The last leaf waits.
    Waiting,
    /// The last leaf was cancelled: every frame up to the responsible boundary is to be dropped.
    Unwinding,
    /// The last leaf was cancelled, and another one before it waits.
    Torn,
}

/// A leaf's "I wait": clears the mark.
#[inline]
pub(crate) fn wait<T>() -> Poll<T> {
    with(|c| c.mark.set(Mark::Waiting));
    Poll::Pending
}

/// A leaf's "I am cancelled and nothing happened": sets the mark, so that the frames above are
/// dropped up to the boundary that deals with it.
#[inline]
pub(crate) fn unwind<T>() -> Poll<T> {
    with(|c| match c.mark.get() {
        Mark::Untouched | Mark::Unwinding => c.mark.set(Mark::Unwinding),
        Mark::Waiting | Mark::Torn => c.mark.set(Mark::Torn),
    });
    Poll::Pending
}

/// A boundary's or a settled operation's "the unwinding goes on": there must be a cancelled scope
/// around that it goes on to, if behind a shield that has come in between. There is none when what was
/// unwound is awaited again, elsewhere; nobody would absorb that.
///
/// # Panics
///
/// If nothing around is cancelled.
#[inline]
pub(crate) fn unwind_further<T>() -> Poll<T> {
    let node = with(|c| c.node.get());
    // SAFETY: rule 1: the node that is being polled in is alive.
    if !unsafe { node.as_ref() }.is_some_and(Node::is_called_around) {
        unwound_elsewhere();
    }
    unwind()
}

#[cold]
#[inline(never)]
fn unwound_elsewhere() -> ! {
    panic!(
        "this was unwound by a cancellation, and is awaited again outside of the scope that was \
         cancelled: it cannot go on, make a new one"
    )
}

/// What is said below during one poll, by a boundary or a wrapper that listens.
///
/// Usually there is one leaf, whose word it is. A `join!` has several: if one of them unwinds and
/// another one waits, which must not be interrupted or else it would unwind, too, the whole waits. But
/// what said that it waits may have been dropped since; so the whole is polled once again, to hear it a
/// second time.
pub(crate) struct Hearing {
    outer: Mark,
}

/// What came of a poll that has returned `Pending`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Heard {
    /// It waits.
    Wait,
    /// It waits for something of others, which do not say so.
    Silence,
    /// It is to be dropped.
    Unwind,
}

impl Hearing {
    #[inline]
    pub(crate) fn begin() -> Hearing {
        Hearing { outer: with(|c| c.mark.replace(Mark::Untouched)) }
    }

    /// The poll has returned `Pending`, in the node in which it was made: as [`hear`].
    #[inline]
    pub(crate) fn hear(self, torn: &mut bool, cx: &PollContext<'_>) -> Heard {
        hear(torn, cx)
    }
}

/// Whether the last leaf polled has said that it waits, and so does the whole.
#[inline(always)]
pub(crate) fn waits() -> bool {
    with(|c| c.mark.get()) == Mark::Waiting
}

/// What the poll of a task's frame comes to, which has returned `Pending`. `torn` is kept from one poll to
/// the next: one part unwound, and another one waited.
#[inline(always)]
pub(crate) fn hear(torn: &mut bool, cx: &PollContext<'_>) -> Heard {
    match with(|c| c.mark.get()) {
        Mark::Waiting => {
            *torn = false;
            Heard::Wait
        }
        Mark::Untouched if !cancelled() => Heard::Silence,
        Mark::Torn => hear_torn(torn, cx),
        Mark::Unwinding | Mark::Untouched => Heard::Unwind,
    }
}

#[cold]
#[inline(never)]
fn hear_torn(torn: &mut bool, cx: &PollContext<'_>) -> Heard {
    if !std::mem::replace(torn, true) {
        WakeTarget::current(cx).wake();
    }
    Heard::Wait
}

impl Drop for Hearing {
    /// What was said inside is not for those around.
    #[inline]
    fn drop(&mut self) {
        context::try_with(|c| c.mark.set(self.outer));
    }
}
