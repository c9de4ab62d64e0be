//! A socket with its registration, closable while others wait for it.

use std::cell::RefCell;
use std::io;
use std::os::fd::AsFd;

use crate::lowlevel::{IoSource, cancel_shielded_checkpoint, checkpoint_if_cancelled};
use crate::stream::{ConflictDetector, ConflictGuard};
use crate::{BrokenResourceError, BusyResourceError, ClosedResourceError};

/// A socket and its registration.
///
/// ```text
///   ready? ──yes──▶ schedule point ──▶ try ──done──▶ (result)
///      │ no                             ▲ │ would block
///      │                                │ ▼
///      └────────────────────────▶ wait for readiness
/// ```
///
/// Nothing is waited for between a read and its result: a future that is dropped on the way, as the
/// loser of a race is, has read nothing. Writing is not so careful: who drops a `send_all` does not
/// know how much was sent anyway.
pub(crate) struct Handle<S> {
    /// Before the socket: it is deregistered before it is closed.
    source: IoSource,
    socket: RefCell<Option<S>>,
    /// An operation of each direction is in progress.
    reading: ConflictDetector,
    writing: ConflictDetector,
}

impl<S: AsFd> Handle<S> {
    pub(crate) fn new(socket: S) -> io::Result<Handle<S>> {
        let source = IoSource::new(socket.as_fd())?;
        Ok(Handle {
            source,
            socket: RefCell::new(Some(socket)),
            reading: ConflictDetector::new(),
            writing: ConflictDetector::new(),
        })
    }

    pub(crate) fn source(&self) -> &IoSource {
        &self.source
    }

    /// Uses the socket, if it is not closed.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&S) -> io::Result<R>) -> io::Result<R> {
        match &*self.socket.borrow() {
            Some(socket) => f(socket),
            None => Err(ClosedResourceError::new().into()),
        }
    }

    /// Closes the socket; whoever waits for it gets a `ClosedResourceError`.
    pub(crate) fn close(&self) {
        self.source.notify_closing();
        drop(self.socket.take());
    }

    /// Takes the socket out; whoever waits for it gets a `ClosedResourceError`.
    pub(crate) fn take(&self) -> io::Result<S> {
        self.source.notify_closing();
        self.socket.take().ok_or_else(|| ClosedResourceError::new().into())
    }

    /// Tries `read` until it does not block, waiting in between: a checkpoint in any case.
    pub(crate) async fn read<R>(&self, mut read: impl FnMut(&S) -> io::Result<R>) -> io::Result<R> {
        checkpoint_if_cancelled().await;
        let busy = self.reading.enter();
        if busy.is_err() || self.source.is_readable() || self.source.is_closed() {
            cancel_shielded_checkpoint().await;
        }
        let _busy = busy?;
        loop {
            if self.source.is_readable() || self.source.is_closed() {
                match self.with(&mut read) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.source.would_block_reading();
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    result => return result,
                }
            }
            self.source.readable().await?;
        }
    }

    /// The same for writing.
    pub(crate) async fn write<R>(
        &self,
        write: &mut impl FnMut(&S) -> io::Result<R>,
        waited: &mut bool,
    ) -> io::Result<R> {
        loop {
            if self.source.is_writable() || self.source.is_closed() {
                match self.with(&mut *write) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.source.would_block_writing();
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    result => return result,
                }
            }
            self.source.writable().await?;
            *waited = true;
        }
    }

    /// Begins to write. That it cannot begin is a schedule point.
    pub(crate) async fn begin_write(&self) -> io::Result<ConflictGuard<'_>> {
        let busy = self.writing.enter();
        if busy.is_err() {
            cancel_shielded_checkpoint().await;
        }
        Ok(busy?)
    }
}

impl<S> Drop for Handle<S> {
    fn drop(&mut self) {
        self.source.notify_closing();
    }
}

/// An error of the system in the midst of a connection: the other side, or what is between, has
/// broken it.
pub(crate) fn broken(error: io::Error) -> io::Error {
    if crate::is_error::<ClosedResourceError>(&error)
        || crate::is_error::<BusyResourceError>(&error)
    {
        return error;
    }
    io::Error::new(error.kind(), BrokenResourceError::caused_by(error))
}
