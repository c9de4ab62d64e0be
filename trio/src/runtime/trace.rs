//! Sites and traces: where a suspended task waits.
//!
//! Every `.await` of a task body has a static [`Site`]. When a poll returns `Pending`, each await on
//! the way out puts a node of its own frame in front of the list in the context, so that after the
//! step the task's header holds the chain from its outermost call to what it waits for. Nothing is
//! allocated, and a chain is only read while the task is suspended. The nodes lie in pinned frames,
//! and one that is polled again, or goes, leaves the chain: whoever takes apart what the macros make can
//! have parts of a frame dropped in the midst of a step, and by others while the task is suspended.

use std::cell::Cell;
use std::fmt;
use std::ptr;

use super::context;
use super::node::Node;

/// What kind of place a [`Site`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum SiteKind {
    Await,
    Nursery,
    Scope,
}

/// A place in the source at which a task can be suspended: an `.await`, or a nursery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Site {
    kind: SiteKind,
    file: &'static str,
    line: u32,
    column: u32,
    expression: &'static str,
    function: &'static str,
}

impl Site {
    /// An `.await`.
    #[doc(hidden)]
    pub const fn awaiting(
        file: &'static str,
        line: u32,
        column: u32,
        expression: &'static str,
        function: &'static str,
    ) -> Site {
        Site { kind: SiteKind::Await, file, line, column, expression, function }
    }

    /// A `nursery!`.
    #[doc(hidden)]
    pub const fn nursery(
        file: &'static str,
        line: u32,
        column: u32,
        function: &'static str,
    ) -> Site {
        Site { kind: SiteKind::Nursery, file, line, column, expression: "nursery!", function }
    }

    pub(crate) const fn scope(expression: &'static str) -> Site {
        Site { kind: SiteKind::Scope, file: "", line: 0, column: 0, expression, function: "" }
    }

    pub(crate) fn kind(&self) -> SiteKind {
        self.kind
    }

    /// The source file.
    pub fn file(&self) -> &'static str {
        self.file
    }

    /// The line, from 1.
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The column, from 1.
    pub fn column(&self) -> u32 {
        self.column
    }

    /// The text of the awaited expression, shortened if it is long.
    pub fn expression(&self) -> &'static str {
        self.expression
    }

    /// The function whose body holds this place.
    pub fn function(&self) -> &'static str {
        self.function
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One frame of a chain. It lies in the frame that it describes.
///
/// ```text
///             the poll returns Pending
///   NOWHERE ──────────────────────────▶ in the chain of its task
///      ▲                                      │
///      └── it is polled, or cut off with ─────┘
///          those that are to be dropped
/// ```
pub(crate) struct TraceNode {
    /// Null: the last of its chain. [`NOWHERE`]: it is in none.
    next: Cell<*const TraceNode>,
    site: &'static Site,
}

const NOWHERE: *const TraceNode = ptr::without_provenance(1);

impl TraceNode {
    pub(crate) const fn new(site: &'static Site) -> TraceNode {
        TraceNode { next: Cell::new(NOWHERE), site }
    }

    pub(crate) fn site(&self) -> &'static Site {
        self.site
    }

    /// Puts this frame in front of the chain of the poll in progress.
    #[inline]
    pub(crate) fn push(&self) {
        self.push_as(self);
    }

    #[inline]
    fn push_as(&self, this: *const TraceNode) {
        context::with(|c| self.next.set(c.trace.replace(this)));
    }

    /// This frame is polled. Mostly the chain that it is in is that of an earlier step, which is forgotten.
    #[inline]
    pub(crate) fn leave(&self) {
        context::with(|c| {
            if !c.trace.get().is_null() {
                self.unlink(&c.trace);
            }
        });
        self.next.set(NOWHERE);
    }

    #[cold]
    #[inline(never)]
    fn unlink(&self, mut link: &Cell<*const TraceNode>) {
        // SAFETY: rule 1: what is in the chain of a poll in progress is there: when it goes it leaves.
        while let Some(node) = unsafe { link.get().as_ref() } {
            if ptr::eq(node, self) {
                return link.set(self.next.get());
            }
            link = &node.next;
        }
    }

    /// It goes while it is in a chain, which whoever takes apart what the macros make can bring about: in the
    /// poll in which it waits, or from a child of its task, while that is suspended. A task that goes as a
    /// whole has no chain any more.
    #[cold]
    #[inline(never)]
    fn goes(&self) {
        context::try_with(|c| self.unlink(&c.trace));
        if !context::is_in_frame(self) {
            context::try_run(|run| {
                if let Some(run) = run {
                    run.forget_chains();
                }
            });
        }
    }
}

impl Drop for TraceNode {
    #[inline]
    fn drop(&mut self) {
        if self.next.get() != NOWHERE {
            self.goes();
        }
    }
}

/// Takes everything out of the chain of the poll in progress that was put in front of `head`, which was the
/// first then: it is about to be dropped. If `head` has left meanwhile nothing stays.
#[inline]
pub(crate) fn cut(head: *const TraceNode) {
    context::with(|c| {
        let mut first = c.trace.get();
        while !ptr::eq(first, head) {
            // SAFETY: rule 1: as in `unlink`.
            let Some(node) = (unsafe { first.as_ref() }) else { break };
            first = node.next.replace(NOWHERE);
        }
        c.trace.set(first);
    });
}

/// The frame of a boundary: a trace node that also names the boundary's place in the status tree.
#[repr(C)]
pub(crate) struct BoundaryTrace {
    frame: TraceNode,
    node: Cell<*const Node>,
}

impl BoundaryTrace {
    pub(crate) const fn new(site: &'static Site) -> BoundaryTrace {
        BoundaryTrace { frame: TraceNode::new(site), node: Cell::new(ptr::null()) }
    }

    pub(crate) fn push(&self, node: &Node) {
        debug_assert_ne!(self.frame.site.kind(), SiteKind::Await);
        self.node.set(node);
        self.frame.push_as(ptr::from_ref(self).cast());
    }

    /// The boundary is polled.
    #[inline]
    pub(crate) fn leave(&self) {
        self.frame.leave();
    }
}

/// One step of the chain of a suspended task, for those who read it.
pub(crate) struct Frame<'a> {
    pub(crate) site: &'static Site,
    /// The scope or nursery that the frame is, if it is one.
    pub(crate) node: Option<&'a Node>,
}

/// The chain from `head`, outermost first.
///
/// # Safety
///
/// `head` is null or the chain of a task that is suspended and stays so for `'a`.
pub(crate) unsafe fn frames<'a>(head: *const TraceNode) -> impl Iterator<Item = Frame<'a>> {
    let mut next = head;
    std::iter::from_fn(move || {
        // SAFETY: rule 1: the frames of a suspended task stay where they are.
        let frame = unsafe { next.as_ref() }?;
        let node = match frame.site.kind() {
            SiteKind::Await => None,
            SiteKind::Nursery | SiteKind::Scope => {
                // SAFETY: rule 1: only `BoundaryTrace::push` puts such a site into a chain, with a
                // pointer to the whole boundary, whose node lives as long as its frame.
                unsafe { (*next.cast::<BoundaryTrace>()).node.get().as_ref() }
            }
        };
        next = frame.next.get();
        Some(Frame { site: frame.site, node })
    })
}
