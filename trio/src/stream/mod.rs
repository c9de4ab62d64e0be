//! What every stream of bytes can do, whatever carries it.
//!
//! The traits are for code that takes any stream, and for streams of one's own. Methods take `&self`,
//! so that two children can share a stream by reference: one that sends and one that receives. All
//! results are `io::Result`s with the crate's own errors inside, to be found with
//! [`is_error`](crate::is_error):
//!
//! | error | when |
//! |---|---|
//! | [`BusyResourceError`] | two tasks do the same at once |
//! | [`ClosedResourceError`] | this side has closed the stream, before or meanwhile |
//! | [`BrokenResourceError`] | the other side, or what is between, has broken it |
//!
//! The suites of [`testing`](crate::testing) check whether a stream keeps what the traits promise:
//! [`check_one_way_stream`](crate::testing::check_one_way_stream) and its like.
//!
//! ```
//! use std::io;
//! use trio::stream::{AsyncResource, ReceiveStream, SendStream};
//!
//! /// Sends on what it receives, until that ends.
//! #[trio::task]
//! async fn relay<R: ReceiveStream, S: SendStream>(from: &R, to: &S) -> io::Result<()> {
//!     let mut buffer = [0; 4096];
//!     loop {
//!         match from.receive_some(&mut buffer).await? {
//!             0 => return to.close().await,
//!             count => to.send_all(&buffer[..count]).await?,
//!         }
//!     }
//! }
//!
//! # #[trio::task] async fn example() -> trio::Result<()> {
//! let (near, from) = trio::testing::memory_stream_one_way_pair();
//! let (to, far) = trio::testing::memory_stream_one_way_pair();
//! trio::nursery!(|n| {
//!     n.spawn(relay, &from, &to);
//!     near.send_all(b"hello").await?;
//!     let mut buffer = [0; 16];
//!     let count = far.receive_some(&mut buffer).await?;
//!     assert_eq!(&buffer[..count], b"hello");
//!     near.close().await?;
//! })?;
//! # Ok(()) }
//! # trio::run(example).unwrap();
//! ```
//!
//! [`BusyResourceError`]: crate::BusyResourceError
//! [`ClosedResourceError`]: crate::ClosedResourceError
//! [`BrokenResourceError`]: crate::BrokenResourceError

mod boxed;
mod buffered;
mod closing;
mod conflict;
mod copy;
pub(crate) mod fd;
mod listener;
mod pointers;
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "no_splice.rs")]
mod splice;
mod standard;
mod stapled;

pub use boxed::{
    BoxFuture, DynAsyncResource, DynHalfCloseableStream, DynListener, DynReceiveStream,
    DynSendStream, DynStream,
};
pub use buffered::{BufferedStream, LimitExceededError};
pub use closing::closing;
pub use conflict::{ConflictDetector, ConflictGuard};
pub use copy::{copy, pump};
pub use fd::{Descriptor, FdStream, pipe};
pub use listener::Listener;
pub use standard::{StandardInput, StandardOutput, stderr, stdin, stdout};
pub use stapled::StapledStream;

use std::future::Future;
use std::io;

use crate::lowlevel::checkpoint;

/// Something that has to be closed, which may take a while if it is to be done properly.
///
/// Dropping it closes it, too, as [`close_forcefully`](AsyncResource::close_forcefully) does. Its
/// counterpart in Trio is `trio.abc.AsyncResource`.
pub trait AsyncResource {
    /// Closes at once, without the courtesies. Sync and idempotent.
    ///
    /// Tasks that are using the resource get a [`ClosedResourceError`](crate::ClosedResourceError), and
    /// so does whoever tries to use it afterwards. Its counterpart in Trio is
    /// `trio.aclose_forcefully`.
    fn close_forcefully(&self);

