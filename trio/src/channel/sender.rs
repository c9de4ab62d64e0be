//! The end of a channel where values go in.

use std::fmt;
use std::rc::Rc;

use super::ChannelStatistics;
use super::core::{Core, Offer};
use super::errors::{SendError, TrySendError};
use super::handles::Handle;
use super::waiting::wait_in;
use crate::lowlevel::{cancel_shielded_checkpoint, checkpoint_if_cancelled};

/// A handle for sending into a [`channel`](super::channel). Dropping it closes it.
///
/// Its counterpart in Trio is `trio.MemorySendChannel`.
///
/// ```
/// use trio::channel::{SendError, TrySendError, channel};
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (sender, receiver) = channel(1);
/// let other = sender.clone();
/// sender.send(1).await?;
/// assert_eq!(other.try_send(2), Err(TrySendError::WouldBlock(2)));
/// sender.close(); // this one alone
/// assert_eq!(sender.send(3).await, Err(SendError::Closed(3)));
/// assert_eq!(receiver.receive().await?, 1);
/// other.send(4).await?;
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct Sender<T> {
    core: Rc<Core<T>>,
    handle: Handle,
}

impl<T> Sender<T> {
    pub(super) fn new(core: Rc<Core<T>>) -> Sender<T> {
        Sender { handle: core.senders.open(), core }
    }

    /// Sends a value; waits until there is room for it in the buffer, or somebody receives it.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. What is cancelled has not sent, and its value is dropped with it. A future that is
    /// dropped before it was ready, as a combinator does, has either sent its value or drops it.
    ///
    /// # Errors
    ///
    /// [`SendError::Broken`] if every receiver is closed, or is by the time that the value would have been
    /// received; [`SendError::Closed`] if this handle is. Both give the value back.
    ///
    /// # Panics
    ///
    /// Outside a task.
    ///
    /// Its counterpart in Trio is `MemorySendChannel.send`.
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        checkpoint_if_cancelled().await;
        let value = match self.attempt(value) {
            Ok(outcome) => {
                cancel_shielded_checkpoint().await;
                return outcome;
            }
            Err(value) => value,
        };
        let offer = Offer::new(&self.core, value);
        let note = self.handle.note(offer.number).expect("a closed one does not wait");
        wait_in(&self.core.sending, note, || {
            let Some(value) = offer.take_back() else {
                return Some(Ok(()));
            };
            self.attempt(value).map_err(|value| offer.renew(value)).ok()
        })
        .await
    }

    /// Sends a value if that needs no waiting. Sync.
    ///
    /// # Errors
    ///
    /// [`TrySendError::WouldBlock`] if it would have to wait, and as [`send`](Sender::send). All give the
    /// value back.
    ///
    /// Its counterpart in Trio is `MemorySendChannel.send_nowait`.
    #[inline]
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        match self.attempt(value) {
            Ok(outcome) => Ok(outcome?),
            Err(value) => Err(TrySendError::WouldBlock(value)),
        }
    }

    /// Closes this handle. Sync. Closing it again does nothing.
    ///
    /// Tasks that are waiting on this handle get [`SendError::Closed`]. When every sender is closed, the
    /// channel ends for the receivers, once they have received what was sent.
    ///
    /// Its counterpart in Trio is `MemorySendChannel.close`.
    pub fn close(&self) {
        if let Some(waiting_here) = self.core.senders.close(&self.handle) {
            self.core.sending.unpark_noted(waiting_here);
            self.core.tell_the_end();
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

    /// The outcome, or the value, if it would have to wait.
    #[inline(always)]
    fn attempt(&self, value: T) -> Result<Result<(), SendError<T>>, T> {
        if self.handle.is_closed() {
            Ok(Err(SendError::Closed(value)))
        } else if self.core.receivers.count() == 0 {
            Ok(Err(SendError::Broken(value)))
        } else {
            self.core.put(value).map(Ok)
        }
    }
}

/// Another handle for the same channel. A clone of a closed one is closed.
impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender { core: Rc::clone(&self.core), handle: self.core.senders.clone_of(&self.handle) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("closed", &self.is_closed())
            .field("channel", &self.statistics())
            .finish()
    }
}
