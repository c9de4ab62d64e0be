//! The run queue, its batches, and the budget of a turn.

use std::cell::{Cell, RefCell};

use super::ring::Ring;
use crate::runtime::rng::Rng;
use crate::runtime::task::{Header, TaskRef, flag};

/// How many steps are made between two looks at the clock, while tasks are runnable.
const STEPS: u32 = 64;

/// The tasks that are runnable, in the order of waking.
///
/// It does not count its references: a task that lives has its slot, which keeps it. One that ends while it
/// is queued leaves the slot's reference to the queue, which gives it back when the task's turn has come.
///
/// ```text
///   head          stop            batch_end            tail
///    │─ this chunk ─│── this batch ────│── the next one ──│
/// ```
///
/// A chunk is what is stepped without a look at anything else: the batch, or as much of it as the budget
/// has left.
pub(super) struct RunQueue {
    ring: Ring<Header>,
    stop: Cell<usize>,
    batch_end: Cell<usize>,
    /// How many more steps, or checkpoints that went on, until the next look at the clock; without those
    /// of this chunk.
    budget: Cell<u32>,
    rng: Option<RefCell<Rng>>,
}

impl RunQueue {
    /// An empty queue; with a seed every batch is shuffled.
    pub(super) fn new(seed: Option<u64>) -> RunQueue {
        RunQueue {
            ring: Ring::new(),
            stop: Cell::new(0),
            batch_end: Cell::new(0),
            budget: Cell::new(0),
            rng: seed.map(|seed| RefCell::new(Rng::new(seed))),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Puts a task at the end, which has just been marked as queued.
    #[inline(always)]
    pub(super) fn push(&self, task: *const Header) {
        self.ring.push(task);
    }

    /// The next task of this chunk, which is alive until it is stepped, or has ended.
    #[inline(always)]
    pub(super) fn next(&self) -> Option<*const Header> {
        if self.ring.head() == self.stop.get() {
            return None;
        }
        Some(self.ring.pop())
    }

    /// Begins the next chunk, while the budget is not used up; when the batch is, all that has become
    /// runnable meanwhile is the next one. `false`: nothing is runnable.
    #[inline]
    pub(super) fn next_chunk(&self) -> bool {
        let (head, tail) = (self.ring.head(), self.ring.tail());
        if head == self.batch_end.get() {
            self.batch_end.set(tail);
            if let Some(rng) = &self.rng {
                let swap = |a, b| self.ring.swap(head.wrapping_add(a), head.wrapping_add(b));
                rng.borrow_mut().shuffle(self.ring.len(), swap);
            }
        }
        let batch = self.batch_end.get().wrapping_sub(head);
        let chunk = batch.min(self.budget.get() as usize);
        self.budget.set(self.budget.get() - chunk as u32);
        self.stop.set(head.wrapping_add(chunk));
        chunk > 0
    }

    /// Gives back what tasks left that have ended while they were queued.
    pub(super) fn clear(&self) {
        while !self.ring.is_empty() {
            let task = self.ring.pop();
            // SAFETY: rule 5: a queued task is alive; if it has ended its reference is the queue's.
            unsafe {
                if (*task).has(flag::DONE) {
                    drop(TaskRef::from_raw(task));
                }
            }
        }
    }

    /// The scheduler's answer to a checkpoint: whether the task may go on without leaving.
    #[inline(always)]
    pub(super) fn may_go_on(&self) -> bool {
        let budget = self.budget.get();
        if budget == 0 || !self.is_empty() {
            return false;
        }
        self.budget.set(budget - 1);
        true
    }

    /// Whether it is time for a look at the clock.
    #[inline]
    pub(super) fn is_spent(&self) -> bool {
        self.budget.get() == 0
    }

    /// The clock was looked at.
    #[inline]
    pub(super) fn refill(&self) {
        self.budget.set(STEPS);
    }

    /// The clock was moved: it is looked at before the next step, and the next checkpoint.
    pub(super) fn spend(&self) {
        self.budget.set(0);
        self.stop.set(self.ring.head());
    }
}
