//! A descriptor that is registered once.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::rc::Rc;

use mio::Interest;

use super::ready::Ready;
use super::sources::{Direction, Source, Sources};
use crate::runtime::context;

/// A descriptor that is registered with the run's poller, once, for both directions: what a socket
/// or pipe of one's own is built with.
///
/// The owner tries the operation first, says [`would_block`](IoSource::would_block_reading) if it
/// could not be done, and waits. It must not outlive the descriptor: drop it, or call
/// [`notify_closing`](IoSource::notify_closing), before closing. When its run ends it counts as closed.
pub struct IoSource {
    source: Rc<Source>,
    sources: Rc<Sources>,
}

impl IoSource {
    /// Registers a descriptor, which is to be non-blocking. It counts as ready until an operation
    /// on it would block.
    ///
    /// # Errors
    ///
    /// The poller's: the descriptor is registered already, or cannot be polled.
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn new(fd: BorrowedFd<'_>) -> io::Result<IoSource> {
        context::run(|run| {
            let sources = Rc::clone(&run.reactor().sources);
            let interest = Interest::READABLE | Interest::WRITABLE;
            let source = sources.insert(fd.as_raw_fd(), interest)?;
            source.read.ready.set(true);
            source.write.ready.set(true);
            Ok(IoSource { source, sources })
        })
    }

    /// Waits until the descriptor may be readable.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. Nothing is read.
    ///
    /// # Errors
    ///
    /// [`BusyResourceError`](crate::BusyResourceError) if another task waits for the same, [`ClosedResourceError`](crate::ClosedResourceError) once
    /// [`notify_closing`](IoSource::notify_closing) was called; inside an `io::Error`.
    pub fn readable(&self) -> impl Future<Output = io::Result<()>> + use<> {
        Ready::new(Rc::clone(&self.source), Direction::Read)
    }

    /// Waits until the descriptor may be writable.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. Nothing is written.
    ///
    /// # Errors
    ///
    /// As [`readable`](IoSource::readable).
    pub fn writable(&self) -> impl Future<Output = io::Result<()>> + use<> {
        Ready::new(Rc::clone(&self.source), Direction::Write)
    }

    /// Whether reading is worth a try: what `readable` waits for.
    pub fn is_readable(&self) -> bool {
        self.source.read.ready.get()
    }

    /// Whether writing is worth a try: what `writable` waits for.
    pub fn is_writable(&self) -> bool {
        self.source.write.ready.get()
    }

    /// A read would have blocked: wait for the next event.
    pub fn would_block_reading(&self) {
        self.source.read.ready.set(false);
        self.source.read.for_good.set(false);
    }

    /// A write would have blocked: wait for the next event.
    pub fn would_block_writing(&self) {
        self.source.write.ready.set(false);
        self.source.write.for_good.set(false);
    }

    /// A read has taken everything there was, as far as can be told: the next one would block,
    /// unless the other side has closed.
    pub fn drained(&self) {
        self.source.read.ready.set(self.source.read.for_good.get());
    }

    /// A write has filled the buffer, as far as can be told: the next one would block.
    pub fn filled(&self) {
        self.source.write.ready.set(self.source.write.for_good.get());
    }

    /// The descriptor is about to be closed: whoever waits for it, or tries to, gets a
    /// [`ClosedResourceError`](crate::ClosedResourceError). Sync and idempotent.
    pub fn notify_closing(&self) {
        if !self.source.closed.get() {
            self.sources.remove(&self.source);
            self.source.close();
        }
    }

    /// Whether [`notify_closing`](IoSource::notify_closing) was called.
    pub fn is_closed(&self) -> bool {
        self.source.closed.get()
    }
}

impl Drop for IoSource {
    fn drop(&mut self) {
        self.notify_closing();
    }
}

impl fmt::Debug for IoSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IoSource")
            .field("fd", &self.source.fd)
            .field("readable", &self.is_readable())
            .field("writable", &self.is_writable())
            .field("closed", &self.is_closed())
            .finish()
    }
}
