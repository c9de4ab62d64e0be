//! Something that happens once.

use std::cell::Cell;
use std::fmt;
use std::pin::pin;

use crate::lowlevel::{ParkingLot, checkpoint};

/// Something that happens once: tasks wait until it has.
///
/// An event is never unset: whoever waits later goes straight on. For what happens again use a new
/// event each time, a [`Condition`](crate::sync::Condition), or a queue.
///
/// Its counterpart in Trio is `trio.Event`.
///
/// ```
/// use trio::{nursery, sync::Event};
///
/// #[trio::task]
/// async fn after(ready: &Event) {
///     ready.wait().await;
///     println!("now");
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let ready = Event::new();
/// nursery!(|n| {
///     n.spawn(after, &ready);
///     n.spawn(after, &ready);
///     ready.set();
/// })?;
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[derive(Default)]
pub struct Event {
    set: Cell<bool>,
    lot: ParkingLot,
}

impl Event {
    /// An event that has not happened.
    pub fn new() -> Event {
        Event::default()
    }

    /// It has happened: lets everybody go on who waits. Setting it again does nothing. Sync.
    ///
    /// ```
    /// let event = trio::sync::Event::new();
    /// event.set();
    /// assert!(event.is_set());
    /// ```
    pub fn set(&self) {
        self.set.set(true);
        self.lot.unpark_all();
    }

    /// Whether it has happened.
    pub fn is_set(&self) -> bool {
        self.set.get()
    }

    /// Waits until it has happened.
    ///
    /// # Cancellation
    ///
    /// A checkpoint, also when it has happened already. Its counterpart in Trio is `Event.wait`.
    ///
    /// # Panics
    ///
    /// Outside a task.
    ///
    /// ```
    /// # #[trio::task] async fn example() {
    /// let event = trio::sync::Event::new();
    /// event.set();
    /// event.wait().await;
    /// # }
    /// # trio::run(example);
    /// ```
    pub async fn wait(&self) {
        if self.set.get() {
            checkpoint().await;
        } else {
            pin!(self.lot.park()).await.expect("nobody breaks this lot");
        }
    }

    /// A snapshot of the event.
    pub fn statistics(&self) -> EventStatistics {
        EventStatistics { is_set: self.is_set(), tasks_waiting: self.lot.len() }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("is_set", &self.is_set())
            .field("tasks_waiting", &self.lot.len())
            .finish()
    }
}

/// What [`Event::statistics`] tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct EventStatistics {
    /// Whether it has happened.
    pub is_set: bool,
    /// How many tasks wait for it.
    pub tasks_waiting: usize,
}
