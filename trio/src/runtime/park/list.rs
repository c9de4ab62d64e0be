//! The list of a lot, and the waiters in it.

use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::ptr;
use std::task::Context as PollContext;

use crate::runtime::error::BrokenResourceError;
use crate::runtime::wake::WakeTarget;

/// How far a waiter is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Idle,
    Parked,
    Unparked,
    Broken,
}

pub(super) enum State {
    Idle,
    Parked(WakeTarget),
    Unparked,
    /// What it is told: the lot it was in is not always the one that it came to.
    Broken(Box<BrokenResourceError>),
}

pub(super) struct Waiter {
    /// Dropped by [`clear`](Waiter::clear).
    state: ManuallyDrop<Cell<State>>,
    pub(super) lot: Cell<*const Lot>,
    pub(super) next: Cell<*const Waiter>,
    pub(super) prev: Cell<*const Waiter>,
    pub(super) note: u64,
}

impl Waiter {
    #[inline(always)]
    pub(super) fn new(note: u64) -> Waiter {
        Waiter {
            state: ManuallyDrop::new(Cell::new(State::Idle)),
            lot: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            prev: Cell::new(ptr::null()),
            note,
        }
    }

    #[inline(always)]
    pub(super) fn kind(&self) -> Kind {
        self.peek(|state| match state {
            State::Idle => Kind::Idle,
            State::Parked(_) => Kind::Parked,
            State::Unparked => Kind::Unparked,
            State::Broken(_) => Kind::Broken,
        })
    }

    /// Whether it is parked, for the one who polls with `cx`.
    pub(super) fn is_target(&self, cx: &PollContext<'_>) -> bool {
        self.peek(|state| matches!(state, State::Parked(target) if target.is_current(cx)))
    }

    /// Looks at the state. `f` changes nothing.
    #[inline(always)]
    pub(super) fn peek<R>(&self, f: impl FnOnce(&State) -> R) -> R {
        // SAFETY: rule 5: a waiter does not leave its thread, and nothing refers to its state meanwhile.
        f(unsafe { &*self.state.as_ptr() })
    }

    /// Sets the state of one that holds nothing.
    #[inline(always)]
    pub(super) fn mark(&self, state: State) {
        debug_assert!(matches!(self.kind(), Kind::Idle | Kind::Unparked));
        std::mem::forget(self.state.replace(state));
    }

    /// Sets the state, and gives what was there, which goes last: a foreign waker may run code then.
    #[inline(always)]
    pub(super) fn set(&self, state: State) -> State {
        self.state.replace(state)
    }
}

impl Waiter {
    /// It holds nothing any more. Most that go are idle.
    #[inline(always)]
    pub(super) fn clear(&self) {
        if !matches!(self.kind(), Kind::Idle | Kind::Unparked) {
            self.leave();
        }
    }

    #[inline(never)]
    fn leave(&self) {
        // SAFETY: rule 1: a lot that goes lets its waiters go first, which clears this.
        if let Some(lot) = unsafe { self.lot.get().as_ref() } {
            lot.unlink(self);
        }
        drop(self.set(State::Idle));
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

    /// Takes the first waiter out and lets it go on.
    #[inline]
    pub(super) fn release(&self) -> bool {
        self.let_go(|| State::Unparked)
    }

    /// The same, with an error.
    pub(super) fn refuse(&self, error: BrokenResourceError) -> bool {
        self.let_go(|| State::Broken(Box::new(error)))
    }

    #[inline]
    fn let_go(&self, how: impl FnOnce() -> State) -> bool {
        let Some(waiter) = self.pop() else {
            return false;
        };
        if let State::Parked(target) = waiter.set(how()) {
            // Foreign code may run here: nothing of the list is held.
            target.wake();
        }
        true
    }

    #[inline]
    pub(super) fn is_broken(&self) -> bool {
        !self.broken_by.borrow().is_empty()
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
        while self.refuse(gone()) {}
    }
}
