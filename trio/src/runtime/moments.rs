//! Watching the moments at which a cancellation could take effect.
//!
//! A scope's node that is *watched* makes every node below it look as if there were something to see at
//! a cancellation point, up to the next shield: the point's one test of the node's flags covers both,
//! so that nobody pays for it who does not watch. What happens between the points is told by an
//! instrument, which is there while somebody watches.
//!
//! ```text
//!      step begins      points           unwinds            step ends
//!   ──────┬────────┬──────┬───────┬─────────┬────────▶  or ────┬──────▶
//!       Woken    Point  Point   Point   Unwinding          Suspended
//! ```

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

use super::context;
use super::counted::Counted;
use super::instrument::Instrument;
use super::introspect::Task;
use super::node::Node;
use super::report;
use super::scope::{CancelScope, ScopeCore};
use super::task::flag;
use super::trace::{self, Site, SiteKind};

/// Where a task is when a cancellation could take effect, and when one does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Moment<'a> {
    /// At a cancellation point: next it looks whether it is cancelled.
    Point,
    /// It has been stepped, and is suspended.
    Suspended,
    /// It was woken, and is about to be stepped.
    Woken,
    /// It unwinds: from these sites, outermost first, up to the innermost boundary. The boundaries
    /// further out tell it again, as far as they are watched.
    Unwinding(&'a [&'static Site]),
}

/// Calls `watcher` at every moment at which a cancellation of `scope` could take effect on something
/// inside, in whichever task, until the guard is dropped. The watcher may look, and cancel. It is called
/// in the midst of operations: it must not wake anybody, or use what the tasks use.
///
/// What is shielded from the scope is not watched. It is for tests that cancel at each of these moments
/// ([`testing::CancelInjector`](crate::testing::CancelInjector)), and for tools that look on. A watcher
/// that panics at a [`Point`](Moment::Point) makes the task panic; otherwise that is reported.
///
/// # Panics
///
/// Outside a run.
#[track_caller]
pub fn watch_cancellation(
    scope: &CancelScope,
    watcher: impl Fn(&Task, Moment<'_>) + 'static,
) -> CancellationWatch {
    let watch = Rc::new(Watch { scope: scope.core().clone(), watcher: Box::new(watcher) });
    context::run(|run| {
        let moments = run.moments();
        moments.watches.borrow_mut().push(Rc::clone(&watch));
        if !moments.any.replace(true) {
            run.instruments().add(moments.steps());
        }
    });
    watch.scope.node().set_watched(true);
    CancellationWatch(watch)
}

/// Ends a [`watch_cancellation`] when it is dropped.
#[must_use = "nobody watches any more when this is dropped"]
pub struct CancellationWatch(Rc<Watch>);

impl Drop for CancellationWatch {
    fn drop(&mut self) {
        context::try_run(|run| {
            let Some(run) = run else { return };
            let moments = run.moments();
            let mut watches = moments.watches.borrow_mut();
            watches.retain(|watch| !Rc::ptr_eq(watch, &self.0));
            if !watches.iter().any(|watch| watch.scope.is_same(&self.0.scope)) {
                self.0.scope.node().set_watched(false);
            }
            let last = watches.is_empty();
            drop(watches);
            if last {
                moments.any.set(false);
                run.instruments().remove(&moments.steps());
            }
        });
    }
}

impl fmt::Debug for CancellationWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CancellationWatch")
    }
}

type Watcher = dyn Fn(&Task, Moment<'_>);

struct Watch {
    scope: Counted<ScopeCore>,
    watcher: Box<Watcher>,
}

impl Watch {
    /// Whether a cancellation of the scope reaches the task, or a part of it.
    fn concerns(&self, task: &Task) -> bool {
        let scope = self.scope.node();
        ptr::eq(scope.task(), task.header()) || task.header().node().is_within(scope)
    }
}

/// Those who watch, in a run.
pub(crate) struct Moments {
    any: Cell<bool>,
    watches: RefCell<Vec<Rc<Watch>>>,
    steps: Rc<Steps>,
}

impl Moments {
    pub(crate) fn new() -> Moments {
        Moments { any: Cell::new(false), watches: RefCell::default(), steps: Rc::new(Steps) }
    }

    fn steps(&self) -> Rc<dyn Instrument> {
        Rc::clone(&self.steps) as Rc<dyn Instrument>
    }

    fn tell(&self, task: &Task, moment: Moment<'_>, concerns: impl Fn(&Watch) -> bool) {
        // A copy: a watcher may end its watch.
        let watches = self.watches.borrow().clone();
        for watch in watches.iter().filter(|watch| concerns(watch)) {
            (watch.watcher)(task, moment);
        }
    }
}

/// Somebody watches, and a task is at a cancellation point in this node.
#[cold]
#[inline(never)]
pub(crate) fn at_point(node: &Node) {
    context::try_run(|run| {
        if let (Some(run), Some(task)) = (run, context::try_task()) {
            let concerns = |watch: &Watch| node.is_within(watch.scope.node());
            run.moments().tell(&Task::new(task), Moment::Point, concerns);
        }
    });
}

/// The running task unwinds, and a boundary is about to drop the frames inside.
#[inline]
pub(crate) fn unwinding() {
    context::try_run(|run| {
        if let Some(run) = run
            && run.moments().any.get()
        {
            tell_unwinding();
        }
    });
}

#[cold]
#[inline(never)]
fn tell_unwinding() {
    context::try_run(|run| {
        let (Some(run), Some(task)) = (run, context::try_task()) else { return };
        let head = context::with(|c| c.trace.get());
        // SAFETY: rule 1: the poll has just returned, and none of its frames is gone.
        let sites: Vec<&'static Site> = unsafe { trace::frames(head) }
            .map(|frame| frame.site)
            .filter(|site| site.kind() != SiteKind::Scope)
            .collect();
        let task = Task::new(task);
        let tell = || run.moments().tell(&task, Moment::Unwinding(&sites), |w| w.concerns(&task));
        if let Err(payload) = catch_unwind(AssertUnwindSafe(tell)) {
            report::panicked("a watcher of a cancellation", &*payload);
            report::discard(payload);
        }
    });
}

/// Tells of the moments between steps.
struct Steps;

impl Instrument for Steps {
    fn before_task_step(&self, task: &Task) {
        context::run(|run| run.moments().tell(task, Moment::Woken, |watch| watch.concerns(task)));
    }

    fn after_task_step(&self, task: &Task) {
        // One that has ended still counts as running.
        if !task.header().has(flag::RUNNING) {
            context::run(|run| {
                run.moments().tell(task, Moment::Suspended, |watch| watch.concerns(task));
            });
        }
    }
}
