//! From a thread back into a run.
//!
//! ```text
//!   a worker thread ──▶ the task that waits for it, which serves the call in its own scopes
//!   one that can be abandoned, or a foreign thread with a token
//!                   ──▶ the run: a function between two steps of tasks,
//!                       an async function in a system task
//! ```

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::{Cancelled, NoAnswer};
use super::job::Job;
use crate::lowlevel::{
    ErrandHost, Request, TaskLocals, TaskRequest, TrioToken, checkpoint_if_cancelled, in_trio_run,
    request, spawn_system_task, task_request,
};
use crate::{RunFinishedError, Thunk};

thread_local! {
    /// Whom this thread works for.
    static WORKER: RefCell<Option<Worker>> = const { RefCell::new(None) };
}

/// A worker thread, as it sees itself.
#[derive(Clone)]
pub(super) struct Worker {
    host: ErrandHost,
    /// The run, if what is called there is not to be a part of the task.
    outside: Option<TrioToken>,
}

impl Worker {
    pub(super) fn of_host(host: &ErrandHost) -> Worker {
        Worker { host: host.clone(), outside: None }
    }

    pub(super) fn outside_host(host: &ErrandHost, trio: TrioToken) -> Worker {
        Worker { host: host.clone(), outside: Some(trio) }
    }

    /// Calls `function`, as this worker thread.
    pub(super) fn enter<R>(self, function: impl FnOnce() -> R) -> R {
        struct Restore(Option<Worker>);
        impl Drop for Restore {
            fn drop(&mut self) {
                WORKER.with(|worker| worker.replace(self.0.take()));
            }
        }
        let _restore = Restore(WORKER.with(|worker| worker.replace(Some(self))));
        function()
    }

    /// Calls `function` with this worker thread.
    #[track_caller]
    fn with<R>(function: impl FnOnce(&Worker) -> R) -> R {
        demand_outside();
        WORKER.with(|worker| {
            let worker = worker.borrow();
            match &*worker {
                Some(worker) => function(worker),
                None => works_for_no_task(),
            }
        })
    }

    #[track_caller]
    fn current() -> Worker {
        Worker::with(Worker::clone)
    }
}

#[cold]
#[track_caller]
fn works_for_no_task() -> ! {
    panic!(
        "this thread works for no task: it was not started by `run_in_worker_thread`. Other threads \
         call into a run with the methods of a `TrioToken`, which `current_trio_token()` gives inside \
         the run"
    )
}

/// Waiting for the run on its own thread would be for ever.
#[track_caller]
fn demand_outside() {
    assert!(
        !in_trio_run(),
        "this is for other threads than that of a run, which it would block for ever: call the \
         function, or await it"
    );
}

/// Looks whether the task that this worker thread works for is cancelled. Sync, and cheap enough for a
/// loop.
///
/// # Errors
///
/// [`Cancelled`] from when the task, waiting, was found cancelled; also if it has left an
/// [`AbandonableThread`](crate::thread::AbandonableThread) behind.
///
/// # Panics
///
/// In a thread that is no worker thread.
///
/// Its counterpart in Trio is `trio.from_thread.check_cancelled`.
///
/// ```
/// use std::time::Duration;
/// use trio::thread::{Cancelled, check_cancelled, run_in_worker_thread};
///
/// fn count() -> Result<u64, Cancelled> {
///     let mut number = 0;
///     loop {
///         check_cancelled()?;
///         number += 1;
///         # std::thread::yield_now();
///     }
/// }
///
/// # #[trio::task] async fn example() {
/// let timeout = Duration::from_millis(5);
/// trio::move_on_after(timeout, async { run_in_worker_thread(count).await }).await;
/// # }
/// # trio::run(example);
/// ```
#[track_caller]
pub fn check_cancelled() -> Result<(), Cancelled> {
    let cancelled = Worker::with(|worker| worker.host.is_cancelled());
    if cancelled { Err(Cancelled::new()) } else { Ok(()) }
}

/// Calls a function in the thread of the run that this worker thread works for, and waits for its value.
/// The function may borrow; with a [`HomeRef`](crate::thread::HomeRef) it reaches variables of the task.
///
/// It runs within the task that waits for the thread, between two steps of others, and must not block.
/// The task's being cancelled makes no difference. For an
/// [`AbandonableThread`](crate::thread::AbandonableThread) it runs in no task, as long as the run lasts.
/// `task_local!` values are those of this thread.
///
/// Its counterpart in Trio is `trio.from_thread.run_sync`.
///
/// # Errors
///
/// [`NoAnswer`]: the task's future was dropped, or, for a thread that can be abandoned, the run has ended.
///
/// # Panics
///
/// With the panic of the function; in a thread that is no worker thread; and in the run's own thread.
///
/// ```
/// use trio::thread::{run_in_trio_thread, run_in_worker_thread};
///
/// # #[trio::task] async fn example() {
/// run_in_worker_thread(|| {
///     let time = run_in_trio_thread(trio::current_time).unwrap();
///     println!("{time:?} by the run's clock");
/// })
/// .await;
/// # }
/// # trio::run(example);
/// ```
#[track_caller]
pub fn run_in_trio_thread<J, R>(job: J) -> Result<R, NoAnswer>
where
    J: Job<Output = R> + Send,
    R: Send,
{
    let Worker { host, outside } = Worker::current();
    let job = with_locals(job);
    match outside {
        Some(trio) => request(job, |request| send(&trio, request)).ok_or(NoAnswer::RUN_FINISHED),
        None => request(job, |request| host.call(request)).ok_or(NoAnswer::CANCELLED),
    }
}

