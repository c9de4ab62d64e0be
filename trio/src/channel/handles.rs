//! The open handles of one end of a channel.

use std::cell::{Cell, RefCell};
use std::ops::RangeInclusive;

use slab::Slab;

/// Which handles of an end are open. A number is used again only when its handle is closed, and then
/// nobody waits on that any more.
#[derive(Default)]
pub(super) struct Handles {
    open: RefCell<Slab<()>>,
    count: Cell<usize>,
}

impl Handles {
    /// How many there are.
    #[inline]
    pub(super) fn count(&self) -> usize {
        self.count.get()
    }

    pub(super) fn open(&self) -> Handle {
        let number = self.open.borrow_mut().insert(());
        self.count.set(self.count.get() + 1);
        Handle(Cell::new(Some(number as u32)))
    }

    /// Another one; of one that is closed, another closed one.
    pub(super) fn clone_of(&self, handle: &Handle) -> Handle {
        if handle.is_closed() { Handle(Cell::new(None)) } else { self.open() }
    }

    /// Closes a handle, and gives the notes of those who wait on it. `None`: it was closed before.
    pub(super) fn close(&self, handle: &Handle) -> Option<RangeInclusive<u64>> {
        let number = handle.0.take()?;
        self.open.borrow_mut().remove(number as usize);
        self.count.set(self.count.get() - 1);
        Some(note(number, 0)..=note(number, u32::MAX))
    }
}

/// One handle, open or closed.
pub(super) struct Handle(Cell<Option<u32>>);

impl Handle {
    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.0.get().is_none()
    }

    /// The note of one who parks on this handle, with a number that is up to the caller. `None`: it is
    /// closed.
    pub(super) fn note(&self, number: usize) -> Option<u64> {
        Some(note(self.0.get()?, number as u32))
    }
}

/// Handles and those who wait are fewer than 2³²: they are in memory.
fn note(handle: u32, number: u32) -> u64 {
    u64::from(handle) << 32 | u64::from(number)
}

/// The number in a note.
pub(super) fn number_in(note: u64) -> usize {
    note as u32 as usize
}
