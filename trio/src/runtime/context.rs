//! What is being polled right now, on this thread.
//!
//! The run loop fills it in around every step of a task; the leaves and boundaries below read and
//! write it. It is a plain block of thread-local cells, so that a cancellation check or the trace of
//! an await costs a load or two.

use std::cell::Cell;
use std::ptr;
use std::task::Context as PollContext;

pub(crate) use super::hearing::{Heard, Hearing, Mark, hear, unwind, unwind_further, wait, waits};
use super::moments;
use super::node::Node;
use super::run::Run;
use super::task::{Header, TaskRef};
use super::trace::TraceNode;

/// The thread's poll in progress.
pub(crate) struct Context {
    pub(crate) run: Cell<*const Run>,
    pub(crate) task: Cell<*const Header>,
    pub(crate) node: Cell<*const Node>,
    /// The `std::task::Context` that frames are polled with, by its address; null while code of
    /// others is in between. See [`is_in_place`].
    polled_with: Cell<*const ()>,
    /// The memory of the frame that is being polled, by its addresses.
    frame: Cell<(usize, usize)>,
    pub(super) mark: Cell<Mark>,
    pub(crate) trace: Cell<*const TraceNode>,
}

thread_local! {
    static CONTEXT: Context = const {
        Context {
            run: Cell::new(ptr::null()),
            task: Cell::new(ptr::null()),
            node: Cell::new(ptr::null()),
            polled_with: Cell::new(ptr::null()),
            frame: Cell::new((0, 0)),
            mark: Cell::new(Mark::Untouched),
            trace: Cell::new(ptr::null()),
        }
    };
}

/// Calls `f` with this thread's context.
#[inline(always)]
pub(crate) fn with<R>(f: impl FnOnce(&Context) -> R) -> R {
    CONTEXT.with(f)
}

/// The same, in a destructor, which may run when the thread is ending.
#[inline(always)]
pub(super) fn try_with(f: impl FnOnce(&Context)) {
    let _ = CONTEXT.try_with(f);
}

/// The run that is stepping on this thread, if any.
#[inline(always)]
pub(crate) fn try_run<R>(f: impl FnOnce(Option<&Run>) -> R) -> R {
    let run = CONTEXT.try_with(|c| c.run.get()).unwrap_or(ptr::null());
    // SAFETY: rule 5: the pointer is set only while the run it names is entered on this thread
    // (`Entered`), and cleared before the run goes.
    f(unsafe { run.as_ref() })
}

/// The run that is stepping on this thread.
#[inline(always)]
#[track_caller]
pub(crate) fn run<R>(f: impl FnOnce(&Run) -> R) -> R {
    try_run(|run| match run {
        Some(run) => f(run),
        None => outside_a_run(),
    })
}

/// The task that is being stepped on this thread.
#[inline(always)]
#[track_caller]
pub(crate) fn task<R>(f: impl FnOnce(&Header) -> R) -> R {
    let task = with(|c| c.task.get());
    // SAFETY: rule 1: set only around a step of that task, which the run loop keeps alive.
    match unsafe { task.as_ref() } {
        Some(task) => f(task),
        None => outside_a_task(),
    }
}

/// Calls `f` with the task that is being stepped on this thread, if any.
#[inline(always)]
pub(crate) fn peek_task<R>(f: impl FnOnce(Option<&Header>) -> R) -> R {
    let task = CONTEXT.try_with(|c| c.task.get()).unwrap_or(ptr::null());
    // SAFETY: rule 1: as in `task`.
    f(unsafe { task.as_ref() })
}

/// The task that is being stepped on this thread, if any.
#[inline]
pub(crate) fn try_task() -> Option<TaskRef> {
    peek_task(|task| task.map(TaskRef::from_header))
}

/// Wakes the task of this name if it is the one being stepped: the common case of a task that yields.
#[inline]
pub(crate) fn wake_if_running(name: u64) -> bool {
    peek_task(|task| match task {
        Some(task) if task.id() == name => {
            task.wake();
            true
        }
        _ => false,
    })
}

#[cold]
#[inline(never)]
#[track_caller]
fn outside_a_run() -> ! {
    panic!(
        "this must be called inside a trio run, on the run's own thread: \
         start one with `#[trio::main]`, `#[trio::test]` or `trio::run`"
    )
}

#[cold]
#[inline(never)]
#[track_caller]
fn outside_a_task() -> ! {
    panic!(
        "this must be called, or awaited, inside a trio task: \
         start a run with `#[trio::main]`, `#[trio::test]` or `trio::run`"
    )
}

/// Whether the code being polled is cancelled, as its own scopes see it.
#[inline]
pub(crate) fn cancelled() -> bool {
    let node = with(|c| c.node.get());
    // SAFETY: rule 1: the node is that of a scope or task that is being polled, hence alive.
    match unsafe { node.as_ref() } {
        Some(node) if node.is_cancelled_or_watched() => cancelled_or_watched(node),
        _ => false,
    }
}

#[cold]
#[inline(never)]
fn cancelled_or_watched(node: &Node) -> bool {
    if !node.is_effectively_cancelled() {
        moments::at_point(node);
    }
    node.is_effectively_cancelled()
}

/// Makes `node` the one that leaves below see, until the guard is dropped.
pub(crate) struct InNode {
    outer: *const Node,
}

impl InNode {
    #[inline]
    pub(crate) fn enter(node: &Node) -> InNode {
        InNode { outer: with(|c| c.node.replace(node)) }
    }
}

