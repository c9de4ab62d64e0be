//! The descriptor that a stream stands on.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use super::bytes::ByteStream;
use crate::stream::ConflictGuard;

/// The descriptor of a stream of this crate, for what the system can do with two of them by itself.
///
/// [`copy`](crate::stream::copy) asks streams for it. A stream of one's own that wraps another one, and
/// leaves the bytes alone, can pass on what the inner one gives: see
/// [`ReceiveStream::receive_descriptor`](crate::stream::ReceiveStream::receive_descriptor). Nothing else
/// can be done with it.
#[derive(Clone, Copy)]
pub struct Descriptor<'a>(Inner<'a>);

#[derive(Clone, Copy)]
enum Inner<'a> {
    Socket(&'a ByteStream<socket2::Socket>),
    File(&'a ByteStream<File>),
}

impl<'a> From<&'a ByteStream<socket2::Socket>> for Descriptor<'a> {
    fn from(stream: &'a ByteStream<socket2::Socket>) -> Self {
        Descriptor(Inner::Socket(stream))
    }
}

impl<'a> From<&'a ByteStream<File>> for Descriptor<'a> {
    fn from(stream: &'a ByteStream<File>) -> Self {
        Descriptor(Inner::File(stream))
    }
}

impl<'a> Descriptor<'a> {
    pub(crate) async fn begin_sending(self) -> io::Result<ConflictGuard<'a>> {
        match self.0 {
            Inner::Socket(stream) => stream.begin_sending().await,
            Inner::File(stream) => stream.begin_sending().await,
        }
    }

    pub(crate) async fn send_all(self, data: &[u8]) -> io::Result<()> {
        match self.0 {
            Inner::Socket(stream) => stream.send_all(data).await,
            Inner::File(stream) => stream.send_all(data).await,
        }
    }

    /// One operation that sends, between the others.
    pub(crate) async fn sending<R>(
        self,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        let mut waited = false;
        match self.0 {
            Inner::Socket(stream) => stream.sending(|it| operation(it.as_fd()), &mut waited).await,
            Inner::File(stream) => stream.sending(|it| operation(it.as_fd()), &mut waited).await,
        }
    }

    /// One operation that receives: a checkpoint.
    pub(crate) async fn receiving<R>(
        self,
        mut operation: impl FnMut(BorrowedFd<'_>) -> io::Result<R>,
    ) -> io::Result<R> {
        match self.0 {
            Inner::Socket(stream) => stream.receiving(|it| operation(it.as_fd())).await,
            Inner::File(stream) => stream.receiving(|it| operation(it.as_fd())).await,
        }
    }
}

impl fmt::Debug for Descriptor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Descriptor")
    }
}
