//! One task at a time.

use std::cell::Cell;

use crate::BusyResourceError;
use crate::lowlevel::cancel_shielded_checkpoint;

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

    /// [`enter`](ConflictDetector::enter) for operations: that somebody is in lets others go first, so that
    /// whoever tries again and again does not hold up the one who is in.
    ///
    /// # Cancellation
    ///
    /// Not a cancellation point. A schedule point if it fails.
    ///
    /// # Errors
    ///
    /// As [`enter`](ConflictDetector::enter).
    ///
    /// ```
    /// use std::io;
    /// use trio::lowlevel::checkpoint;
    /// use trio::stream::ConflictDetector;
    ///
    /// struct Printer {
    ///     printing: ConflictDetector,
    /// }
    ///
    /// impl Printer {
    ///     async fn print(&self) -> io::Result<()> {
    ///         let _printing = self.printing.begin().await?;
    ///         checkpoint().await;
    ///         Ok(())
    ///     }
    /// }
    /// # #[trio::task] async fn example() -> io::Result<()> {
    /// # Printer { printing: ConflictDetector::new() }.print().await
    /// # }
    /// # trio::run(example).unwrap();
    /// ```
    pub async fn begin(&self) -> Result<ConflictGuard<'_>, BusyResourceError> {
        let entered = self.enter();
        if entered.is_err() {
            cancel_shielded_checkpoint().await;
        }
        entered
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
