//! The list of a lot, and the waiters in it.

use std::cell::{Cell, RefCell};
use std::ptr;

use crate::runtime::error::BrokenResourceError;
use crate::runtime::wake::WakeTarget;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    Parked,
    Unparked,
    Broken,
}

pub(super) struct Waiter {
    pub(super) state: Cell<State>,
    pub(super) lot: Cell<*const Lot>,
    pub(super) next: Cell<*const Waiter>,
    pub(super) prev: Cell<*const Waiter>,
    pub(super) target: Cell<Option<WakeTarget>>,
    pub(super) note: u64,
    /// What a broken one is told: the lot it was in is not always the one that it came to.
    pub(super) error: Cell<Option<Box<BrokenResourceError>>>,
}

impl Waiter {
    pub(super) fn new(note: u64) -> Waiter {
        Waiter {
            state: Cell::new(State::Idle),
            lot: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            prev: Cell::new(ptr::null()),
            target: Cell::new(None),
            note,
            error: Cell::new(None),
        }
    }
}

/// The list itself, at an address of its own: waiters point back to it.
pub(super) struct Lot {
    pub(super) first: Cell<*const Waiter>,
    pub(super) last: Cell<*const Waiter>,
    pub(super) len: Cell<usize>,
    pub(super) broken_by: RefCell<Vec<String>>,
}

impl Lot {
    pub(super) fn new() -> Lot {
        Lot {
            first: Cell::new(ptr::null()),
            last: Cell::new(ptr::null()),
            len: Cell::new(0),
            broken_by: RefCell::default(),
        }
    }

    #[inline]
    pub(super) fn push(&self, waiter: &Waiter) {
        waiter.lot.set(self);
        waiter.next.set(ptr::null());
        let last = self.last.replace(waiter);
        waiter.prev.set(last);
        // SAFETY: rule 1: a waiter unlinks itself before its memory goes.
        match unsafe { last.as_ref() } {
            Some(last) => last.next.set(waiter),
            None => self.first.set(waiter),
        }
        self.len.set(self.len.get() + 1);
    }

    #[inline]
    pub(super) fn unlink(&self, waiter: &Waiter) {
        let (next, prev) = (waiter.next.get(), waiter.prev.get());
        // SAFETY: rule 1: as in `push`.
        match unsafe { next.as_ref() } {
            Some(next) => next.prev.set(prev),
            None => self.last.set(prev),
        }
        // SAFETY: rule 1: as in `push`.
        match unsafe { prev.as_ref() } {
            Some(prev) => prev.next.set(next),
            None => self.first.set(next),
        }
        waiter.lot.set(ptr::null());
        self.len.set(self.len.get() - 1);
    }

    /// Takes the first waiter out of the list.
    #[inline]
    pub(super) fn pop(&self) -> Option<&Waiter> {
        // SAFETY: rule 1: as in `push`.
        let waiter = unsafe { self.first.get().as_ref() }?;
        self.unlink(waiter);
        Some(waiter)
    }

    /// Takes the first waiter out and lets it go on, with an error if there is one.
    pub(super) fn release(&self, error: Option<BrokenResourceError>) -> bool {
        let Some(waiter) = self.pop() else {
            return false;
        };
        match error {
            None => waiter.state.set(State::Unparked),
            Some(error) => {
                waiter.state.set(State::Broken);
                waiter.error.set(Some(Box::new(error)));
            }
        }
        if let Some(target) = waiter.target.take() {
            // Foreign code may run here: nothing of the list is held.
            target.wake();
        }
        true
    }

    pub(super) fn broken(&self) -> Option<BrokenResourceError> {
        let by = self.broken_by.borrow();
        let first = by.first()?;
        Some(BrokenResourceError::with_text(format!("it was broken by task `{first}`")))
    }
}

impl Drop for Lot {
    /// Whoever was moved here from another lot would wait forever.
    fn drop(&mut self) {
        let gone = || BrokenResourceError::with_text("the lot it was waiting in is gone");
        while self.release(Some(gone())) {}
    }
}
