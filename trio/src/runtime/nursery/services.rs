//! The services of a nursery: children that the others rely on, and that are cancelled last.
//!
//! They run in a node of their own, which is shielded, so that neither a cancellation of the nursery
//! nor a request to stop reaches them:
//!
//! ```text
//!   the nursery's scope ─┬─ scopes of the body
//!                        ├─ ordinary children
//!                        └─ services' node (shielded) ─── services
//! ```
//!
//! When the body is over and no ordinary child is left, however that came about, the parent cancels
//! the node and waits for them. A nursery without services has none of this.

use std::cell::Cell;

use crate::runtime::node::{Kind, Node};
use crate::runtime::reason::{CancelReason, CancelSource};
use crate::runtime::task::TaskRef;

pub(super) struct Services {
    node: Node,
    /// How many of them have not ended.
    pub(super) living: Cell<usize>,
}

impl Services {
    /// Services of the nursery whose scope has this node; on the heap, so that theirs stays in its
    /// place.
    pub(super) fn below(nursery: &Node) -> Box<Services> {
        let node = Node::new(Kind::Services);
        node.set_shielded(true);
        let services = Box::new(Services { node, living: Cell::new(0) });
        // SAFETY: rule 4: an entered scope counts the task that entered it.
        let parent = unsafe { nursery.task().as_ref() }.map(TaskRef::from_header);
        services.node.enter(nursery, parent);
        services
    }

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    /// Nobody needs them any more. Idempotent.
    pub(super) fn end(&self) {
        self.node.cancel(|| CancelReason::new(CancelSource::NurseryDone, None, None));
    }

    /// Whether they know that they are to end.
    pub(super) fn are_ending(&self) -> bool {
        self.node.is_called()
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.node.unlink();
    }
}
