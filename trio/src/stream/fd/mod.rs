//! Streams over descriptors: pipes and terminals, and the ground that sockets stand on.

mod bytes;
// Elsewhere nobody asks for more than whether there is one.
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
mod descriptor;
mod handle;

pub(crate) use bytes::ByteStream;
pub use descriptor::Descriptor;
pub(crate) use handle::{Handle, broken};

use std::fmt;
use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::{AsyncResource, ReceiveStream, SendStream};
use crate::sys::sigpipe::silence;

/// A descriptor as a stream: the end of a pipe, a terminal, a FIFO, a character device.
///
/// It takes the descriptor over and makes it non-blocking, which everybody sees who shares it with other
/// processes. One task may send while another receives. Dropping it closes it. Its counterpart in Trio is
/// `trio.lowlevel.FdStream`.
///
/// ```
/// use trio::stream::{FdStream, pipe};
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (from, to) = pipe()?;
/// to.send_all(b"through the pipe").await?;
/// to.close();
/// let mut buffer = [0; 64];
/// assert_eq!(from.receive_some(&mut buffer).await?, 16);
/// assert_eq!(from.receive_some(&mut buffer).await?, 0);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct FdStream {
    bytes: ByteStream<File>,
}

impl FdStream {
    /// Takes over a descriptor. Sync.
    ///
    /// # Errors
    ///
    /// The system's: it is one that cannot be waited for, as those of files on a disk.
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn new(fd: impl Into<OwnedFd>) -> io::Result<FdStream> {
        let fd = fd.into();
        let flags = fcntl_getfl(&fd)?;
        if !flags.contains(OFlags::NONBLOCK) {
            fcntl_setfl(&fd, flags | OFlags::NONBLOCK)?;
        }
        silence(fd.as_fd())?;
        Ok(FdStream { bytes: ByteStream::new(File::from(fd))? })
    }

    /// Takes the descriptor out; it stays non-blocking. Sync.
    ///
    /// # Errors
    ///
    /// A [`ClosedResourceError`](crate::ClosedResourceError) if the stream is closed.
    pub fn into_fd(self) -> io::Result<OwnedFd> {
        self.bytes.take().map(OwnedFd::from)
    }

    /// Sends everything.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. *Not* atomic: a cancelled one may have sent a part, and nobody knows how much.
    ///
    /// # Errors
    ///
    /// [`BrokenResourceError`](crate::BrokenResourceError) if nobody can read it any more, or the
    /// descriptor is not for writing; [`ClosedResourceError`](crate::ClosedResourceError) once the stream
    /// is closed; [`BusyResourceError`](crate::BusyResourceError) if another task is sending.
    pub async fn send_all(&self, data: &[u8]) -> io::Result<()> {
        self.bytes.send_all(data).await
    }

    /// Waits until sending might not block.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. It may return early, never late.
    ///
    /// # Errors
    ///
    /// As [`send_all`](FdStream::send_all).
    pub async fn wait_send_all_might_not_block(&self) -> io::Result<()> {
        self.bytes.wait_send_all_might_not_block().await
    }

    /// Receives some data into `buffer`: how many bytes, or 0 at the end.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has received nothing.
    ///
    /// # Errors
    ///
    /// As [`send_all`](FdStream::send_all), for receiving; and `InvalidInput` if the buffer is empty.
    pub async fn receive_some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.receive_some(buffer).await
    }

    /// Closes the descriptor. Sync and idempotent; tasks that are sending or receiving get a
    /// [`ClosedResourceError`](crate::ClosedResourceError).
    pub fn close(&self) {
        self.bytes.close();
    }
}

/// A pipe: what is sent to the second can be received from the first. Sync.
///
/// # Errors
///
/// The system's: no descriptor is left.
///
/// # Panics
///
/// Outside a run.
pub fn pipe() -> io::Result<(FdStream, FdStream)> {
    let (from, to) = io::pipe()?;
    Ok((FdStream::new(from)?, FdStream::new(to)?))
}

impl AsyncResource for FdStream {
    fn close_forcefully(&self) {
        FdStream::close(self);
    }
}

impl SendStream for FdStream {
    fn send_all(&self, data: &[u8]) -> impl Future<Output = io::Result<()>> {
        FdStream::send_all(self, data)
    }

    fn wait_send_all_might_not_block(&self) -> impl Future<Output = io::Result<()>> {
        FdStream::wait_send_all_might_not_block(self)
    }

    fn send_descriptor(&self) -> Option<Descriptor<'_>> {
        Some((&self.bytes).into())
    }
}

impl ReceiveStream for FdStream {
    fn receive_some(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        FdStream::receive_some(self, buffer)
    }

    fn receive_descriptor(&self) -> Option<Descriptor<'_>> {
        Some((&self.bytes).into())
    }
}

impl AsRawFd for FdStream {
    /// The descriptor; -1 once the stream is closed.
    fn as_raw_fd(&self) -> RawFd {
        self.bytes.with(|file| Ok(file.as_raw_fd())).unwrap_or(-1)
    }
}

impl fmt::Debug for FdStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FdStream").field("fd", &self.as_raw_fd()).finish()
    }
}
