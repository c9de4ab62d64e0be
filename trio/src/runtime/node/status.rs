//! What is cancelled, and how that spreads.

use super::{ASKED, CALLED, EFFECTIVE, Node, SHIELDED, STOPPABLE, STOPPING, WATCHED, WATCHING};
use crate::runtime::reason::{CancelReason, CancelSource};

impl Node {
    pub(super) fn set_flag(&self, flag: u8, on: bool) {
        let flags = self.flags.get();
        self.flags.set(if on { flags | flag } else { flags & !flag });
    }

    /// Requests cancellation. Idempotent: the first reason is kept.
    pub(crate) fn cancel(&self, reason: impl FnOnce() -> CancelReason) {
        if self.is_called() {
            return;
        }
        self.set_flag(CALLED, true);
        self.reason.set(Some(Box::new(reason())));
        self.refresh();
    }

    /// Requests a stop: of the stoppable nodes below, which it cancels. Idempotent.
    pub(crate) fn ask_to_stop(&self) {
        self.set_flag(ASKED, true);
        self.refresh();
    }

    /// Says that a request to stop cancels this node.
    pub(crate) fn set_stoppable(&self, on: bool) {
        self.set_flag(STOPPABLE, on);
        self.refresh();
    }

    /// Says that somebody watches what is in this node.
    pub(crate) fn set_watched(&self, on: bool) {
        self.set_flag(WATCHING, on);
        self.refresh();
    }

    pub(crate) fn set_shielded(&self, on: bool) {
        self.set_flag(SHIELDED, on);
        self.refresh();
    }

    /// Why this node was cancelled itself.
    pub(crate) fn reason(&self) -> Option<CancelReason> {
        let reason = self.reason.take();
        let copy = reason.as_deref().cloned();
        self.reason.set(reason);
        copy
    }

    /// Why what runs in this node is cancelled: the reason of the outermost responsible node.
    pub(crate) fn effective_reason(&self) -> Option<CancelReason> {
        let mut node = Some(self);
        let mut reason = None;
        while let Some(this) = node {
            if this.is_called() {
                reason = this.reason();
            }
            if this.is_shielded() {
                break;
            }
            node = this.parent();
        }
        reason
    }

    /// Brings the cached status of this node and of all below it up to date.
    pub(super) fn refresh(&self) {
        let mut node = self;
        loop {
            let changed = node.update();
            match node.next_in(self, changed) {
                Some(next) => node = next,
                None => return,
            }
        }
    }

    /// Brings the cached status of this node up to date: whether it has changed.
    pub(super) fn update(&self) -> bool {
        let outside = match self.parent() {
            Some(parent) if !self.is_shielded() => parent.flags.get(),
            _ => 0,
        };
        let stopping = self.is_asked() || outside & STOPPING != 0;
        if stopping && self.flags.get() & STOPPABLE != 0 && !self.is_called() {
            self.set_flag(CALLED, true);
            let reason = CancelReason::new(CancelSource::StopRequest, None, None);
            self.reason.set(Some(Box::new(reason)));
        }
        let effective = self.is_called() || outside & EFFECTIVE != 0;
        let becomes = effective != self.is_effectively_cancelled();
        let watched = self.flags.get() & WATCHING != 0 || outside & WATCHED != 0;
        let changed = becomes
            || stopping != self.is_stopping()
            || watched != (self.flags.get() & WATCHED != 0);
        if changed {
            self.set_flag(WATCHED, watched);
            self.set_flag(STOPPING, stopping);
            self.set_flag(EFFECTIVE, effective);
            if becomes && effective {
                self.wake();
            }
        }
        changed
    }

    /// Lets the task of this node find out that something changed.
    pub(super) fn wake(&self) {
        // SAFETY: rule 4: a task's header is alive while its node is linked, and a scope's node
        // holds a counted reference.
        if let Some(task) = unsafe { self.task.get().as_ref() } {
            task.wake();
        }
    }
}
