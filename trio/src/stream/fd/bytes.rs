//! What all streams over descriptors have in common.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;

use super::handle::{Handle, broken};
use crate::ClosedResourceError;
use crate::lowlevel::{cancel_shielded_checkpoint, checkpoint, checkpoint_if_cancelled};
use crate::stream::ConflictGuard;
use crate::sys::faults::{SystemCall, admit};
use crate::sys::sigpipe::{NO_SIGNAL, quietly};
use crate::sys::uninit::as_uninit;

/// A descriptor that bytes are read from and written to.
pub(crate) trait Transport: AsFd {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;
    fn write(&self, data: &[u8]) -> io::Result<usize>;
}

impl Transport for socket2::Socket {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recv(as_uninit(buffer))
    }

    fn write(&self, data: &[u8]) -> io::Result<usize> {
        self.send_with_flags(data, NO_SIGNAL)
    }
}

impl Transport for File {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut &*self, buffer)
    }

    fn write(&self, data: &[u8]) -> io::Result<usize> {
        quietly(|| Write::write(&mut &*self, data))
    }
}

/// A descriptor as a stream. The typed streams say in their documentation what is done here.
pub(crate) struct ByteStream<S> {
    handle: Handle<S>,
    /// `send_eof` was called.
    ended: Cell<bool>,
}

impl<S: Transport> ByteStream<S> {
    /// A stream over a non-blocking descriptor.
    pub(crate) fn new(socket: S) -> io::Result<ByteStream<S>> {
        Ok(ByteStream::over(Handle::new(socket)?))
    }

    pub(crate) fn over(handle: Handle<S>) -> ByteStream<S> {
        ByteStream { handle, ended: Cell::new(false) }
    }

    /// Uses the descriptor, if it is not closed.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&S) -> io::Result<R>) -> io::Result<R> {
        self.handle.with(f)
    }

    pub(crate) fn close(&self) {
        self.handle.close();
    }

    pub(crate) fn take(&self) -> io::Result<S> {
        self.handle.take()
    }

    /// Sends everything, in as many writes as it takes.
    pub(crate) async fn send_all(&self, data: &[u8]) -> io::Result<()> {
        checkpoint_if_cancelled().await;
        let _busy = self.begin_sending().await?;
        let mut left = data;
        let mut waited = false;
        let mut result = Ok(());
        while !left.is_empty() {
            let mut asked = 0;
            let mut write = |socket: &S| {
                asked = admit(SystemCall::Write, left.len())?;
                socket.write(&left[..asked])
            };
            match self.handle.write(&mut write, &mut waited).await {
                Ok(sent) => {
                    if sent < asked {
                        self.handle.source().filled();
                    }
                    left = &left[sent..];
                }
                Err(error) => {
                    result = Err(broken(error));
                    break;
                }
            }
        }
        if !waited {
            cancel_shielded_checkpoint().await;
        }
        result
    }

    /// One operation that sends, between the others: what a `send_all` of another kind is made of.
    pub(crate) async fn sending<R>(
        &self,
        mut operation: impl FnMut(&S) -> io::Result<R>,
        waited: &mut bool,
    ) -> io::Result<R> {
        let mut operation = |socket: &S| {
            admit(SystemCall::Write, 0)?;
            operation(socket)
        };
        self.handle.write(&mut operation, waited).await.map_err(broken)
    }

    /// Begins what may take several operations.
    pub(crate) async fn begin_sending(&self) -> io::Result<ConflictGuard<'_>> {
        let begun = self.begin();
        if begun.is_err() {
            cancel_shielded_checkpoint().await;
        }
        begun
    }

    fn begin(&self) -> io::Result<ConflictGuard<'_>> {
        let busy = self.handle.enter_write()?;
        if self.ended.get() || self.handle.source().is_closed() {
            return Err(ClosedResourceError::new().into());
        }
        Ok(busy)
    }

    pub(crate) async fn wait_send_all_might_not_block(&self) -> io::Result<()> {
        checkpoint_if_cancelled().await;
        let _busy = self.begin_sending().await?;
        self.handle.source().writable().await
    }

    pub(crate) async fn receive_some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            checkpoint().await;
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the buffer to receive into is empty",
            ));
        }
        let mut asked = 0;
        let read = self.handle.read(|socket| {
            asked = admit(SystemCall::Read, buffer.len())?;
            socket.read(&mut buffer[..asked])
        });
        let received = read.await.map_err(broken)?;
        if received < asked {
            self.handle.source().drained();
        }
        Ok(received)
    }

    /// One operation that receives.
    pub(crate) async fn receiving<R>(
        &self,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        let operation = |socket: &S| {
            admit(SystemCall::Read, 0)?;
            operation(socket)
        };
        self.handle.read(operation).await.map_err(broken)
    }

    pub(crate) async fn send_eof(
        &self,
        shutdown: impl FnOnce(&S) -> io::Result<()>,
    ) -> io::Result<()> {
        checkpoint().await;
        let _busy = self.handle.begin_write().await?;
        if self.ended.get() {
            return Ok(());
        }
        let shutdown = self.handle.with(|socket| {
            admit(SystemCall::Shutdown, 0)?;
            match shutdown(socket) {
                // The other side has reset the connection: it needs no end any more.
                Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
                result => result,
            }
        });
        shutdown.map_err(broken)?;
        self.ended.set(true);
        Ok(())
    }
}
