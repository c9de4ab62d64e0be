//! The tree of cancel statuses.
//!
//! A *node* stands for everything that is cancelled together: a task, or an entered cancel scope (a
//! nursery's included). Its parent is what encloses it lexically; a child task's parent is the
//! nursery it runs in. Every node caches whether it is *effectively cancelled*, and whether it is
//! *stopping*, which is a request and no more:
//!
//! ```text
//!   effectively cancelled  =  called  or  (not shielded  and  parent effectively cancelled)
//!   stopping               =  asked   or  (not shielded  and  parent stopping)
//! ```
//!
//! so that a cancellation point looks at one flag; or at two at once, since a node below one that is
//! being *watched* is to be looked at more closely (see `moments`). A node that is *stoppable* is called when it is
//! stopping. A change travels down the tree iteratively and stops where neither flag changes; a node
//! that becomes cancelled wakes its task, whose next poll then finds out.
//!
//! The same tree is the tree of tasks: a nursery's children are the task nodes below its scope's
//! node. Links are raw pointers in circular sibling lists; a node is linked only while what holds it
//! (a living task, an entered scope) is alive, and is taken out when that ends.

use std::cell::Cell;
use std::ptr;

use super::instant::Instant;
use super::reason::{CancelReason, CancelSource};
use super::task::{Header, TaskRef};

const CALLED: u8 = 1;
const SHIELDED: u8 = 2;
const EFFECTIVE: u8 = 4;
const ASKED: u8 = 8;
const STOPPING: u8 = 16;
const STOPPABLE: u8 = 32;
const WATCHING: u8 = 64;
const WATCHED: u8 = 128;

/// What a node is part of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A task's header, which `task` points back to.
    Task,
    /// A cancel scope; `task` is the one that entered it, counted while the node is linked.
    Scope,
    /// What the services of a nursery run in, below the nursery's scope; `task` likewise.
    Services,
}

pub(crate) struct Node {
    parent: Cell<*const Node>,
    first_child: Cell<*const Node>,
    prev: Cell<*const Node>,
    next: Cell<*const Node>,
    task: Cell<*const Header>,
    reason: Cell<Option<Box<CancelReason>>>,
    deadline: Cell<Instant>,
    flags: Cell<u8>,
    kind: Kind,
}

impl Node {
    pub(crate) fn new(kind: Kind) -> Node {
        Node {
            parent: Cell::new(ptr::null()),
            first_child: Cell::new(ptr::null()),
            prev: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            task: Cell::new(ptr::null()),
            reason: Cell::new(None),
            deadline: Cell::new(Instant::FAR_FUTURE),
            flags: Cell::new(0),
            kind,
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    #[inline]
    pub(crate) fn is_effectively_cancelled(&self) -> bool {
        self.flags.get() & EFFECTIVE != 0
    }

    pub(crate) fn is_called(&self) -> bool {
        self.flags.get() & CALLED != 0
    }

    pub(crate) fn is_shielded(&self) -> bool {
        self.flags.get() & SHIELDED != 0
    }

    /// Whether this node itself was asked to stop.
    pub(crate) fn is_asked(&self) -> bool {
        self.flags.get() & ASKED != 0
    }

    /// Whether this node, or an unshielded one around it, was asked to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.flags.get() & STOPPING != 0
    }

    /// Whether there is something to see for who is at a cancellation point.
    #[inline]
    pub(crate) fn is_cancelled_or_watched(&self) -> bool {
        self.flags.get() & (EFFECTIVE | WATCHED) != 0
    }

    /// Whether a cancellation of `outer` reaches this node.
    pub(crate) fn is_within(&self, outer: &Node) -> bool {
        let mut node = self;
        loop {
            if ptr::eq(node, outer) {
                return true;
            }
            match node.parent() {
                Some(parent) if !node.is_shielded() => node = parent,
                _ => return false,
            }
        }
    }

    /// Whether this node or any around it was called, be there shields in between or not.
    pub(crate) fn is_called_around(&self) -> bool {
        self.is_effectively_cancelled()
            || std::iter::successors(Some(self), |node| node.parent()).any(Node::is_called)
    }

    /// Whether a cancellation from outside this node reaches it.
    pub(crate) fn is_cancelled_from_outside(&self) -> bool {
        !self.is_shielded() && self.parent().is_some_and(Node::is_effectively_cancelled)
    }

    /// Whether an unwinding that leaves this node ends here: the outermost cancelled scope that is
    /// not hidden by a shield absorbs it, and that is decided now, when the scope is left.
    pub(crate) fn absorbs(&self) -> bool {
        self.is_effectively_cancelled() && !self.is_cancelled_from_outside()
    }

    pub(crate) fn parent(&self) -> Option<&Node> {
        // SAFETY: rule 4: a linked node's parent is alive; `unlink` clears the pointer.
        unsafe { self.parent.get().as_ref() }
    }

    fn first_child(&self) -> Option<&Node> {
        // SAFETY: rule 4: children are linked only while alive.
        unsafe { self.first_child.get().as_ref() }
    }

    /// The next sibling, unless this is the last one.
    fn next_sibling(&self) -> Option<&Node> {
        let first = self.parent()?.first_child.get();
        let next = self.next.get();
        if ptr::eq(next, first) {
            None
        } else {
            // SAFETY: rule 4: siblings are linked only while alive.
            unsafe { next.as_ref() }
        }
    }

    /// The children, in the order in which they were linked.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Node> {
        let mut child = self.first_child();
        std::iter::from_fn(move || {
            let this = child?;
            child = this.next_sibling();
            Some(this)
        })
    }

