//! Single waits for descriptors that are not registered otherwise.

use std::future::Future;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;

use mio::Interest;
use mio::unix::SourceFd;

use super::ready::Ready;
use super::sources::{Direction, Source, Sources};
use crate::runtime::context;
use crate::runtime::error::BusyResourceError;
use crate::runtime::points;

/// A single wait for a descriptor that is not registered otherwise.
async fn wait_for(fd: RawFd, direction: Direction) -> io::Result<()> {
    points::checkpoint_if_cancelled().await;
    let single = match Single::new(fd, direction) {
        Ok(single) => single,
        Err(error) => {
            points::cancel_shielded_checkpoint().await;
            return Err(error);
        }
    };
    Ready::new(Rc::clone(&single.source), direction).await
}

/// The registration of a single wait; the last one of a descriptor deregisters it.
struct Single {
    source: Rc<Source>,
    sources: Rc<Sources>,
}

impl Single {
    fn new(fd: RawFd, direction: Direction) -> io::Result<Single> {
        let sources = context::run(|run| Rc::clone(&run.reactor().sources));
        let known = sources.single.borrow().get(&fd).map(Rc::clone);
        let both = Interest::READABLE | Interest::WRITABLE;
        let source = match known {
            Some(source) => {
                if source.side(direction).busy.get() {
                    return Err(BusyResourceError::new().into());
                }
                // Registering anew makes the poller tell again what is ready now. If it does not
                // know the descriptor any more, that was closed behind our back, and the number
                // may be another's now.
                let registry = &sources.registry;
                registry
                    .reregister(&mut SourceFd(&fd), source.token, both)
                    .or_else(|_| registry.register(&mut SourceFd(&fd), source.token, both))
                    .inspect_err(|error| {
                        source.error.set(error.raw_os_error().or(Some(libc::EBADF)));
                        sources.forget(&source);
                        source.read.wake();
                        source.write.wake();
                    })?;
                source.side(direction).ready.set(false);
                source
            }
            None => {
                let source = sources.insert(fd, both)?;
                sources.single.borrow_mut().insert(fd, Rc::clone(&source));
                source
            }
        };
        Ok(Single { source, sources })
    }
}

impl Drop for Single {
    fn drop(&mut self) {
        if !self.source.read.busy.get() && !self.source.write.busy.get() {
            self.sources.forget(&self.source);
        }
    }
}

/// Waits until a descriptor is readable, or at an end or in error. It is taken by number; the
/// caller keeps it open, and says [`notify_closing`] before closing it.
///
/// # Cancellation
///
/// A checkpoint. Nothing is read. Its counterpart in Trio is `trio.lowlevel.wait_readable`.
///
/// # Errors
///
/// [`BusyResourceError`](crate::BusyResourceError) if another task waits for the same, [`ClosedResourceError`](crate::ClosedResourceError) after
/// [`notify_closing`], both inside an `io::Error`; and the poller's, for what cannot be polled.
///
/// # Panics
///
/// Outside a task.
pub fn wait_readable<F: AsRawFd>(fd: &F) -> impl Future<Output = io::Result<()>> + use<F> {
    let fd = fd.as_raw_fd();
    async move { wait_for(fd, Direction::Read).await }
}

/// Waits until a descriptor is writable, or in error. As [`wait_readable`].
///
/// # Cancellation
///
/// A checkpoint. Nothing is written. Its counterpart in Trio is `trio.lowlevel.wait_writable`.
///
/// # Errors
///
/// As [`wait_readable`].
///
/// # Panics
///
/// Outside a task.
pub fn wait_writable<F: AsRawFd>(fd: &F) -> impl Future<Output = io::Result<()>> + use<F> {
    let fd = fd.as_raw_fd();
    async move { wait_for(fd, Direction::Write).await }
}

/// Says that a descriptor is about to be closed: whoever waits for it gets a
/// [`ClosedResourceError`](crate::ClosedResourceError). Sync; harmless if nobody does, or the descriptor is none.
///
/// Its counterpart in Trio is `trio.lowlevel.notify_closing`.
///
/// # Panics
///
/// Outside a run.
pub fn notify_closing(fd: &impl AsRawFd) {
    let fd = fd.as_raw_fd();
    context::run(|run| {
        let sources = &run.reactor().sources;
        let source = sources.single.borrow().get(&fd).map(Rc::clone);
        if let Some(source) = source {
            sources.forget(&source);
            source.close();
        }
    });
}
