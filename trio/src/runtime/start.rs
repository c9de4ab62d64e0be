//! `n.start(f, …)`: spawn a task and wait until it says that it has started.
//!
//! ```text
//!   before `started`:  the caller's scopes ─▶ hidden nursery ─▶ the task      errors come out of `start`
//!   after:             the target nursery ────────────────────▶ the task      errors are the nursery's
//! ```
//!
//! `started` moves the task (its node with all that hangs below, and its place in the count) from the
//! hidden nursery to the target. If the caller is cancelled by then it stays where it is, and ends
//! there: with a value that `start` still gives, or unwound as `start` is.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::ptr;
use std::rc::Rc;
use std::task::{Context as PollContext, Poll};

use super::awaiting::Checkpoint;
use super::call::Call;
use super::context;
use super::error::{Error, NotStartedError};
use super::nursery::{Nursery, NurseryCore};
use super::output::TaskOutput;
use super::task::{ByOutput, TaskCell, TaskRef, flag};
use super::trace::{BoundaryTrace, Site};
use super::wake::WakeTarget;

static START: Site = Site::scope("start");

/// What `start` and its task share.
struct Shared<'scope, V> {
    /// The hidden nursery, as long as `start` waits in it.
    hidden: Cell<*const NurseryCore>,
    target: Nursery<'scope>,
    /// The task becomes a service of its nursery.
    service: bool,
    task: RefCell<Option<TaskRef>>,
    value: RefCell<Option<V>>,
}

/// Says to [`Nursery::start`] that a task has started. The first parameter of a task function that
/// is given to `start`.
///
/// Its counterpart in Trio is `trio.TaskStatus`.
#[must_use = "call `started(value)`: `start` waits for it"]
pub struct TaskStatus<V> {
    start: Option<Rc<dyn Started<V>>>,
}

trait Started<V> {
    fn started(&self, value: V);
}

impl<V> TaskStatus<V> {
    /// A status that nobody waits for: to call such a task function directly.
    pub fn ignored() -> TaskStatus<V> {
        TaskStatus { start: None }
    }

    /// Tells `start` that the task has started, and gives it `value`. From here on the task belongs
    /// to the nursery. Sync.
    ///
    /// If the caller of `start` was cancelled by then the task stays below it, and is unwound with it
    /// at its next cancellation point. Does nothing if the task has ended.
    pub fn started(self, value: V) {
        if let Some(start) = self.start {
            start.started(value);
        }
    }
}

impl<V> fmt::Debug for TaskStatus<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStatus").field("awaited", &self.start.is_some()).finish()
    }
}

impl<V> Started<V> for Shared<'_, V> {
    fn started(&self, value: V) {
        // SAFETY: rule 4: cleared by `Start` before its hidden nursery goes.
        let Some(hidden) = (unsafe { self.hidden.get().as_ref() }) else {
            return;
        };
        // Somebody else says it, who has the status from a task that has ended.
        if self.task.borrow().as_ref().is_some_and(|task| task.has(flag::DONE)) {
            return;
        }
        *self.value.borrow_mut() = Some(value);
        self.hand_over(hidden);
    }
}

impl<V> Shared<'_, V> {
    /// Moves the task to its nursery; not while the thunk that makes it is still being called, nor
    /// once the caller is cancelled, nor if the nursery has gone with a frame that was dropped.
    fn hand_over(&self, hidden: &NurseryCore) {
        if hidden.scope().node().is_effectively_cancelled() {
            return;
        }
        let Some(task) = self.task.borrow().clone() else {
            return;
        };
        let woken = self.target.try_with(|_, target| {
            if self.service {
                task.set(flag::SERVICE);
            }
            task.node().relink(target.add_child(&task));
            self.hidden.set(ptr::null());
            self.task.take();
            [target.end_start(), hidden.remove_child(false)]
        });
        // All is settled: a foreign waker may drop either nursery.
        for waiter in woken.into_iter().flatten().flatten() {
            waiter.wake();
        }
    }
}

