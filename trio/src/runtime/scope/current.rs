//! The scopes around the code that is running.

use crate::runtime::context;
use crate::runtime::instant::Instant;
use crate::runtime::reason::CancelReason;

/// Why what runs here is cancelled; `None` if it is not. For clean-up that wants to know.
///
/// # Panics
///
/// Outside a task.
pub fn current_cancel_reason() -> Option<CancelReason> {
    context::task(|_| {
        let node = context::with(|c| c.node.get());
        // SAFETY: rule 1: the node that is being polled in is alive.
        let node = unsafe { &*node };
        if node.is_effectively_cancelled() { node.effective_reason() } else { None }
    })
}

/// The earliest deadline that applies here: that of any scope around, up to the nearest shield.
/// Sync, not a cancellation point.
///
/// Its counterpart in Trio is `trio.current_effective_deadline`.
///
/// # Panics
///
/// Outside a task.
#[track_caller]
pub fn current_effective_deadline() -> EffectiveDeadline {
    context::task(|_| ());
    effective_deadline().expect("a task is running")
}

/// The same, if a task is running.
pub(crate) fn effective_deadline() -> Option<EffectiveDeadline> {
    let node = context::with(|c| c.node.get());
    // SAFETY: rule 1: the node that is being polled in is alive.
    Some(match unsafe { node.as_ref() }?.effective_deadline() {
        Instant::DISTANT_PAST => EffectiveDeadline::Cancelled,
        Instant::FAR_FUTURE => EffectiveDeadline::Never,
        deadline => EffectiveDeadline::At(deadline),
    })
}

/// What [`current_effective_deadline`] tells. Ordered from now to never.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum EffectiveDeadline {
    /// A cancellation is already active.
    Cancelled,
    /// The earliest deadline.
    At(Instant),
    /// No deadline applies.
    Never,
}
