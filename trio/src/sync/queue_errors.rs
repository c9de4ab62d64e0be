//! How putting and getting can fail.

use std::error::Error;
use std::fmt;

use crate::{ClosedResourceError, EndOfChannel, WouldBlock};

static CLOSED: ClosedResourceError = ClosedResourceError::new();
static END: EndOfChannel = EndOfChannel::new();
static WOULD_BLOCK: WouldBlock = WouldBlock::new();

/// The queue is closed: [`Queue::put`](crate::sync::Queue::put) gives its item back.
///
/// A [`ClosedResourceError`] is its source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PutError<T>(pub T);

impl<T> PutError<T> {
    /// The item that was not put.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PutError(..)")
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue is closed")
    }
}

impl<T> Error for PutError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&CLOSED)
    }
}

/// [`Queue::try_put`](crate::sync::Queue::try_put) could not put its item, and gives it back.
///
/// A [`WouldBlock`] or a [`ClosedResourceError`] is its source.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TryPutError<T> {
    /// The queue is full.
    WouldBlock(T),
    /// The queue is closed.
    Closed(T),
}

impl<T> TryPutError<T> {
    /// The item that was not put.
    pub fn into_inner(self) -> T {
        match self {
            TryPutError::WouldBlock(item) | TryPutError::Closed(item) => item,
        }
    }
}

impl<T> fmt::Debug for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryPutError::WouldBlock(_) => "WouldBlock(..)",
            TryPutError::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryPutError::WouldBlock(_) => "the queue is full",
            TryPutError::Closed(_) => "the queue is closed",
        })
    }
}

impl<T> Error for TryPutError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            TryPutError::WouldBlock(_) => &WOULD_BLOCK,
            TryPutError::Closed(_) => &CLOSED,
        })
    }
}

/// [`Queue::try_get`](crate::sync::Queue::try_get) has got nothing.
///
/// A [`WouldBlock`] or an [`EndOfChannel`] is its source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TryGetError {
    /// The queue is empty for now.
    WouldBlock,
    /// The queue is closed, and everything was got.
    EndOfChannel,
}

impl fmt::Display for TryGetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryGetError::WouldBlock => "the queue is empty",
            TryGetError::EndOfChannel => "the queue has ended",
        })
    }
}

impl Error for TryGetError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(match self {
            TryGetError::WouldBlock => &WOULD_BLOCK,
            TryGetError::EndOfChannel => &END,
        })
    }
}