impl<'scope> Nursery<'scope> {
    /// Spawns a task and waits until it calls [`TaskStatus::started`]; gives the value passed there:
    /// `n.start(f, a, …).await`, where the first parameter of `f` is the status.
    ///
    /// Until then the task runs under the caller's cancel scopes, and its errors come out of `start`,
    /// not wrapped. Afterwards it is an ordinary child of the nursery, which stays open meanwhile.
    ///
    /// # Cancellation
    ///
    /// The wait is that for the task: if the caller is cancelled first, so is the task, and `start`
    /// unwinds when it has ended. Its counterpart in Trio is `nursery.start`.
    ///
    /// # Errors
    ///
    /// The task's error if it fails first; [`NotStartedError`](crate::NotStartedError) if it ends
    /// without having called `started`.
    ///
    /// # Panics
    ///
    /// If the nursery is closed; and with the task's panic, if it panics first.
    #[track_caller]
    pub fn start<S, V, A>(
        self,
        thunk: S,
    ) -> Call<impl Future<Output = Result<V, Error>> + use<'scope, S, V, A>>
    where
        S: FnOnce(TaskStatus<V>) -> A,
        A: Checkpoint,
        A::Frame: 'scope,
        A::Output: TaskOutput,
        V: 'scope,
    {
        self.start_task(thunk, false)
    }

    /// [`start`](Nursery::start) for a service: `n.start_service(f, a, …).await`. From `started` on the
    /// task is what [`spawn_service`](Nursery::spawn_service) would have made it; before that it is as
    /// any other that is being started, and cancelled with the caller.
    ///
    /// # Cancellation
    ///
    /// As [`start`](Nursery::start).
    ///
    /// # Errors
    ///
    /// As [`start`](Nursery::start).
    ///
    /// # Panics
    ///
    /// As [`start`](Nursery::start).
    #[track_caller]
    pub fn start_service<S, V, A>(
        self,
        thunk: S,
    ) -> Call<impl Future<Output = Result<V, Error>> + use<'scope, S, V, A>>
    where
        S: FnOnce(TaskStatus<V>) -> A,
        A: Checkpoint,
        A::Frame: 'scope,
        A::Output: TaskOutput,
        V: 'scope,
    {
        self.start_task(thunk, true)
    }

