//! Looking at tasks and runs from inside.

use std::fmt;
use std::panic::Location;
use std::time::Duration;

use super::context;
use super::instant::Instant;
use super::reason::CancelReason;
use super::run::Run;
use super::scope::EffectiveDeadline;
use super::task::{TaskRef, flag};
use super::trace::{self, Site, SiteKind};

/// A task, for looking at. It keeps nothing alive but the memory, and stays valid after the task has
/// ended.
///
/// Its counterpart in Trio is `trio.lowlevel.Task`.
#[derive(Clone)]
pub struct Task(TaskRef);

impl Task {
    pub(crate) fn new(task: TaskRef) -> Task {
        Task(task)
    }

    pub(crate) fn header(&self) -> &super::task::Header {
        &self.0
    }

    /// The task's name: that of its function, unless it was spawned with another.
    pub fn name(&self) -> String {
        self.0.name()
    }

    /// A number that is unique among the tasks that live.
    pub fn id(&self) -> u64 {
        self.0.id()
    }

    /// Where the task was spawned.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.0.spawned()
    }

    /// Whether the task has ended.
    #[inline]
    pub fn is_finished(&self) -> bool {
        self.0.has(flag::DONE)
    }

    /// Whether it is the task that is running.
    ///
    /// ```
    /// # #[trio::task] async fn example() {
    /// assert!(trio::lowlevel::current_task().is_current());
    /// # trio::lowlevel::checkpoint().await; }
    /// # trio::run(example);
    /// ```
    #[inline]
    pub fn is_current(&self) -> bool {
        context::peek_task(|task| task.is_some_and(|task| std::ptr::eq(self.0.as_ptr(), task)))
    }

    /// The task whose nursery this one runs in; `None` for the main task, for system tasks, and once
    /// the task has ended. While a `start` is in progress it is the one that called `start`.
    pub fn parent(&self) -> Option<Task> {
        let scope = self.0.node().parent()?;
        // SAFETY: rule 4: an entered scope counts the task that entered it.
        unsafe { scope.task().as_ref() }.map(|header| Task(TaskRef::from_header(header)))
    }

    /// How many cancellation points and how many schedule points the task has gone through, both
    /// wrapping around.
    pub fn checkpoints(&self) -> (u32, u32) {
        self.0.points()
    }

    /// Why the task is cancelled, if it is.
    pub fn cancel_reason(&self) -> Option<CancelReason> {
        let node = self.0.node();
        node.is_effectively_cancelled().then(|| node.effective_reason()).flatten()
    }

    /// The sites of a suspended task, from its outermost call to what it waits for. Empty for a task
    /// that has ended, has not begun, or is running.
    pub fn traceback(&self) -> Vec<&'static Site> {
        if self.0.has(flag::RUNNING | flag::DONE) {
            return Vec::new();
        }
        // SAFETY: rule 1: the task is suspended, and nothing is polled while we look.
        unsafe { trace::frames(self.0.trace()) }
            .map(|frame| frame.site)
            .filter(|site| site.kind() != SiteKind::Scope)
            .collect()
    }

    /// What the task waits for, in words; empty for a task that does not.
    pub fn waits_for(&self) -> &'static str {
        if self.0.has(flag::RUNNING | flag::DONE | flag::QUEUED) { "" } else { self.0.waits_for() }
    }
}

impl PartialEq for Task {
    fn eq(&self, other: &Task) -> bool {
        std::ptr::eq(self.0.as_ptr(), other.0.as_ptr())
    }
}

impl Eq for Task {}

impl std::hash::Hash for Task {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.as_ptr().hash(state);
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Task({}, spawned at {})", self.name(), self.spawned_at())
    }
}

/// The task that is running.
///
/// Its counterpart in Trio is `trio.lowlevel.current_task`.
///
/// # Panics
///
/// Outside a task.
#[inline]
#[track_caller]
pub fn current_task() -> Task {
    context::task(|task| Task(TaskRef::from_header(task)))
}

/// Whether this code is called from within a run, on the run's own thread.
///
/// Its counterpart in Trio is `trio.lowlevel.in_trio_run`.
pub fn in_trio_run() -> bool {
    context::try_run(|run| run.is_some())
}

/// Whether this code is called from within a task.
///
/// Its counterpart in Trio is `trio.lowlevel.in_trio_task`.
pub fn in_trio_task() -> bool {
    context::try_task().is_some()
}

/// What [`statistics`] tells of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RunStatistics {
    /// How many tasks have not ended, the main task and system tasks included.
    pub tasks_living: usize,
    /// How many of them are in the run queue.
    pub tasks_runnable: usize,
    /// How long it is until the next deadline; `None` if none is armed, zero if it has passed.
    pub time_to_next_deadline: Option<Duration>,
    /// How many deadlines are armed.
    pub deadlines: usize,
    /// How many functions given to `call_soon` wait to be called.
    pub call_soon_queue_size: usize,
    /// How many tasks wait for a descriptor to be readable.
    pub tasks_waiting_read: usize,
    /// How many tasks wait for a descriptor to be writable.
    pub tasks_waiting_write: usize,
}

/// A snapshot of the run.
///
/// Its counterpart in Trio is `trio.lowlevel.current_statistics`.
///
/// # Panics
///
/// Outside a run.
#[track_caller]
pub fn statistics() -> RunStatistics {
    context::run(|run| {
        let (tasks_waiting_read, tasks_waiting_write) = run.reactor().waiting();
        RunStatistics {
            tasks_living: run.tasks_living(),
            tasks_runnable: run.tasks_runnable(),
            time_to_next_deadline: next_deadline(run)
                .map(|next| next.saturating_duration_since(run.clock().now())),
            deadlines: run.deadlines().len(),
            call_soon_queue_size: run.inbox().entries(),
            tasks_waiting_read,
            tasks_waiting_write,
        }
    })
}

/// The earliest deadline: of those that the run knows, and of the running task's own scopes, which
/// give theirs to the run when the task is suspended.
fn next_deadline(run: &Run) -> Option<Instant> {
    let own = match super::scope::effective_deadline() {
        Some(EffectiveDeadline::At(deadline)) => Some(deadline),
        _ => None,
    };
    [own, run.next_deadline()].into_iter().flatten().min()
}
