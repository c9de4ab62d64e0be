//! UDP.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};

use super::socket::{Domain, Protocol, SockAddr, Socket, Type};
use crate::sys::mmsg;

/// A UDP socket: sends and receives datagrams.
///
/// Any number of tasks may use it at once; they take turns in the order in which they came. Dropping it
/// closes it. What has no method here has one of the [`Socket`] underneath, [`socket`](UdpSocket::socket).
///
/// ```
/// use trio::net::UdpSocket;
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let server = UdpSocket::bind("127.0.0.1:0".parse()?)?;
/// let client = UdpSocket::bind("127.0.0.1:0".parse()?)?;
/// client.connect(server.local_addr()?).await?;
/// client.send(b"ping").await?;
///
/// let mut buffer = [0; 1500];
/// let (count, from) = server.recv_from(&mut buffer).await?;
/// server.send_to(&buffer[..count], from).await?;
/// assert_eq!(client.recv(&mut buffer).await?, 4);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct UdpSocket {
    socket: Socket,
}

impl UdpSocket {
    /// A socket with this address; port 0 takes a free one. Sync.
    ///
    /// # Errors
    ///
    /// The system's: the address is in use, is not ours, or must not be used.
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.bind(address)?;
        Ok(UdpSocket { socket })
    }

    /// A UDP socket from a lower-level one.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if it is not for IP datagrams; and the system's.
    pub fn from_socket(socket: Socket) -> io::Result<UdpSocket> {
        if socket.kind()? != Type::DGRAM || socket.local_addr()?.as_socket().is_none() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no UDP socket"));
        }
        Ok(UdpSocket { socket })
    }

    /// The socket underneath, with all of its options.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Makes one address the only one that is sent to and received from.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. A cancelled one closes the socket, as [`Socket::connect`] does.
    ///
    /// # Errors
    ///
    /// The system's. The socket is then closed.
    pub async fn connect(&self, address: SocketAddr) -> io::Result<()> {
        self.socket.connect(address).await
    }

    /// Sends a datagram to an address.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has sent nothing.
    ///
    /// # Errors
    ///
    /// The system's; [`ClosedResourceError`](crate::ClosedResourceError) once the socket is closed.
    pub async fn send_to(&self, data: &[u8], address: SocketAddr) -> io::Result<usize> {
        self.socket.send_to(data, address).await
    }

    /// Sends a datagram to the address that the socket is connected to.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has sent nothing.
    ///
    /// # Errors
    ///
    /// The system's, of an earlier datagram too, such as `ConnectionRefused`;
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the socket is closed.
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
    /// As [`send`](UdpSocket::send).
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        ip(self.socket.recv_from(buffer).await?)
    }

    /// Receives a datagram: its length. What does not fit is lost.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has received nothing.
    ///
    /// # Errors
    ///
    /// As [`send`](UdpSocket::send).
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.recv(buffer).await
    }

    /// [`recv_from`](UdpSocket::recv_from), but the datagram can be received once more.
    ///
    /// # Cancellation
    ///
    /// A checkpoint.
    ///
    /// # Errors
    ///
    /// As [`send`](UdpSocket::send).
    pub async fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        ip(self.socket.peek_from(buffer).await?)
    }

    /// Receives the datagrams that have come, at least one and at most as many as the batch has room for:
    /// how many. With one system call for up to 32 of them on Linux, FreeBSD and NetBSD.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has received nothing.
    ///
    /// # Errors
    ///
    /// As [`send`](UdpSocket::send).
    ///
    /// ```
    /// use trio::net::{DatagramBatch, UdpSocket};
    ///
    /// # #[trio::task] async fn example() -> trio::Result<()> {
    /// # let server = UdpSocket::bind("127.0.0.1:0".parse()?)?;
    /// # let client = UdpSocket::bind("127.0.0.1:0".parse()?)?;
    /// # let to = server.local_addr()?;
    /// client.send_many(&[(b"one", to), (b"two", to)]).await?;
    ///
    /// let mut batch = DatagramBatch::new(16, 1500);
    /// server.recv_many(&mut batch).await?;
    /// for (data, from) in &batch {
    ///     println!("{} bytes from {from}", data.len());
    /// }
    /// # Ok(()) }
    /// # trio::run(example).unwrap();
    /// ```
    pub async fn recv_many(&self, batch: &mut DatagramBatch) -> io::Result<usize> {
        self.socket.receiving(|socket| batch.receive(socket)).await
    }

    /// Sends datagrams, each to its address; as many of them as there is room for now, in their order:
    /// how many. With one system call for up to 32 of them on Linux, FreeBSD and NetBSD.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has sent nothing.
    ///
    /// # Errors
    ///
    /// As [`send`](UdpSocket::send), of the first of them. An error of a later one comes when it is the
    /// first.
    pub async fn send_many(&self, datagrams: &[(&[u8], SocketAddr)]) -> io::Result<usize> {
        self.socket.sending(|socket| send_many(socket, datagrams)).await
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the socket is closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(ip((0, self.socket.local_addr()?))?.1)
    }

    /// The address that the socket is connected to.
    ///
    /// # Errors
    ///
    /// The system's if it is not connected.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(ip((0, self.socket.peer_addr()?))?.1)
    }

    /// Joins an IPv4 multicast group, on the interface that has this address. Sync.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn join_multicast_v4(&self, group: &Ipv4Addr, interface: &Ipv4Addr) -> io::Result<()> {
        self.socket.join_multicast_v4(group, interface)
    }

    /// Joins an IPv6 multicast group, on the interface of this index; 0 is any. Sync.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.socket.join_multicast_v6(group, interface)
    }

    /// Lets datagrams be sent to broadcast addresses, or not. Sync.
    ///
    /// # Errors
    ///
    /// The system's.
    pub fn set_broadcast(&self, broadcast: bool) -> io::Result<()> {
        self.socket.set_broadcast(broadcast)
    }

    /// Closes the socket. Sync and idempotent; tasks that wait for it get a
    /// [`ClosedResourceError`](crate::ClosedResourceError).
    pub fn close(&self) {
        self.socket.close();
    }
}

