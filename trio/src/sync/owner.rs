//! The task that has a lock.

use std::cell::Cell;

use crate::lowlevel::{ParkingLot, Task, add_parking_lot_breaker, remove_parking_lot_breaker};

/// The task that has a lock, and whose end breaks the lock if it still has it then.
///
/// ```text
///           set                   watch (somebody is going to wait)
///   Free ─────────▶ Held ───────────────────────────────────────────▶ Watched
///    ▲                │ clear                                     clear │ │ the owner's end
///    └────────────────┴────────────────────────────────────────────────┘ ▼
///                                                                     Broken
/// ```
///
/// Only a watched owner is registered as breaker of the lot: where nobody waits, having a lock costs
/// no more than the name of who has it.
#[derive(Default)]
pub(super) struct Owner {
    held: Cell<bool>,
    watched: Cell<bool>,
    task: Cell<Option<Task>>,
}

impl Owner {
    #[inline]
    pub(super) fn is_held(&self) -> bool {
        self.held.get()
    }

    pub(super) fn task(&self) -> Option<Task> {
        self.peek(Task::clone)
    }

    /// Looks at who has it. `f` runs no code of others.
    #[inline]
    fn peek<R>(&self, f: impl FnOnce(&Task) -> R) -> Option<R> {
        let task = self.task.take()?;
        let result = f(&task);
        self.put(task);
        Some(result)
    }

    /// Notes who has it, where nobody is noted.
    #[inline]
    fn put(&self, task: Task) {
        let nobody = self.task.replace(Some(task));
        debug_assert!(nobody.is_none());
        std::mem::forget(nobody);
    }

    #[inline]
    pub(super) fn set(&self, task: Task) {
        self.put(task);
        self.held.set(true);
    }

    /// The same, and it is watched.
    pub(super) fn set_watched(&self, task: Task, lot: &ParkingLot) {
        if task.is_finished() {
            self.set(task);
            return self.watch(lot);
        }
        add_parking_lot_breaker(&task, lot);
        self.watched.set(true);
        self.set(task);
    }

    /// Lets the owner's end break the lot. An owner that has ended already breaks it now.
    #[inline]
    pub(super) fn watch(&self, lot: &ParkingLot) {
        if !self.watched.get() {
            self.begin_to_watch(lot);
        }
    }

    #[inline(never)]
    fn begin_to_watch(&self, lot: &ParkingLot) {
        let gone = self.peek(|owner| {
            self.watched.set(true);
            if owner.is_finished() {
                return Some(owner.name());
            }
            add_parking_lot_breaker(owner, lot);
            None
        });
        if let Some(Some(owner)) = gone {
            lot.break_lot(&owner);
        }
    }

    /// Nobody has the lock any more. `false` if it is broken: then nobody gets it, either.
    #[inline]
    pub(super) fn clear(&self, lot: &ParkingLot) -> bool {
        let owner = self.task.take();
        if self.watched.get() && !self.unwatch(owner, lot) {
            return false;
        }
        self.held.set(false);
        true
    }

    #[inline(never)]
    fn unwatch(&self, owner: Option<Task>, lot: &ParkingLot) -> bool {
        if lot.is_broken() {
            return false;
        }
        remove_parking_lot_breaker(&owner.expect("what is watched is held"), lot);
        self.watched.set(false);
        true
    }

    /// What is to be said to one who asks for a lock that is held.
    ///
    /// # Panics
    ///
    /// If it is broken, and if the current task has it.
    #[inline]
    #[track_caller]
    pub(super) fn refuse(&self, lot: &ParkingLot) {
        let owner = self.peek(|owner| (owner.is_finished(), owner.is_current()));
        let (is_finished, is_current) = owner.unwrap_or_default();
        if is_finished {
            self.watch(lot);
        }
        if lot.is_broken() {
            broken(lot);
        }
        if is_current {
            self.not_again();
        }
    }

    #[cold]
    #[track_caller]
    fn not_again(&self) -> ! {
        panic!(
            "task `{}` already has this lock: a lock is not re-entrant. Drop the guard first, or \
             pass it on to whoever needs what it guards; the branches of a combinator are one \
             task, children are not",
            self.peek(Task::name).unwrap_or_default()
        )
    }
}

/// The lock will never be released.
#[cold]
#[track_caller]
pub(super) fn broken(lot: &ParkingLot) -> ! {
    panic!(
        "this lock is broken: its owner, task `{}`, has ended without releasing it. A guard must not be \
         forgotten, nor outlive the task that acquired the lock",
        lot.broken_by().join("`, `")
    )
}
