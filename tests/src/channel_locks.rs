//! Locks made of channels. They are no good as locks; they show that channels are fair, and lose nothing.
//!
//! Each is free when it is made with `Default`, and has `acquire` and `try_acquire`. What these give
//! releases the lock when it is dropped.

use std::cell::Cell;
use std::rc::Rc;

use trio::channel::{Receiver, Sender, channel};
use trio::lowlevel::{cancel_shielded_checkpoint, checkpoint_if_cancelled};

/// The place in a buffer of one is the lock: whoever has put something there has it.
#[derive(Debug)]
pub struct BufferLock {
    sender: Sender<Rc<()>>,
    receiver: Receiver<Rc<()>>,
}

impl Default for BufferLock {
    fn default() -> BufferLock {
        let (sender, receiver) = channel(1);
        BufferLock { sender, receiver }
    }
}

/// Has put something into the buffer, or wants to: known by whether it is still somewhere.
#[derive(Debug)]
pub struct BufferGuard<'a> {
    lock: &'a BufferLock,
    mark: Rc<()>,
}

impl BufferLock {
    /// Acquires the lock.
    pub async fn acquire(&self) -> BufferGuard<'_> {
        // Before the sending: if that is dropped, this sees how far it got.
        let guard = BufferGuard { lock: self, mark: Rc::default() };
        self.sender.send(Rc::clone(&guard.mark)).await.expect("it is open");
        guard
    }

    /// Acquires the lock if it is free.
    pub fn try_acquire(&self) -> Option<BufferGuard<'_>> {
        let guard = BufferGuard { lock: self, mark: Rc::default() };
        self.sender.try_send(Rc::clone(&guard.mark)).ok().map(|()| guard)
    }
}

impl Drop for BufferGuard<'_> {
    fn drop(&mut self) {
        if Rc::strong_count(&self.mark) > 1 {
            self.lock.receiver.try_receive().expect("it is there");
        }
    }
}

/// The one token in a channel is the lock: whoever has received it has it.
#[derive(Debug)]
pub struct TokenLock {
    sender: Sender<()>,
    receiver: Receiver<()>,
}

impl Default for TokenLock {
    fn default() -> TokenLock {
        let (sender, receiver) = channel(1);
        sender.try_send(()).expect("there is room");
        TokenLock { sender, receiver }
    }
}

/// The token.
#[derive(Debug)]
pub struct TokenGuard<'a>(&'a TokenLock);

impl TokenLock {
    /// Acquires the lock.
    pub async fn acquire(&self) -> TokenGuard<'_> {
        self.receiver.receive().await.expect("it is open");
        TokenGuard(self)
    }

    /// Acquires the lock if it is free.
    pub fn try_acquire(&self) -> Option<TokenGuard<'_>> {
        self.receiver.try_receive().ok().map(|()| TokenGuard(self))
    }
}

impl Drop for TokenGuard<'_> {
    fn drop(&mut self) {
        self.0.sender.try_send(()).expect("there is room");
    }
}

/// Those who want the lock wait to send; whoever releases it receives, and so hands it to the first of
/// them: a rendezvous.
#[derive(Debug)]
pub struct RendezvousLock {
    is_held: Cell<bool>,
    sender: Sender<Rc<Cell<bool>>>,
    receiver: Receiver<Rc<Cell<bool>>>,
}

impl Default for RendezvousLock {
    fn default() -> RendezvousLock {
        let (sender, receiver) = channel(0);
        RendezvousLock { is_held: Cell::new(false), sender, receiver }
    }
}

/// Has the lock, if it is marked.
#[derive(Debug)]
pub struct RendezvousGuard<'a> {
    lock: &'a RendezvousLock,
    has_it: Rc<Cell<bool>>,
}

impl RendezvousLock {
    /// Acquires the lock.
    pub async fn acquire(&self) -> RendezvousGuard<'_> {
        checkpoint_if_cancelled().await;
        if let Some(guard) = self.try_acquire() {
            cancel_shielded_checkpoint().await;
            return guard;
        }
        let guard = RendezvousGuard { lock: self, has_it: Rc::default() };
        self.sender.send(Rc::clone(&guard.has_it)).await.expect("it is open");
        guard
    }

    /// Acquires the lock if it is free.
    pub fn try_acquire(&self) -> Option<RendezvousGuard<'_>> {
        let is_free = !self.is_held.replace(true);
        is_free.then(|| RendezvousGuard { lock: self, has_it: Rc::new(Cell::new(true)) })
    }
}

impl Drop for RendezvousGuard<'_> {
    fn drop(&mut self) {
        if self.has_it.get() {
            match self.lock.receiver.try_receive() {
                Ok(next) => next.set(true),
                Err(_) => self.lock.is_held.set(false),
            }
        }
    }
}
