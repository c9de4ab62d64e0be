//! The task that has a lock.

use std::cell::Cell;

use crate::lowlevel::{
    ParkingLot, Task, add_parking_lot_breaker, current_task, remove_parking_lot_breaker,
};

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
        let task = self.task.take();
        self.task.set(task.clone());
        task
    }

    #[inline]
    pub(super) fn set(&self, task: Task) {
        self.task.set(Some(task));
        self.held.set(true);
    }

    /// Lets the owner's end break the lot. An owner that has ended already breaks it now.
    pub(super) fn watch(&self, lot: &ParkingLot) {
        if self.watched.get() {
            return;
        }
        let Some(owner) = self.task() else { return };
        self.watched.set(true);
        if owner.is_finished() {
            lot.break_lot(&owner.name());
        } else {
            add_parking_lot_breaker(&owner, lot);
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
        if !lot.broken_by().is_empty() {
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
    #[cold]
    #[track_caller]
    pub(super) fn refuse(&self, lot: &ParkingLot) {
        let owner = self.task();
        if owner.as_ref().is_some_and(Task::is_finished) {
            self.watch(lot);
        }
        if !lot.broken_by().is_empty() {
            broken(lot);
        }
        if let Some(owner) = owner.filter(|owner| *owner == current_task()) {
            panic!(
                "task `{}` already has this lock: a lock is not re-entrant. Drop the guard first, or \
                 pass it on to whoever needs what it guards; the branches of a combinator are one \
                 task, children are not",
                owner.name()
            );
        }
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
