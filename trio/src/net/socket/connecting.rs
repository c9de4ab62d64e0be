//! Connecting, listening, accepting.

use std::future::Future;
use std::io;
use std::time::Duration;

use socket2::SockAddr;

use super::Socket;
use crate::lowlevel::{cancel_shielded_checkpoint, checkpoint, checkpoint_if_cancelled};
use crate::sys::faults::{SystemCall, admit};

/// How long to wait for a Unix listener that has no room: the system does not tell when it has.
const FULL: Duration = Duration::from_millis(5);

impl Socket {
    /// Connects to an address. A socket whose connecting has failed or was cancelled is closed.
    ///
    /// Of a datagram socket the address becomes the only one that it sends to and receives from.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. A cancelled one closes the socket: nobody can tell how far it had got.
    ///
    /// # Errors
    ///
    /// The system's, naming the address.
    pub fn connect(&self, address: impl Into<SockAddr>) -> impl Future<Output = io::Result<()>> {
        let address = address.into();
        // Before the future is polled: one that is cancelled by then closes, too.
        let closes = ClosesUnlessConnected(Some(self));
        async move {
            self.connect_to(&address).await.map_err(|error| cannot_connect(&address, &error))?;
            closes.keep();
            Ok(())
        }
    }

    async fn connect_to(&self, address: &SockAddr) -> io::Result<()> {
        checkpoint_if_cancelled().await;
        loop {
            let connect = |socket: &socket2::Socket| {
                admit(SystemCall::Connect, 0)?;
                socket.connect(address)
            };
            match self.handle.with(connect) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    crate::sleep(FULL).await;
                }
                Err(error) if is_in_progress(&error) => {
                    self.handle.source().would_block_writing();
                    return self.connected().await;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => {
                    cancel_shielded_checkpoint().await;
                    return result;
                }
            }
        }
    }

    async fn connected(&self) -> io::Result<()> {
        loop {
            self.handle.source().writable().await?;
            match self.handle.with(socket2::Socket::peer_addr) {
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                    if let Some(error) = self.handle.with(socket2::Socket::take_error)? {
                        return Err(error);
                    }
                    // Not yet: woken too early.
                    self.handle.source().would_block_writing();
                }
                result => return result.map(drop),
            }
        }
    }

    /// Makes the socket one that accepts connections, of which `backlog` wait at most. Sync.
    ///
    /// # Errors
    ///
    /// The system's: it has no address, or is of a type that has no connections.
    pub fn listen(&self, backlog: u32) -> io::Result<()> {
        let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
        self.handle.with(|socket| socket.listen(backlog))
    }

    /// Waits for a connection; gives a socket for it and the address of its other side.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has accepted nothing.
    ///
    /// # Errors
    ///
    /// The system's, also those that are of one connection only;
    /// [`BusyResourceError`](crate::BusyResourceError) if another task is accepting, and
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the socket is closed.
    pub async fn accept(&self) -> io::Result<(Socket, SockAddr)> {
        self.accept_one(|_| false).await
    }

    /// [`accept`](Socket::accept) that passes over connections with such errors.
    pub(in crate::net) async fn accept_one(
        &self,
        pass_over: impl Fn(&io::Error) -> bool,
    ) -> io::Result<(Socket, SockAddr)> {
        loop {
            // Each attempt lets others go first: an error that comes every time must not hold them up.
            match self.handle.read(accept).await {
                Err(error) if pass_over(&error) => {}
                Err(error) => return Err(error),
                Ok((socket, address)) => {
                    return Ok((Socket::from_nonblocking(socket, self.turns.is_none())?, address));
                }
            }
        }
    }

    /// Takes a connection that waits. Sync.
    ///
    /// # Errors
    ///
    /// As [`accept`](Socket::accept); of the kind `WouldBlock` if none waits.
    pub fn try_accept(&self) -> io::Result<(Socket, SockAddr)> {
        let accepted = self.handle.with(accept);
        if accepted.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            self.handle.source().would_block_reading();
        }
        let (socket, address) = accepted?;
        Ok((Socket::from_nonblocking(socket, self.turns.is_none())?, address))
    }
}

/// Accepts a non-blocking socket.
#[cfg(not(any(target_vendor = "apple", target_os = "solaris")))]
fn accept(socket: &socket2::Socket) -> io::Result<(socket2::Socket, SockAddr)> {
    admit(SystemCall::Accept, 0)?;
    socket.accept4(libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK)
}

/// Accepts a non-blocking socket.
#[cfg(any(target_vendor = "apple", target_os = "solaris"))]
fn accept(socket: &socket2::Socket) -> io::Result<(socket2::Socket, SockAddr)> {
    admit(SystemCall::Accept, 0)?;
    let (accepted, address) = socket.accept()?;
    accepted.set_nonblocking(true)?;
    Ok((accepted, address))
}

fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::EINPROGRESS)
}

/// What an operation needs before it can begin. That it cannot be had is a checkpoint, too.
pub(in crate::net) async fn prepared<T>(result: io::Result<T>) -> io::Result<T> {
    if result.is_err() {
        checkpoint().await;
    }
    result
}

/// The same error, with the address in its text.
pub(in crate::net) fn cannot_connect(address: &SockAddr, error: &io::Error) -> io::Error {
    let to = match (address.as_socket(), address.as_pathname()) {
        (Some(address), _) => address.to_string(),
        (None, Some(path)) => path.display().to_string(),
        (None, None) => "this address".to_owned(),
    };
    io::Error::new(error.kind(), format!("cannot connect to {to}: {error}"))
}

struct ClosesUnlessConnected<'a>(Option<&'a Socket>);

impl ClosesUnlessConnected<'_> {
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for ClosesUnlessConnected<'_> {
    fn drop(&mut self) {
        if let Some(socket) = self.0 {
            socket.close();
        }
    }
}