/// Runs an async function in the run that this worker thread works for, and waits for its value. It may
/// borrow; with a [`HomeRef`](crate::thread::HomeRef) it reaches variables of the task.
///
/// It runs within the task that waits for the thread, in its scopes. For an
/// [`AbandonableThread`](crate::thread::AbandonableThread) it runs in a system task. `task_local!` values
/// are those of this thread.
///
/// # Cancellation
///
/// It is unwound as a part of the task, at its own cancellation points; the thread gets an error then.
/// Its counterpart in Trio is `trio.from_thread.run`.
///
/// # Errors
///
/// [`NoAnswer`]: it was cancelled; or, for a thread that can be abandoned, the run has ended.
///
/// # Panics
///
/// With the panic of the function; in a thread that is no worker thread; and in the run's own thread.
///
/// ```
/// use std::time::Duration;
/// use trio::thread::{await_in_trio_thread, run_in_worker_thread};
///
/// # #[trio::task] async fn example() {
/// // A pause that a cancellation ends.
/// let pause = || await_in_trio_thread(|| trio::sleep(Duration::from_millis(1)));
/// assert!(run_in_worker_thread(pause).await.is_ok());
/// # }
/// # trio::run(example);
/// ```
#[track_caller]
pub fn await_in_trio_thread<T, R>(thunk: T) -> Result<R, NoAnswer>
where
    T: Thunk<Output = R> + Send,
    R: Send,
{
    let Worker { host, outside } = Worker::current();
    match outside {
        Some(trio) => run_in_system_task(&trio, thunk),
        None => {
            let locals = TaskLocals::current();
            let thunk = move || locals.scope(thunk);
            task_request(thunk, |request| host.run(request)).ok_or(NoAnswer::CANCELLED)
        }
    }
}

impl TrioToken {
    /// Calls a function in the run's thread, from any other, and waits for its value. The function may
    /// borrow. It is called between two steps of tasks, and must not block.
    ///
    /// Its counterpart in Trio is `trio.from_thread.run_sync` with a token.
    ///
    /// # Errors
    ///
    /// [`RunFinishedError`] if the run has ended.
    ///
    /// # Panics
    ///
    /// With the panic of the function, and in the thread of a run: it would block that.
    ///
    /// ```
    /// # trio::run(|| async {
    /// let token = trio::lowlevel::current_trio_token();
    /// std::thread::spawn(move || {
    ///     let number = 6;
    ///     assert_eq!(token.run_in_trio_thread(|| number * 7), Ok(42));
    /// });
    /// # });
    /// ```
    #[track_caller]
    pub fn run_in_trio_thread<J, R>(&self, job: J) -> Result<R, RunFinishedError>
    where
        J: Job<Output = R> + Send,
        R: Send,
    {
        demand_outside();
        request(with_locals(job), |request| send(self, request)).ok_or(RunFinishedError::new())
    }

    /// Runs an async function in the run, from any other thread, and waits for its value. It may borrow.
    /// It runs in a system task.
    ///
    /// # Cancellation
    ///
    /// It is cancelled when the main task has ended. Its counterpart in Trio is `trio.from_thread.run`
    /// with a token.
    ///
    /// # Errors
    ///
    /// [`NoAnswer`]: it was cancelled, or the run has ended or is about to.
    ///
    /// # Panics
    ///
    /// With the panic of the function, and in the thread of a run: it would block that.
    #[track_caller]
    pub fn await_in_trio_thread<T, R>(&self, thunk: T) -> Result<R, NoAnswer>
    where
        T: Thunk<Output = R> + Send,
        R: Send,
    {
        demand_outside();
        run_in_system_task(self, thunk)
    }
}

/// The job with the values of this thread in effect.
fn with_locals<J: Job + Send>(job: J) -> impl FnOnce() -> J::Output + Send {
    let locals = TaskLocals::current();
    move || locals.enter(|| job.call())
}

/// If the run has ended the request is dropped, and with it the answer is none.
fn send(trio: &TrioToken, request: Request) {
    let _ = trio.call_soon(|| request.call());
}

fn run_in_system_task<T, R>(trio: &TrioToken, thunk: T) -> Result<R, NoAnswer>
where
    T: Thunk<Output = R> + Send,
    R: Send,
{
    let begun = AtomicBool::new(false);
    let locals = TaskLocals::current();
    let answer = task_request(
        || {
            begun.store(true, Ordering::Relaxed);
            locals.scope(thunk)
        },
        |request| {
            let _ = trio.call_soon(|| drop(spawn_system_task(|| serve(request))));
        },
    );
    answer.ok_or(if begun.into_inner() { NoAnswer::CANCELLED } else { NoAnswer::RUN_FINISHED })
}

/// Nothing is begun any more in a run that is about to end.
#[crate::task(crate = "crate")]
async fn serve(request: TaskRequest) {
    checkpoint_if_cancelled().await;
    request.into_call().await
}
