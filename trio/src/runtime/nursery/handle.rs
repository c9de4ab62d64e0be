//! The nursery as the user holds it.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::time::Duration;

use super::core::NurseryCore;
use super::names::Name;
use crate::runtime::context;
use crate::runtime::introspect::Task;
use crate::runtime::output::TaskOutput;
use crate::runtime::reason::CancelSource;
use crate::runtime::run::Run;
use crate::runtime::scope::CancelScope;
use crate::runtime::task::{ByOutput, Convert, TaskCell, TaskHandle, TaskRef, flag};
use crate::runtime::thunk::Thunk;

/// A handle on an open nursery: what `n` is in `nursery!(|n| { … })`.
///
/// It is a `Copy` value and can be passed on, to helpers and to children, also as
/// `Nursery<'_>` in a signature. `'scope` is everything that children may borrow from: what outlives
/// the nursery. It is invariant:
///
/// ```compile_fail
/// fn shrink<'long: 'short, 'short>(n: trio::Nursery<'long>) -> trio::Nursery<'short> {
///     n
/// }
/// ```
///
/// # Panics
///
/// Once its nursery has closed every method that needs it panics, and so it does in another run.
#[derive(Clone, Copy)]
pub struct Nursery<'scope> {
    name: Name,
    _scope: PhantomData<Cell<&'scope ()>>,
    _thread: PhantomData<*const ()>,
}

impl<'scope> Nursery<'scope> {
    pub(super) fn new(name: Name) -> Self {
        Nursery { name, _scope: PhantomData, _thread: PhantomData }
    }

    #[track_caller]
    pub(crate) fn with<R>(self, f: impl FnOnce(&Run, &NurseryCore) -> R) -> R {
        match self.try_with(f) {
            Some(result) => result,
            None => context::run(|_| {
                panic!(
                    "this nursery is closed: a handle cannot be used once its `nursery!` block is \
                     over; open another nursery for what is still to run"
                )
            }),
        }
    }

    /// The same, for those who are there when the nursery is not, or the run.
    pub(crate) fn try_with<R>(self, f: impl FnOnce(&Run, &NurseryCore) -> R) -> Option<R> {
        context::try_run(|run| {
            let run = run?;
            let core = run.nurseries().borrow().get(self.name)?;
            // SAFETY: rule 3: the name is taken out when the nursery closes, which is before its
            // core goes.
            Some(f(run, unsafe { &*core }))
        })
    }

    #[track_caller]
    fn spawn_task<T>(
        self,
        thunk: T,
        flags: u16,
        name: Option<String>,
    ) -> TaskHandle<<T::Output as TaskOutput>::Value>
    where
        T: Thunk,
        T::Frame: 'scope,
        T::Output: TaskOutput,
    {
        let spawned = Location::caller();
        self.with(|_, _| ());
        // SAFETY: rule 1: the frame goes straight into a task. This runs user code, which may close
        // the nursery (by dropping a converted frame): it is looked up afterwards.
        let frame = unsafe { thunk.into_frame() };
        self.spawn_frame::<ByOutput, _>(frame, spawned, flags, name)
    }

    /// Starts a child out of a frame; `C` tells what becomes of its output.
    #[track_caller]
    pub(crate) fn spawn_frame<C, F>(
        self,
        frame: F,
        spawned: &'static Location<'static>,
        flags: u16,
        name: Option<String>,
    ) -> TaskHandle<C::Value>
    where
        C: Convert<F::Output>,
        F: Future + 'scope,
    {
        // SAFETY: rule 2: the frame outlives `'scope`, which outlives the nursery's guard; rule 4:
        // the guard waits for the task.
        let task = unsafe { TaskCell::<_, C>::allocate(frame, spawned) };
        task.set(flags);
        if let Some(name) = name {
            task.rename(name);
        }
        task.inherit_locals();
        let handle = TaskHandle::new(task.clone());
        self.with(|run, core| run.adopt(task, core));
        handle
    }

    /// Starts a child task: `n.spawn(f, a, b)` in a task body, or a thunk anywhere. The one operation
    /// of the colour async that runs synchronously: the child begins with the next batch.
    ///
    /// The child may borrow whatever outlives the nursery. An error of its cancels the nursery and
    /// is in the [`ErrorGroup`](crate::ErrorGroup) that the nursery returns; a panic goes on in the
    /// parent. In a cancelled nursery the child still starts, and unwinds at its first cancellation
    /// point. Its counterpart in Trio is `nursery.start_soon`.
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    #[track_caller]
    pub fn spawn<T>(self, thunk: T) -> TaskHandle<<T::Output as TaskOutput>::Value>
    where
        T: Thunk,
        T::Frame: 'scope,
        T::Output: TaskOutput,
    {
        self.spawn_task(thunk, flag::HANDLE, None)
    }

    /// [`spawn`](Nursery::spawn) with a name for the task: `n.spawn_named("reader", f, a)`.
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    #[track_caller]
    pub fn spawn_named<T>(
        self,
        name: impl Into<String>,
        thunk: T,
    ) -> TaskHandle<<T::Output as TaskOutput>::Value>
    where
        T: Thunk,
        T::Frame: 'scope,
        T::Output: TaskOutput,
    {
        self.spawn_task(thunk, flag::HANDLE, Some(name.into()))
    }

