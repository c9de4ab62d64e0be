//! A value that one task has at a time.

use std::cell::{RefCell, RefMut};
use std::fmt;
use std::ops::{Deref, DerefMut};

use super::owner::{Owner, broken};
use crate::WouldBlock;
use crate::lowlevel::{
    ParkingLot, Task, cancel_shielded_checkpoint, checkpoint_if_cancelled, current_task,
};

/// Who has a lock and who waits for it, whatever it guards.
#[derive(Default)]
pub(super) struct Ownership {
    owner: Owner,
    pub(super) lot: ParkingLot,
}

impl Ownership {
    /// Whether the lock was free, and is the current task's now.
    #[inline]
    #[track_caller]
    fn take(&self) -> bool {
        if self.owner.is_held() {
            self.owner.refuse(&self.lot);
            return false;
        }
        self.owner.set(current_task());
        true
    }

    /// Waits until the lock is handed over.
    async fn wait(&self) {
        self.owner.watch(&self.lot);
        if self.lot.park().passing_on(|| self.release()).await.is_err() {
            self.report_broken();
        }
    }

    /// Takes it, or waits for it. Whoever calls sees to it that this is not cancelled.
    pub(super) async fn take_back(&self) {
        if !self.take() {
            self.wait().await;
        }
    }

    /// Gives it to the one who has waited for the longest.
    #[inline]
    pub(super) fn release(&self) {
        if self.owner.clear(&self.lot) && !self.lot.is_empty() {
            self.hand_over();
        }
    }

    #[inline(never)]
    fn hand_over(&self) {
        let Some(next) = self.lot.first() else { return };
        if self.lot.len() > 1 {
            self.owner.set_watched(next.task, &self.lot);
        } else {
            self.owner.set(next.task);
        }
        // Last: a foreign waker may call in here.
        self.lot.unpark(1);
    }

    /// Says so, to one who was waiting.
    #[cold]
    pub(super) fn report_broken(&self) -> ! {
        broken(&self.lot)
    }

    /// The lot is going to have waiters that did not come through [`wait`](Ownership::wait).
    pub(super) fn expect_waiters(&self) {
        self.owner.watch(&self.lot);
    }
}

/// Taken, by one who still has to give way to others. A guard would do as well, and be moved about.
struct Taken<'a>(&'a Ownership);

impl Drop for Taken<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0.release();
    }
}

/// A value that one task has at a time, across its cancellation points.
///
/// The lock is handed over strictly in order: releasing it makes the one its owner who has waited for
/// the longest, and nobody gets in between. Between two cancellation points nothing needs a lock: no
/// other task runs there, and a `Cell` or a `RefCell` will do.
///
/// Its counterpart in Trio is `trio.Lock`, which does not hold the value. `Lock::new(())` is one that
/// guards something else.
///
/// # Owners
///
/// The lock belongs to the task that acquired it, which cannot acquire it a second time. Its guard may
/// be dropped anywhere, also in another task, and releases the lock there. But if the owner ends while
/// the guard is still around, or was forgotten ([`std::mem::forget`]), the lock is *broken*: whoever
/// waits for it or asks for it later panics, saying so, as nobody can tell whether it will ever be
/// released. That is a mistake in the program, as a panic is, and not an error to be handled at each
/// `acquire`.
///
/// ```
/// use trio::{nursery, sync::Lock};
///
/// #[trio::task]
/// async fn deposit(account: &Lock<u32>, amount: u32) {
///     let mut balance = account.acquire().await;
///     let before = *balance;
///     trio::lowlevel::checkpoint().await; // others run here, but do not get at the account
///     *balance = before + amount;
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let account = Lock::new(0);
/// nursery!(|n| {
///     n.spawn(deposit, &account, 3);
///     n.spawn(deposit, &account, 4);
/// })?;
/// assert_eq!(account.into_inner(), 7);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[derive(Default)]
pub struct Lock<T: ?Sized = ()> {
    ownership: Ownership,
    value: RefCell<T>,
}

impl<T> Lock<T> {
    /// A lock that is free, around `value`.
    pub fn new(value: T) -> Lock<T> {
        Lock { ownership: Ownership::default(), value: RefCell::new(value) }
    }

