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

mod status;
mod tree;

use std::cell::Cell;
use std::ptr;

use super::instant::Instant;
use super::reason::CancelReason;
use super::task::Header;

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

    /// Whether there is nothing about this node that concerns those below, or has reached it from above.
    #[inline]
    fn is_plain(&self) -> bool {
        self.flags.get() & !(SHIELDED | STOPPABLE) == 0
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
