//! A stream in memory to send to, with the test at its other end.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::io;
use std::rc::Rc;

use super::byte_queue::ByteQueue;
use super::hooks::{AsyncHook, CloseHook, boxed, call, call_closing};
use crate::WouldBlock;
use crate::lowlevel::{checkpoint, checkpoint_if_cancelled};
use crate::stream::{AsyncResource, ConflictDetector, SendStream};

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
        let _getting = self.getting.begin().await?;
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
        let _sending = self.sending.begin().await?;
        checkpoint().await;
        self.outgoing.put(data)?;
        call(&self.send_all_hook).await
    }

    async fn wait_send_all_might_not_block(&self) -> io::Result<()> {
        checkpoint_if_cancelled().await;
        let _sending = self.sending.begin().await?;
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
