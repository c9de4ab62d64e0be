//! Broadcast channels: every receiver sees every value.

mod receiver;
mod sender;

pub use receiver::BroadcastReceiver;
pub use sender::BroadcastSender;

use std::cell::{RefCell, RefMut};
use std::collections::VecDeque;
use std::rc::Rc;

use super::handles::Handles;
use crate::lowlevel::ParkingLot;

/// A channel that gives every value to each of its receivers, from the one on that is sent next.
///
/// Sending never waits. The channel keeps the last `capacity` values for those who have not received
/// them yet. A receiver that *lags*, by more than that, misses the oldest: it gets one
/// [`BroadcastError::Lagged`](super::BroadcastError::Lagged) that tells how many, and goes on with the oldest that is kept. So a slow
/// receiver holds up nobody, takes up no more memory than that, and knows about it.
///
/// Further receivers come from [`BroadcastSender::subscribe`], or from cloning one.
///
/// # Panics
///
/// If `capacity` is 0: every receiver would miss everything.
///
/// ```
/// use trio::channel::{BroadcastError, broadcast};
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (sender, one) = broadcast(2);
/// let other = sender.subscribe();
/// sender.send("a")?;
/// assert_eq!(one.receive().await, Ok("a"));
/// sender.send("b")?;
/// sender.send("c")?;
/// assert_eq!(one.receive().await, Ok("b"));
/// assert_eq!(other.receive().await, Err(BroadcastError::Lagged(1))); // of `a`
/// assert_eq!(other.receive().await, Ok("b"));
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[track_caller]
pub fn broadcast<T: Clone>(capacity: usize) -> (BroadcastSender<T>, BroadcastReceiver<T>) {
    assert!(capacity > 0, "a broadcast channel keeps at least one value: its capacity cannot be 0");
    let core = Rc::new(Core {
        capacity,
        senders: Handles::default(),
        receivers: Handles::default(),
        receiving: ParkingLot::new(),
        kept: RefCell::new(Kept { values: VecDeque::new(), first: 0 }),
    });
    let sender = BroadcastSender::new(core);
    let receiver = sender.subscribe();
    (sender, receiver)
}

struct Core<T> {
    capacity: usize,
    senders: Handles,
    receivers: Handles,
    /// A waiter's note names its handle.
    receiving: ParkingLot,
    kept: RefCell<Kept<T>>,
}

/// The values that somebody has not received yet, the last `capacity` of them.
///
/// Values are numbered in the order of sending. A receiver's place is the number of its next one. Of
/// neighbours, the later value is missing at least as many receivers, so those that nobody waits for any
/// more are at the front.
struct Kept<T> {
    values: VecDeque<Value<T>>,
    /// The number of the one at the front, or of the next to be sent.
    first: u64,
}

struct Value<T> {
    value: T,
    /// How many receivers have not received it. At least one.
    missing: usize,
}

impl<T> Kept<T> {
    /// The number of the next value to be sent.
    fn next(&self) -> u64 {
        self.first + self.values.len() as u64
    }

    /// Where a place is among the values, and how many it has missed.
    fn find(&self, place: u64) -> (usize, u64) {
        let missed = self.first.saturating_sub(place);
        ((place + missed - self.first) as usize, missed)
    }

    fn drop_first(&mut self) -> Option<T> {
        let first = self.values.pop_front()?;
        self.first += 1;
        Some(first.value)
    }
}

impl<T> Core<T> {
    #[track_caller]
    fn kept(&self) -> RefMut<'_, Kept<T>> {
        self.kept.try_borrow_mut().expect("cloning a value must not use the channel that it is in")
    }
}

/// What [`BroadcastSender::statistics`] and [`BroadcastReceiver::statistics`] tell: of the channel as a
/// whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct BroadcastStatistics {
    /// How many values are kept for somebody.
    pub current_buffer_used: usize,
    /// How many are kept at most.
    pub max_buffer_size: usize,
    /// How many handles for sending are open.
    pub open_senders: usize,
    /// How many handles for receiving are open.
    pub open_receivers: usize,
    /// How many tasks wait to receive.
    pub tasks_waiting_receive: usize,
    /// How many values have been sent, to whomever.
    pub values_sent: u64,
}

impl BroadcastStatistics {
    fn of<T>(core: &Core<T>) -> BroadcastStatistics {
        let kept = core.kept();
        BroadcastStatistics {
            current_buffer_used: kept.values.len(),
            max_buffer_size: core.capacity,
            open_senders: core.senders.count(),
            open_receivers: core.receivers.count(),
            tasks_waiting_receive: core.receiving.len(),
            values_sent: kept.next(),
        }
    }
}
