//! Items on their way from tasks to tasks, as many as there are.

use std::cell::{Cell, RefCell};
use std::fmt;

use crate::WouldBlock;
use crate::lowlevel::{ParkingLot, cancel_shielded_checkpoint, checkpoint_if_cancelled};

/// A queue without a bound: putting never waits, and those who get have all there is at once.
///
/// A bounded [`Queue`](crate::sync::Queue) is better nearly everywhere, as it keeps those who put from
/// running ahead. This one is for what must not wait, and comes in bursts that are best dealt with
/// together.
///
/// Its counterpart in Trio is `trio.lowlevel.UnboundedQueue`.
///
/// ```
/// use trio::{nursery, sync::UnboundedQueue};
///
/// #[trio::task]
/// async fn write_out(log: &UnboundedQueue<String>) {
///     loop {
///         let lines = log.get_batch().await;
///         print!("{}", lines.concat());
///     }
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let log = UnboundedQueue::new();
/// nursery!(|n| {
///     n.spawn(write_out, &log);
///     log.put(String::from("one\n"));
///     log.put(String::from("two\n"));
///     trio::testing::wait_all_tasks_blocked().await;
///     n.cancel();
/// })?;
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct UnboundedQueue<T> {
    items: RefCell<Vec<T>>,
    /// What there is belongs to one who was waiting, and has not been polled since.
    promised: Cell<bool>,
    lot: ParkingLot,
}

impl<T> UnboundedQueue<T> {
    /// An empty queue.
    pub fn new() -> UnboundedQueue<T> {
        UnboundedQueue::default()
    }

    /// Puts an item at the end. Sync.
    pub fn put(&self, item: T) {
        self.items.borrow_mut().push(item);
        self.promise();
    }

    /// Gets all items, in order; waits while there is none. The batch is never empty.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. One that is cancelled or dropped has got nothing: no item is lost. Its counterpart
    /// in Trio is `UnboundedQueue.get_batch`.
    ///
    /// # Panics
    ///
    /// Outside a task.
    ///
    /// ```
    /// # #[trio::task] async fn example() {
    /// let queue = trio::sync::UnboundedQueue::new();
    /// queue.put(1);
    /// queue.put(2);
    /// assert_eq!(queue.get_batch().await, [1, 2]);
    /// # }
    /// # trio::run(example);
    /// ```
    pub async fn get_batch(&self) -> Vec<T> {
        checkpoint_if_cancelled().await;
        if let Ok(batch) = self.try_get_batch() {
            let got = Got { queue: self, batch };
            cancel_shielded_checkpoint().await;
            return got.take();
        }
        let parked = self.lot.park().passing_on(|| {
            self.promised.set(false);
            self.promise();
        });
        parked.await.expect("nobody breaks this lot");
        self.promised.set(false);
        self.items.take()
    }

    /// Gets all items, if there is one. Sync.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`] if there is none, or they belong to one who has waited.
    pub fn try_get_batch(&self) -> Result<Vec<T>, WouldBlock> {
        if self.promised.get() || self.is_empty() {
            return Err(WouldBlock::new());
        }
        Ok(self.items.take())
    }

    /// How many items are in the queue.
    pub fn len(&self) -> usize {
        self.items.borrow().len()
    }

    /// Whether no item is in the queue.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A snapshot of the queue.
    pub fn statistics(&self) -> UnboundedQueueStatistics {
        UnboundedQueueStatistics { len: self.len(), tasks_waiting: self.lot.len() }
    }

    /// What there is belongs to the one who has waited for the longest, if somebody waits.
    fn promise(&self) {
        if !self.promised.get() && !self.lot.is_empty() && !self.is_empty() {
            self.promised.set(true);
            // Last: a foreign waker may call in here.
            self.lot.unpark(1);
        }
    }
}

impl<T> Default for UnboundedQueue<T> {
    fn default() -> Self {
        UnboundedQueue {
            items: RefCell::default(),
            promised: Cell::new(false),
            lot: ParkingLot::new(),
        }
    }
}

impl<T> fmt::Debug for UnboundedQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnboundedQueue")
            .field("len", &self.len())
            .field("tasks_waiting", &self.lot.len())
            .finish()
    }
}

/// Items on their way to the one who gets them.
struct Got<'a, T> {
    queue: &'a UnboundedQueue<T>,
    batch: Vec<T>,
}

impl<T> Got<'_, T> {
    fn take(mut self) -> Vec<T> {
        std::mem::take(&mut self.batch)
    }
}

impl<T> Drop for Got<'_, T> {
    fn drop(&mut self) {
        if !self.batch.is_empty() {
            self.queue.items.borrow_mut().splice(..0, self.batch.drain(..));
            self.queue.promise();
        }
    }
}

/// What [`UnboundedQueue::statistics`] tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct UnboundedQueueStatistics {
    /// How many items are in the queue.
    pub len: usize,
    /// How many tasks wait for some.
    pub tasks_waiting: usize,
}
