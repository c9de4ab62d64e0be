//! TCP connections.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsRawFd, RawFd};

use super::handle::{Handle, broken};
use crate::ClosedResourceError;
use crate::lowlevel::{cancel_shielded_checkpoint, checkpoint, checkpoint_if_cancelled};
use crate::sys::faults::{SystemCall, admit};

/// A TCP connection. Dropping it closes it.
///
/// `TCP_NODELAY` is on. One task may send while another receives; see
/// [`TcpListener`](super::TcpListener) for an example. Its counterpart in Trio is
/// `trio.SocketStream`.
pub struct TcpStream {
    handle: Handle<mio::net::TcpStream>,
    peer: SocketAddr,
    /// `send_eof` was called.
    ended: Cell<bool>,
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
        let failed = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot connect to {address}: {error}"))
        };
        admit(SystemCall::Connect, 0).map_err(failed)?;
        let socket = mio::net::TcpStream::connect(address).map_err(failed)?;
        let handle = Handle::new(socket).map_err(failed)?;
        handle.source().would_block_writing();
        loop {
            handle.source().writable().await?;
            if let Some(error) = handle.with(mio::net::TcpStream::take_error)? {
                return Err(failed(error));
            }
            match handle.with(mio::net::TcpStream::peer_addr) {
                Ok(_) => break,
                // Not connected yet: woken too early.
                Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                    handle.source().would_block_writing();
                }
                Err(error) => return Err(failed(error)),
            }
        }
        TcpStream::from_handle(handle, address)
    }

    pub(super) fn from_socket(
        socket: mio::net::TcpStream,
        peer: SocketAddr,
    ) -> io::Result<TcpStream> {
        TcpStream::from_handle(Handle::new(socket)?, peer)
    }

    fn from_handle(handle: Handle<mio::net::TcpStream>, peer: SocketAddr) -> io::Result<TcpStream> {
        // A connection that is broken already says so when it is used.
        let _ = handle.with(|socket| socket.set_nodelay(true));
        Ok(TcpStream { handle, peer, ended: Cell::new(false) })
    }

    /// Sends everything.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. *Not* atomic: a cancelled one may have sent a part, and nobody knows how much;
    /// the connection is then of no use but to be closed.
    ///
    /// # Errors
    ///
    /// [`BrokenResourceError`](crate::BrokenResourceError) if the connection is broken,
    /// [`ClosedResourceError`] once it is closed or [`send_eof`](TcpStream::send_eof) was called,
    /// [`BusyResourceError`](crate::BusyResourceError) if another task is sending.
    pub async fn send_all(&self, data: &[u8]) -> io::Result<()> {
        checkpoint_if_cancelled().await;
        let _busy = self.handle.begin_write()?;
        self.check_sending()?;
        let mut left = data;
        let mut waited = false;
        while !left.is_empty() {
            let mut asked = 0;
            let mut write = |mut socket: &mio::net::TcpStream| {
                asked = admit(SystemCall::Write, left.len())?;
                socket.write(&left[..asked])
            };
            let sent = self.handle.write(&mut write, &mut waited).await.map_err(broken)?;
            if sent < asked {
                self.handle.source().filled();
            }
            left = &left[sent..];
        }
        if !waited {
            cancel_shielded_checkpoint().await;
        }
        Ok(())
    }

    /// Waits until sending might not block.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. It may return early, never late.
    ///
    /// # Errors
    ///
    /// As [`send_all`](TcpStream::send_all).
    pub async fn wait_send_all_might_not_block(&self) -> io::Result<()> {
        checkpoint_if_cancelled().await;
        let _busy = self.handle.begin_write()?;
        self.check_sending()?;
        self.handle.source().writable().await
    }

    fn check_sending(&self) -> io::Result<()> {
        if self.ended.get() {
            return Err(ClosedResourceError::new().into());
        }
        self.handle.with(|_| Ok(()))
    }

    /// Receives some data into `buffer`: how many bytes, or 0 at the end of what the other side
    /// sends.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has received nothing.
    ///
    /// # Errors
    ///
    /// As [`send_all`](TcpStream::send_all), for receiving; and `InvalidInput` if the buffer is empty,
    /// since 0 bytes would mean the end.
    pub async fn receive_some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            checkpoint().await;
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the buffer to receive into is empty",
            ));
        }
        let mut asked = 0;
        let read = self.handle.read(|mut socket| {
            asked = admit(SystemCall::Read, buffer.len())?;
            socket.read(&mut buffer[..asked])
        });
        let received = read.await.map_err(broken)?;
        if received < asked {
            self.handle.source().drained();
        }
        Ok(received)
    }

    /// Tells the other side that nothing more will be sent; it can still be received. Idempotent.
    ///
    /// # Cancellation
    ///
    /// A checkpoint.
    ///
    /// # Errors
    ///
    /// As [`send_all`](TcpStream::send_all).
    pub async fn send_eof(&self) -> io::Result<()> {
        checkpoint().await;
        let _busy = self.handle.begin_write()?;
        if self.ended.get() {
            return Ok(());
        }
        let shutdown = self.handle.with(|socket| {
            admit(SystemCall::Shutdown, 0)?;
            match socket.shutdown(Shutdown::Write) {
                // The other side has reset the connection: it needs no end any more.
                Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
                result => result,
            }
        });
        shutdown.map_err(broken)?;
        self.ended.set(true);
        Ok(())
    }

    /// Closes the connection. Sync and idempotent; tasks that are sending or receiving get a
    /// [`ClosedResourceError`].
    pub fn close(&self) {
        self.handle.close();
    }

    /// The address of the other side.
    pub fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// The address of this side.
    ///
    /// # Errors
    ///
    /// [`ClosedResourceError`] once the connection is closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.handle.with(mio::net::TcpStream::local_addr)
    }

    /// Turns `TCP_NODELAY` on or off.
    ///
    /// # Errors
    ///
    /// [`ClosedResourceError`] once the connection is closed.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.handle.with(|socket| socket.set_nodelay(nodelay))
    }
}

impl AsRawFd for TcpStream {
    /// The descriptor; -1 once the connection is closed.
    fn as_raw_fd(&self) -> RawFd {
        self.handle.with(|socket| Ok(socket.as_raw_fd())).unwrap_or(-1)
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpStream")
            .field("local_addr", &self.local_addr().ok())
            .field("peer_addr", &self.peer)
            .finish()
    }
}
