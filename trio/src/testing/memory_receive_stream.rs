//! A stream in memory to receive from, with the test at its other end.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::io;
use std::rc::Rc;

use super::byte_queue::ByteQueue;
use super::hooks::{AsyncHook, CloseHook, boxed, call, call_closing};
use crate::ClosedResourceError;
use crate::lowlevel::{checkpoint, checkpoint_if_cancelled};
use crate::stream::{AsyncResource, ConflictDetector, ReceiveStream};

/// A stream to receive from; the test says what comes.
///
/// Its counterpart in Trio is `trio.testing.MemoryReceiveStream`.
///
/// ```
/// use trio::stream::ReceiveStream;
/// use trio::testing::MemoryReceiveStream;
///
/// # #[trio::task] async fn example() -> std::io::Result<()> {
/// let stream = MemoryReceiveStream::new();
/// stream.put_data(b"hello")?;
/// stream.put_eof();
/// let mut buffer = [0; 16];
/// assert_eq!(stream.receive_some(&mut buffer).await?, 5);
/// assert_eq!(stream.receive_some(&mut buffer).await?, 0);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct MemoryReceiveStream {
    incoming: Rc<Incoming>,
    receiving: ConflictDetector,
    receive_hook: RefCell<Option<AsyncHook>>,
    close_hook: RefCell<Option<CloseHook>>,
}

/// What comes, for who receives and who sends.
#[derive(Default)]
pub(super) struct Incoming {
    queue: ByteQueue,
    closed: Cell<bool>,
}

impl Incoming {
    /// # Errors
    ///
    /// `ClosedResourceError` if the stream is closed, or was given its end.
    pub(super) fn put(&self, data: &[u8]) -> io::Result<()> {
        self.queue.put(data)
    }

    pub(super) fn end(&self) {
        self.queue.end();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }
}

impl MemoryReceiveStream {
    /// A stream without hooks, and without data.
    pub fn new() -> MemoryReceiveStream {
        MemoryReceiveStream {
            incoming: Rc::default(),
            receiving: ConflictDetector::new(),
            receive_hook: RefCell::default(),
            close_hook: RefCell::default(),
        }
    }

    /// `hook` is called in each `receive_some`, before it looks whether there is data: it can put some.
    pub fn set_receive_hook<F, R>(&self, hook: F)
    where
        F: Fn() -> R + 'static,
        R: Future<Output = io::Result<()>> + 'static,
    {
        let old = self.receive_hook.replace(boxed(hook));
        drop(old);
    }

    /// `hook` is called when the stream has been closed, also by being dropped; once.
    pub fn set_close_hook(&self, hook: impl Fn() + 'static) {
        let old = self.close_hook.replace(Some(Rc::new(hook)));
        drop(old);
    }

    /// This is what comes next. Sync.
    ///
    /// # Errors
    ///
    /// [`ClosedResourceError`] if the stream is closed, or has been given its end.
    pub fn put_data(&self, data: &[u8]) -> io::Result<()> {
        self.incoming.put(data)
    }

    /// Nothing more comes. Sync and idempotent.
    pub fn put_eof(&self) {
        self.incoming.end();
    }

    pub(super) fn incoming(&self) -> Rc<Incoming> {
        Rc::clone(&self.incoming)
    }
}

impl Default for MemoryReceiveStream {
    fn default() -> Self {
        MemoryReceiveStream::new()
    }
}

impl AsyncResource for MemoryReceiveStream {
    fn close_forcefully(&self) {
        if !self.incoming.closed.replace(true) {
            self.incoming.queue.end_and_wipe();
            call_closing(&self.close_hook);
        }
    }
}

impl ReceiveStream for MemoryReceiveStream {
    async fn receive_some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        checkpoint_if_cancelled().await;
        let _receiving = self.receiving.begin().await?;
        checkpoint().await;
        demand_room(buffer)?;
        self.check_open()?;
        call(&self.receive_hook).await?;
        loop {
            self.check_open()?;
            match self.incoming.queue.try_take(buffer.len()) {
                Some(data) => {
                    buffer[..data.len()].copy_from_slice(&data);
                    return Ok(data.len());
                }
                None => self.incoming.queue.wait().await,
            }
        }
    }
}

impl MemoryReceiveStream {
    fn check_open(&self) -> io::Result<()> {
        match self.incoming.is_closed() {
            true => Err(ClosedResourceError::new().into()),
            false => Ok(()),
        }
    }
}

/// # Errors
///
/// `InvalidInput` if there is no room to receive into.
pub(super) fn demand_room(buffer: &[u8]) -> io::Result<()> {
    match buffer.is_empty() {
        true => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "the buffer to receive into is empty"))
        }
        false => Ok(()),
    }
}

impl Drop for MemoryReceiveStream {
    fn drop(&mut self) {
        self.close_forcefully();
    }
}

impl fmt::Debug for MemoryReceiveStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryReceiveStream")
            .field("closed", &self.incoming.is_closed())
            .finish_non_exhaustive()
    }
}
