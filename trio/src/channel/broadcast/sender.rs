//! The end of a broadcast channel where values go in.

use std::fmt;
use std::rc::Rc;

use super::{BroadcastReceiver, BroadcastStatistics, Core, Value};
use crate::channel::SendError;
use crate::channel::handles::Handle;

/// A handle for sending into a [`broadcast`](crate::channel::broadcast()) channel. Dropping it closes it.
///
/// ```
/// use trio::channel::broadcast;
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (sender, receiver) = broadcast(8);
/// assert_eq!(sender.send("to one")?, 1);
/// let late = sender.subscribe();
/// assert_eq!(sender.send("to two")?, 2);
/// assert_eq!(receiver.receive().await, Ok("to one"));
/// assert_eq!(late.receive().await, Ok("to two"));
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct BroadcastSender<T> {
    core: Rc<Core<T>>,
    handle: Handle,
}

impl<T> BroadcastSender<T> {
    pub(super) fn new(core: Rc<Core<T>>) -> BroadcastSender<T> {
        BroadcastSender { handle: core.senders.open(), core }
    }

    /// Sends a value to every receiver, and says to how many. Sync: it never waits.
    ///
    /// Without a receiver the value is dropped. That is no error: there can be one again.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] if this handle is closed; it gives the value back.
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        if self.handle.is_closed() {
            return Err(SendError::Closed(value));
        }
        let receivers = self.core.receivers.count();
        let mut kept = self.core.kept();
        if receivers == 0 {
            kept.first += 1;
            drop(kept);
            drop(value);
            return Ok(0);
        }
        let full = kept.values.len() == self.core.capacity;
        let oldest = if full { kept.drop_first() } else { None };
        kept.values.push_back(Value { value, missing: receivers });
        drop(kept);
        // Whoever is parked has received everything else.
        self.core.receiving.unpark_all();
        drop(oldest);
        Ok(receivers)
    }

    /// A new receiver: its first value is the one that is sent next.
    ///
    /// Also of a closed sender, whose channel may have others.
    pub fn subscribe(&self) -> BroadcastReceiver<T> {
        BroadcastReceiver::new(Rc::clone(&self.core))
    }

    /// Closes this handle. Sync. Closing it again does nothing.
    ///
    /// When every sender is closed, the channel ends for each receiver once it has received what is kept
    /// for it.
    pub fn close(&self) {
        if self.core.senders.close(&self.handle).is_some() && self.core.senders.count() == 0 {
            self.core.receiving.unpark_all();
        }
    }

    /// Whether this handle is closed.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// A snapshot of the channel.
    pub fn statistics(&self) -> BroadcastStatistics {
        BroadcastStatistics::of(&self.core)
    }
}

/// Another handle for the same channel. A clone of a closed one is closed.
impl<T> Clone for BroadcastSender<T> {
    fn clone(&self) -> BroadcastSender<T> {
        let handle = self.core.senders.clone_of(&self.handle);
        BroadcastSender { core: Rc::clone(&self.core), handle }
    }
}

impl<T> Drop for BroadcastSender<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> fmt::Debug for BroadcastSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BroadcastSender")
            .field("closed", &self.is_closed())
            .field("channel", &self.statistics())
            .finish()
    }
}
