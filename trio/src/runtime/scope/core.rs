//! The scope itself: deadline, shield, reason, and its place in the status tree.

use std::cell::Cell;
use std::time::Duration;

use crate::runtime::awaiting::polling_task;
use crate::runtime::context;
use crate::runtime::deadlines::{Action, Timer};
use crate::runtime::instant::Instant;
use crate::runtime::node::{Kind, Node};
use crate::runtime::reason::{CancelReason, CancelSource};
use crate::runtime::task::{Header, TaskName};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    New,
    Active,
    Left,
}

pub(crate) struct ScopeCore {
    node: Node,
    timer: Timer,
    /// A timeout that counts from entry.
    timeout: Cell<Option<Duration>>,
    stage: Cell<Stage>,
    caught: Cell<bool>,
    /// The deadline, or the timeout, is the end of the grace after a request to stop.
    grace: Cell<bool>,
}

impl ScopeCore {
    #[inline]
    pub(crate) fn new() -> ScopeCore {
        ScopeCore {
            node: Node::new(Kind::Scope),
            timer: Timer::new(),
            timeout: Cell::new(None),
            stage: Cell::new(Stage::New),
            caught: Cell::new(false),
            grace: Cell::new(false),
        }
    }

    #[inline]
    pub(crate) fn with_timeout(timeout: Duration) -> ScopeCore {
        let core = ScopeCore::new();
        core.timeout.set(Some(timeout));
        core
    }

    pub(crate) fn with_deadline(deadline: Instant) -> ScopeCore {
        let core = ScopeCore::new();
        core.node.set_deadline(deadline);
        core
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage.get()
    }

    /// The timeout that will count from entry.
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout.get()
    }

    pub(super) fn was_caught(&self) -> bool {
        self.caught.get()
    }

    /// Links the scope below what is being polled, for the task that polls.
    ///
    /// It stays where it is from here on, until it is left.
    ///
    /// # Panics
    ///
    /// If it was entered before.
    pub(crate) fn enter(&self) {
        match self.stage.get() {
            Stage::New => {}
            Stage::Active => panic!(
                "this cancel scope is already entered: make a new one with `CancelScope::new()` \
                 for each use"
            ),
            Stage::Left => panic!(
                "this cancel scope was used before: make a new one with `CancelScope::new()` \
                 for each use"
            ),
        }
        let task = polling_task();
        let outer = context::with(|c| c.node.get());
        // SAFETY: rule 1: the node that is being polled in is alive.
        let outer = unsafe { &*outer };
        self.stage.set(Stage::Active);
        self.node.enter(outer, Some(task));
        let deadline = self.node.deadline();
        if deadline == Instant::FAR_FUTURE && self.timeout.get().is_none() {
            return;
        }
        let now = context::run(|run| run.clock().now());
        if let Some(timeout) = self.timeout.take() {
            let end = now.saturating_add(timeout);
            if end < deadline {
                self.node.set_deadline(end);
            } else {
                self.grace.set(false);
            }
        }
        if self.node.deadline() <= now {
            self.expire();
        }
    }

    /// Links the scope below a node that is not being polled in: the roots of a run.
    pub(crate) fn enter_below(&self, outer: &Node) {
        self.stage.set(Stage::Active);
        self.node.enter(outer, None);
    }

    /// Takes the scope out of the tree. Idempotent.
    #[inline]
    pub(crate) fn leave(&self) {
        if self.stage.replace(Stage::Left) == Stage::Active {
            self.timer.disarm();
            self.node.unlink();
        }
    }

    pub(crate) fn set_caught(&self) {
        self.caught.set(true);
    }

    /// Gives the deadline to the run, unless that has been done. The boundary does it when the task
    /// is suspended inside for the first time: until then nobody looks at the run's deadlines.
    #[inline]
    pub(super) fn arm(&self) {
        let deadline = self.node.deadline();
        if deadline == Instant::FAR_FUTURE {
            return;
        }
        if self.node.is_called() {
            // By a request to stop, perhaps, which does not know of the timer.
            return self.timer.disarm();
        }
        if self.timer.is_armed() {
            return;
        }
        context::run(|run| {
            // SAFETY: rule 1: the scope is in the frame of the boundary that has entered it, or is
            // counted there; the boundary leaves it, and so disarms the timer, before it goes.
            unsafe { run.deadlines().arm(&self.timer, deadline, Action::Cancel(self)) };
        });
    }

    /// The deadline has passed.
    ///
    /// # Safety
    ///
    /// `scope` is that of the action of a timer that was armed until just now.
    pub(crate) unsafe fn expire_at(scope: *const ScopeCore) {
        // SAFETY: rule 1: a scope stays where it is while its timer is armed.
        unsafe { &*scope }.expire();
    }

    fn expire(&self) {
        let text = self.grace.get().then_some("the grace after a stop request is over");
        self.node.cancel(|| CancelReason::new(CancelSource::Deadline, text, None));
    }

    /// Asks what is inside to stop, and lets `grace` be the time that is left for it. Before entry it
    /// counts from there.
    pub(crate) fn request_stop(&self, grace: Duration) {
        match self.stage.get() {
            Stage::New => {
                if self.timeout.get().is_none_or(|timeout| grace < timeout) {
                    self.timeout.set(Some(grace));
                    self.grace.set(true);
                }
                self.node.ask_to_stop();
            }
            Stage::Active => {
                self.node.ask_to_stop();
                let end = context::run(|run| run.clock().now()).saturating_add(grace);
                if end < self.node.deadline() {
                    self.move_deadline(end, true);
                }
            }
            Stage::Left => {}
        }
    }

    pub(crate) fn cancel(&self, source: CancelSource, text: Option<&str>) {
        self.timer.disarm();
        self.node.cancel(|| {
            let task = context::peek_task(|task| task.map(Header::task_name));
            CancelReason::new(source, text, task)
        });
    }

    pub(crate) fn cancel_for(&self, source: CancelSource, task: TaskName, text: &str) {
        self.timer.disarm();
        self.node.cancel(|| CancelReason::new(source, Some(text), Some(task)));
    }

    pub(super) fn set_deadline(&self, deadline: Instant) {
        self.move_deadline(deadline, false);
    }

    fn move_deadline(&self, deadline: Instant, grace: bool) {
        self.timeout.set(None);
        self.grace.set(grace);
        self.timer.disarm();
        self.node.set_deadline(deadline);
        if self.stage.get() == Stage::Active {
            self.notice_deadline();
            self.arm();
            // Whoever moves it may be a host, while its guest waits.
            context::try_run(|run| {
                if let Some(run) = run {
                    run.rouse();
                }
            });
        }
    }

    /// A deadline that has passed counts although the run has not looked at its clock since.
    pub(super) fn notice_deadline(&self) {
        let deadline = self.node.deadline();
        if deadline == Instant::FAR_FUTURE
            || self.node.is_called()
            || self.stage.get() == Stage::Left
        {
            return;
        }
        context::try_run(|run| {
            if run.is_some_and(|run| deadline <= run.clock().now()) {
                self.timer.disarm();
                self.expire();
            }
        });
    }
}

impl AsRef<ScopeCore> for ScopeCore {
    #[inline]
    fn as_ref(&self) -> &ScopeCore {
        self
    }
}

impl Drop for ScopeCore {
    #[inline]
    fn drop(&mut self) {
        // A boundary whose frames panicked when they were dropped has not left it.
        self.leave();
    }
}
