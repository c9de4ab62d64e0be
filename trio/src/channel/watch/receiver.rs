//! The end of a watch channel where the value is looked at.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use super::{Core, WatchStatistics};
use crate::channel::ReceiveError;
use crate::channel::handles::Handle;
use crate::channel::waiting::wait_in;
use crate::lowlevel::{cancel_shielded_checkpoint, checkpoint_if_cancelled};

/// A handle for receiving from a [`watch`](crate::channel::watch()) channel. Dropping it closes it.
///
/// Each handle knows for itself which changes it has seen.
pub struct WatchReceiver<T> {
    core: Rc<Core<T>>,
    handle: Handle,
    /// The last version that was seen.
    seen: Cell<u64>,
}

impl<T> WatchReceiver<T> {
    /// One that has seen the value as it is now.
    pub(super) fn new(core: Rc<Core<T>>) -> WatchReceiver<T> {
        WatchReceiver { handle: core.receivers.open(), seen: core.version.clone(), core }
    }

    /// A clone of the value. Whether the change was seen is up to [`changed`](WatchReceiver::changed).
    #[track_caller]
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    /// Looks at the value: what `look` returns. As [`get`](WatchReceiver::get), without a clone.
    ///
    /// No reference comes out of it, so that none is kept across an `.await`.
    #[track_caller]
    pub fn with<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.core.value())
    }

    /// Whether the value has changed since `changed` or `wait_for` returned last.
    pub fn has_changed(&self) -> bool {
        self.seen.get() != self.core.version.get()
    }

    /// Waits until the value has changed since this, or [`wait_for`](WatchReceiver::wait_for), returned
    /// last, or since the receiver was made. Several changes count as one.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. What is cancelled, or dropped before it was ready, has seen nothing.
    ///
    /// # Errors
    ///
    /// [`ReceiveError::EndOfChannel`] if every sender is closed and the last change was seen;
    /// [`ReceiveError::Closed`] if this handle is closed.
    ///
    /// # Panics
    ///
    /// Outside a task.
    pub async fn changed(&self) -> Result<(), ReceiveError> {
        // Of its own: a task that shares the handle may see the change first.
        let seen = self.seen.get();
        self.seen_once(|| self.core.version.get() != seen).await
    }

    /// Waits until the value is as it is wanted, and gives a clone of it. At once, if it is already,
    /// whether it has changed or not.
    ///
    /// What comes and goes while this task does not run is not noticed. All changes up to the value that
    /// is returned count as seen. `wanted` is called as often as it takes.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. What is cancelled, or dropped before it was ready, has seen nothing.
    ///
    /// # Errors
    ///
    /// As [`changed`](WatchReceiver::changed): the value will not become what is wanted any more.
    ///
    /// # Panics
    ///
    /// Outside a task, and if `wanted` sends into this channel.
    ///
    /// ```
    /// # #[trio::task] async fn example() -> trio::Result<()> {
    /// let (sender, receiver) = trio::channel::watch(1);
    /// trio::nursery!(|n| {
    ///     n.spawn(async {
    ///         assert_eq!(receiver.wait_for(|value| *value > 10).await, Ok(11));
    ///     });
    ///     for value in [5, 11] {
    ///         trio::testing::wait_all_tasks_blocked().await;
    ///         sender.send(value)?;
    ///     }
    /// })?;
    /// # Ok(()) }
    /// # trio::run(example).unwrap();
    /// ```
    pub async fn wait_for(&self, mut wanted: impl FnMut(&T) -> bool) -> Result<T, ReceiveError>
    where
        T: Clone,
    {
        self.seen_once(|| self.with(&mut wanted)).await?;
        Ok(self.get())
    }

    /// Closes this handle. Sync. Closing it again does nothing. The value can still be looked at.
    ///
    /// Tasks that are waiting on this handle get [`ReceiveError::Closed`].
    pub fn close(&self) {
        if let Some(waiting_here) = self.core.receivers.close(&self.handle) {
            self.core.receiving.unpark_noted(waiting_here);
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

    /// Waits until the value is `wanted`, and counts it as seen.
    async fn seen_once(&self, mut wanted: impl FnMut() -> bool) -> Result<(), ReceiveError> {
        let mut attempt = || {
            if self.is_closed() {
                Some(Err(ReceiveError::Closed))
            } else if wanted() {
                Some(Ok(()))
            } else {
                (self.core.senders.count() == 0).then_some(Err(ReceiveError::EndOfChannel))
            }
        };
        checkpoint_if_cancelled().await;
        let mut outcome = attempt();
        if outcome.is_some() {
            cancel_shielded_checkpoint().await;
            // The value may be another one by now.
            outcome = attempt();
        }
        let outcome = match outcome {
            Some(outcome) => outcome,
            None => {
                let note = self.handle.note(0).expect("a closed one does not wait");
                wait_in(&self.core.receiving, note, attempt).await
            }
        };
        if outcome.is_ok() {
            self.seen.set(self.core.version.get());
        }
        outcome
    }
}

/// Another receiver, which has seen what this one has. A clone of a closed one is closed.
impl<T> Clone for WatchReceiver<T> {
    fn clone(&self) -> WatchReceiver<T> {
        let handle = self.core.receivers.clone_of(&self.handle);
        WatchReceiver { core: Rc::clone(&self.core), handle, seen: self.seen.clone() }
    }
}

impl<T> Drop for WatchReceiver<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> fmt::Debug for WatchReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchReceiver")
            .field("closed", &self.is_closed())
            .field("has_changed", &self.has_changed())
            .field("channel", &self.statistics())
            .finish()
    }
}
