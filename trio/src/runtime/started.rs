//! A run that has been started, with its main task, and what comes out of it.

use std::fmt;
use std::panic::Location;
use std::rc::Rc;

use super::builder::Interrupted;
use super::instrument::Instrument;
use super::internal_error;
use super::report;
use super::run::{Entered, Next, OwnedRun, Run};
use super::task::{AsIs, Payload, TaskCell, TaskHandle, flag};
use super::thunk::Thunk;
use crate::sys::interrupt::Interrupts;

/// Why a run has no value to give.
///
/// [`trio::run`](crate::run()) panics with the first two and dies of the third; who hosts a
/// [`GuestRun`](crate::lowlevel::GuestRun) gets them as a value.
#[non_exhaustive]
pub enum RunError<T> {
    /// The run itself has failed: its loop, a system task, a function given to `call_soon`.
    Failed(String),
    /// The main task has panicked, with this payload.
    Panicked(Box<dyn std::any::Any + Send>),
    /// The user has pressed Ctrl-C.
    Interrupted(Interrupted<T>),
}

impl<T> fmt::Display for RunError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Failed(what) => write!(f, "the run has failed: {what}"),
            RunError::Panicked(payload) => {
                write!(f, "the main task panicked: {}", report::text_of(&**payload))
            }
            RunError::Interrupted(interrupted) => interrupted.fmt(f),
        }
    }
}

impl<T> fmt::Debug for RunError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Failed(what) => f.debug_tuple("Failed").field(what).finish(),
            RunError::Panicked(payload) => {
                f.debug_tuple("Panicked").field(&report::text_of(&**payload)).finish()
            }
            RunError::Interrupted(Interrupted { value }) => {
                f.debug_struct("Interrupted").field("has_value", &value.is_some()).finish()
            }
        }
    }
}

impl<T> std::error::Error for RunError<T> {}

/// A run with its main task. As long as it lives the run is that of this thread: it is found by what is
/// dropped here, a frame that was converted and closes its nursery, say, and by a host's code.
pub(crate) struct Started<T> {
    main: TaskHandle<T>,
    _entered: Entered,
    run: OwnedRun,
}

impl<T> Started<T> {
    /// # Safety
    ///
    /// What the thunk borrows must outlive the `Started`, which must not be leaked (rules 2 and 4: main
    /// ends with it).
    pub(crate) unsafe fn new<R: Thunk<Output = T>>(
        run: OwnedRun,
        instruments: Vec<Rc<dyn Instrument>>,
        thunk: R,
        spawned: &'static Location<'static>,
    ) -> Started<T> {
        let entered = Entered::enter(&run);
        for instrument in instruments {
            run.instruments().add(instrument);
        }
        run.begin();
        // SAFETY: rules 2 and 4: by this function's contract.
        let task = unsafe { TaskCell::<_, AsIs>::allocate(thunk.into_frame(), spawned) };
        task.set(flag::HANDLE);
        task.inherit_locals();
        run.adopt(task.clone(), run.main());
        Started { main: TaskHandle::new(task), _entered: entered, run }
    }

    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    /// Drives the run to its end.
    pub(crate) fn drive(&self) {
        loop {
            match self.run.step() {
                Next::Poll(timeout) => self.run.poll(timeout),
                Next::Over => return,
            }
        }
    }

    /// The run is over: what has come of it.
    pub(crate) fn end(self) -> Result<T, RunError<T>> {
        let run = &*self.run;
        run.conclude();
        let value = self.main.take();
        let failure = run.take_failure();
        let panicked = run.main().take_panic();
        let interrupted = run.was_interrupted();
        let would_ask = run.would_ask();
        let unwound = run.main().had_cancelled_child();
        let interrupts = run.reactor().take_interrupts();
        drop(self);
        // A Ctrl-C that came too late to cancel anything is not forgotten. To one that only asks main is
        // the answer.
        let late = interrupts.map_or(0, Interrupts::finish);
        let interrupted = interrupted || late > usize::from(would_ask);
        if let Some((what, payload)) = failure {
            return Err(RunError::Failed(with_cause(what, payload)));
        }
        if let Some(payload) = panicked {
            return Err(RunError::Panicked(payload));
        }
        if interrupted {
            return Err(RunError::Interrupted(Interrupted { value }));
        }
        match value {
            Some(value) => Ok(value),
            None if unwound => internal_error("the main task was unwound by no known cancellation"),
            None => internal_error("the main task has ended without a result"),
        }
    }
}

fn with_cause(what: String, payload: Option<Payload>) -> String {
    let Some(payload) = payload else {
        return what;
    };
    let text = format!("{what}: {}", report::text_of(&*payload));
    report::discard(payload);
    text
}
