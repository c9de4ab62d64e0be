//! What can go wrong with a channel.
//!
//! The errors that carry the value are no `std::error::Error`: those must be `'static`, and `Send` to
//! be a [`trio::Error`](crate::Error), which a value need not be. They are converted into one for every
//! value: `?` works, and leaves the value behind.

use std::error::Error as StdError;
use std::fmt;

use crate::{BrokenResourceError, ClosedResourceError, EndOfChannel, Error, WouldBlock};

/// Why a value was not sent; it is given back.
///
/// With `?` in a task it becomes the [`ClosedResourceError`] or [`BrokenResourceError`] that it stands
/// for, without the value.
///
/// ```
/// use trio::channel::{SendError, channel};
///
/// # #[trio::task] async fn example() {
/// let (sender, receiver) = channel(1);
/// drop(receiver);
/// assert_eq!(sender.send(7).await, Err(SendError::Broken(7)));
/// # }
/// # trio::run(example);
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SendError<T> {
    /// This handle was closed, before the call or while it was waiting.
    Closed(T),
    /// Every receiver is closed.
    Broken(T),
}

impl<T> SendError<T> {
    /// The value that was not sent.
    pub fn into_value(self) -> T {
        match self {
            SendError::Closed(value) | SendError::Broken(value) => value,
        }
    }
}

/// Why [`try_send`](super::Sender::try_send) has not sent a value; it is given back.
///
/// With `?` in a task it becomes the [`WouldBlock`], [`ClosedResourceError`] or
/// [`BrokenResourceError`] that it stands for, without the value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// The buffer is full and no receiver waits; or others wait to send, and come first.
    WouldBlock(T),
    /// This handle was closed.
    Closed(T),
    /// Every receiver is closed.
    Broken(T),
}

impl<T> TrySendError<T> {
    /// The value that was not sent.
    pub fn into_value(self) -> T {
        match self {
            TrySendError::WouldBlock(value)
            | TrySendError::Closed(value)
            | TrySendError::Broken(value) => value,
        }
    }
}

impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(error: SendError<T>) -> TrySendError<T> {
        match error {
            SendError::Closed(value) => TrySendError::Closed(value),
            SendError::Broken(value) => TrySendError::Broken(value),
        }
    }
}

fn no_receiver() -> BrokenResourceError {
    BrokenResourceError::with_text("every receiver of the channel is closed")
}

impl<T> From<SendError<T>> for Error {
    fn from(error: SendError<T>) -> Error {
        match error {
            SendError::Closed(_) => ClosedResourceError::new().into(),
            SendError::Broken(_) => no_receiver().into(),
        }
    }
}

impl<T> From<TrySendError<T>> for Error {
    fn from(error: TrySendError<T>) -> Error {
        match error {
            TrySendError::WouldBlock(_) => WouldBlock::new().into(),
            TrySendError::Closed(_) => ClosedResourceError::new().into(),
            TrySendError::Broken(_) => no_receiver().into(),
        }
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Closed(_) => fmt::Display::fmt(&ClosedResourceError::new(), f),
            SendError::Broken(_) => fmt::Display::fmt(&no_receiver(), f),
        }
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrySendError::WouldBlock(_) => fmt::Display::fmt(&WouldBlock::new(), f),
            TrySendError::Closed(_) => fmt::Display::fmt(&ClosedResourceError::new(), f),
            TrySendError::Broken(_) => fmt::Display::fmt(&no_receiver(), f),
        }
    }
}

// Whatever the value is.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Closed(_) => "Closed(_)",
            SendError::Broken(_) => "Broken(_)",
        })
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::WouldBlock(_) => "WouldBlock(_)",
            TrySendError::Closed(_) => "Closed(_)",
            TrySendError::Broken(_) => "Broken(_)",
        })
    }
}

/// The sources of the errors below.
static WOULD_BLOCK: WouldBlock = WouldBlock::new();
static END_OF_CHANNEL: EndOfChannel = EndOfChannel::new();
static CLOSED: ClosedResourceError = ClosedResourceError::new();

macro_rules! receive_errors {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $source:ident),* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl fmt::Display for $name {
            /// With the source: few print that of an error.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $($name::$variant => write!(f, "nothing was received: {}", $source),)*
                }
            }
        }

        impl StdError for $name {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                match self {
                    $($name::$variant => Some(&$source),)*
                }
            }
        }
    )*};
}

