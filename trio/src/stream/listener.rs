//! What connections come from.

use std::future::Future;
use std::io;

use super::{AsyncResource, Stream};

/// What waits for others to connect, and gives a stream for each that does.
///
/// Its counterpart in Trio is `trio.abc.Listener`.
pub trait Listener: AsyncResource {
    /// What a connection is.
    type Stream: Stream;

    /// Waits for a connection.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has accepted nothing.
    ///
    /// # Errors
    ///
    /// [`BusyResourceError`](crate::BusyResourceError) if another task is accepting,
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the listener is closed, and the system's.
    /// What went wrong with one connection alone is no error.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Stream>>;

    /// Takes a connection that waits already. Sync.
    ///
    /// A server takes several at once with it. A listener that cannot tell need not implement it.
    ///
    /// # Errors
    ///
    /// As [`accept`](Listener::accept); of the kind `WouldBlock` if none waits.
    fn try_accept(&self) -> io::Result<Self::Stream> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}
