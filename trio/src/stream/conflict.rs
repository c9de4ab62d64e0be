//! One task at a time.

use std::cell::Cell;

use crate::BusyResourceError;

/// Finds out that two tasks do what only one can at a time: for streams of one's own.
///
/// ```
/// use trio::stream::ConflictDetector;
///
/// let sending = ConflictDetector::new();
/// let guard = sending.enter().expect("nobody else is there");
/// assert!(sending.enter().is_err());
/// drop(guard);
/// assert!(sending.enter().is_ok());
/// ```
#[derive(Debug, Default)]
pub struct ConflictDetector(Cell<bool>);

impl ConflictDetector {
    /// A detector that nobody is in.
    pub const fn new() -> ConflictDetector {
        ConflictDetector(Cell::new(false))
    }

    /// Is in until the guard is dropped. Sync.
    ///
    /// # Errors
    ///
    /// [`BusyResourceError`] if somebody is in.
    pub fn enter(&self) -> Result<ConflictGuard<'_>, BusyResourceError> {
        if self.0.replace(true) {
            return Err(BusyResourceError::new());
        }
        Ok(ConflictGuard(&self.0))
    }
}

/// Somebody is in a [`ConflictDetector`].
#[derive(Debug)]
#[must_use = "the next one may come in when this is dropped"]
pub struct ConflictGuard<'a>(&'a Cell<bool>);

impl Drop for ConflictGuard<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
