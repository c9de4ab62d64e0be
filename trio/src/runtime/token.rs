//! Calling into a run from elsewhere.

use std::fmt;
use std::sync::Arc;

use super::context;
use super::error::RunFinishedError;
use super::inbox::{Entry, Inbox};

/// A handle on a run that can be sent anywhere: to other threads, to callbacks of foreign libraries.
///
/// Its counterpart in Trio is `trio.lowlevel.TrioToken`.
#[derive(Clone)]
pub struct TrioToken(Arc<Inbox>);

impl TrioToken {
    /// Has `function` called on the run's thread, soon: not synchronously, in the order of the
    /// calls, between two steps of tasks. What is accepted is called before the run ends.
    ///
    /// The function must not block. If it panics the run is cancelled, and ends with that panic.
    ///
    /// # Errors
    ///
    /// [`RunFinishedError`] if the run has ended.
    ///
    /// ```
    /// # trio::run(|| async {
    /// let token = trio::lowlevel::current_trio_token();
    /// std::thread::spawn(move || token.call_soon(|| println!("on the run's thread")))
    ///     .join()
    ///     .unwrap()
    ///     .unwrap();
    /// # });
    /// ```
    pub fn call_soon(
        &self,
        function: impl FnOnce() + Send + 'static,
    ) -> Result<(), RunFinishedError> {
        self.0.push_entry(Entry { key: None, call: Box::new(function) })
    }

    /// [`call_soon`](TrioToken::call_soon), unless a function with the same key is waiting to be
    /// called: then this one is dropped. From when a function is called on, its key is free again.
    ///
    /// # Errors
    ///
    /// [`RunFinishedError`] if the run has ended.
    pub fn call_soon_idempotent(
        &self,
        key: u64,
        function: impl FnOnce() + Send + 'static,
    ) -> Result<(), RunFinishedError> {
        self.0.push_entry(Entry { key: Some(key), call: Box::new(function) })
    }
}

impl TrioToken {
    /// Ends a wait for the run's descriptor, also if the run is gone.
    pub(crate) fn rouse(&self) {
        self.0.wake_poller();
    }
}

impl PartialEq for TrioToken {
    /// Whether both are of the same run.
    fn eq(&self, other: &TrioToken) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for TrioToken {}

impl fmt::Debug for TrioToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrioToken").finish_non_exhaustive()
    }
}

/// The token of this run.
///
/// # Panics
///
/// Outside a run.
#[track_caller]
pub fn current_trio_token() -> TrioToken {
    context::run(|run| TrioToken(Arc::clone(run.inbox())))
}