    /// The node after this one in a walk of `root`'s subtree, parents first. `None` at its end.
    fn next_in(&self, root: &Node, descend: bool) -> Option<&Node> {
        if descend && let Some(child) = self.first_child() {
            return Some(child);
        }
        let mut node = self;
        while !ptr::eq(node, root) {
            if let Some(sibling) = node.next_sibling() {
                return Some(sibling);
            }
            node = node.parent()?;
        }
        None
    }

    /// Every node below this one, parents first.
    pub(crate) fn descendants(&self) -> impl Iterator<Item = &Node> {
        self.descendants_with_depth().map(|(node, _)| node)
    }

    /// Every node below this one, parents first, with the number of tasks around it.
    pub(crate) fn descendants_with_depth(&self) -> impl Iterator<Item = (&Node, usize)> {
        let mut node = self;
        let mut depth = 0;
        std::iter::from_fn(move || {
            if let Some(child) = node.first_child() {
                depth += usize::from(node.kind == Kind::Task);
                node = child;
                return Some((node, depth));
            }
            while !ptr::eq(node, self) {
                if let Some(sibling) = node.next_sibling() {
                    node = sibling;
                    return Some((node, depth));
                }
                node = node.parent()?;
                depth -= usize::from(node.kind == Kind::Task);
            }
            None
        })
    }

    /// Says that this node is part of `task`'s header.
    pub(crate) fn belongs_to(&self, task: *const Header) {
        debug_assert_eq!(self.kind, Kind::Task);
        self.task.set(task);
    }

    /// The header that this node is part of, or the task that entered this scope.
    #[inline]
    pub(crate) fn task(&self) -> *const Header {
        self.task.get()
    }

    /// Links this node below `parent`, for a scope that `task` enters.
    pub(crate) fn enter(&self, parent: &Node, task: Option<TaskRef>) {
        debug_assert_ne!(self.kind, Kind::Task);
        self.task.set(task.map_or(ptr::null(), TaskRef::into_raw));
        self.link(parent);
    }

