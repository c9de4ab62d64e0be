//! Deadlocks: when nothing is left that could wake the run, it ends and does not hang.
//!
//! It is looked for only where the run would wait for the system without an end. What ends such a wait
//! comes from a descriptor or from the inbox, and into the inbox only by a token or a waker. So the run
//! is stuck if
//!
//! - no task waits for a descriptor,
//! - nobody has a token of the run, not even a blocked task,
//! - no living task has given a waker away, ever: the first clone of a task's waker is noted
//!   (`waker.rs`), and our own leaves need none,
//! - the inbox is empty, and the system has nothing to tell.
//!
//! Nothing else runs on this thread meanwhile, but for a host (a guest is not watched) and for
//! instruments, which have been called by then; if one has woken a task the inbox says so. All that is left is a Ctrl-C. Whoever waits for that says
//! so with `sleep_forever`, or by a future that waits for nothing: then it is not a deadlock, except in a
//! test, where nobody presses it.
//!
//! ```text
//!   stuck ──▶ the run fails: everything is cancelled ──▶ all unwinds, with its clean-up
//!                                                └─ stuck again ──▶ what is left is taken down
//! ```

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use super::Run;
use crate::runtime::report;
use crate::runtime::task::flag;
use crate::runtime::tree;

/// Those who hold the inbox of a run that nobody can call into: the run and the directory.
const OWN_REFERENCES: usize = 2;

/// Which waits without an end a run takes for a deadlock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Watch {
    Off,
    /// Those that Ctrl-C is not meant to end.
    #[default]
    On,
    /// All.
    Test,
}

/// How far a run is stuck.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stuck {
    Never,
    /// It has failed for that, and everything was cancelled.
    Failed,
    /// What is left cannot be cancelled.
    Hopeless,
}

/// What a run knows about being stuck.
pub(super) struct Deadlocks {
    watch: Watch,
    stuck: Cell<Stuck>,
    /// How many living tasks have given a waker away.
    given: Cell<usize>,
}

impl Deadlocks {
    pub(super) fn new(watch: Watch) -> Deadlocks {
        Deadlocks { watch, stuck: Cell::new(Stuck::Never), given: Cell::new(0) }
    }

    /// A task has ended that has given a waker away.
    pub(super) fn giver_ended(&self) {
        self.given.set(self.given.get() - 1);
    }
}

impl Run {
    /// A waker of the task of this name was given away.
    #[cold]
    pub(crate) fn waker_given(&self, name: u64) {
        if let Some(task) = self.slots.borrow().get(name)
            && !task.has(flag::GAVE_WAKER)
        {
            task.set(flag::GAVE_WAKER);
            self.deadlocks.given.set(self.deadlocks.given.get() + 1);
        }
    }

    /// Waits without an end for what the system has to tell, if there is anything to wait for.
    pub(super) fn look_without_end(&self) {
        if !self.is_stuck() {
            self.look(None);
        } else if !self.look(Some(Duration::ZERO)) && self.is_stuck() {
            self.stuck();
        }
    }

    fn is_stuck(&self) -> bool {
        if self.deadlocks.watch == Watch::Off
            || self.deadlocks.given.get() > 0
            || self.reactor.is_waited_for()
            || Arc::strong_count(&self.inbox) > OWN_REFERENCES
        {
            return false;
        }
        // Whoever had a token and has dropped it may have used it before: that is seen from here on.
        fence(Ordering::Acquire);
        self.inbox.is_quiet() && (self.knows_no_patience() || !self.waits_for_ever())
    }

    /// Whether nobody is there who could end what waits for ever.
    fn knows_no_patience(&self) -> bool {
        self.deadlocks.watch == Watch::Test
            || self.deadlocks.stuck.get() != Stuck::Never
            || self.clock.autojump_threshold().is_some()
    }

    /// Whether a task waits until it is cancelled, and means to.
    fn waits_for_ever(&self) -> bool {
        self.tasks().iter().any(|task| task.has(flag::WAITS_FOR_EVER))
    }

    #[cold]
    fn stuck(&self) {
        if self.deadlocks.stuck.get() != Stuck::Never {
            return self.deadlocks.stuck.set(Stuck::Hopeless);
        }
        self.deadlocks.stuck.set(Stuck::Failed);
        let tree = tree::tree_of(self);
        self.fail(
            format!(
                "deadlock: every task waits, and nothing is left that could wake one: no deadline \
                 is set, no descriptor is waited for, and nobody has a token or a waker of the run \
                 (what is to wait until it is cancelled awaits `trio::sleep_forever()`)\n{tree}"
            ),
            None,
        );
    }

    /// Takes down what is left of a run that is stuck and cannot be cancelled.
    pub(super) fn give_up_if_hopeless(&self) {
        if self.deadlocks.stuck.get() == Stuck::Hopeless {
            report::say(format_args!(
                "after a deadlock everything was cancelled, and still waits: what is left is taken \
                 down without its asynchronous clean-up\n{}",
                tree::tree_of(self)
            ));
            self.drop_tasks();
        }
    }
}
