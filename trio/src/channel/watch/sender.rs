//! The end of a watch channel where the value is changed.

use std::fmt;
use std::mem;
use std::rc::Rc;

use super::{Core, WatchReceiver, WatchStatistics};
use crate::channel::SendError;
use crate::channel::handles::Handle;

/// A handle for sending into a [`watch`](crate::channel::watch()) channel. Dropping it closes it.
///
/// ```
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (sender, receiver) = trio::channel::watch("closed");
/// sender.send("open")?;
/// assert_eq!(receiver.get(), "open");
/// receiver.changed().await?;
/// drop(sender);
/// assert!(receiver.changed().await.is_err()); // no more changes
/// assert_eq!(receiver.get(), "open");
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct WatchSender<T> {
    core: Rc<Core<T>>,
    handle: Handle,
}

impl<T> WatchSender<T> {
    pub(super) fn new(core: Rc<Core<T>>) -> WatchSender<T> {
        WatchSender { handle: core.senders.open(), core }
    }

    /// Replaces the value, and lets every receiver know. Sync. Also without a receiver: there can be one
    /// again.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] if this handle is closed; it gives the value back.
    ///
    /// # Panics
    ///
    /// Within a function that looks at the value.
    #[track_caller]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.is_closed() {
            return Err(SendError::Closed(value));
        }
        let before = mem::replace(&mut *self.core.value_mut(), value);
        self.core.announce();
        drop(before);
        Ok(())
    }

    /// Changes the value in place, and lets every receiver know. Sync.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] if this handle is closed; then `change` is given back, and was not called.
    ///
    /// # Panics
    ///
    /// Within a function that looks at the value; and if `change` panics, or uses this channel. Then
    /// nobody is told of a change.
    ///
    /// ```
    /// # #[trio::task] async fn example() -> trio::Result<()> {
    /// let (sender, receiver) = trio::channel::watch(vec![1]);
    /// sender.send_modify(|list| list.push(2))?;
    /// receiver.changed().await?;
    /// assert_eq!(receiver.get(), [1, 2]);
    /// # Ok(()) }
    /// # trio::run(example).unwrap();
    /// ```
    #[track_caller]
    pub fn send_modify<F: FnOnce(&mut T)>(&self, change: F) -> Result<(), SendError<F>> {
        if self.is_closed() {
            return Err(SendError::Closed(change));
        }
        change(&mut self.core.value_mut());
        self.core.announce();
        Ok(())
    }

    /// Changes the value in place, and lets every receiver know if `change` says that it did. Sync.
    /// Returns what `change` does.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] if this handle is closed; then `change` is given back, and was not called.
    ///
    /// # Panics
    ///
    /// As [`send_modify`](WatchSender::send_modify).
    ///
    /// ```
    /// # #[trio::task] async fn example() -> trio::Result<()> {
    /// let (sender, _receiver) = trio::channel::watch(3);
    /// let at_least = |least: u32| move |value: &mut u32| {
    ///     let changes = *value < least;
    ///     *value = least.max(*value);
    ///     changes
    /// };
    /// assert!(!sender.send_if_modified(at_least(2))?);
    /// assert!(sender.send_if_modified(at_least(4))?);
    /// # trio::lowlevel::checkpoint().await;
    /// # Ok(()) }
    /// # trio::run(example).unwrap();
    /// ```
    #[track_caller]
    pub fn send_if_modified<F>(&self, change: F) -> Result<bool, SendError<F>>
    where
        F: FnOnce(&mut T) -> bool,
    {
        if self.is_closed() {
            return Err(SendError::Closed(change));
        }
        let changed = change(&mut self.core.value_mut());
        if changed {
            self.core.announce();
        }
        Ok(changed)
    }

    /// A clone of the value.
    #[track_caller]
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// Looks at the value: what `look` returns.
    #[track_caller]
    pub fn with<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.core.value())
    }

    /// A new receiver, which has seen the value as it is now.
    pub fn subscribe(&self) -> WatchReceiver<T> {
        WatchReceiver::new(Rc::clone(&self.core))
    }

    /// Closes this handle. Sync. Closing it again does nothing.
    ///
    /// When every sender is closed, the channel ends for each receiver once it has seen the last value,
    /// which stays there to be looked at.
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
    pub fn statistics(&self) -> WatchStatistics {
        self.core.statistics()
    }
}

/// Another handle for the same channel. A clone of a closed one is closed.
impl<T> Clone for WatchSender<T> {
    fn clone(&self) -> WatchSender<T> {
        let handle = self.core.senders.clone_of(&self.handle);
        WatchSender { core: Rc::clone(&self.core), handle }
    }
}

impl<T> Drop for WatchSender<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> fmt::Debug for WatchSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchSender")
            .field("closed", &self.is_closed())
            .field("channel", &self.statistics())
            .finish()
    }
}
