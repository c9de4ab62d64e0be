//! The end of a channel where values come out.

use std::fmt;
use std::rc::Rc;

use super::ChannelStatistics;
use super::core::{Core, Place};
use super::errors::{ReceiveError, TryReceiveError};
use super::handles::Handle;
use super::waiting::wait_in;
use crate::lowlevel::{cancel_shielded_checkpoint, checkpoint_if_cancelled};

/// A handle for receiving from a [`channel`](super::channel). Dropping it closes it.
///
/// To receive everything: `while let Ok(value) = receiver.receive().await { … }`. The error is the end of the
/// channel, or that this handle was closed.
///
/// Its counterpart in Trio is `trio.MemoryReceiveChannel`.
///
/// ```
/// use trio::channel::{TryReceiveError, channel};
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (sender, receiver) = channel(2);
/// assert_eq!(receiver.try_receive(), Err(TryReceiveError::WouldBlock));
/// sender.try_send("a")?;
/// sender.try_send("b")?;
/// drop(sender);
/// let mut received = Vec::new();
/// while let Ok(value) = receiver.receive().await {
///     received.push(value);
/// }
/// assert_eq!(received, ["a", "b"]);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct Receiver<T> {
    core: Rc<Core<T>>,
    handle: Handle,
}

impl<T> Receiver<T> {
    pub(super) fn new(core: Rc<Core<T>>) -> Receiver<T> {
        Receiver { handle: core.receivers.open(), core }
    }

    /// Receives the next value; waits for one if there is none.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. What is cancelled has received nothing. If the future is dropped before it was
    /// ready, as a combinator does, a value that it had been given already goes to who receives next,
    /// before all that were sent later.
    ///
    /// # Errors
    ///
    /// [`ReceiveError::EndOfChannel`] if every sender is closed and there is nothing left, also if that
    /// comes to be while waiting. It is certain: as long as another receiver was given a value and may be
    /// dropped without taking it, this one waits. [`ReceiveError::Closed`] if this handle is closed.
    ///
    /// # Panics
    ///
    /// Outside a task.
    ///
    /// Its counterpart in Trio is `MemoryReceiveChannel.receive`.
    pub async fn receive(&self) -> Result<T, ReceiveError> {
        checkpoint_if_cancelled().await;
        match self.attempt() {
            Some(Ok(value)) => return Ok(self.core.give_way(value).await),
            Some(error) => {
                cancel_shielded_checkpoint().await;
                return error;
            }
            None => {}
        }
        let place = Place::new(&self.core);
        let note = self.handle.note(place.number).expect("a closed one does not wait");
        wait_in(&self.core.receiving, note, || place.fetch().map(Ok).or_else(|| self.attempt()))
            .await
    }

    /// Receives a value if there is one. Sync.
    ///
    /// # Errors
    ///
    /// [`TryReceiveError::WouldBlock`] if there is none, and as [`receive`](Receiver::receive).
    ///
    /// Its counterpart in Trio is `MemoryReceiveChannel.receive_nowait`.
    #[inline]
    pub fn try_receive(&self) -> Result<T, TryReceiveError> {
        match self.attempt() {
            Some(outcome) => Ok(outcome?),
            None => Err(TryReceiveError::WouldBlock),
        }
    }

    /// Closes this handle. Sync. Closing it again does nothing.
    ///
    /// Tasks that are waiting on this handle get [`ReceiveError::Closed`]. When every receiver is closed,
    /// what is in the buffer is dropped, and senders get [`SendError::Broken`](super::SendError::Broken).
    ///
    /// Its counterpart in Trio is `MemoryReceiveChannel.close`.
    pub fn close(&self) {
        if let Some(waiting_here) = self.core.receivers.close(&self.handle) {
            self.core.receiving.unpark_noted(waiting_here);
            if self.core.receivers.count() == 0 {
                self.core.break_off();
            }
        }
    }

    /// Whether this handle is closed.
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// A snapshot of the channel.
    pub fn statistics(&self) -> ChannelStatistics {
        ChannelStatistics::of(&self.core)
    }

    /// The outcome, unless it would have to wait.
    #[inline(always)]
    fn attempt(&self) -> Option<Result<T, ReceiveError>> {
        if self.handle.is_closed() {
            Some(Err(ReceiveError::Closed))
        } else if let Some(value) = self.core.take() {
            Some(Ok(value))
        } else if self.core.has_ended() {
            Some(Err(ReceiveError::EndOfChannel))
        } else {
            None
        }
    }
}

/// Another handle for the same channel. A clone of a closed one is closed.
impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Receiver<T> {
        let handle = self.core.receivers.clone_of(&self.handle);
        Receiver { core: Rc::clone(&self.core), handle }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("closed", &self.is_closed())
            .field("channel", &self.statistics())
            .finish()
    }
}
