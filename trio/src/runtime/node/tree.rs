//! Who is below whom.

use std::ptr;

use super::{CALLED, EFFECTIVE, Kind, Node, STOPPING, WATCHED, WATCHING};
use crate::runtime::task::{Header, TaskRef};

impl Node {
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

    pub(crate) fn parent(&self) -> Option<&Node> {
        // SAFETY: rule 4: a linked node's parent is alive; `unlink` clears the pointer.
        unsafe { self.parent.get().as_ref() }
    }

    pub(super) fn first_child(&self) -> Option<&Node> {
        // SAFETY: rule 4: children are linked only while alive.
        unsafe { self.first_child.get().as_ref() }
    }

    /// The next sibling, unless this is the last one.
    pub(super) fn next_sibling(&self) -> Option<&Node> {
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
    pub(super) fn next_in(&self, root: &Node, descend: bool) -> Option<&Node> {
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
        if self.is_plain() && parent.is_plain() {
            return;
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
        if self.is_plain() {
            return;
        }
        // What is outside the tree is cancelled, or stopping, only if it was called or asked itself.
        self.set_flag(EFFECTIVE, self.is_called());
        self.set_flag(STOPPING, self.is_asked());
        self.set_flag(WATCHED, self.flags.get() & WATCHING != 0);
    }

    pub(super) fn release_task(&self) {
        if self.kind != Kind::Task {
            let task = self.task.replace(ptr::null());
            if !task.is_null() {
                // SAFETY: rule 4: `enter` stored a counted reference, taken back once, here.
                drop(unsafe { TaskRef::from_raw(task) });
            }
        }
    }

    /// The root goes: what is left below is on its own.
    pub(super) fn orphan_children(&self) {
        while let Some(child) = self.first_child() {
            child.detach(self);
        }
    }

    pub(super) fn detach(&self, parent: &Node) {
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

    /// The task whose own node this is.
    pub(crate) fn header(&self) -> Option<&Header> {
        match self.kind {
            // SAFETY: rule 4: the header contains this node.
            Kind::Task => unsafe { self.task.get().as_ref() },
            Kind::Scope | Kind::Services => None,
        }
    }
}