    /// Starts a child task whose ending its handle catches: `n.spawn_monitored(f, a)`.
    ///
    /// Neither an error nor a panic of it cancels the nursery;
    /// [`outcome`](TaskHandle::outcome) gives either as a value. If the handle is dropped without
    /// having been asked, the ending goes to the nursery as any other child's.
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    #[track_caller]
    #[must_use = "ask the handle for the `outcome`; without a handle use `spawn`"]
    pub fn spawn_monitored<T>(self, thunk: T) -> TaskHandle<<T::Output as TaskOutput>::Value>
    where
        T: Thunk,
        T::Frame: 'scope,
        T::Output: TaskOutput,
    {
        self.spawn_task(thunk, flag::HANDLE | flag::MONITORED, None)
    }

    /// Starts a service: a child that the others rely on, and that is cancelled last:
    /// `n.spawn_service(f, a)`.
    ///
    /// A service is there as long as anybody may need it: it is cancelled when the nursery's body is
    /// over and every child that is no service has ended, however that came about. So the nursery does
    /// not wait for a service to end by itself; and when the nursery is cancelled, from outside too,
    /// or asked to stop, the body and the other children unwind first, with their clean-up, while the
    /// services go on. Services of one nursery are cancelled together; one that relies on another is
    /// spawned in a nursery inside.
    ///
    /// A service may end before, with a value; an error or a panic of it cancels the nursery as any
    /// child's does. It can spawn ordinary children, which keep it alive. Cancelled at the end of the
    /// nursery, it does not make the nursery unwind. Trio has no counterpart yet: its issue #1521 and
    /// the package `tricycle` have `open_service_nursery`.
    ///
    /// ```
    /// # use std::cell::Cell;
    /// # use trio::{lowlevel::checkpoint, nursery};
    /// #[trio::task]
    /// async fn log(said: &Cell<u32>, written: &Cell<u32>) {
    ///     loop {
    ///         checkpoint().await;
    ///         written.set(said.get());
    ///     }
    /// }
    ///
    /// # #[trio::task] async fn work(said: &Cell<u32>) { checkpoint().await; said.set(1); }
    /// # #[trio::task] async fn example() -> trio::Result<()> {
    /// # let (said, written) = (Cell::new(0), Cell::new(0));
    /// nursery!(|n| {
    ///     n.spawn_service(log, &said, &written);
    ///     n.spawn(work, &said);
    /// })?; // left when `work` is done; `log` was there all the time
    /// # Ok(()) }
    /// # trio::run(example).unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    #[track_caller]
    pub fn spawn_service<T>(self, thunk: T) -> TaskHandle<<T::Output as TaskOutput>::Value>
    where
        T: Thunk,
        T::Frame: 'scope,
        T::Output: TaskOutput,
    {
        self.spawn_task(thunk, flag::HANDLE | flag::SERVICE, None)
    }

    /// The cancel scope around the nursery's body and children.
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    #[track_caller]
    pub fn cancel_scope(self) -> CancelScope {
        self.with(|_, core| CancelScope::from_core(core.scope.clone()))
    }

    /// Cancels the body and every child. Sync and idempotent.
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    #[track_caller]
    pub fn cancel(self) {
        self.with(|_, core| core.scope.cancel(CancelSource::Explicit, None));
    }

    /// Asks the body and every child that is no service to stop, and cancels them if they have not
    /// after `grace`. Sync. See [`CancelScope::request_stop`].
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    #[track_caller]
    pub fn request_stop(self, grace: Duration) {
        self.with(|_, core| core.scope.request_stop(grace));
    }

    /// A snapshot of the nursery.
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    #[track_caller]
    pub fn statistics(self) -> NurseryStatistics {
        self.with(|_, core| NurseryStatistics {
            children: core.children.get() + core.services_living(),
            services: core.services_living(),
            starting: core.starting.get(),
            failures: core.failures(),
            cancel_called: core.scope.node().is_called(),
        })
    }

    /// The tasks that run in this nursery now, in the order in which they came, services last.
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    #[track_caller]
    pub fn child_tasks(self) -> Vec<Task> {
        self.with(|_, core| core.tasks().map(Task::new).collect())
    }

    /// The task that opened this nursery.
    ///
    /// # Panics
    ///
    /// If the nursery is closed.
    #[track_caller]
    pub fn parent_task(self) -> Task {
        self.with(|_, core| {
            let task = core.scope.node().task();
            // SAFETY: rule 4: an entered scope counts the task that entered it.
            Task::new(TaskRef::from_header(unsafe { &*task }))
        })
    }
}

impl fmt::Debug for Nursery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = context::try_run(|run| {
            run.is_some_and(|run| run.nurseries().borrow().get(self.name).is_some())
        });
        f.write_str(if open { "Nursery(open)" } else { "Nursery(closed)" })
    }
}

/// What [`Nursery::statistics`] tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct NurseryStatistics {
    /// How many children have not ended.
    pub children: usize,
    /// How many of them are services.
    pub services: usize,
    /// How many `start`s are in progress.
    pub starting: usize,
    /// How many errors there are so far.
    pub failures: usize,
    /// Whether the nursery's scope was cancelled.
    pub cancel_called: bool,
}
