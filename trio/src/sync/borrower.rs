//! Who borrows a token of a `CapacityLimiter`.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::lowlevel::Task;

/// An identity that borrows from a [`CapacityLimiter`](crate::sync::CapacityLimiter): a task, or
/// something unique that one makes oneself.
///
/// ```
/// use trio::sync::Borrower;
///
/// let one = Borrower::unique();
/// assert_eq!(one, one);
/// assert_ne!(one, Borrower::unique());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Borrower(Key);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Key {
    Task(u64),
    Unique(u64),
}

impl Borrower {
    /// An identity that equals no other of the process.
    pub fn unique() -> Borrower {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Borrower(Key::Unique(NEXT.fetch_add(1, Ordering::Relaxed)))
    }
}

impl From<&Task> for Borrower {
    /// The identity of a task. It is the task's as long as that lives.
    fn from(task: &Task) -> Borrower {
        Borrower(Key::Task(task.id()))
    }
}

impl fmt::Debug for Borrower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Key::Task(id) => write!(f, "Borrower(task {id})"),
            Key::Unique(number) => write!(f, "Borrower({number})"),
        }
    }
}
