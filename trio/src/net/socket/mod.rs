//! The low-level socket: any family and type, one system call a method.
//!
//! `transfer` sends and receives, `message` does so with control data, `connecting` connects and accepts,
//! `options` sets what can be set, and `file` sends what is in a file. The typed sockets of the modules
//! beside this one are made of it.

pub(in crate::net) mod connecting;
pub(in crate::net) mod file;
pub(in crate::net) mod message;
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "not_linux.rs")]
pub(in crate::net) mod only_linux;
mod options;
mod transfer;

pub use self::message::{Control, Credentials, Message, MessageFlags};

use std::cell::Cell;
use std::fmt;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};

pub use socket2::{Domain, Protocol, SockAddr, Type};

use super::factory;
use crate::stream::fd::Handle;
use crate::sync::Semaphore;
use crate::sys::faults::{SystemCall, admit};
use crate::sys::sigpipe::silence;

/// A socket of any family and type, with the operations of the system's, each made a checkpoint.
///
/// This is the low level: an operation does what one system call does, and its errors are the system's.
/// For streams there are [`TcpStream`](super::TcpStream) and its like, which send everything and tell
/// apart what was closed from what broke.
///
/// Methods take `&self`. Of a stream one task may send while another receives, and two that do the same
/// at once get a [`BusyResourceError`](crate::BusyResourceError), since their data would be mixed up.
/// Datagrams do not mix: any number of tasks may send and receive them, and take turns in the order in
/// which they came. Dropping the socket closes it.
///
/// Its counterpart in Trio is `trio.socket.socket`.
///
/// ```
/// use trio::net::{Domain, Socket, Type};
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (a, b) = Socket::pair(Domain::UNIX, Type::DGRAM, None)?;
/// a.send(b"a datagram").await?;
/// let mut buffer = [0; 64];
/// let count = b.recv(&mut buffer).await?;
/// assert_eq!(&buffer[..count], b"a datagram");
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct Socket {
    handle: Handle<socket2::Socket>,
    /// Of a socket whose messages do not mix.
    turns: Option<Box<Turns>>,
    /// Its writing side was shut down here.
    shut_down_write: Cell<bool>,
}

/// Who sends and who receives a message, one after the other.
struct Turns {
    sending: Semaphore,
    receiving: Semaphore,
}

impl Socket {
    /// A new socket, from the run's [factory](super::set_socket_factory) if it has one. Sync.
    ///
    /// # Errors
    ///
    /// The system's: there is no such family, type or protocol, or no descriptor is left.
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn new(domain: Domain, ty: Type, protocol: Option<Protocol>) -> io::Result<Socket> {
        match factory::current() {
            Some(factory) => factory.socket(domain, ty, protocol),
            None => Socket::from_system(domain, ty, protocol),
        }
    }

    /// A new socket from the system, whatever the run's factory. Sync.
    ///
    /// # Errors
    ///
    /// As [`new`](Socket::new).
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn from_system(domain: Domain, ty: Type, protocol: Option<Protocol>) -> io::Result<Socket> {
        let socket = new_nonblocking(domain, ty, protocol)?;
        // A type can have flags with it.
        let mixes = ty == Type::STREAM || socket.r#type()? == Type::STREAM;
        Socket::from_nonblocking(socket, mixes)
    }

    /// Two sockets that are connected to each other. Sync.
    ///
    /// # Errors
    ///
    /// The system's: only Unix sockets can be had in pairs.
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn pair(
        domain: Domain,
        ty: Type,
        protocol: Option<Protocol>,
    ) -> io::Result<(Socket, Socket)> {
        let (a, b) = socket2::Socket::pair(domain, ty, protocol)?;
        Ok((Socket::from_socket2(a)?, Socket::from_socket2(b)?))
    }

    /// A socket from one of the `socket2` crate, which becomes non-blocking. Sync.
    ///
    /// # Errors
    ///
    /// The system's.
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn from_socket2(socket: socket2::Socket) -> io::Result<Socket> {
        socket.set_nonblocking(true)?;
        silence(socket.as_fd())?;
        let mixes = socket.r#type()? == Type::STREAM;
        Socket::from_nonblocking(socket, mixes)
    }

    /// A socket whose data would be mixed up by two who send or receive at once, or not.
    fn from_nonblocking(socket: socket2::Socket, mixes: bool) -> io::Result<Socket> {
        let turns = || Box::new(Turns { sending: Semaphore::new(1), receiving: Semaphore::new(1) });
        Ok(Socket {
            handle: Handle::new(socket)?,
            turns: (!mixes).then(turns),
            shut_down_write: Cell::new(false),
        })
    }

    /// Takes over a descriptor, or a socket of the standard library, which becomes non-blocking. Sync.
    ///
    /// # Errors
    ///
    /// The system's: it is no socket.
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn from_fd(fd: impl Into<OwnedFd>) -> io::Result<Socket> {
        Socket::from_socket2(socket2::Socket::from(fd.into()))
    }

