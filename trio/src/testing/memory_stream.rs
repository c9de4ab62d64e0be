//! The two ends of streams in memory, each with hooks, and with the test at the other end.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::io;
use std::rc::Rc;

use super::byte_queue::ByteQueue;
use crate::lowlevel::{checkpoint, checkpoint_if_cancelled};
use crate::stream::{AsyncResource, BoxFuture, ConflictDetector, ReceiveStream, SendStream};
use crate::{ClosedResourceError, WouldBlock};

/// What is called in the midst of an operation.
type AsyncHook = Rc<dyn Fn() -> BoxFuture<'static, io::Result<()>>>;
/// What is called at the end of closing.
type CloseHook = Rc<dyn Fn()>;

fn boxed<F, R>(hook: F) -> Option<AsyncHook>
where
    F: Fn() -> R + 'static,
    R: Future<Output = io::Result<()>> + 'static,
{
    Some(Rc::new(move || Box::pin(hook())))
}

/// Calls a hook, if there is one. A copy: it may set hooks.
async fn call(hook: &RefCell<Option<AsyncHook>>) -> io::Result<()> {
    let hook = hook.borrow().clone();
    match hook {
        Some(hook) => hook().await,
        None => Ok(()),
    }
}

fn call_closing(hook: &RefCell<Option<CloseHook>>) {
    let hook = hook.borrow().clone();
    if let Some(hook) = hook {
        hook();
    }
}

/// A stream to send to; the test looks at what was sent.
///
/// Hooks are called when an operation has done its work. They can wait, and what they return is the
/// operation's result. Its counterpart in Trio is `trio.testing.MemorySendStream`.
///
/// ```
/// use trio::stream::SendStream;
/// use trio::testing::MemorySendStream;
///
/// # #[trio::task] async fn example() -> std::io::Result<()> {
/// let stream = MemorySendStream::new();
/// stream.send_all(b"hello").await?;
/// assert_eq!(stream.try_get_data(4).unwrap(), b"hell");
/// assert_eq!(stream.get_data(4).await?, b"o");
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct MemorySendStream {
    outgoing: Rc<ByteQueue>,
    sending: ConflictDetector,
    getting: ConflictDetector,
    send_all_hook: RefCell<Option<AsyncHook>>,
    wait_hook: RefCell<Option<AsyncHook>>,
    close_hook: RefCell<Option<CloseHook>>,
}

impl MemorySendStream {
    /// A stream without hooks, which takes everything and keeps it.
    pub fn new() -> MemorySendStream {
        MemorySendStream {
            outgoing: Rc::default(),
            sending: ConflictDetector::new(),
            getting: ConflictDetector::new(),
            send_all_hook: RefCell::default(),
            wait_hook: RefCell::default(),
            close_hook: RefCell::default(),
        }
    }

    /// `hook` is called at the end of each `send_all`, when the data is there to be got.
    pub fn set_send_all_hook<F, R>(&self, hook: F)
    where
        F: Fn() -> R + 'static,
        R: Future<Output = io::Result<()>> + 'static,
    {
        let old = self.send_all_hook.replace(boxed(hook));
        drop(old);
    }

    /// `hook` is called at the end of each `wait_send_all_might_not_block`: without one, sending never
    /// blocks.
    pub fn set_wait_hook<F, R>(&self, hook: F)
    where
        F: Fn() -> R + 'static,
        R: Future<Output = io::Result<()>> + 'static,
    {
        let old = self.wait_hook.replace(boxed(hook));
        drop(old);
    }

    /// `hook` is called when the stream has been closed, also by being dropped; once.
    pub fn set_close_hook(&self, hook: impl Fn() + 'static) {
        let old = self.close_hook.replace(Some(Rc::new(hook)));
        drop(old);
    }

    /// Takes up to `max` bytes out of what was sent; waits until there are some. None is the end.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has taken nothing.
    ///
    /// # Errors
    ///
    /// [`BusyResourceError`](crate::BusyResourceError) if another task does so.
    ///
    /// # Panics
    ///
    /// If `max` is 0: no bytes would mean the end.
    pub async fn get_data(&self, max: usize) -> io::Result<Vec<u8>> {
        checkpoint_if_cancelled().await;
        let _getting = self.getting.enter()?;
        checkpoint().await;
        loop {
            match self.outgoing.try_take(max) {
                Some(data) => return Ok(data),
                None => self.outgoing.wait().await,
            }
        }
    }

    /// Takes up to `max` bytes out of what was sent. None is the end.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`] if there is nothing yet.
    ///
    /// # Panics
    ///
    /// If `max` is 0: no bytes would mean the end.
    #[track_caller]
    pub fn try_get_data(&self, max: usize) -> Result<Vec<u8>, WouldBlock> {
        self.outgoing.try_take(max).ok_or(WouldBlock::new())
    }

    pub(super) fn outgoing(&self) -> Rc<ByteQueue> {
        Rc::clone(&self.outgoing)
    }
}

impl Default for MemorySendStream {
    fn default() -> Self {
        MemorySendStream::new()
    }
}

impl AsyncResource for MemorySendStream {
    fn close_forcefully(&self) {
        if !self.outgoing.has_ended() {
            self.outgoing.end();
            call_closing(&self.close_hook);
        }
    }
}

impl SendStream for MemorySendStream {
    async fn send_all(&self, data: &[u8]) -> io::Result<()> {
        checkpoint_if_cancelled().await;
        let _sending = self.sending.enter()?;
        checkpoint().await;
        self.outgoing.put(data)?;
        call(&self.send_all_hook).await
    }

    async fn wait_send_all_might_not_block(&self) -> io::Result<()> {
        checkpoint_if_cancelled().await;
        let _sending = self.sending.enter()?;
        checkpoint().await;
        self.outgoing.put(&[])?;
        call(&self.wait_hook).await
    }
}

impl Drop for MemorySendStream {
    fn drop(&mut self) {
        self.close_forcefully();
    }
}

impl fmt::Debug for MemorySendStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySendStream")
            .field("closed", &self.outgoing.has_ended())
            .finish_non_exhaustive()
    }
}

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
        let _receiving = self.receiving.enter()?;
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
