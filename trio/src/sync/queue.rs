//! Items on their way from tasks to tasks, so many at most.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;

use slab::Slab;

use super::queue_errors::{PutError, TryGetError, TryPutError};
use crate::EndOfChannel;
use crate::lowlevel::{ParkingLot, cancel_shielded_checkpoint, checkpoint_if_cancelled};

/// A bounded queue of items, first in, first out: tasks put them and get them, and share the queue by
/// reference, as children that borrow it do.
///
/// Putting waits while the queue is full, so that those who get are not left behind. Items and places
/// go to those who have waited for the longest, and as soon as there are any they are theirs. A queue
/// of capacity 0 holds nothing: putting waits until somebody takes the item.
///
/// [`close`](Queue::close) says that nothing more will be put: those who get have what is left, and
/// then [`EndOfChannel`].
///
/// In Trio a memory channel is used for this. Use a channel where producers and consumers come and go,
/// and the end is when the last one has gone.
///
/// ```
/// use trio::{nursery, sync::Queue};
///
/// #[trio::task]
/// async fn work(jobs: &Queue<u32>, done: &std::cell::Cell<u32>) {
///     while let Ok(job) = jobs.get().await {
///         done.set(done.get() + job);
///     }
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (jobs, done) = (Queue::new(2), std::cell::Cell::new(0));
/// nursery!(|n| {
///     n.spawn(work, &jobs, &done);
///     n.spawn(work, &jobs, &done);
///     for job in 1..=10 {
///         jobs.put(job).await?;
///     }
///     jobs.close();
/// })?;
/// assert_eq!(done.get(), 55);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct Queue<T> {
    capacity: usize,
    closed: Cell<bool>,
    items: RefCell<VecDeque<T>>,
    /// How many items are on their way to those who get, and can come back.
    on_the_way: Cell<usize>,
    putting: Side<T>,
    getting: Side<T>,
}

/// Those who wait to put, or to get. A place in `held` is a waiter's note.
struct Side<T> {
    lot: ParkingLot,
    /// What one who puts has brought and is not taken yet; what one who gets was handed. Both leave
    /// their place when they are polled, or go.
    held: RefCell<Slab<Option<T>>>,
}

impl<T> Side<T> {
    fn new() -> Side<T> {
        Side { lot: ParkingLot::new(), held: RefCell::default() }
    }

    /// The place of the one who has waited for the longest.
    fn first(&self) -> Option<usize> {
        self.lot.first_note().map(|note| note as usize)
    }

    fn replace(&self, place: usize, item: Option<T>) -> Option<T> {
        std::mem::replace(&mut self.held.borrow_mut()[place], item)
    }
}

impl<T> Queue<T> {
    /// A queue that holds up to `capacity` items.
    pub fn new(capacity: usize) -> Queue<T> {
        Queue {
            capacity,
            closed: Cell::new(false),
            items: RefCell::default(),
            on_the_way: Cell::new(0),
            putting: Side::new(),
            getting: Side::new(),
        }
    }

    /// Puts an item at the end; waits while the queue is full.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. One that is cancelled has put nothing, and its item is dropped with it. One that
    /// a foreign combinator drops may have put its item already.
    ///
    /// # Errors
    ///
    /// [`PutError`], with the item, if the queue is closed, or gets closed while this waits.
    ///
    /// # Panics
    ///
    /// Outside a task.
    pub async fn put(&self, item: T) -> Result<(), PutError<T>> {
        checkpoint_if_cancelled().await;
        let item = match self.try_put(item) {
            Ok(()) => {
                cancel_shielded_checkpoint().await;
                return Ok(());
            }
            Err(TryPutError::Closed(item)) => {
                cancel_shielded_checkpoint().await;
                return Err(PutError(item));
            }
            Err(TryPutError::WouldBlock(item)) => item,
        };
        // Before the parking, so that it goes last.
        let waiting = Waiting::to_put(self, item);
        self.putting.lot.park_with(waiting.note()).await.expect("nobody breaks this lot");
        match waiting.leave() {
            None => Ok(()),
            Some(item) => Err(PutError(item)),
        }
    }