    /// Takes the descriptor out; it stays non-blocking. Sync.
    ///
    /// Whoever waits for the socket gets a [`ClosedResourceError`](crate::ClosedResourceError).
    ///
    /// # Errors
    ///
    /// A [`ClosedResourceError`](crate::ClosedResourceError) if the socket is closed.
    pub fn into_fd(self) -> io::Result<OwnedFd> {
        self.handle.take().map(OwnedFd::from)
    }

    /// The socket with its registration, for the typed streams.
    pub(in crate::net) fn into_handle(self) -> Handle<socket2::Socket> {
        self.handle
    }

    /// Another descriptor for the same socket. Sync.
    ///
    /// Both share everything but being closed, also what can be received.
    ///
    /// # Errors
    ///
    /// The system's, and a [`ClosedResourceError`](crate::ClosedResourceError) if the socket is closed.
    pub fn duplicate(&self) -> io::Result<Socket> {
        let socket = self.handle.with(socket2::Socket::try_clone)?;
        let socket = Socket::from_nonblocking(socket, self.turns.is_none())?;
        socket.shut_down_write.set(self.shut_down_write.get());
        Ok(socket)
    }

    /// Gives the socket an address of this side. Sync.
    ///
    /// # Errors
    ///
    /// The system's: the address is in use, is not ours, or must not be used.
    pub fn bind(&self, address: impl Into<SockAddr>) -> io::Result<()> {
        admit(SystemCall::Bind, 0)?;
        self.handle.with(|socket| socket.bind(&address.into()))
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// A [`ClosedResourceError`](crate::ClosedResourceError) if the socket is closed.
    pub fn local_addr(&self) -> io::Result<SockAddr> {
        self.handle.with(socket2::Socket::local_addr)
    }

    /// The address of the other side.
    ///
    /// # Errors
    ///
    /// The system's if the socket is not connected, and a
    /// [`ClosedResourceError`](crate::ClosedResourceError) if it is closed.
    pub fn peer_addr(&self) -> io::Result<SockAddr> {
        self.handle.with(socket2::Socket::peer_addr)
    }

    /// Ends one direction of the connection, or both. Sync.
    ///
    /// # Errors
    ///
    /// The system's if the socket is not connected, and a
    /// [`ClosedResourceError`](crate::ClosedResourceError) if it is closed.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.handle.with(|socket| socket.shutdown(how))?;
        if how != Shutdown::Read {
            self.shut_down_write.set(true);
        }
        Ok(())
    }

    /// Whether [`shutdown`](Socket::shutdown) has ended the direction from here to the other side.
    pub fn did_shutdown_write(&self) -> bool {
        self.shut_down_write.get()
    }

    /// Closes the socket. Sync and idempotent; tasks that wait for it get a
    /// [`ClosedResourceError`](crate::ClosedResourceError).
    pub fn close(&self) {
        self.handle.close();
    }

    /// Whether the socket was closed on this side.
    pub fn is_closed(&self) -> bool {
        self.handle.source().is_closed()
    }

    /// Calls a function with the socket as the `socket2` crate knows it: for what has no method here.
    ///
    /// It is non-blocking, and must stay so.
    ///
    /// # Errors
    ///
    /// The function's, and a [`ClosedResourceError`](crate::ClosedResourceError) if the socket is closed.
    pub fn with_socket2<R>(
        &self,
        function: impl FnOnce(&socket2::Socket) -> io::Result<R>,
    ) -> io::Result<R> {
        self.handle.with(function)
    }
}

#[cfg(not(any(target_vendor = "apple", target_os = "solaris")))]
fn new_nonblocking(
    domain: Domain,
    ty: Type,
    protocol: Option<Protocol>,
) -> io::Result<socket2::Socket> {
    socket2::Socket::new(domain, ty.nonblocking(), protocol)
}

#[cfg(any(target_vendor = "apple", target_os = "solaris"))]
fn new_nonblocking(
    domain: Domain,
    ty: Type,
    protocol: Option<Protocol>,
) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(domain, ty, protocol)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

impl AsRawFd for Socket {
    /// The descriptor; -1 once the socket is closed.
    fn as_raw_fd(&self) -> RawFd {
        self.handle.with(|socket| Ok(socket.as_raw_fd())).unwrap_or(-1)
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = |address: SockAddr| match address.as_socket() {
            Some(address) => address.to_string(),
            None => format!("{address:?}"),
        };
        f.debug_struct("Socket")
            .field("fd", &self.as_raw_fd())
            .field("local_addr", &self.local_addr().ok().map(address))
            .field("peer_addr", &self.peer_addr().ok().map(address))
            .finish()
    }
}
