//! The end of a broadcast channel where values come out.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;

use super::{BroadcastStatistics, Core};
use crate::channel::handles::Handle;
use crate::channel::waiting::wait_in;
use crate::channel::{BroadcastError, TryBroadcastError};
use crate::lowlevel::{cancel_shielded_checkpoint, checkpoint_if_cancelled};

/// A handle for receiving from a [`broadcast`](crate::channel::broadcast()) channel. Dropping it closes it.
///
/// Each handle receives every value. Tasks that share one handle share its values: each value goes to one
/// of them.
pub struct BroadcastReceiver<T> {
    core: Rc<Core<T>>,
    handle: Handle,
    /// The number of its next value.
    place: Cell<u64>,
}

impl<T> BroadcastReceiver<T> {
    /// One whose next value is the next to be sent.
    pub(super) fn new(core: Rc<Core<T>>) -> BroadcastReceiver<T> {
        let place = Cell::new(core.kept().next());
        BroadcastReceiver { handle: core.receivers.open(), core, place }
    }

    /// Receives the next value; waits for one if there is none. The last one to receive a value gets the
    /// value itself, the others clones.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. What is cancelled, or dropped before it was ready, has received nothing, and this
    /// handle still has the value to receive.
    ///
    /// # Errors
    ///
    /// [`BroadcastError::Lagged`] if values were missed, once, after which the next is the oldest that is
    /// kept. [`BroadcastError::EndOfChannel`] if every sender is closed and there is nothing left,
    /// [`BroadcastError::Closed`] if this handle is closed.
    ///
    /// # Panics
    ///
    /// Outside a task, and if cloning a value uses this channel.
    ///
    /// ```
    /// use trio::channel::{BroadcastError, BroadcastReceiver};
    ///
    /// #[trio::task]
    /// async fn print_all(receiver: BroadcastReceiver<String>) {
    ///     loop {
    ///         match receiver.receive().await {
    ///             Ok(line) => println!("{line}"),
    ///             Err(BroadcastError::Lagged(count)) => println!("({count} lines are missing)"),
    ///             Err(_) => break,
    ///         }
    ///     }
    /// }
    /// ```
    pub async fn receive(&self) -> Result<T, BroadcastError>
    where
        T: Clone,
    {
        checkpoint_if_cancelled().await;
        if self.has_news() {
            // First: nothing is taken that could be lost here.
            cancel_shielded_checkpoint().await;
            if let Some(outcome) = self.attempt() {
                return outcome;
            }
        }
        let note = self.handle.note(0).expect("a closed one does not wait");
        wait_in(&self.core.receiving, note, || self.attempt()).await
    }

    /// Receives a value if there is one. Sync.
    ///
    /// # Errors
    ///
    /// [`TryBroadcastError::WouldBlock`] if there is none, and as
    /// [`receive`](BroadcastReceiver::receive).
    pub fn try_receive(&self) -> Result<T, TryBroadcastError>
    where
        T: Clone,
    {
        match self.attempt() {
            Some(outcome) => Ok(outcome?),
            None => Err(TryBroadcastError::WouldBlock),
        }
    }

    /// Closes this handle. Sync. Closing it again does nothing.
    ///
    /// Tasks that are waiting on this handle get [`BroadcastError::Closed`].
    pub fn close(&self) {
        let Some(waiting_here) = self.core.receivers.close(&self.handle) else {
            return;
        };
        let mut kept = self.core.kept();
        let (at, _) = kept.find(self.place.get());
        for value in kept.values.range_mut(at..) {
            value.missing -= 1;
        }
        let mut unwanted = Vec::new();
        while kept.values.front().is_some_and(|first| first.missing == 0) {
            unwanted.extend(kept.drop_first());
        }
        drop(kept);
        self.core.receiving.unpark_noted(waiting_here);
    }

    /// Whether this handle is closed.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// How many values this receiver can receive without waiting.
    pub fn len(&self) -> usize {
        let kept = self.core.kept();
        kept.values.len() - kept.find(self.place.get()).0
    }

    /// Whether it would have to wait for its next value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A snapshot of the channel.
    pub fn statistics(&self) -> BroadcastStatistics {
        BroadcastStatistics::of(&self.core)
    }

    /// Whether an attempt has an outcome.
    fn has_news(&self) -> bool {
        self.is_closed() || self.core.senders.count() == 0 || !self.is_empty()
    }

    /// The outcome, unless it would have to wait.
    fn attempt(&self) -> Option<Result<T, BroadcastError>>
    where
        T: Clone,
    {
        if self.is_closed() {
            return Some(Err(BroadcastError::Closed));
        }
        let mut kept = self.core.kept();
        let (at, missed) = kept.find(self.place.get());
        if missed > 0 {
            self.place.set(kept.first);
            return Some(Err(BroadcastError::Lagged(missed)));
        }
        if at == kept.values.len() {
            let ended = self.core.senders.count() == 0;
            return ended.then_some(Err(BroadcastError::EndOfChannel));
        }
        let value = if kept.values[at].missing == 1 {
            // Nobody else needs it, nor anything before it: it is the first.
            kept.drop_first()?
        } else {
            let value = kept.values[at].value.clone();
            kept.values[at].missing -= 1;
            value
        };
        self.place.set(self.place.get() + 1);
        Some(Ok(value))
    }
}

/// Another receiver in the same place: it receives what this one would from here on. A clone of a closed
/// one is closed.
impl<T> Clone for BroadcastReceiver<T> {
    fn clone(&self) -> BroadcastReceiver<T> {
        let handle = self.core.receivers.clone_of(&self.handle);
        if !handle.is_closed() {
            let mut kept = self.core.kept();
            let (at, _) = kept.find(self.place.get());
            for value in kept.values.range_mut(at..) {
                value.missing += 1;
            }
        }
        BroadcastReceiver { core: Rc::clone(&self.core), handle, place: self.place.clone() }
    }
}

impl<T> Drop for BroadcastReceiver<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> fmt::Debug for BroadcastReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BroadcastReceiver")
            .field("closed", &self.is_closed())
            .field("channel", &self.statistics())
            .finish()
    }
}
