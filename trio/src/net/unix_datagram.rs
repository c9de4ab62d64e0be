//! Datagrams between processes of one machine.

use std::fmt;
use std::io;
#[cfg(target_os = "android")]
use std::os::android::net::SocketAddrExt;
use std::os::fd::{AsRawFd, RawFd};
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use super::socket::connecting::prepared;
use super::socket::{Domain, SockAddr, Socket, Type};

/// A Unix datagram socket. Datagrams neither get lost nor out of order: who sends waits for room.
///
/// Any number of tasks may use it at once; they take turns in the order in which they came. Dropping it
/// closes it, and leaves its file: see [`bind`](UnixDatagram::bind). What has no method here has one of
/// the [`Socket`] underneath, [`socket`](UnixDatagram::socket).
///
/// ```
/// use trio::net::UnixDatagram;
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (a, b) = UnixDatagram::pair()?;
/// a.send(b"hello").await?;
/// let mut buffer = [0; 64];
/// assert_eq!(b.recv(&mut buffer).await?, 5);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct UnixDatagram {
    socket: Socket,
}

impl UnixDatagram {
    /// A socket at a path, where nothing must be. Sync. Nobody removes the file but you.
    ///
    /// # Errors
    ///
    /// The system's: the path is in use, too long, or cannot be created.
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixDatagram> {
        UnixDatagram::bound(&SockAddr::unix(path)?)
    }

    /// A socket at an address of the standard library, which can be abstract. Sync.
    ///
    /// # Errors
    ///
    /// As [`bind`](UnixDatagram::bind).
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixDatagram> {
        UnixDatagram::bound(&sock_addr(address)?)
    }

    fn bound(address: &SockAddr) -> io::Result<UnixDatagram> {
        let unbound = UnixDatagram::unbound()?;
        unbound.socket.bind(address.clone())?;
        Ok(unbound)
    }

    /// A socket without an address, which can send. Sync.
    ///
    /// # Errors
    ///
    /// The system's: no descriptor is left.
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn unbound() -> io::Result<UnixDatagram> {
        Ok(UnixDatagram { socket: Socket::new(Domain::UNIX, Type::DGRAM, None)? })
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
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (a, b) = Socket::pair(Domain::UNIX, Type::DGRAM, None)?;
        Ok((UnixDatagram { socket: a }, UnixDatagram { socket: b }))
    }

    /// The socket underneath, with all of its options, and with the passing of descriptors.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Makes one path the one that [`send`](UnixDatagram::send) sends to, and the only one that is
    /// received from.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. A cancelled one closes the socket, as [`Socket::connect`] does.
    ///
    /// # Errors
    ///
    /// The system's: nobody has the path. The socket is then closed.
    pub async fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.socket.connect(prepared(SockAddr::unix(path)).await?).await
    }

    /// Sends a datagram to a path.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has sent nothing.
    ///
    /// # Errors
    ///
    /// The system's: nobody has the path; [`ClosedResourceError`](crate::ClosedResourceError) once the
    /// socket is closed.
    pub async fn send_to(&self, data: &[u8], path: impl AsRef<Path>) -> io::Result<usize> {
        self.socket.send_to(data, prepared(SockAddr::unix(path)).await?).await
    }

    /// Sends a datagram to the one that the socket is connected to.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has sent nothing.
    ///
    /// # Errors
    ///
    /// As [`send_to`](UnixDatagram::send_to).
    pub async fn send(&self, data: &[u8]) -> io::Result<usize> {
        self.socket.send(data).await
    }

    /// Receives a datagram: its length and where it came from. What does not fit is lost.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has received nothing.
    ///
    /// # Errors
    ///
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the socket is closed, and the system's.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (count, address) = self.socket.recv_from(buffer).await?;
        Ok((count, unix(&address)?))
    }

    /// Receives a datagram: its length. What does not fit is lost.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has received nothing.
    ///
    /// # Errors
    ///
    /// As [`recv_from`](UnixDatagram::recv_from).
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.recv(buffer).await
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the socket is closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        unix(&self.socket.local_addr()?)
    }

    /// Closes the socket. Sync and idempotent; tasks that wait for it get a
    /// [`ClosedResourceError`](crate::ClosedResourceError).
    pub fn close(&self) {
        self.socket.close();
    }
}

impl AsRawFd for UnixDatagram {
    /// The descriptor; -1 once the socket is closed.
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnixDatagram").field("local_addr", &self.local_addr().ok()).finish()
    }
}

/// An address of the standard library's from one of `socket2`'s.
pub(super) fn unix(address: &SockAddr) -> io::Result<SocketAddr> {
    if let Some(path) = address.as_pathname() {
        return SocketAddr::from_pathname(path);
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    if let Some(name) = address.as_abstract_namespace() {
        return SocketAddr::from_abstract_name(name);
    }
    // An empty path is how the standard library spells an address without a name.
    SocketAddr::from_pathname("")
}

/// And the other way round.
pub(super) fn sock_addr(address: &SocketAddr) -> io::Result<SockAddr> {
    if let Some(path) = address.as_pathname() {
        return SockAddr::unix(path);
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        if let Some(name) = address.as_abstract_name() {
            let mut path = vec![0];
            path.extend_from_slice(name);
            return SockAddr::unix(OsStr::from_bytes(&path));
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "this Unix address has no name"))
}
