//! Connections between processes of one machine.

use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::SocketAddr;
use std::path::Path;

use super::socket::connecting::prepared;
use super::socket::message;
use super::socket::{Control, Domain, SockAddr, Socket, Type};
#[cfg(any(target_os = "linux", target_os = "android"))]
use super::socket::{Credentials, only_linux};
use super::streams::socket_stream;
use super::unix_datagram::{sock_addr, unix};
use crate::lowlevel::{cancel_shielded_checkpoint, checkpoint_if_cancelled};
use crate::stream::fd::{ByteStream, Handle};
use crate::stream::{AsyncResource, HalfCloseableStream, ReceiveStream, SendStream};

/// A Unix stream: a connection to another process of this machine. Dropping it closes it.
///
/// One task may send while another receives. Descriptors can be passed through it. Its counterpart in
/// Trio is what `trio.open_unix_socket` gives.
///
/// ```
/// use trio::net::UnixStream;
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (a, b) = UnixStream::pair()?;
/// a.send_all(b"hello").await?;
/// a.send_eof().await?;
/// let mut buffer = [0; 64];
/// assert_eq!(b.receive_some(&mut buffer).await?, 5);
/// assert_eq!(b.receive_some(&mut buffer).await?, 0);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct UnixStream {
    bytes: ByteStream<socket2::Socket>,
}

impl UnixStream {
    /// Connects to the one who listens at a path. If that has no room, this waits until it has.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled attempt is closed.
    ///
    /// # Errors
    ///
    /// The system's, naming the path.
    ///
    /// # Panics
    ///
    /// Outside a task.
    pub async fn connect(path: impl AsRef<Path>) -> io::Result<UnixStream> {
        UnixStream::connect_to(prepared(SockAddr::unix(path)).await?).await
    }

    /// Connects to an address of the standard library, which can be abstract.
    ///
    /// # Cancellation
    ///
    /// As [`connect`](UnixStream::connect).
    ///
    /// # Errors
    ///
    /// As [`connect`](UnixStream::connect).
    ///
    /// # Panics
    ///
    /// Outside a task.
    pub async fn connect_addr(address: &SocketAddr) -> io::Result<UnixStream> {
        UnixStream::connect_to(prepared(sock_addr(address)).await?).await
    }

    async fn connect_to(address: SockAddr) -> io::Result<UnixStream> {
        checkpoint_if_cancelled().await;
        let socket = prepared(Socket::new(Domain::UNIX, Type::STREAM, None)).await?;
        socket.connect(address).await?;
        Ok(UnixStream::over(socket.into_handle()))
    }

    /// Two that are connected to each other. Sync.
    ///
    /// # Errors
    ///
    /// The system's: no descriptor is left.
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (a, b) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
        Ok((UnixStream::over(a.into_handle()), UnixStream::over(b.into_handle())))
    }

    /// A Unix stream from a lower-level socket that is connected.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if it is of another kind; and the system's, if it is not connected.
    pub fn from_socket(socket: Socket) -> io::Result<UnixStream> {
        if !socket.peer_addr()?.is_unix() || socket.kind()? != Type::STREAM {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no Unix stream"));
        }
        Ok(UnixStream::over(socket.into_handle()))
    }

    pub(super) fn over(handle: Handle<socket2::Socket>) -> UnixStream {
        UnixStream { bytes: ByteStream::over(handle) }
    }

    /// Sends some data, at least one byte, and descriptors with the first of it: how much data it was. Who
    /// receives it gets duplicates.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has sent nothing.
    ///
    /// # Errors
    ///
    /// As [`send_all`](UnixStream::send_all); and `InvalidInput` without data, which has to carry them.
    pub async fn send_with_descriptors(
        &self,
        data: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<usize> {
        checkpoint_if_cancelled().await;
        let _busy = self.bytes.begin_sending().await?;
        let mut waited = false;
        let sent = if data.is_empty() {
            let text = "descriptors need at least one byte to go with";
            Err(io::Error::new(io::ErrorKind::InvalidInput, text))
        } else {
            let (data, control) = ([IoSlice::new(data)], [Control::Descriptors(descriptors)]);
            let send = |socket: &socket2::Socket| message::send(socket, &data, &control, None);
            self.bytes.sending(send, &mut waited).await
        };
        if !waited {
            cancel_shielded_checkpoint().await;
        }
        sent
    }

    /// Receives some data, and up to `most` descriptors that come with it. 0 bytes are the end.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has received nothing.
    ///
    /// # Errors
    ///
    /// As [`receive_some`](UnixStream::receive_some); and `InvalidData` if more descriptors came, all of
    /// which are closed then.
    pub async fn receive_with_descriptors(
        &self,
        buffer: &mut [u8],
        most: usize,
    ) -> io::Result<(usize, Vec<OwnedFd>)> {
        let receive = |socket: &socket2::Socket| {
            message::receive(socket, &mut [IoSliceMut::new(buffer)], most)
        };
        let message = self.bytes.receiving(receive).await?;
        if message.flags.control_truncated {
            let text = format!("more than {most} descriptors came");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok((message.bytes, message.descriptors))
    }

    /// Who is at the other side: the process that connected, or that listened. Linux only.
    ///
    /// # Errors
    ///
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the connection is closed.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn peer_credentials(&self) -> io::Result<Credentials> {
        let credentials =
            self.bytes.with(|socket| Ok(rustix::net::sockopt::socket_peercred(socket)?))?;
        Ok(only_linux::known(credentials))
    }

    /// The address of the other side; without a name, if it did not listen.
    ///
    /// # Errors
    ///
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the connection is closed.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        unix(&self.bytes.with(socket2::Socket::peer_addr)?)
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the connection is closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        unix(&self.bytes.with(socket2::Socket::local_addr)?)
    }
}

socket_stream!(UnixStream);

impl fmt::Debug for UnixStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnixStream")
            .field("local_addr", &self.local_addr().ok())
            .field("peer_addr", &self.peer_addr().ok())
            .finish()
    }
}
