//! A value that many tasks read, or one writes.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::fmt;
use std::ops::{Deref, DerefMut};

use super::owner::{Owner, broken};
use crate::WouldBlock;
use crate::lowlevel::{
    ParkingLot, Task, cancel_shielded_checkpoint, checkpoint_if_cancelled, current_task,
};

/// What a waiter's note says that it wants.
const READ: u64 = 0;
const WRITE: u64 = 1;

/// A value that many tasks read at a time, or one task writes, across its cancellation points.
///
/// It is fair: all wait in one queue, and are let in by the order in which they came, neighbours who
/// read together. So a task that wants to write does not wait for those who come to read after it.
///
/// A task that writes must not ask for the lock again, and panics if it does. One that reads and asks
/// to write, or asks to read again while another one waits to write, waits for itself.
///
/// If the task that writes ends without releasing the lock it is broken, as a
/// [`Lock`](crate::sync::Lock#owners) is. Python's Trio has no such lock.
///
/// ```
/// use trio::{nursery, sync::RwLock};
///
/// #[trio::task]
/// async fn look_up(table: &RwLock<Vec<u32>>, at: usize) -> u32 {
///     table.read().await[at]
/// }
///
/// #[trio::task]
/// async fn add(table: &RwLock<Vec<u32>>, value: u32) {
///     table.write().await.push(value);
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let table = RwLock::new(vec![1, 2, 3]);
/// let found = nursery!(|n| {
///     n.spawn(add, &table, 4);
///     (n.spawn(look_up, &table, 0), n.spawn(look_up, &table, 1))
/// })?;
/// assert_eq!((found.0.take(), found.1.take()), (Some(1), Some(2)));
/// assert_eq!(table.into_inner().len(), 4);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[derive(Default)]
pub struct RwLock<T: ?Sized = ()> {
    access: Access,
    value: RefCell<T>,
}

/// Who has the lock and who waits for it, whatever it guards.
#[derive(Default)]
struct Access {
    readers: Cell<usize>,
    writer: Owner,
    lot: ParkingLot,
}

impl Access {
    /// Whether the current task may read, and is counted now.
    #[track_caller]
    fn take_to_read(&self) -> bool {
        if self.writer.is_held() {
            self.writer.refuse(&self.lot);
            return false;
        }
        // Somebody waits only if there is a writer in front.
        if !self.lot.is_empty() {
            return false;
        }
        self.readers.set(self.readers.get() + 1);
        true
    }

    /// Whether the current task may write, and has the lock now.
    #[track_caller]
    fn take_to_write(&self) -> bool {
        if self.writer.is_held() {
            self.writer.refuse(&self.lot);
            return false;
        }
        if self.readers.get() > 0 {
            return false;
        }
        self.writer.set(current_task());
        true
    }

    /// Waits for what the note says.
    async fn wait(&self, note: u64) {
        self.writer.watch(&self.lot);
        // Goes last: those behind one who does not wait any longer may have their turn.
        let _leaving = Leaving(self);
        let parked = self.lot.park_with(note).passing_on(|| match note {
            READ => self.release_read(),
            _ => self.release_write(),
        });
        if parked.await.is_err() {
            broken(&self.lot);
        }
    }

    fn release_read(&self) {
        self.readers.set(self.readers.get() - 1);
        self.hand_over();
    }

    fn release_write(&self) {
        if self.writer.clear(&self.lot) {
            self.hand_over();
        }
    }

    /// Lets those in whose turn it is.
    fn hand_over(&self) {
        while !self.writer.is_held()
            && let Some(next) = self.lot.first()
        {
            if next.note == READ {
                self.readers.set(self.readers.get() + 1);
            } else if self.readers.get() == 0 {
                self.writer.set(next.task);
                if self.lot.len() > 1 {
                    self.writer.watch(&self.lot);
                }
            } else {
                break;
            }
            // Last: a foreign waker may call in here.
            self.lot.unpark(1);
        }
    }
}

struct Leaving<'a>(&'a Access);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.hand_over();
    }
}

impl<T> RwLock<T> {
    /// A lock that is free, around `value`.
    pub fn new(value: T) -> RwLock<T> {
        RwLock { access: Access::default(), value: RefCell::new(value) }
    }

