//! Why a thread has to stop, and why it has no answer.

use std::error::Error;
use std::fmt;

use crate::RunFinishedError;

/// The task that a thread works for is cancelled.
///
/// Tasks have no such value: they are unwound. A thread cannot be unwound from outside, so it is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cancelled(());

impl Cancelled {
    pub(super) const fn new() -> Cancelled {
        Cancelled(())
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task that this thread works for is cancelled")
    }
}

impl Error for Cancelled {}

/// Why a call from a thread into a run has no value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoAnswer {
    /// What was called was unwound by a cancellation.
    Cancelled(Cancelled),
    /// The run has ended, or is about to: nothing was called.
    RunFinished(RunFinishedError),
}

impl NoAnswer {
    pub(super) const CANCELLED: NoAnswer = NoAnswer::Cancelled(Cancelled::new());
    pub(super) const RUN_FINISHED: NoAnswer = NoAnswer::RunFinished(RunFinishedError::new());
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoAnswer::Cancelled(_) => f.write_str("what was called in the run was cancelled"),
            NoAnswer::RunFinished(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl Error for NoAnswer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            NoAnswer::Cancelled(error) => Some(error),
            NoAnswer::RunFinished(_) => None,
        }
    }
}

impl From<Cancelled> for NoAnswer {
    fn from(error: Cancelled) -> NoAnswer {
        NoAnswer::Cancelled(error)
    }
}

impl From<RunFinishedError> for NoAnswer {
    fn from(error: RunFinishedError) -> NoAnswer {
        NoAnswer::RunFinished(error)
    }
}
