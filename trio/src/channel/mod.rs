//! Channels: for tasks that pass values to each other.
//!
//! | | who receives a value | what a sender does when it gets ahead |
//! |---|---|---|
//! | [`channel`] | one receiver | waits |
//! | [`unbounded`] | one receiver | never waits |
//! | [`broadcast`] | every receiver | never waits: who lags misses the oldest |
//! | [`watch`] | every receiver, the latest only | never waits: the latest replaces the one before |
//!
//! Both ends of each can be cloned, and each handle is closed on its own, by [`close`](Sender::close) or
//! by being dropped. The channel ends for its receivers when every sender is closed and everything was
//! received. Give each task its own handle, so that this follows from the tasks' ending.
//!
//! With the feature `futures`, a receiver gives a `futures_core::Stream`, for the combinators of others.
//!
//! Values need not be `Send`, nor `'static`: what borrows can be sent to a task that lives as long.
//!
//! ```
//! use trio::channel::{Receiver, Sender, channel};
//! use trio::nursery;
//!
//! #[trio::task]
//! async fn count(sender: Sender<u32>, from: u32) -> trio::Result<()> {
//!     for number in from..from + 3 {
//!         sender.send(number).await?;
//!     }
//!     Ok(()) // `sender` is dropped, and so closed
//! }
//!
//! #[trio::task]
//! async fn add(receiver: Receiver<u32>) -> u32 {
//!     let mut sum = 0;
//!     while let Ok(number) = receiver.receive().await {
//!         sum += number;
//!     }
//!     sum
//! }
//!
//! # #[trio::task] async fn example() -> trio::Result<()> {
//! let sum = nursery!(|n| {
//!     let (sender, receiver) = channel(1);
//!     n.spawn(count, sender.clone(), 1);
//!     n.spawn(count, sender, 10);
//!     n.spawn(add, receiver)
//! })?;
//! assert_eq!(sum.take(), Some(1 + 2 + 3 + 10 + 11 + 12));
//! # Ok(()) }
//! # trio::run(example).unwrap();
//! ```

mod broadcast;
mod core;
mod errors;
mod handles;
mod receiver;
mod sender;
#[cfg(feature = "futures")]
mod stream;
mod waiting;
mod watch;

pub use broadcast::{BroadcastReceiver, BroadcastSender, BroadcastStatistics, broadcast};
pub use errors::{
    BroadcastError, ReceiveError, SendError, TryBroadcastError, TryReceiveError, TrySendError,
};
pub use receiver::Receiver;
pub use sender::Sender;
#[cfg(feature = "futures")]
pub use stream::ReceiverStream;
pub use watch::{WatchReceiver, WatchSender, WatchStatistics, watch};

use std::rc::Rc;

use self::core::Core;

/// A channel whose buffer has room for `capacity` values. With none, sending waits until somebody
/// receives: a rendezvous.
///
/// Senders and receivers have their turns in the order of their coming. Who waits to receive is given
/// the next value that is sent, and who waits to send the next room that there is; nobody else gets it,
/// also if they run earlier. Each value is received once, in the order of sending.
///
/// A buffer makes up for senders and receivers whose pace changes. It does not help if one side is
/// slower throughout: then it is always full, and values wait in it. When in doubt begin with a small one.
///
/// Its counterpart in Trio is `trio.open_memory_channel`.
///
/// ```
/// use trio::channel::{TrySendError, channel};
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (sender, receiver) = channel(2);
/// sender.send("one").await?;
/// sender.send("two").await?;
/// assert_eq!(sender.try_send("three"), Err(TrySendError::WouldBlock("three")));
/// drop(sender);
/// assert_eq!(receiver.receive().await, Ok("one"));
/// assert_eq!(receiver.receive().await, Ok("two"));
/// assert!(receiver.receive().await.is_err()); // the channel has ended
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let core = Rc::new(Core::new(capacity));
    (Sender::new(Rc::clone(&core)), Receiver::new(core))
}

/// A channel whose buffer has room for everything: sending never waits.
///
/// Nothing slows down who sends too much; where that can be, a bounded [`channel`] is better.
///
/// Its counterpart in Trio is `trio.open_memory_channel(math.inf)`.
///
/// ```
/// use trio::channel::unbounded;
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (sender, receiver) = unbounded();
/// for number in 0..1000 {
///     sender.try_send(number)?;
/// }
/// assert_eq!(receiver.receive().await, Ok(0));
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub fn unbounded<T>() -> (Sender<T>, Receiver<T>) {
    channel(usize::MAX)
}

/// What [`Sender::statistics`] and [`Receiver::statistics`] tell: of the channel as a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ChannelStatistics {
    /// How many values are in the buffer.
    pub current_buffer_used: usize,
    /// How many there have been at most.
    pub peak_buffer_used: usize,
    /// How many it has room for; `None` if there is no limit. There can be more in it when a receiver
    /// was dropped that had been given a value: that goes back.
    pub max_buffer_size: Option<usize>,
    /// How many handles for sending are open.
    pub open_senders: usize,
    /// How many handles for receiving are open.
    pub open_receivers: usize,
    /// How many tasks wait to send.
    pub tasks_waiting_send: usize,
    /// How many tasks wait to receive.
    pub tasks_waiting_receive: usize,
}

impl ChannelStatistics {
    fn of<T>(core: &Core<T>) -> ChannelStatistics {
        let (current_buffer_used, peak_buffer_used) = core.buffered();
        ChannelStatistics {
            current_buffer_used,
            peak_buffer_used,
            max_buffer_size: (core.capacity != usize::MAX).then_some(core.capacity),
            open_senders: core.senders.count(),
            open_receivers: core.receivers.count(),
            tasks_waiting_send: core.sending.len(),
            tasks_waiting_receive: core.receiving.len(),
        }
    }
}
