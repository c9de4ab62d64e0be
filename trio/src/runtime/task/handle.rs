//! The spawner's view of a child.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use super::header::{Header, TaskRef, flag};
use crate::runtime::context;
use crate::runtime::error::Error;
use crate::runtime::introspect::Task;
use crate::runtime::park::ParkingLot;
use crate::runtime::points;
use crate::runtime::reason::{CancelReason, CancelSource};
use crate::runtime::report;

/// How a monitored task ended.
pub enum Outcome<T> {
    /// With a value.
    Ok(T),
    /// With an error.
    Err(Error),
    /// With a panic; the payload can be passed to [`std::panic::resume_unwind`].
    Panicked(Box<dyn std::any::Any + Send>),
    /// Unwound by a cancellation.
    Cancelled,
}

impl<T: fmt::Debug> fmt::Debug for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Ok(value) => f.debug_tuple("Ok").field(value).finish(),
            Outcome::Err(error) => f.debug_tuple("Err").field(error).finish(),
            Outcome::Panicked(payload) => {
                f.debug_tuple("Panicked").field(&report::text_of(&**payload)).finish()
            }
            Outcome::Cancelled => f.write_str("Cancelled"),
        }
    }
}

/// A handle on a child task, given by [`Nursery::spawn`](crate::Nursery::spawn).
///
/// It can be dropped: the nursery waits for the task whatever happens to the handle.
pub struct TaskHandle<T> {
    task: TaskRef,
    _value: PhantomData<T>,
}

impl<T> TaskHandle<T> {
    pub(crate) fn new(task: TaskRef) -> Self {
        TaskHandle { task, _value: PhantomData }
    }

    /// The task's name.
    pub fn name(&self) -> String {
        self.task.name()
    }

    /// The task, for introspection.
    pub fn task(&self) -> Task {
        Task::new(self.task.clone())
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.task.has(flag::DONE)
    }

    /// Cancels this child. Sync and idempotent; the task unwinds at its next cancellation point, and
    /// the nursery goes on.
    pub fn cancel(&self) {
        if self.is_finished() {
            return;
        }
        self.task.node().cancel(|| {
            let task = context::peek_task(|task| task.map(Header::task_name));
            CancelReason::new(CancelSource::Explicit, None, task)
        });
    }

    /// Waits until the task has ended. It says *that* it ended, and catches nothing: a failure still
    /// cancels the nursery.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled wait leaves the task alone.
    ///
    /// # Panics
    ///
    /// Outside a task.
    pub fn wait(&self) -> impl Future<Output = ()> + use<T> {
        let task = self.task.clone();
        async move {
            points::checkpoint_if_cancelled().await;
            if task.has(flag::DONE) {
                return points::cancel_shielded_checkpoint().await;
            }
            let exit =
                task.with_extra(|extra| extra.exit.get_or_insert_with(ParkingLot::new).share());
            exit.park().await.expect("nobody breaks this lot");
        }
    }

    /// There is no such thing, and this says what to write instead.
    #[doc(hidden)]
    pub fn join(self) -> std::future::Pending<T>
    where
        Self: Joined,
    {
        unreachable!("no type has this")
    }

    /// The value of a task that has ended with one, the first time it is asked. `None` if it has not
    /// ended, has ended otherwise, or the value was taken.
    pub fn take(&self) -> Option<T> {
        match self.take_outcome()? {
            Outcome::Ok(value) => Some(value),
            other => {
                // A monitored ending that is not a value stays for `outcome`.
                self.put_back(other);
                None
            }
        }
    }

    /// How a monitored task ended; waits for it. The task is one of
    /// [`spawn_monitored`](crate::Nursery::spawn_monitored): only such a handle catches.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled wait gives the handle up, and with it the monitoring: an ending
    /// that nobody asked for goes to the nursery.
    ///
    /// # Panics
    ///
    /// If the task is not a monitored one, if its result was taken already, and outside a task.
    pub fn outcome(self) -> impl Future<Output = Outcome<T>> {
        assert!(
            self.task.has(flag::MONITORED),
            "only a monitored task has an outcome: spawn it with `n.spawn_monitored`"
        );
        async move {
            self.wait().await;
            self.take_outcome().expect("the result of this task was taken already")
        }
    }

    fn take_outcome(&self) -> Option<Outcome<T>> {
        if !self.is_finished() {
            return None;
        }
        let mut outcome = None::<Outcome<T>>;
        // SAFETY: rule 5: the cell was allocated with this handle's value type, and has ended.
        unsafe {
            (self.task.vtable().take)(self.task.as_ptr(), (&raw mut outcome).cast());
        }
        outcome
    }

    fn put_back(&self, outcome: Outcome<T>) {
        let mut outcome = Some(outcome);
        // SAFETY: rule 5: as in `take_outcome`.
        unsafe {
            (self.task.vtable().put)(self.task.as_ptr(), (&raw mut outcome).cast());
        }
    }
}

/// Nothing is.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a task in a nursery is not joined",
    label = "the nursery waits for it, and passes its error on",
    note = "to wait for it here, too, write `handle.wait().await`; its value is then `handle.take()`",
    note = "to catch its error use `n.spawn_monitored(f, a)` and `handle.outcome().await`",
    note = "rule: join_for_result"
)]
pub trait Joined {}

/// With no implementation at all rustc adds "this trait has no implementations".
#[diagnostic::do_not_recommend]
impl Joined for std::convert::Infallible {}

impl<T> Drop for TaskHandle<T> {
    fn drop(&mut self) {
        self.task.clear(flag::HANDLE);
        if !self.is_finished() {
            // From here on its nursery hears how it ends.
            self.task.clear(flag::MONITORED);
            return;
        }
        // The result goes with the handle: its type may borrow what does not outlive the handle.
        match self.take_outcome() {
            Some(Outcome::Err(error)) => {
                let name = self.name();
                report::say(format_args!("nobody asked how task `{name}` ended: {error}"));
            }
            Some(Outcome::Panicked(payload)) => {
                report::panicked(&format!("task `{}`", self.name()), &*payload);
                report::discard(payload);
            }
            Some(Outcome::Ok(_) | Outcome::Cancelled) | None => {}
        }
    }
}

impl<T> fmt::Debug for TaskHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHandle")
            .field("name", &self.name())
            .field("finished", &self.is_finished())
            .finish()
    }
}