impl Drop for InNode {
    #[inline]
    fn drop(&mut self) {
        let _ = CONTEXT.try_with(|c| c.node.set(self.outer));
    }
}

/// Whether a frame that is polled with `cx` is polled where it lies in a task, frame by frame from the
/// task's cell, or from a converted frame.
///
/// The macros see to it that nobody else gets at a frame. Should somebody, who takes apart what they
/// have made, a frame that is polled by hand has no nurseries: it could be forgotten while children
/// borrow from around it (rule 1). Whoever polls by hand has a context of their own, or has got one
/// where code of others is in between, or, with a macro that hides an `.await`, has got the frame's and
/// polls what lies elsewhere. What is pinned within the frame goes with it.
#[inline]
pub(crate) fn is_in_place<T>(part: &T, cx: &PollContext<'_>) -> bool {
    let (polled_with, (start, end)) = with(|c| (c.polled_with.get(), c.frame.get()));
    let part = ptr::from_ref(part).addr();
    polled_with == ptr::from_ref(cx).cast() && start <= part && part < end
}

/// Whether it lies in the frame that is being polled, or taken down.
pub(crate) fn is_in_frame<T>(part: &T) -> bool {
    let part = ptr::from_ref(part).addr();
    CONTEXT.try_with(|c| c.frame.get()).is_ok_and(|(start, end)| start <= part && part < end)
}

/// What a boundary that lets children borrow demands of those who poll it.
///
/// # Panics
///
/// If the frame is polled by hand.
#[inline]
pub(crate) fn demand_in_place<T>(part: &T, cx: &PollContext<'_>) {
    if !is_in_place(part, cx) {
        polled_by_hand();
    }
}

#[cold]
#[inline(never)]
fn polled_by_hand() -> ! {
    panic!(
        "a frame of a task is polled by hand, and it opens a nursery: await it in the task, or \
         convert it with `into_future()`"
    )
}

/// The frame of a task is polled: at the beginning of its step.
#[inline]
pub(crate) fn begin_frame<F>(frame: &F) {
    with(|c| c.frame.set(memory_of(frame)));
}

#[inline]
fn memory_of<F: ?Sized>(frame: &F) -> (usize, usize) {
    let start = ptr::from_ref(frame).addr();
    (start, start + size_of_val(frame))
}

/// Says which frame is being polled, until the guard is dropped.
pub(crate) struct InFrame {
    outer: (usize, usize),
}

impl InFrame {
    /// `frame` is polled in place, or was converted.
    #[inline]
    pub(crate) fn enter<F: ?Sized>(frame: &F) -> InFrame {
        InFrame { outer: with(|c| c.frame.replace(memory_of(frame))) }
    }
}

impl Drop for InFrame {
    #[inline]
    fn drop(&mut self) {
        let _ = CONTEXT.try_with(|c| c.frame.set(self.outer));
    }
}

/// Says which context frames are polled with, until the guard is dropped.
pub(crate) struct PolledWith {
    outer: *const (),
}

impl PolledWith {
    /// A converted frame is polled with `cx`, by whomever.
    #[inline]
    pub(crate) fn context(cx: &PollContext<'_>) -> PolledWith {
        let cx = ptr::from_ref(cx).cast();
        PolledWith { outer: with(|c| c.polled_with.replace(cx)) }
    }

    /// Code of others is called, with whatever context.
    #[inline]
    pub(crate) fn others() -> PolledWith {
        PolledWith { outer: with(|c| c.polled_with.replace(ptr::null())) }
    }
}

impl Drop for PolledWith {
    #[inline]
    fn drop(&mut self) {
        let _ = CONTEXT.try_with(|c| c.polled_with.set(self.outer));
    }
}

/// A step of `task` begins. Steps are not nested, and a task's panics do not leave its cell.
#[inline]
pub(crate) fn begin_step(task: &Header, cx: &PollContext<'_>) {
    with(|c| {
        c.task.set(task);
        c.node.set(task.node());
        c.polled_with.set(ptr::from_ref(cx).cast());
        c.mark.set(Mark::Untouched);
        c.trace.set(ptr::null());
    });
}

/// The step ends; returns the await chain that it has left.
#[inline]
pub(crate) fn end_step() -> *const TraceNode {
    with(|c| {
        c.task.set(ptr::null());
        c.node.set(ptr::null());
        c.polled_with.set(ptr::null());
        c.frame.set((0, 0));
        c.trace.replace(ptr::null())
    })
}

/// Makes `task` the current one, until the guard is dropped: for taking a task down, which happens
/// in the midst of another's step.
pub(crate) struct InTask {
    task: *const Header,
    node: *const Node,
    _hearing: Hearing,
    _polled_with: PolledWith,
}

impl InTask {
    #[inline]
    pub(crate) fn enter(task: &Header) -> InTask {
        let hearing = Hearing::begin();
        let others = PolledWith::others();
        with(|c| InTask {
            task: c.task.replace(task),
            node: c.node.replace(task.node()),
            _hearing: hearing,
            _polled_with: others,
        })
    }
}

impl Drop for InTask {
    #[inline]
    fn drop(&mut self) {
        let _ = CONTEXT.try_with(|c| {
            c.task.set(self.task);
            c.node.set(self.node);
        });
    }
}

/// Whether `cx` carries the running task's own waker, so that waking it by task is enough.
#[inline]
pub(crate) fn is_own_waker(cx: &PollContext<'_>, task: &Header) -> bool {
    super::waker::is_waker_of(cx.waker(), task)
}
