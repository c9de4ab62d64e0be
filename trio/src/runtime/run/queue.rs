//! The run queue, its batches, and the budget of a turn.

use std::cell::{Cell, RefCell, UnsafeCell};
use std::collections::VecDeque;

use crate::runtime::rng::Rng;
use crate::runtime::task::TaskRef;

/// How many steps are made between two looks at the clock, while tasks are runnable.
const STEPS: u32 = 64;

/// The tasks that are runnable, in the order of waking.
pub(super) struct RunQueue {
    tasks: UnsafeCell<VecDeque<TaskRef>>,
    /// How many tasks at the front of the queue belong to the current batch.
    batch: Cell<usize>,
    /// How many more steps, or checkpoints that went on, until the next look at the clock.
    budget: Cell<u32>,
    rng: Option<RefCell<Rng>>,
}

impl RunQueue {
    /// An empty queue; with a seed every batch is shuffled.
    pub(super) fn new(seed: Option<u64>) -> RunQueue {
        RunQueue {
            tasks: UnsafeCell::default(),
            batch: Cell::new(0),
            budget: Cell::new(0),
            rng: seed.map(|seed| RefCell::new(Rng::new(seed))),
        }
    }

    #[inline(always)]
    fn tasks<R>(&self, f: impl FnOnce(&mut VecDeque<TaskRef>) -> R) -> R {
        // SAFETY: rule 5: a run does not leave its thread, and no caller's `f` does anything that
        // could reach this function again.
        f(unsafe { &mut *self.tasks.get() })
    }

    pub(super) fn len(&self) -> usize {
        self.tasks(|tasks| tasks.len())
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.tasks(|tasks| tasks.is_empty())
    }

    #[inline]
    pub(super) fn push(&self, task: TaskRef) {
        self.tasks(|tasks| tasks.push_back(task));
    }

    /// Takes the first task out, whatever batch it belongs to.
    pub(super) fn pop(&self) -> Option<TaskRef> {
        self.tasks(VecDeque::pop_front)
    }

    /// The next task to step. `None`: nothing is runnable. When a batch is used up, all that has become
    /// runnable meanwhile is the next one.
    #[inline]
    pub(super) fn next(&self) -> Option<TaskRef> {
        if self.batch.get() == 0 && !self.begin_batch() {
            return None;
        }
        self.batch.set(self.batch.get() - 1);
        let Some(task) = self.pop() else {
            crate::runtime::internal_error("the batch is longer than the queue");
        };
        self.budget.set(self.budget.get().saturating_sub(1));
        Some(task)
    }

    fn begin_batch(&self) -> bool {
        self.tasks(|tasks| {
            self.batch.set(tasks.len());
            if let Some(rng) = &self.rng {
                rng.borrow_mut().shuffle(tasks.make_contiguous());
            }
            !tasks.is_empty()
        })
    }

    /// The scheduler's answer to a checkpoint: whether the task may go on without leaving.
    #[inline]
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

    /// The clock was moved: it is looked at before the next checkpoint.
    pub(super) fn spend(&self) {
        self.budget.set(0);
    }
}
