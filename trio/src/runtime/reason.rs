//! Why something was cancelled.

use std::fmt;

use super::task::TaskName;

/// Who asked for a cancellation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum CancelSource {
    /// `cancel()` was called.
    Explicit,
    /// A deadline passed.
    Deadline,
    /// A child of the nursery failed.
    Child,
    /// The body of the nursery failed.
    Body,
    /// A stop was requested, and the scope is one that this ends.
    StopRequest,
    /// A service of the nursery is needed no more: the body and the other children are done.
    NurseryDone,
    /// The user pressed Ctrl-C.
    Interrupt,
    /// The run is ending.
    Shutdown,
}

/// Why something was cancelled: the source, the text given with it, and the task that asked.
///
/// The first reason of a scope is kept; later ones are ignored. Its counterpart in Trio is the text
/// of a `Cancelled` exception.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CancelReason {
    source: CancelSource,
    text: Option<Box<str>>,
    task: Option<TaskName>,
}

impl CancelReason {
    pub(crate) fn new(source: CancelSource, text: Option<&str>, task: Option<TaskName>) -> Self {
        CancelReason { source, text: text.map(Box::from), task }
    }

    /// Who asked.
    pub fn source(&self) -> CancelSource {
        self.source
    }

    /// The text given with the request, if any.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The name of the task that asked, or that failed; `None` for a deadline or Ctrl-C.
    pub fn task(&self) -> Option<&str> {
        self.task.as_ref().map(TaskName::as_str)
    }
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            CancelSource::Explicit => "cancelled explicitly",
            CancelSource::Deadline => "cancelled by a deadline",
            CancelSource::Child => "cancelled because a child failed",
            CancelSource::Body => "cancelled because the nursery's body failed",
            CancelSource::StopRequest => "cancelled because a stop was requested",
            CancelSource::NurseryDone => "cancelled because the nursery needs its services no more",
            CancelSource::Interrupt => "cancelled by Ctrl-C",
            CancelSource::Shutdown => "cancelled because the run is ending",
        })?;
        if let Some(task) = self.task() {
            write!(f, " from task `{task}`")?;
        }
        if let Some(text) = &self.text {
            write!(f, ": {text}")?;
        }
        Ok(())
    }
}
