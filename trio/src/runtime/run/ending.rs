//! How a run ends: main ends, Ctrl-C, a failure, or it is dropped.

use super::{Entered, Phase, Run};
use crate::runtime::directory;
use crate::runtime::group::ErrorGroup;
use crate::runtime::reason::{CancelReason, CancelSource};
use crate::runtime::report;
use crate::runtime::task::Payload;

impl Run {
    /// The main task has ended: what still lives belongs to the run, and is cancelled.
    pub(super) fn main_ended(&self) {
        if self.phase.get() == Phase::Main {
            self.phase.set(Phase::System);
        }
        // It was asked to, and has not ended within its grace.
        let node = self.main.scope().node();
        if node.is_asked() && node.is_called() {
            self.interrupted.set(true);
        }
        self.root.cancel(|| CancelReason::new(CancelSource::Shutdown, None, None));
    }

    /// No task lives any more. What was accepted is called, and may start something again.
    pub(super) fn end(&self) -> bool {
        self.inbox.close();
        while self.inbox.entries() > 0 {
            self.run_entry();
        }
        if self.tasks_living() > 0 {
            return false;
        }
        self.phase.set(Phase::Over);
        true
    }

    /// The user pressed Ctrl-C: main is asked to stop if it has a grace, for the first time; otherwise it
    /// is cancelled.
    pub(super) fn interrupt(&self) {
        if let Some(grace) = self.grace.take() {
            self.main.scope().request_stop(grace);
        } else {
            self.interrupted.set(true);
            self.main.scope().cancel(CancelSource::Interrupt, None);
        }
    }

    /// Whether the next Ctrl-C would only ask.
    pub(crate) fn would_ask(&self) -> bool {
        self.grace.get().is_some()
    }

    pub(crate) fn was_interrupted(&self) -> bool {
        self.interrupted.get()
    }

    /// Something that must not fail has failed: everything is cancelled, and the run ends with it.
    pub(crate) fn fail(&self, what: String, payload: Option<Payload>) {
        let mut failure = self.failure.borrow_mut();
        if failure.is_some() {
            report::panicked(&what, &"another failure came first");
        } else {
            self.main.scope().cancel(CancelSource::Shutdown, Some(&what));
            *failure = Some((what, payload));
        }
    }

    pub(crate) fn take_failure(&self) -> Option<(String, Option<Payload>)> {
        // A system task that failed has failed the run.
        let failures = self.system.take_failures();
        if let [failure] = &failures[..] {
            let text = format!("system task `{}` failed: {}", failure.task(), failure.error());
            return Some((text, None));
        }
        if !failures.is_empty() {
            let group = ErrorGroup::new(failures, None);
            return Some((format!("system tasks failed: {group:#}"), None));
        }
        if let Some(payload) = self.system.take_panic() {
            return Some(("a system task panicked".to_owned(), Some(payload)));
        }
        self.failure.take()
    }
}

impl Drop for Run {
    /// A run that is dropped before its end takes its tasks down, the deepest first.
    fn drop(&mut self) {
        self.inbox.close();
        directory::unregister(self.id);
        {
            let _entered = Entered::enter(self);
            self.phase.set(Phase::Over);
            self.drop_tasks();
            // Threads may wait for what becomes of them.
            while let Some(entry) = self.inbox.take_entry() {
                report::discard(entry.call);
            }
            // The destructor of a value may use its variable, and even spawn.
            for (_, value) in self.vars.take() {
                report::discard(value);
            }
            self.drop_tasks();
            self.queue.clear();
            self.main.scope().leave();
            self.system.scope().leave();
            self.root.unlink();
        }
    }
}