    /// The value, of a lock that is no longer shared.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Acquires the lock to read; waits while another task writes, and for those who have waited
    /// longer.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; one that is cancelled or dropped has not acquired the lock.
    ///
    /// # Panics
    ///
    /// If the task writes at the time, if the lock is broken, and outside a task.
    ///
    /// ```
    /// # #[trio::task] async fn example() {
    /// let lock = trio::sync::RwLock::new(1);
    /// let (one, another) = (lock.read().await, lock.read().await);
    /// assert_eq!(*one, *another);
    /// # }
    /// # trio::run(example);
    /// ```
    pub async fn read(&self) -> ReadGuard<'_, T> {
        checkpoint_if_cancelled().await;
        if self.access.take_to_read() {
            let held = ReadHeld(&self.access);
            cancel_shielded_checkpoint().await;
            std::mem::forget(held);
        } else {
            self.access.wait(READ).await;
        }
        self.read_guard()
    }

    /// Acquires the lock to read, if nobody writes or waits to.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`] if somebody does.
    ///
    /// # Panics
    ///
    /// As [`read`](RwLock::read).
    #[track_caller]
    pub fn try_read(&self) -> Result<ReadGuard<'_, T>, WouldBlock> {
        if self.access.take_to_read() { Ok(self.read_guard()) } else { Err(WouldBlock::new()) }
    }

    /// Acquires the lock to write; waits while others have it, and for those who have waited longer.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; one that is cancelled or dropped has not acquired the lock, and does not hold up
    /// those who read any more.
    ///
    /// # Panics
    ///
    /// If the task writes already, if the lock is broken, and outside a task.
    ///
    /// ```
    /// # #[trio::task] async fn example() {
    /// let lock = trio::sync::RwLock::new(1);
    /// *lock.write().await += 1;
    /// assert_eq!(*lock.read().await, 2);
    /// # }
    /// # trio::run(example);
    /// ```
    pub async fn write(&self) -> WriteGuard<'_, T> {
        checkpoint_if_cancelled().await;
        if self.access.take_to_write() {
            let held = WriteHeld(&self.access);
            cancel_shielded_checkpoint().await;
            std::mem::forget(held);
        } else {
            self.access.wait(WRITE).await;
        }
        self.write_guard()
    }

    /// Acquires the lock to write, if nobody has it.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`] if somebody has it.
    ///
    /// # Panics
    ///
    /// As [`write`](RwLock::write).
    #[track_caller]
    pub fn try_write(&self) -> Result<WriteGuard<'_, T>, WouldBlock> {
        if self.access.take_to_write() { Ok(self.write_guard()) } else { Err(WouldBlock::new()) }
    }

    fn read_guard(&self) -> ReadGuard<'_, T> {
        ReadGuard { value: self.value.borrow(), _held: ReadHeld(&self.access) }
    }

    fn write_guard(&self) -> WriteGuard<'_, T> {
        WriteGuard { value: self.value.borrow_mut(), _held: WriteHeld(&self.access) }
    }

    /// The value, of a lock that nobody else can reach.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// A snapshot of the lock.
    pub fn statistics(&self) -> RwLockStatistics {
        RwLockStatistics {
            readers: self.access.readers.get(),
            writer: self.access.writer.task(),
            tasks_waiting: self.access.lot.len(),
        }
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> RwLock<T> {
        RwLock::new(value)
    }
}

impl<T: ?Sized> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RwLock")
            .field("readers", &self.access.readers.get())
            .field("writer", &self.access.writer.task())
            .field("tasks_waiting", &self.access.lot.len())
            .finish_non_exhaustive()
    }
}

struct ReadHeld<'a>(&'a Access);

impl Drop for ReadHeld<'_> {
    fn drop(&mut self) {
        self.0.release_read();
    }
}

struct WriteHeld<'a>(&'a Access);

impl Drop for WriteHeld<'_> {
    fn drop(&mut self) {
        self.0.release_write();
    }
}

/// The value of an [`RwLock`] that is held to read: the lock is released when this is dropped.
#[must_use = "a lock whose guard is dropped is released at once"]
pub struct ReadGuard<'a, T: ?Sized> {
    // Goes first: others may borrow it as soon as the lock is released.
    value: Ref<'a, T>,
    _held: ReadHeld<'a>,
}

/// The value of an [`RwLock`] that is held to write: the lock is released when this is dropped.
#[must_use = "a lock whose guard is dropped is released at once"]
pub struct WriteGuard<'a, T: ?Sized> {
    // Goes first: others may borrow it as soon as the lock is released.
    value: RefMut<'a, T>,
    _held: WriteHeld<'a>,
}

impl<T: ?Sized> Deref for ReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: ?Sized> Deref for WriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: ?Sized> DerefMut for WriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for ReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReadGuard").field(&&*self.value).finish()
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for WriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WriteGuard").field(&&*self.value).finish()
    }
}

/// What [`RwLock::statistics`] tells.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RwLockStatistics {
    /// How many guards there are to read.
    pub readers: usize,
    /// The task that writes.
    pub writer: Option<Task>,
    /// How many tasks wait, to read or to write.
    pub tasks_waiting: usize,
}