    /// Puts an item at the end, if there is a place. Sync.
    ///
    /// # Errors
    ///
    /// [`TryPutError`], with the item, if the queue is full or closed.
    ///
    /// ```
    /// use trio::sync::{Queue, TryPutError};
    ///
    /// let queue = Queue::new(1);
    /// assert_eq!(queue.try_put("one"), Ok(()));
    /// assert_eq!(queue.try_put("two"), Err(TryPutError::WouldBlock("two")));
    /// ```
    pub fn try_put(&self, item: T) -> Result<(), TryPutError<T>> {
        if self.closed.get() {
            return Err(TryPutError::Closed(item));
        }
        match self.getting.first() {
            Some(place) => {
                self.on_the_way.set(self.on_the_way.get() + 1);
                self.getting.replace(place, Some(item));
                // Last: a foreign waker may call in here.
                self.getting.lot.unpark(1);
            }
            None if self.items.borrow().len() < self.capacity => {
                self.items.borrow_mut().push_back(item);
            }
            None => return Err(TryPutError::WouldBlock(item)),
        }
        Ok(())
    }

    /// Gets the item at the front; waits while there is none.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. One that is cancelled or dropped has got nothing: no item is lost.
    ///
    /// # Errors
    ///
    /// [`EndOfChannel`] if the queue is closed and everything was got. It is certain: as long as another
    /// task was given an item, and may be gone before it takes it, this one waits.
    ///
    /// # Panics
    ///
    /// Outside a task.
    pub async fn get(&self) -> Result<T, EndOfChannel> {
        checkpoint_if_cancelled().await;
        match self.try_get() {
            Ok(item) => {
                self.on_the_way.set(self.on_the_way.get() + 1);
                let got = Got { queue: self, item: Some(item) };
                cancel_shielded_checkpoint().await;
                return Ok(got.take());
            }
            Err(TryGetError::EndOfChannel) => {
                cancel_shielded_checkpoint().await;
                return Err(EndOfChannel::new());
            }
            Err(TryGetError::WouldBlock) => {}
        }
        // Before the parking, so that it goes last.
        let waiting = Waiting::to_get(self);
        self.getting.lot.park_with(waiting.note()).await.expect("nobody breaks this lot");
        match waiting.leave() {
            Some(item) => {
                self.arrived();
                Ok(item)
            }
            None => Err(EndOfChannel::new()),
        }
    }

    /// Gets the item at the front, if there is one. Sync.
    ///
    /// # Errors
    ///
    /// [`TryGetError`], which tells an empty queue from one that has ended.
    ///
    /// ```
    /// use trio::sync::{Queue, TryGetError};
    ///
    /// let queue = Queue::new(1);
    /// queue.try_put(7).expect("there is a place");
    /// queue.close();
    /// assert_eq!(queue.try_get(), Ok(7));
    /// assert_eq!(queue.try_get(), Err(TryGetError::EndOfChannel));
    /// ```
    pub fn try_get(&self) -> Result<T, TryGetError> {
        let front = self.items.borrow_mut().pop_front();
        // One who waits to put has the place now. Without any place it gives its item straight away.
        let brought = match self.putting.first() {
            Some(place) if front.is_none() || self.items.borrow().len() < self.capacity => {
                self.putting.replace(place, None)
            }
            _ => None,
        };
        let Some(brought) = brought else {
            return front.ok_or_else(|| match self.has_ended() {
                true => TryGetError::EndOfChannel,
                false => TryGetError::WouldBlock,
            });
        };
        let item = match front {
            Some(front) => {
                self.items.borrow_mut().push_back(brought);
                front
            }
            None => brought,
        };
        // Last: a foreign waker may call in here.
        self.putting.lot.unpark(1);
        Ok(item)
    }

