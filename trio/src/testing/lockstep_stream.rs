//! Streams that hold nothing: what is sent is received at the same time.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::rc::Rc;

use super::memory_receive_stream::demand_room;
use crate::lowlevel::{ParkingLot, checkpoint, checkpoint_if_cancelled};
use crate::stream::{AsyncResource, ConflictDetector, ReceiveStream, SendStream, StapledStream};
use crate::{BrokenResourceError, ClosedResourceError};

/// Both ends of two connected streams in lockstep.
pub type LockstepStream = StapledStream<LockstepSendStream, LockstepReceiveStream>;

/// What both ends see.
#[derive(Default)]
struct Link {
    /// What is being sent, as far as it was not received yet.
    offered: RefCell<VecDeque<u8>>,
    sender_closed: Cell<bool>,
    receiver_closed: Cell<bool>,
    /// Somebody is receiving.
    wanted: Cell<bool>,
    /// Both ends wait here for anything to happen.
    waiting: ParkingLot,
    sending: ConflictDetector,
    receiving: ConflictDetector,
}

impl Link {
    fn changed(&self) {
        self.waiting.unpark_all();
    }

    async fn wait_until(&self, condition: impl Fn(&Link) -> bool) {
        while !condition(self) {
            self.waiting.park().await.expect("nobody breaks this lot");
        }
    }

    fn is_offered(&self) -> bool {
        !self.offered.borrow().is_empty()
    }

    fn is_closed(&self) -> bool {
        self.sender_closed.get() || self.receiver_closed.get()
    }

    fn check_sender(&self) -> io::Result<()> {
        match self.sender_closed.get() {
            true => Err(ClosedResourceError::new().into()),
            false => Ok(()),
        }
    }
}

/// Takes back what was offered, however sending it ends.
struct Offer<'a>(&'a Link);

impl Drop for Offer<'_> {
    fn drop(&mut self) {
        self.0.offered.borrow_mut().clear();
    }
}

/// Somebody is receiving, until this is dropped.
struct Wanted<'a>(&'a Link);

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        self.0.wanted.set(false);
    }
}

/// The end of a stream in lockstep that is sent to: see [`lockstep_stream_one_way_pair`].
pub struct LockstepSendStream(Rc<Link>);

impl AsyncResource for LockstepSendStream {
    fn close_forcefully(&self) {
        self.0.sender_closed.set(true);
        self.0.changed();
    }
}

impl SendStream for LockstepSendStream {
    async fn send_all(&self, data: &[u8]) -> io::Result<()> {
        checkpoint_if_cancelled().await;
        let link = &*self.0;
        let _sending = link.sending.begin().await?;
        checkpoint().await;
        link.check_sender()?;
        if link.receiver_closed.get() {
            return Err(BrokenResourceError::with_text("the receiver is closed").into());
        }
        let _offer = Offer(link);
        link.offered.borrow_mut().extend(data);
        link.changed();
        link.wait_until(|link| !link.is_offered() || link.is_closed()).await;
        link.check_sender()?;
        if link.is_offered() {
            return Err(BrokenResourceError::with_text("the receiver is closed").into());
        }
        Ok(())
    }

    async fn wait_send_all_might_not_block(&self) -> io::Result<()> {
        checkpoint_if_cancelled().await;
        let link = &*self.0;
        let _sending = link.sending.begin().await?;
        checkpoint().await;
        link.wait_until(|link| link.wanted.get() || link.is_closed()).await;
        link.check_sender()
    }
}

impl Drop for LockstepSendStream {
    fn drop(&mut self) {
        self.close_forcefully();
    }
}

impl fmt::Debug for LockstepSendStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockstepSendStream")
            .field("closed", &self.0.sender_closed.get())
            .finish_non_exhaustive()
    }
}

/// The end of a stream in lockstep that is received from: see [`lockstep_stream_one_way_pair`].
pub struct LockstepReceiveStream(Rc<Link>);

impl AsyncResource for LockstepReceiveStream {
    fn close_forcefully(&self) {
        self.0.receiver_closed.set(true);
        self.0.changed();
    }
}

impl ReceiveStream for LockstepReceiveStream {
    async fn receive_some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        checkpoint_if_cancelled().await;
        let link = &*self.0;
        let _receiving = link.receiving.begin().await?;
        checkpoint().await;
        demand_room(buffer)?;
        let _wanted = Wanted(link);
        link.wanted.set(true);
        link.changed();
        link.wait_until(|link| link.is_offered() || link.is_closed()).await;
        if link.receiver_closed.get() {
            return Err(ClosedResourceError::new().into());
        }
        let mut offered = link.offered.borrow_mut();
        let count = buffer.len().min(offered.len());
        for (to, byte) in buffer.iter_mut().zip(offered.drain(..count)) {
            *to = byte;
        }
        drop(offered);
        link.changed();
        Ok(count)
    }
}

impl Drop for LockstepReceiveStream {
    fn drop(&mut self) {
        self.close_forcefully();
    }
}

impl fmt::Debug for LockstepReceiveStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockstepReceiveStream")
            .field("closed", &self.0.receiver_closed.get())
            .finish_non_exhaustive()
    }
}

/// A stream that holds nothing: `send_all` returns when everything was received, and
/// `wait_send_all_might_not_block` when somebody is receiving.
///
/// What works with it does not rely on buffers, which are of another size everywhere. Its counterpart
/// in Trio is `trio.testing.lockstep_stream_one_way_pair`.
///
/// ```
/// use trio::stream::{ReceiveStream, SendStream};
/// use trio::testing::lockstep_stream_one_way_pair;
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (send, receive) = lockstep_stream_one_way_pair();
/// trio::nursery!(|n| {
///     n.spawn(async { send.send_all(b"hello").await });
///     let mut buffer = [0; 3];
///     assert_eq!(receive.receive_some(&mut buffer).await?, 3);
///     assert_eq!(receive.receive_some(&mut buffer).await?, 2);
/// })?;
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub fn lockstep_stream_one_way_pair() -> (LockstepSendStream, LockstepReceiveStream) {
    let link = Rc::new(Link::default());
    (LockstepSendStream(Rc::clone(&link)), LockstepReceiveStream(link))
}

/// Two streams that are connected both ways and hold nothing: see [`lockstep_stream_one_way_pair`].
///
/// Its counterpart in Trio is `trio.testing.lockstep_stream_pair`.
pub fn lockstep_stream_pair() -> (LockstepStream, LockstepStream) {
    let (there, arrives_there) = lockstep_stream_one_way_pair();
    let (back, arrives_back) = lockstep_stream_one_way_pair();
    (StapledStream::new(there, arrives_back), StapledStream::new(back, arrives_there))
}
