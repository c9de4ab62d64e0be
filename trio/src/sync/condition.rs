//! Waiting until what a lock guards has changed.

use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;

use super::LockGuard;
use super::lock::Ownership;
use crate::lowlevel::{ParkingLot, checkpoint_if_cancelled};

/// Waits until what a [`Lock`](crate::sync::Lock) guards has changed.
///
/// Waiting takes the lock's guard, and lets go of the lock meanwhile; telling of a change takes the
/// guard, too. So neither can be done without the lock. Several conditions can go with one lock, but
/// not several locks with one condition.
///
/// ```text
///            wait: releases the lock         notify              the lock's turn
///   holds ──────────────────────────▶ waits ─────────▶ queues ─────────────────▶ holds
///                                       │ cancelled      for the lock               │
///                                       └───────────────▶ queues ─▶ holds, unwinds  ▼ goes on
/// ```
///
/// Its counterpart in Trio is `trio.Condition`, which has its lock inside.
///
/// ```
/// use trio::{nursery, sync::{Condition, Lock}};
///
/// #[derive(Default)]
/// struct Account {
///     balance: Lock<u32>,
///     changed: Condition,
/// }
///
/// #[trio::task]
/// async fn withdraw(account: &Account, amount: u32) {
///     let mut balance = account.balance.acquire().await;
///     account.changed.wait_while(&mut balance, |balance| *balance < amount).await;
///     *balance -= amount;
/// }
///
/// #[trio::task]
/// async fn deposit(account: &Account, amount: u32) {
///     let mut balance = account.balance.acquire().await;
///     *balance += amount;
///     account.changed.notify_all(&balance);
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let account = Account::default();
/// nursery!(|n| {
///     n.spawn(withdraw, &account, 5);
///     n.spawn(deposit, &account, 3);
///     n.spawn(deposit, &account, 4);
/// })?;
/// assert_eq!(account.balance.into_inner(), 2);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[derive(Default)]
pub struct Condition {
    lot: ParkingLot,
    /// The lock of those who wait: compared with, never looked at.
    lock: Cell<Option<*const Ownership>>,
}

impl Condition {
    /// A condition that nobody waits for.
    pub fn new() -> Condition {
        Condition::default()
    }

    /// Releases the lock, waits to be notified, and acquires the lock again.
    ///
    /// By then others may have changed the value again: look at it, and wait again if need be, as
    /// [`wait_while`](Condition::wait_while) does.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. However it ends, the task holds the lock then: one that is cancelled acquires it
    /// again before it unwinds. Once notified it does not look for a cancellation any more, so that no
    /// notification is lost. Its counterpart in Trio is `Condition.wait`.
    ///
    /// # Panics
    ///
    /// If others wait for the condition with another lock, and if the lock gets
    /// [broken](crate::sync::Lock#owners).
    #[crate::task]
    pub async fn wait<T: ?Sized>(&self, guard: &mut LockGuard<'_, T>) {
        checkpoint_if_cancelled().await;
        self.check(guard.ownership());
        let lock = guard.give_up();
        let held = Cell::new(true);
        crate::finally(
            async {
                self.exchange(lock, &held).await;
            },
            async {
                if !held.get() {
                    lock.take_back().await;
                }
                guard.take_up();
            },
        )
        .await;
    }

    /// Waits as long as `condition` is true of the value: looks at it first, and after each
    /// notification.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; see [`wait`](Condition::wait).
    ///
    /// # Panics
    ///
    /// As [`wait`](Condition::wait).
    #[crate::task]
    pub async fn wait_while<T, F>(&self, guard: &mut LockGuard<'_, T>, mut condition: F)
    where
        T: ?Sized,
        F: FnMut(&mut T) -> bool,
    {
        crate::lowlevel::checkpoint().await;
        while condition(guard) {
            self.wait(guard).await;
        }
    }

    /// Lets up to `count` tasks go on, longest waiting first: they queue for the lock, behind those
    /// who do already. Says how many there were. Sync.
    ///
    /// # Panics
    ///
    /// If those who wait do so with another lock.
    #[track_caller]
    pub fn notify<T: ?Sized>(&self, guard: &LockGuard<'_, T>, count: usize) -> usize {
        let lock = guard.ownership();
        self.check(lock);
        if self.lot.is_empty() {
            return 0;
        }
        lock.expect_waiters();
        self.lot.repark(&lock.lot, count)
    }

    /// [`notify`](Condition::notify) of everybody who waits now.
    ///
    /// # Panics
    ///
    /// As [`notify`](Condition::notify).
    #[track_caller]
    pub fn notify_all<T: ?Sized>(&self, guard: &LockGuard<'_, T>) -> usize {
        self.notify(guard, self.lot.len())
    }

    /// A snapshot of the condition. What there is to know of the lock its own statistics tell.
    pub fn statistics(&self) -> ConditionStatistics {
        ConditionStatistics { tasks_waiting: self.lot.len() }
    }

    /// Waits here, with the lock released, and then there, until it is this task's. `held` tells
    /// whether it is.
    async fn exchange(&self, lock: &Ownership, held: &Cell<bool>) {
        let parked = self.lot.park().firm_once_moved();
        let mut parked = pin!(parked.passing_on(|| lock.release()));
        let mut release = Some(lock);
        let woken = poll_fn(|cx| {
            let polled = parked.as_mut().poll(cx);
            // Not before it waits: whoever gets the lock may notify at once.
            if let Some(lock) = release.take() {
                self.lock.set(Some(lock));
                held.set(false);
                lock.release();
            }
            polled
        });
        if woken.await.is_err() {
            lock.report_broken();
        }
        held.set(true);
    }

    #[track_caller]
    fn check(&self, lock: &Ownership) {
        let one_lock = self.lot.is_empty() || self.lock.get().is_some_and(|own| own == lock);
        assert!(one_lock, "others wait for this condition with another lock: a condition has one");
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condition").field("tasks_waiting", &self.lot.len()).finish()
    }
}

/// What [`Condition::statistics`] tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ConditionStatistics {
    /// How many tasks wait to be notified.
    pub tasks_waiting: usize,
}
