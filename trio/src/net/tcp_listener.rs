//! Listening for TCP connections.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};

use super::handle::Handle;
use super::tcp_stream::TcpStream;
use crate::sys::faults::{SystemCall, admit};

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
    handle: Handle<mio::net::TcpListener>,
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
        admit(SystemCall::Bind, 0)?;
        Ok(TcpListener { handle: Handle::new(mio::net::TcpListener::bind(address)?)? })
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
        let accepted = self.handle.read(|socket| {
            loop {
                match admit(SystemCall::Accept, 0).and_then(|_| socket.accept()) {
                    Err(error) if is_of_the_connection(&error) => {}
                    other => return other,
                }
            }
        });
        let (socket, peer) = accepted.await?;
        TcpStream::from_socket(socket, peer)
    }

    /// The address that is listened at.
    ///
    /// # Errors
    ///
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the listener is closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.handle.with(mio::net::TcpListener::local_addr)
    }

    /// Closes the listener. Sync and idempotent; a task that is accepting gets a
    /// [`ClosedResourceError`](crate::ClosedResourceError).
    pub fn close(&self) {
        self.handle.close();
    }
}

impl AsRawFd for TcpListener {
    /// The descriptor; -1 once the listener is closed.
    fn as_raw_fd(&self) -> RawFd {
        self.handle.with(|socket| Ok(socket.as_raw_fd())).unwrap_or(-1)
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpListener").field("local_addr", &self.local_addr().ok()).finish()
    }
}

/// Whether the error is that of one connection, which concerns nobody else.
fn is_of_the_connection(error: &io::Error) -> bool {
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