receive_errors! {
    /// Why nothing was received. Its source is the [`EndOfChannel`] or [`ClosedResourceError`] that it
    /// stands for, as [`is_error`](crate::is_error) finds it.
    ///
    /// ```
    /// use trio::channel::{ReceiveError, channel};
    /// use trio::{EndOfChannel, is_error};
    ///
    /// # #[trio::task] async fn example() {
    /// let (sender, receiver) = channel::<u32>(1);
    /// drop(sender);
    /// let error = receiver.receive().await.expect_err("there is nothing");
    /// assert_eq!(error, ReceiveError::EndOfChannel);
    /// assert!(is_error::<EndOfChannel>(&error));
    /// # }
    /// # trio::run(example);
    /// ```
    ReceiveError {
        /// Every sender is closed, and everything was received.
        EndOfChannel = END_OF_CHANNEL,
        /// This handle was closed, before the call or while it was waiting.
        Closed = CLOSED
    }
    /// Why `try_receive` has received nothing. Its source is the error of the crate that it stands for.
    TryReceiveError {
        /// There is nothing to receive now.
        WouldBlock = WOULD_BLOCK,
        /// Every sender is closed, and everything was received.
        EndOfChannel = END_OF_CHANNEL,
        /// This handle was closed.
        Closed = CLOSED
    }
}

impl From<ReceiveError> for TryReceiveError {
    fn from(error: ReceiveError) -> TryReceiveError {
        match error {
            ReceiveError::EndOfChannel => TryReceiveError::EndOfChannel,
            ReceiveError::Closed => TryReceiveError::Closed,
        }
    }
}

/// Why a broadcast receiver has received nothing. The sources are as those of [`ReceiveError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BroadcastError {
    /// So many values were missed: more were sent than are kept. The receiver goes on with the oldest
    /// that is.
    Lagged(u64),
    /// Every sender is closed, and everything was received.
    EndOfChannel,
    /// This handle was closed, before the call or while it was waiting.
    Closed,
}

/// Why `try_receive` of a broadcast receiver has received nothing. The sources are as those of
/// [`TryReceiveError`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TryBroadcastError {
    /// There is nothing to receive now.
    WouldBlock,
    /// So many values were missed, as in [`BroadcastError::Lagged`].
    Lagged(u64),
    /// Every sender is closed, and everything was received.
    EndOfChannel,
    /// This handle was closed.
    Closed,
}

impl From<BroadcastError> for TryBroadcastError {
    fn from(error: BroadcastError) -> TryBroadcastError {
        match error {
            BroadcastError::Lagged(missed) => TryBroadcastError::Lagged(missed),
            BroadcastError::EndOfChannel => TryBroadcastError::EndOfChannel,
            BroadcastError::Closed => TryBroadcastError::Closed,
        }
    }
}

impl fmt::Display for TryBroadcastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryBroadcastError::Lagged(1) => f.write_str("this receiver has missed a value"),
            TryBroadcastError::Lagged(missed) => {
                write!(f, "this receiver has missed {missed} values")
            }
            TryBroadcastError::WouldBlock => fmt::Display::fmt(&TryReceiveError::WouldBlock, f),
            TryBroadcastError::EndOfChannel => fmt::Display::fmt(&TryReceiveError::EndOfChannel, f),
            TryBroadcastError::Closed => fmt::Display::fmt(&TryReceiveError::Closed, f),
        }
    }
}

impl StdError for TryBroadcastError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            TryBroadcastError::WouldBlock => Some(&WOULD_BLOCK),
            TryBroadcastError::Lagged(_) => None,
            TryBroadcastError::EndOfChannel => Some(&END_OF_CHANNEL),
            TryBroadcastError::Closed => Some(&CLOSED),
        }
    }
}

impl fmt::Display for BroadcastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&TryBroadcastError::from(*self), f)
    }
}

impl StdError for BroadcastError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            BroadcastError::Lagged(_) => None,
            BroadcastError::EndOfChannel => Some(&END_OF_CHANNEL),
            BroadcastError::Closed => Some(&CLOSED),
        }
    }
}