    #[track_caller]
    fn start_task<S, V, A>(self, thunk: S, service: bool) -> Call<Start<'scope, S, V>>
    where
        S: FnOnce(TaskStatus<V>) -> A,
        A: Checkpoint,
        A::Frame: 'scope,
        A::Output: TaskOutput,
        V: 'scope,
    {
        let start = Start {
            target: self,
            service,
            thunk: Some(thunk),
            spawned: Location::caller(),
            hidden: NurseryCore::new(&START),
            shared: None,
            state: State::New,
            trace: BoundaryTrace::new(&START),
            _pinned: PhantomPinned,
        };
        // SAFETY: rule 1: the frame goes straight into a `Call`.
        unsafe { Call::new(start) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Waiting,
    Unwound,
    Done,
}

/// The boundary of a `start`: a nursery for one task that may leave it.
struct Start<'scope, S, V> {
    target: Nursery<'scope>,
    service: bool,
    thunk: Option<S>,
    spawned: &'static Location<'static>,
    hidden: NurseryCore,
    shared: Option<Rc<Shared<'scope, V>>>,
    state: State,
    trace: BoundaryTrace,
    _pinned: PhantomPinned,
}

impl<'scope, S, V, A> Start<'scope, S, V>
where
    S: FnOnce(TaskStatus<V>) -> A,
    A: Checkpoint,
    A::Frame: 'scope,
    A::Output: TaskOutput,
    V: 'scope,
{
    fn begin(&mut self) {
        self.target.with(|_, target| target.begin_start());
        self.hidden.scope().enter();
        self.state = State::Waiting;
        let shared = Rc::new(Shared {
            hidden: Cell::new(&self.hidden),
            target: self.target,
            service: self.service,
            task: RefCell::new(None),
            value: RefCell::new(None),
        });
        self.shared = Some(Rc::clone(&shared));
        let status: Rc<dyn Started<V> + 'scope> = Rc::clone(&shared) as Rc<dyn Started<V> + 'scope>;
        // SAFETY: rule 3: what the status borrows is the `'scope` of its nursery handle, a name;
        // its methods look up what is still there.
        let status = unsafe {
            std::mem::transmute::<Rc<dyn Started<V> + 'scope>, Rc<dyn Started<V>>>(status)
        };
        let thunk = self.thunk.take().expect("there while the state is `New`");
        // SAFETY: rule 1: the frame goes straight into a task.
        let frame = unsafe { thunk(TaskStatus { start: Some(status) }).into_frame() };
        // SAFETY: rules 2 and 4: the frame outlives `'scope`; this boundary waits for the task, and
        // so does the target's guard once the task is moved there.
        let task = unsafe { TaskCell::<_, ByOutput>::allocate(frame, self.spawned) };
        task.inherit_locals();
        *shared.task.borrow_mut() = Some(task.clone());
        context::run(|run| run.adopt(task, &self.hidden));
        if shared.value.borrow().is_some() {
            shared.hand_over(&self.hidden);
        }
    }
}

impl<'scope, S, V, A> Future for Start<'scope, S, V>
where
    S: FnOnce(TaskStatus<V>) -> A,
    A: Checkpoint,
    A::Frame: 'scope,
    A::Output: TaskOutput,
    V: 'scope,
{
    type Output = Result<V, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<Self::Output> {
        context::demand_in_place(&*self, cx);
        // SAFETY: rule 4: nothing is moved out that is referred to by address: the hidden nursery
        // and the trace stay.
        let this = unsafe { self.get_unchecked_mut() };
        this.trace.leave();
        match this.state {
            State::New => {
                context::task(|task| {
                    task.count_cancel_point();
                    task.count_schedule_point();
                });
                this.begin();
            }
            State::Waiting => {}
            State::Unwound => return context::unwind_further(),
            State::Done => panic!("a future is not polled after it was ready"),
        }
        let node = this.hidden.scope().node();
        if this.hidden.is_busy() {
            this.hidden.wait(WakeTarget::current(cx));
            context::task(|task| task.set_waits_for(&"a task to call `started`"));
            this.trace.push(node);
            return context::wait();
        }
        this.close();
        let value = this.shared.as_ref().and_then(|shared| shared.value.borrow_mut().take());
        if let Some(payload) = this.hidden.take_panic() {
            this.state = State::Done;
            resume_unwind(payload);
        }
        if let Some(failure) = this.hidden.take_failures().pop() {
            this.state = State::Done;
            return Poll::Ready(Err(failure.into_error()));
        }
        // Only a task that has stayed here can have been unwound, and only with its caller.
        if this.hidden.had_cancelled_child() {
            this.state = State::Unwound;
            return context::unwind_further();
        }
        this.state = State::Done;
        Poll::Ready(value.ok_or_else(|| NotStartedError(()).into()))
    }
}

impl<S, V> Start<'_, S, V> {
    /// The hidden nursery is empty, or is being emptied: nothing refers to it from here on.
    fn close(&mut self) {
        self.hidden.scope().leave();
        if let Some(shared) = &self.shared
            && !shared.hidden.replace(ptr::null()).is_null()
        {
            shared.task.borrow_mut().take();
            let waiter = shared.target.try_with(|_, target| target.end_start());
            if let Some(waiter) = waiter.flatten() {
                waiter.wake();
            }
        }
    }
}

impl<S, V> Drop for Start<'_, S, V> {
    fn drop(&mut self) {
        if self.state == State::Waiting {
            if self.hidden.is_busy() {
                self.hidden.drop_children();
            }
            self.close();
        }
    }
}