    /// The value, of a lock that is no longer shared.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Lock<T> {
    /// Acquires the lock; waits while another task has it.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; one that is cancelled or dropped has not acquired the lock. Its counterpart in
    /// Trio is `Lock.acquire`.
    ///
    /// # Panics
    ///
    /// If the task has the lock already, if the lock is [broken](Lock#owners), and outside a task.
    ///
    /// ```
    /// # #[trio::task] async fn example() {
    /// let lock = trio::sync::Lock::new(vec![1]);
    /// lock.acquire().await.push(2); // released at the end of the statement
    /// assert_eq!(*lock.acquire().await, [1, 2]);
    /// # }
    /// # trio::run(example);
    /// ```
    pub async fn acquire(&self) -> LockGuard<'_, T> {
        checkpoint_if_cancelled().await;
        if self.ownership.take() {
            let taken = Taken(&self.ownership);
            cancel_shielded_checkpoint().await;
            std::mem::forget(taken);
        } else {
            self.ownership.wait().await;
        }
        self.guard()
    }

    /// Acquires the lock, if it is free.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`] if another task has it.
    ///
    /// # Panics
    ///
    /// As [`acquire`](Lock::acquire).
    ///
    /// ```
    /// # #[trio::task] async fn example() {
    /// let lock = trio::sync::Lock::new(1);
    /// if let Ok(mut value) = lock.try_acquire() {
    ///     *value += 1;
    /// }
    /// # trio::lowlevel::checkpoint().await; }
    /// # trio::run(example);
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_acquire(&self) -> Result<LockGuard<'_, T>, WouldBlock> {
        if self.ownership.take() { Ok(self.guard()) } else { Err(WouldBlock::new()) }
    }

    #[inline]
    fn guard(&self) -> LockGuard<'_, T> {
        LockGuard { lock: self, value: Some(self.value.borrow_mut()) }
    }

    /// Whether a task has the lock.
    pub fn is_locked(&self) -> bool {
        self.ownership.owner.is_held()
    }

    /// The value, of a lock that nobody else can reach.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// A snapshot of the lock.
    pub fn statistics(&self) -> LockStatistics {
        LockStatistics {
            locked: self.is_locked(),
            owner: self.ownership.owner.task(),
            tasks_waiting: self.ownership.lot.len(),
        }
    }
}

impl<T> From<T> for Lock<T> {
    fn from(value: T) -> Lock<T> {
        Lock::new(value)
    }
}

impl<T: ?Sized> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock")
            .field("owner", &self.ownership.owner.task())
            .field("tasks_waiting", &self.ownership.lot.len())
            .finish_non_exhaustive()
    }
}

/// The value of a [`Lock`] that is held: the lock is released when this is dropped.
#[must_use = "a lock whose guard is dropped is released at once"]
pub struct LockGuard<'a, T: ?Sized> {
    lock: &'a Lock<T>,
    /// `None` during a `Condition::wait`: the lock is given up, and taken back at its end.
    value: Option<RefMut<'a, T>>,
}

impl<'a, T: ?Sized> LockGuard<'a, T> {
    /// Lets go of the value, so that what is returned can be released.
    #[track_caller]
    pub(super) fn give_up(&mut self) -> &'a Ownership {
        self.check();
        self.value = None;
        &self.lock.ownership
    }

    /// The lock is held again.
    pub(super) fn take_up(&mut self) {
        self.value = Some(self.lock.value.borrow_mut());
    }

    #[track_caller]
    pub(super) fn ownership(&self) -> &'a Ownership {
        self.check();
        &self.lock.ownership
    }

    #[track_caller]
    fn check(&self) {
        if self.value.is_none() {
            given_up();
        }
    }
}

#[cold]
#[track_caller]
fn given_up() -> ! {
    panic!(
        "this guard does not hold its lock: it is looked at while its task is dropped in the middle of a \
         `Condition::wait`"
    )
}

impl<T: ?Sized> Deref for LockGuard<'_, T> {
    type Target = T;

    #[inline]
    #[track_caller]
    fn deref(&self) -> &T {
        self.value.as_deref().unwrap_or_else(|| given_up())
    }
}

impl<T: ?Sized> DerefMut for LockGuard<'_, T> {
    #[inline]
    #[track_caller]
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_deref_mut().unwrap_or_else(|| given_up())
    }
}

impl<T: ?Sized> Drop for LockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.value.take().is_some() {
            self.lock.ownership.release();
        }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for LockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockGuard").field(&self.value.as_deref()).finish()
    }
}

/// What [`Lock::statistics`] tells.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LockStatistics {
    /// Whether a task has the lock.
    pub locked: bool,
    /// The task that has it.
    pub owner: Option<Task>,
    /// How many tasks wait for it.
    pub tasks_waiting: usize,
}
