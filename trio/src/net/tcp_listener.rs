//! Listening for TCP connections.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use super::socket::{Domain, Protocol, SockAddr, Socket, Type};
use super::tcp_stream::TcpStream;
use crate::stream::{AsyncResource, Listener};

/// How many connections may wait to be accepted; the system has a limit of its own.
pub(super) const BACKLOG: u32 = 0xFFFF;

/// A socket that listens for TCP connections. Dropping it closes it.
///
/// Its counterpart in Trio is `trio.SocketListener`.
///
/// ```
/// use trio::net::{TcpListener, TcpStream};
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
/// let address = listener.local_addr()?;
/// trio::nursery!(|n| {
///     n.spawn(async {
///         let stream = TcpStream::connect(address).await?;
///         stream.send_all(b"hello").await
///     });
///     let stream = listener.accept().await?;
///     let mut buffer = [0; 16];
///     let count = stream.receive_some(&mut buffer).await?;
///     assert_eq!(&buffer[..count], b"hello");
/// })?;
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct TcpListener {
    socket: Socket,
}

impl TcpListener {
    /// Listens at an address, with `SO_REUSEADDR`; port 0 takes a free one. Sync.
    ///
    /// # Errors
    ///
    /// The system's: the address is in use, is not ours, or must not be used.
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)?;
        Ok(TcpListener { socket })
    }

    /// A TCP listener from a lower-level socket that listens. macOS and iOS cannot tell whether it does, and
    /// it is taken at its word.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if it is of another kind; and the system's.
    pub fn from_socket(socket: Socket) -> io::Result<TcpListener> {
        let listens = socket.kind()? == Type::STREAM && socket.with_socket2(listens)?;
        if !listens || socket.local_addr()?.as_socket().is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no TCP listener"));
        }
        Ok(TcpListener { socket })
    }

    /// Waits for a connection. Those that have broken before they were accepted are passed over.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has accepted nothing.
    ///
    /// # Errors
    ///
    /// [`BusyResourceError`](crate::BusyResourceError) if another task is accepting,
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the listener is closed, and the
    /// system's when it is out of descriptors or memory.
    pub async fn accept(&self) -> io::Result<TcpStream> {
        let (socket, peer) = self.socket.accept_one(is_of_the_connection).await?;
        over(socket, peer)
    }

    /// Takes a connection that waits already. Sync.
    ///
    /// # Errors
    ///
    /// As [`accept`](TcpListener::accept); of the kind `WouldBlock` if none waits.
    pub fn try_accept(&self) -> io::Result<TcpStream> {
        loop {
            match self.socket.try_accept() {
                Err(error) if is_of_the_connection(&error) => {}
                Err(error) => return Err(error),
                Ok((socket, peer)) => return over(socket, peer),
            }
        }
    }

    /// The address that is listened at.
    ///
    /// # Errors
    ///
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the listener is closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let address = self.socket.local_addr()?;
        address.as_socket().ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Another descriptor for the same listener: a connection goes to whoever accepts it first. Sync.
    ///
    /// # Errors
    ///
    /// The system's, and a [`ClosedResourceError`](crate::ClosedResourceError) if the listener is closed.
    pub fn duplicate(&self) -> io::Result<TcpListener> {
        Ok(TcpListener { socket: self.socket.duplicate()? })
    }

    /// Takes the descriptor out; it stays non-blocking. Sync.
    ///
    /// # Errors
    ///
    /// A [`ClosedResourceError`](crate::ClosedResourceError) if the listener is closed.
    pub fn into_fd(self) -> io::Result<OwnedFd> {
        self.socket.into_fd()
    }

    /// Closes the listener. Sync and idempotent; a task that is accepting gets a
    /// [`ClosedResourceError`](crate::ClosedResourceError).
    pub fn close(&self) {
        self.socket.close();
    }
}

impl AsRawFd for TcpListener {
    /// The descriptor; -1 once the listener is closed.
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener").field("local_addr", &self.local_addr().ok()).finish()
    }
}

#[cfg(not(target_vendor = "apple"))]
fn listens(socket: &socket2::Socket) -> io::Result<bool> {
    Ok(rustix::net::sockopt::socket_acceptconn(socket)?)
}

#[cfg(target_vendor = "apple")]
fn listens(_: &socket2::Socket) -> io::Result<bool> {
    Ok(true)
}

fn over(socket: Socket, peer: SockAddr) -> io::Result<TcpStream> {
    match peer.as_socket() {
        Some(peer) => Ok(TcpStream::over(socket.into_handle(), peer)),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

impl AsyncResource for TcpListener {
    fn close_forcefully(&self) {
        TcpListener::close(self);
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    fn accept(&self) -> impl Future<Output = io::Result<TcpStream>> {
        TcpListener::accept(self)
    }

    fn try_accept(&self) -> io::Result<TcpStream> {
        TcpListener::try_accept(self)
    }
}

/// Whether the error is that of one connection, which concerns nobody else.
pub(super) fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(
            libc::EPERM
                | libc::ECONNABORTED
                | libc::EPROTO
                | libc::ENETDOWN
                | libc::ENOPROTOOPT
                | libc::EHOSTDOWN
                | libc::EHOSTUNREACH
                | libc::EOPNOTSUPP
                | libc::ENETUNREACH
                | libc::ETIMEDOUT
        )
    )
}
