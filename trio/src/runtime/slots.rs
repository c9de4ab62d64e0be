//! The tasks of a run by number: what wakers and handles name.

use super::task::{Header, TaskRef};
use super::waker;

struct Slot {
    generation: u32,
    task: Option<TaskRef>,
}

/// Every living task has a slot; a slot that becomes free changes its generation.
#[derive(Default)]
pub(crate) struct Slots {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Slots {
    pub(crate) fn living(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Gives `task` a slot, and returns the name that wakers will carry.
    ///
    /// # Panics
    ///
    /// If 268,435,456 tasks are alive.
    #[inline]
    pub(crate) fn insert(&mut self, task: TaskRef, run: u16) -> u64 {
        let slot = self.free.pop().unwrap_or_else(|| {
            assert!(self.slots.len() < waker::MAX_SLOTS, "too many tasks are alive in this run");
            self.slots.push(Slot { generation: 0, task: None });
            (self.slots.len() - 1) as u32
        });
        let place = &mut self.slots[slot as usize];
        place.task = Some(task);
        waker::name(run, place.generation, slot)
    }

    /// The living task of this name.
    #[inline]
    pub(crate) fn get(&self, name: u64) -> Option<&Header> {
        let task = self.slots.get(waker::slot_of(name))?.task.as_deref()?;
        (task.id() == name).then_some(task)
    }

    /// Frees a slot, and returns the reference that it held.
    #[inline]
    pub(crate) fn remove(&mut self, name: u64) -> Option<TaskRef> {
        self.get(name)?;
        let slot = waker::slot_of(name);
        let place = &mut self.slots[slot];
        place.generation = place.generation.wrapping_add(1);
        self.free.push(slot as u32);
        place.task.take()
    }

    /// The names of all living tasks.
    pub(crate) fn names(&self) -> Vec<u64> {
        self.slots.iter().filter_map(|slot| Some(slot.task.as_ref()?.id())).collect()
    }
}