    /// Closes, properly where the resource has a way to: by saying goodbye, or by sending what is
    /// buffered. Idempotent.
    ///
    /// One that has nothing to say need not implement it; others write it with [`closing`]. A type may have
    /// a sync `close` of its own, which closes by force, as [`TcpStream`](crate::net::TcpStream::close)
    /// has. Method calls mean that one then, where the type is known.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. In any case the resource is closed afterwards: a close that is cancelled, fails, or
    /// is dropped, even without having been polled, closes forcefully.
    ///
    /// # Errors
    ///
    /// What has kept it from closing properly. It is closed all the same.
    fn close(&self) -> impl Future<Output = io::Result<()>> {
        let properly = async {
            self.close_forcefully();
            checkpoint().await;
            Ok(())
        };
        closing(properly, || self.close_forcefully())
    }
}

/// What bytes can be sent to.
///
/// Its counterpart in Trio is `trio.abc.SendStream`.
pub trait SendStream: AsyncResource {
    /// Sends everything.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. *Not* atomic: a cancelled one may have sent a part, and nobody knows how much; the
    /// stream is then of no use but to be closed.
    ///
    /// # Errors
    ///
    /// [`BrokenResourceError`](crate::BrokenResourceError) if nobody receives any more,
    /// [`ClosedResourceError`](crate::ClosedResourceError) if this side is closed, also for no bytes at
    /// all, and [`BusyResourceError`](crate::BusyResourceError) if another task is sending, or waits to.
    fn send_all(&self, data: &[u8]) -> impl Future<Output = io::Result<()>>;

    /// Waits until [`send_all`](SendStream::send_all) might not block, for those who want to decide late
    /// what they send.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. It may return early, never late.
    ///
    /// # Errors
    ///
    /// As [`send_all`](SendStream::send_all).
    fn wait_send_all_might_not_block(&self) -> impl Future<Output = io::Result<()>>;

    /// The descriptor that what is sent goes to, for what the system can do by itself: see
    /// [`receive_descriptor`](ReceiveStream::receive_descriptor).
    fn send_descriptor(&self) -> Option<Descriptor<'_>> {
        None
    }
}

/// What bytes can be received from.
///
/// Its counterpart in Trio is `trio.abc.ReceiveStream`.
pub trait ReceiveStream: AsyncResource {
    /// Receives some bytes into `buffer`: how many, or 0 at the end, which stays the end.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has received nothing.
    ///
    /// # Errors
    ///
    /// [`BrokenResourceError`](crate::BrokenResourceError) if the stream is broken,
    /// [`ClosedResourceError`](crate::ClosedResourceError) if this side is closed,
    /// [`BusyResourceError`](crate::BusyResourceError) if another task is receiving, and `InvalidInput`
    /// if the buffer is empty, since 0 bytes would mean the end.
    fn receive_some(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>>;

    /// The descriptor that what is received comes from, for what the system can do by itself:
    /// [`copy`](copy()) does not bring the bytes into memory where both sides have one.
    ///
    /// A stream need not know of it: without one it is read from and written to as always. One that wraps
    /// another, and leaves the bytes alone, can pass on the inner one's.
    fn receive_descriptor(&self) -> Option<Descriptor<'_>> {
        None
    }
}

/// A stream in both directions, which are closed together.
///
/// It is there for everything that sends and receives. Its counterpart in Trio is `trio.abc.Stream`.
pub trait Stream: SendStream + ReceiveStream {}

impl<S: SendStream + ReceiveStream + ?Sized> Stream for S {}

/// A stream that can say that it has sent everything, and still receive.
///
/// Its counterpart in Trio is `trio.abc.HalfCloseableStream`.
pub trait HalfCloseableStream: Stream {
    /// Tells the other side that nothing more will be sent; it can still be received. Idempotent.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. As with [`send_all`](SendStream::send_all), what a cancelled one has done is not
    /// known.
    ///
    /// # Errors
    ///
    /// As [`send_all`](SendStream::send_all). Sending afterwards is a
    /// [`ClosedResourceError`](crate::ClosedResourceError).
    fn send_eof(&self) -> impl Future<Output = io::Result<()>>;
}