    /// Says that nothing more will be put. What is in the queue can still be got; those who wait to put
    /// have an error with their item. Closing again does nothing. Sync.
    pub fn close(&self) {
        self.closed.set(true);
        self.putting.lot.unpark_all();
        self.tell_the_end();
    }

    /// Whether the queue is closed.
    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// How many items are in the queue.
    pub fn len(&self) -> usize {
        self.items.borrow().len()
    }

    /// Whether no item is in the queue.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many items the queue holds at most.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// A snapshot of the queue.
    pub fn statistics(&self) -> QueueStatistics {
        QueueStatistics {
            len: self.len(),
            capacity: self.capacity,
            is_closed: self.is_closed(),
            tasks_waiting_put: self.putting.lot.len(),
            tasks_waiting_get: self.getting.lot.len(),
        }
    }

    /// Whether nothing will come any more.
    fn has_ended(&self) -> bool {
        self.closed.get() && self.on_the_way.get() == 0 && self.is_empty()
    }

    /// Lets those who wait for an item know that none will come any more, if so.
    fn tell_the_end(&self) {
        if self.has_ended() {
            self.getting.lot.unpark_all();
        }
    }

    /// An item that was on its way is with the one who gets it.
    fn arrived(&self) {
        self.on_the_way.set(self.on_the_way.get() - 1);
        self.tell_the_end();
    }

    /// Takes an item back that was got by one who is no longer there: it is the front again.
    fn put_back(&self, item: T) {
        match self.getting.first() {
            Some(place) => {
                self.getting.replace(place, Some(item));
                self.getting.lot.unpark(1);
            }
            None => {
                self.on_the_way.set(self.on_the_way.get() - 1);
                self.items.borrow_mut().push_front(item);
            }
        }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .field("capacity", &self.capacity)
            .field("is_closed", &self.is_closed())
            .field("tasks_waiting_put", &self.putting.lot.len())
            .field("tasks_waiting_get", &self.getting.lot.len())
            .finish()
    }
}

/// One who waits, to put or to get.
struct Waiting<'a, T> {
    queue: &'a Queue<T>,
    gets: bool,
    place: usize,
}

impl<'a, T> Waiting<'a, T> {
    fn to_put(queue: &'a Queue<T>, item: T) -> Waiting<'a, T> {
        let place = queue.putting.held.borrow_mut().insert(Some(item));
        Waiting { queue, gets: false, place }
    }

    fn to_get(queue: &'a Queue<T>) -> Waiting<'a, T> {
        let place = queue.getting.held.borrow_mut().insert(None);
        Waiting { queue, gets: true, place }
    }

    fn note(&self) -> u64 {
        self.place as u64
    }

    fn take(&self) -> Option<T> {
        let side = if self.gets { &self.queue.getting } else { &self.queue.putting };
        side.held.borrow_mut().remove(self.place)
    }

    /// What is at its place: what it has brought and nobody took, or what it was handed.
    fn leave(self) -> Option<T> {
        let item = self.take();
        std::mem::forget(self);
        item
    }
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        let item = self.take();
        if self.gets {
            drop(Got { queue: self.queue, item });
        }
    }
}

/// An item on its way to the one who gets it.
struct Got<'a, T> {
    queue: &'a Queue<T>,
    item: Option<T>,
}

impl<T> Got<'_, T> {
    fn take(mut self) -> T {
        let item = self.item.take().expect("it is taken once");
        self.queue.arrived();
        item
    }
}

impl<T> Drop for Got<'_, T> {
    fn drop(&mut self) {
        if let Some(item) = self.item.take() {
            self.queue.put_back(item);
        }
    }
}

/// What [`Queue::statistics`] tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct QueueStatistics {
    /// How many items are in the queue.
    pub len: usize,
    /// How many it holds at most.
    pub capacity: usize,
    /// Whether it is closed.
    pub is_closed: bool,
    /// How many tasks wait to put an item.
    pub tasks_waiting_put: usize,
    /// How many tasks wait to get one.
    pub tasks_waiting_get: usize,
}