    /// Links this node as the last child of `parent`. The status follows.
    pub(crate) fn link(&self, parent: &Node) {
        debug_assert!(self.parent.get().is_null(), "a node is linked once");
        self.parent.set(parent);
        let first = parent.first_child.get();
        // SAFETY: rule 4: siblings are linked only while alive.
        match unsafe { first.as_ref() } {
            None => {
                self.prev.set(self);
                self.next.set(self);
                parent.first_child.set(self);
            }
            Some(first) => {
                let last = first.prev.get();
                self.prev.set(last);
                self.next.set(first);
                first.prev.set(self);
                // SAFETY: rule 4: as above; a circular list has no null link.
                unsafe { &*last }.next.set(self);
            }
        }
        self.refresh();
    }

    /// Takes this node out of the tree. Nodes still below it (frames that were converted to foreign
    /// futures and outlived their scope) move up to its parent, and are cancelled: but for shields,
    /// which keep off what comes from outside.
    pub(crate) fn unlink(&self) {
        let Some(parent) = self.parent() else {
            self.orphan_children();
            return self.release_task();
        };
        while let Some(child) = self.first_child() {
            child.detach(self);
            if !child.is_shielded() {
                child.set_flag(CALLED, true);
            }
            child.link(parent);
        }
        self.detach(parent);
        self.release_task();
        // What is outside the tree is cancelled, or stopping, only if it was called or asked itself.
        self.set_flag(EFFECTIVE, self.is_called());
        self.set_flag(STOPPING, self.is_asked());
        self.set_flag(WATCHED, self.flags.get() & WATCHING != 0);
    }

    fn release_task(&self) {
        if self.kind != Kind::Task {
            let task = self.task.replace(ptr::null());
            if !task.is_null() {
                // SAFETY: rule 4: `enter` stored a counted reference, taken back once, here.
                drop(unsafe { TaskRef::from_raw(task) });
            }
        }
    }

    /// The root goes: what is left below is on its own.
    fn orphan_children(&self) {
        while let Some(child) = self.first_child() {
            child.detach(self);
        }
    }

    fn detach(&self, parent: &Node) {
        let (prev, next) = (self.prev.get(), self.next.get());
        if ptr::eq(next, self) {
            parent.first_child.set(ptr::null());
        } else {
            // SAFETY: rule 4: siblings are linked only while alive.
            let (prev, next) = unsafe { (&*prev, &*next) };
            prev.next.set(next);
            next.prev.set(prev);
            if ptr::eq(parent.first_child.get(), self) {
                parent.first_child.set(next);
            }
        }
        self.parent.set(ptr::null());
        self.prev.set(ptr::null());
        self.next.set(ptr::null());
    }

    /// Moves this node below another parent.
    pub(crate) fn relink(&self, parent: &Node) {
        if let Some(old) = self.parent() {
            self.detach(old);
        }
        self.link(parent);
    }

    fn set_flag(&self, flag: u8, on: bool) {
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
    fn refresh(&self) {
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
    fn update(&self) -> bool {
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
    fn wake(&self) {
        // SAFETY: rule 4: a task's header is alive while its node is linked, and a scope's node
        // holds a counted reference.
        if let Some(task) = unsafe { self.task.get().as_ref() } {
            task.wake();
        }
    }

    /// The task whose own node this is.
    pub(crate) fn header(&self) -> Option<&Header> {
        match self.kind {
            // SAFETY: rule 4: the header contains this node.
            Kind::Task => unsafe { self.task.get().as_ref() },
            Kind::Scope | Kind::Services => None,
        }
    }

    /// When this node's scope is cancelled by itself; the far future if never.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline.get()
    }

    pub(crate) fn set_deadline(&self, deadline: Instant) {
        self.deadline.set(deadline);
    }

    /// The earliest deadline that applies here: up to the nearest shield, and the distant past if
    /// a cancellation is already active.
    pub(crate) fn effective_deadline(&self) -> Instant {
        if self.is_effectively_cancelled() {
            return Instant::DISTANT_PAST;
        }
        let mut earliest = self.deadline();
        let mut node = self;
        while let (false, Some(parent)) = (node.is_shielded(), node.parent()) {
            earliest = earliest.min(parent.deadline());
            node = parent;
        }
        earliest
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        debug_assert!(self.parent.get().is_null(), "a linked node must not go");
    }
}
