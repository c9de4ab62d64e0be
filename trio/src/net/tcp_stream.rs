//! TCP connections.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

use super::socket::connecting::prepared;
use super::socket::{Domain, Protocol, Socket, Type};
use super::streams::socket_stream;
use crate::lowlevel::checkpoint_if_cancelled;
use crate::stream::fd::{ByteStream, Handle};
use crate::stream::{AsyncResource, HalfCloseableStream, ReceiveStream, SendStream};

/// A TCP connection. Dropping it closes it.
///
/// `TCP_NODELAY` is on. One task may send while another receives; see
/// [`TcpListener`](super::TcpListener) for an example. Its counterpart in Trio is
/// `trio.SocketStream`.
pub struct TcpStream {
    bytes: ByteStream<socket2::Socket>,
    peer: SocketAddr,
}

impl TcpStream {
    /// Connects to an address.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled attempt is closed.
    ///
    /// # Errors
    ///
    /// The system's, naming the address.
    ///
    /// # Panics
    ///
    /// Outside a task.
    pub async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        checkpoint_if_cancelled().await;
        let socket =
            prepared(Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP)))
                .await?;
        socket.connect(address).await?;
        Ok(TcpStream::over(socket.into_handle(), address))
    }

    /// A TCP connection from a lower-level socket that is connected.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if it is of another kind; and the system's, if it is not connected.
    pub fn from_socket(socket: Socket) -> io::Result<TcpStream> {
        match socket.peer_addr()?.as_socket() {
            Some(peer) if socket.kind()? == Type::STREAM => {
                Ok(TcpStream::over(socket.into_handle(), peer))
            }
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no TCP connection")),
        }
    }

    pub(super) fn over(handle: Handle<socket2::Socket>, peer: SocketAddr) -> TcpStream {
        // A connection that is broken already says so when it is used.
        let _ = handle.with(|socket| socket.set_tcp_nodelay(true));
        TcpStream { bytes: ByteStream::over(handle), peer }
    }

    /// The address of the other side.
    pub fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the connection is closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let address = self.bytes.with(socket2::Socket::local_addr)?;
        address.as_socket().ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Turns `TCP_NODELAY` on or off.
    ///
    /// # Errors
    ///
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the connection is closed.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.bytes.with(|socket| socket.set_tcp_nodelay(nodelay))
    }
}

socket_stream!(TcpStream);

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpStream")
            .field("local_addr", &self.local_addr().ok())
            .field("peer_addr", &self.peer)
            .finish()
    }
}