impl AsRawFd for UdpSocket {
    /// The descriptor; -1 once the socket is closed.
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UdpSocket").field("local_addr", &self.local_addr().ok()).finish()
    }
}

fn ip((count, address): (usize, SockAddr)) -> io::Result<(usize, SocketAddr)> {
    match address.as_socket() {
        Some(address) => Ok((count, address)),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "this is no IP address")),
    }
}

/// Room for several datagrams, and those that [`UdpSocket::recv_many`] has received last.
pub struct DatagramBatch {
    size: usize,
    buffer: Box<[u8]>,
    received: Vec<(usize, SocketAddr)>,
}

impl DatagramBatch {
    /// Room for `count` datagrams of up to `size` bytes each.
    ///
    /// # Panics
    ///
    /// If either is 0.
    #[track_caller]
    pub fn new(count: usize, size: usize) -> DatagramBatch {
        assert!(count > 0 && size > 0, "a batch has room for at least one byte of one datagram");
        DatagramBatch {
            size,
            buffer: vec![0; count * size].into(),
            received: Vec::with_capacity(count),
        }
    }

    /// How many datagrams it has.
    pub fn len(&self) -> usize {
        self.received.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.received.is_empty()
    }

    /// The datagrams in the order in which they came, each with where it came from.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], SocketAddr)> {
        let pieces = self.buffer.chunks_exact(self.size);
        pieces.zip(&self.received).map(|(piece, &(length, from))| (&piece[..length], from))
    }

    fn receive(&mut self, socket: &socket2::Socket) -> io::Result<usize> {
        let DatagramBatch { size, buffer, received } = self;
        received.clear();
        mmsg::receive(socket, buffer, *size, |length, from| {
            received.push((length.min(*size), from.expect("a UDP datagram has an IP address")));
        })
    }
}

impl<'a> IntoIterator for &'a DatagramBatch {
    type Item = (&'a [u8], SocketAddr);
    type IntoIter = Box<dyn Iterator<Item = Self::Item> + 'a>;

    fn into_iter(self) -> Self::IntoIter {
        Box::new(self.iter())
    }
}

impl fmt::Debug for DatagramBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.received).finish()
    }
}

fn send_many(socket: &socket2::Socket, datagrams: &[(&[u8], SocketAddr)]) -> io::Result<usize> {
    if datagrams.is_empty() {
        return Ok(0);
    }
    mmsg::send(socket, datagrams)
}
