//! Looking on while a run goes: hooks for tracers, monitors and statistics.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::Duration;

use super::context;
use super::introspect::Task;
use super::report;
use super::task::{Header, TaskRef, flag};

/// Hooks that the run calls at the points of its life and of its tasks'.
///
/// Every hook is sync, must be quick, and does nothing by default. One that panics is reported and
/// its instrument removed; the run goes on. A run without instruments pays one test of a flag per
/// point. Its counterpart in Trio is `trio.abc.Instrument`.
///
/// ```
/// use std::cell::Cell;
/// use std::rc::Rc;
/// use trio::lowlevel::{Instrument, Task};
///
/// #[derive(Default)]
/// struct Steps(Cell<u32>);
///
/// impl Instrument for Steps {
///     fn before_task_step(&self, _task: &Task) {
///         self.0.set(self.0.get() + 1);
///     }
/// }
///
/// let steps = Rc::new(Steps::default());
/// trio::Builder::new().instrument(Rc::clone(&steps) as Rc<dyn Instrument>).run(|| async {
///     trio::sleep(std::time::Duration::from_millis(1)).await;
/// });
/// assert_eq!(steps.0.get(), 2);
/// ```
pub trait Instrument {
    /// The run begins; there are no tasks yet.
    fn before_run(&self) {}
    /// The run is over.
    fn after_run(&self) {}
    /// A task was made.
    fn task_spawned(&self, _task: &Task) {}
    /// A task has become runnable. It is told between steps, before that of the task.
    fn task_scheduled(&self, _task: &Task) {}
    /// A task is about to be stepped.
    fn before_task_step(&self, _task: &Task) {}
    /// A task was stepped.
    fn after_task_step(&self, _task: &Task) {}
    /// A task has ended.
    fn task_exited(&self, _task: &Task) {}
    /// The run is about to wait for the system, at most for this long (`None`: for as long as it
    /// takes).
    fn before_io_wait(&self, _timeout: Option<Duration>) {}
    /// The run has waited.
    fn after_io_wait(&self, _timeout: Option<Duration>) {}
}

/// The instruments of a run.
#[derive(Default)]
pub(crate) struct Instruments {
    any: Cell<bool>,
    /// Shared with the calls in progress, which keep it as it was: a hook may add and remove.
    list: RefCell<Rc<Vec<Rc<dyn Instrument>>>>,
    /// The tasks that were scheduled since the instruments were told last.
    scheduled: RefCell<Vec<TaskRef>>,
}

impl Instruments {
    pub(crate) fn add(&self, instrument: Rc<dyn Instrument>) {
        let mut list = self.list.borrow_mut();
        if !list.iter().any(|own| Rc::ptr_eq(own, &instrument)) {
            Rc::make_mut(&mut list).push(instrument);
        }
        self.any.set(true);
    }

    pub(crate) fn remove(&self, instrument: &Rc<dyn Instrument>) -> bool {
        let mut list = self.list.borrow_mut();
        let at = list.iter().position(|own| Rc::ptr_eq(own, instrument));
        let removed = at.map(|at| Rc::make_mut(&mut list).remove(at));
        self.any.set(!list.is_empty());
        drop(list);
        if !self.any.get() {
            self.scheduled.take();
        }
        removed.is_some()
    }

    /// Whether there are any.
    #[inline(always)]
    pub(crate) fn any(&self) -> bool {
        self.any.get()
    }

    /// Calls a hook of every instrument, if there are any.
    #[inline]
    pub(crate) fn call(&self, hook: impl Fn(&dyn Instrument)) {
        if self.any.get() {
            self.call_all(&hook);
        }
    }

    /// Calls a hook that is given a task.
    #[inline]
    pub(crate) fn call_for(&self, task: &TaskRef, hook: impl Fn(&dyn Instrument, &Task)) {
        if self.any.get() {
            let task = Task::new(task.clone());
            self.call_all(&|instrument| hook(instrument, &task));
        }
    }

    /// Notes that a task was scheduled. That happens in the midst of changes, of the tree of tasks
    /// say, so that the hook is called later, when it may do whatever it likes.
    #[inline]
    pub(crate) fn note_scheduled(&self, task: *const Header) {
        if self.any.get() {
            self.note(task);
        }
    }

    #[cold]
    #[inline(never)]
    fn note(&self, task: *const Header) {
        // SAFETY: rule 5: a queued task is alive.
        let task = unsafe { TaskRef::borrowed(task) };
        self.scheduled.borrow_mut().push(TaskRef::clone(&task));
    }

    /// Calls the hook for the tasks that were scheduled and have not ended since.
    #[inline]
    pub(crate) fn tell_scheduled(&self) {
        if self.any.get() {
            self.tell_all_scheduled();
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_all_scheduled(&self) {
        for task in self.scheduled.take() {
            if !task.has(flag::DONE) {
                self.call_for(&task, |instrument, task| instrument.task_scheduled(task));
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn call_all(&self, hook: &dyn Fn(&dyn Instrument)) {
        let list = Rc::clone(&self.list.borrow());
        for instrument in &*list {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| hook(&**instrument))) {
                report::panicked("an instrument", &*payload);
                report::discard(payload);
                self.remove(instrument);
            }
        }
    }
}

/// Adds an instrument to the run; one that is there already stays there once.
///
/// # Panics
///
/// Outside a run.
#[track_caller]
pub fn add_instrument(instrument: Rc<dyn Instrument>) {
    context::run(|run| run.instruments().add(instrument));
}

/// Removes an instrument from the run; `false` if it is not there.
///
/// # Panics
///
/// Outside a run.
#[track_caller]
pub fn remove_instrument(instrument: &Rc<dyn Instrument>) -> bool {
    context::run(|run| run.instruments().remove(instrument))
}
