//! Functions that are called in a thread while a task waits.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use super::callback::Worker;
use super::job::Job;
use super::name::Name;
use super::start;
use super::threads::{Active, Threads};
use crate::Call;
use crate::lowlevel::{
    Errand, ErrandHost, TaskLocals, abandonable_errand, checkpoint_if_cancelled,
    current_trio_token, errand,
};
use crate::sync::{Borrower, CapacityLimiter};

/// Calls a function that blocks, or computes for long, in another thread, and waits for its value. The
/// function may borrow from the task, as a child in a nursery may.
///
/// In the body of a task it takes the function and its arguments, `run_in_worker_thread(read, path)`; a
/// closure everywhere. [`WorkerThread`] is this with a name or a limiter of one's own. How many there can
/// be at once says [`default_thread_limiter`](crate::thread::default_thread_limiter).
///
/// # Cancellation
///
/// A checkpoint: cancelled before it begins, also while it waits for its turn, the function is not
/// called. Once it has begun the task waits for it; the function can look whether the task is cancelled,
/// with [`check_cancelled`](crate::thread::check_cancelled). Only if the call was made a future, which is
/// dropped, does that block until the function has returned.
///
/// Its counterpart in Trio is `trio.to_thread.run_sync`.
///
/// # Panics
///
/// With the panic of the function; if the system has no thread left; and outside a task.
///
/// ```
/// use trio::thread::run_in_worker_thread;
///
/// fn slow_sum(numbers: &[u64]) -> u64 {
///     numbers.iter().sum()
/// }
///
/// #[trio::task]
/// async fn two_at_once(numbers: &[u64]) -> trio::Result<u64> {
///     let (a, b) = numbers.split_at(numbers.len() / 2);
///     let (a, b) = trio::nursery!(|n| {
///         (n.spawn(run_in_worker_thread, || slow_sum(a)), n.spawn(run_in_worker_thread, || slow_sum(b)))
///     })?;
///     Ok(a.take().unwrap_or(0) + b.take().unwrap_or(0))
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let numbers: Vec<u64> = (0..1000).collect();
/// assert_eq!(two_at_once(&numbers).await?, 499_500);
/// assert_eq!(run_in_worker_thread(slow_sum, &numbers).await, 499_500);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub fn run_in_worker_thread<J, R>(job: J) -> Call<impl Future<Output = R> + use<J, R>>
where
    // Not `-> J::Output`: what is no function would be reported twice.
    J: Job<Output = R> + Send,
    R: Send,
{
    WorkerThread::new().run(job)
}

/// A worker thread with a name or a limiter of its own: [`run_in_worker_thread`] with settings.
///
/// ```
/// use trio::sync::CapacityLimiter;
/// use trio::thread::WorkerThread;
///
/// # #[trio::task] async fn example() {
/// let one_at_a_time = CapacityLimiter::new(1);
/// let thread = WorkerThread::new().name("database").limiter(&one_at_a_time);
/// let rows = thread.run(|| 7).await;
/// # assert_eq!(rows, 7);
/// # }
/// # trio::run(example);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "it does nothing until `run`"]
pub struct WorkerThread<'l> {
    name: Option<String>,
    limiter: Option<&'l CapacityLimiter>,
}

impl<'l> WorkerThread<'l> {
    /// The default settings.
    pub fn new() -> WorkerThread<'l> {
        WorkerThread::default()
    }

    /// How the thread is called while the function runs, in `top` or a debugger. Linux shows 15 bytes of
    /// it. Otherwise it is called after the function and the task: "read from main".
    pub fn name(mut self, name: impl Into<String>) -> WorkerThread<'l> {
        self.name = Some(name.into());
        self
    }

    /// Waits for a token of this limiter, not of the default one.
    pub fn limiter(mut self, limiter: &'l CapacityLimiter) -> WorkerThread<'l> {
        self.limiter = Some(limiter);
        self
    }

    /// Calls the function in the thread: see [`run_in_worker_thread`].
    ///
    /// # Cancellation
    ///
    /// As [`run_in_worker_thread`].
    ///
    /// # Panics
    ///
    /// As [`run_in_worker_thread`].
    pub fn run<J, R>(self, job: J) -> Call<impl Future<Output = R> + use<'l, J, R>>
    where
        J: Job<Output = R> + Send,
        R: Send,
    {
        in_worker_thread(self, job)
    }
}

#[crate::task(crate = "crate")]
async fn in_worker_thread<J, R>(thread: WorkerThread<'_>, job: J) -> R
where
    J: Job<Output = R> + Send,
    R: Send,
{
    checkpoint_if_cancelled().await;
    let threads = Threads::current();
    let limiter = thread.limiter.unwrap_or(&threads.limiter);
    let borrower = Borrower::unique();
    // Without giving way to others, if it need not wait: the thread can begin meanwhile.
    let _token = match limiter.try_acquire_on_behalf_of(borrower) {
        Ok(token) => token,
        Err(_) => limiter.acquire_on_behalf_of(borrower).await,
    };
    let _active: Active = threads.count();
    let name = shown::<J>(thread.name.as_deref());
    let locals = TaskLocals::current();
    let job = move |host: &ErrandHost| Worker::of_host(host).enter(|| locals.enter(|| job.call()));
    let send = move |errand: Errand| {
        if let Err(error) = start::start(name, || errand.run(), drop) {
            no_thread(thread.name, name, &error);
        }
    };
    errand(job, send).await
}

/// A worker thread that is left behind when the task is cancelled: it goes on, and what comes of it is
/// dropped.
///
/// For a function that cannot be asked to stop and does no harm when it goes on, such as looking up a
/// name. It borrows nothing. Its token is given back when it has really ended. Into the run it calls from
/// outside the task: see [`run_in_trio_thread`](crate::thread::run_in_trio_thread).
///
/// The counterpart in Trio is `abandon_on_cancel=True`.
///
/// ```
/// use std::net::ToSocketAddrs;
/// use trio::thread::AbandonableThread;
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let addresses = trio::fail_after(std::time::Duration::from_secs(5), async {
///     let look_up = || ("localhost", 80).to_socket_addrs().map(Vec::from_iter);
///     AbandonableThread::new().run(look_up).await
/// })
/// .await??;
/// # assert!(!addresses.is_empty());
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[derive(Clone, Default)]
#[must_use = "it does nothing until `run`"]
pub struct AbandonableThread {
    name: Option<String>,
    limiter: Option<Rc<CapacityLimiter>>,
}

impl AbandonableThread {
    /// The default settings.
    pub fn new() -> AbandonableThread {
        AbandonableThread::default()
    }

    /// How the thread is called while the function runs: see [`WorkerThread::name`].
    pub fn name(mut self, name: impl Into<String>) -> AbandonableThread {
        self.name = Some(name.into());
        self
    }

    /// Waits for a token of this limiter, not of the default one. It is shared, since the thread can
    /// outlive the task.
    pub fn limiter(mut self, limiter: Rc<CapacityLimiter>) -> AbandonableThread {
        self.limiter = Some(limiter);
        self
    }

    /// Calls the function in the thread.
    ///
    /// # Cancellation
    ///
    /// A checkpoint, and a cancellation point as long as the function has not returned. If the task is
    /// unwound before the function has begun, it is not called.
    ///
    /// # Panics
    ///
    /// As [`run_in_worker_thread`].
    pub fn run<J, R>(self, job: J) -> Call<impl Future<Output = R> + use<J, R>>
    where
        J: Job<Output = R> + Send + 'static,
        R: Send + 'static,
    {
        in_abandonable_thread(self, job)
    }
}

impl fmt::Debug for AbandonableThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbandonableThread")
            .field("name", &self.name)
            .field("limiter", &self.limiter)
            .finish()
    }
}

#[crate::task(crate = "crate")]
async fn in_abandonable_thread<J, R>(thread: AbandonableThread, job: J) -> R
where
    J: Job<Output = R> + Send + 'static,
    R: Send + 'static,
{
    checkpoint_if_cancelled().await;
    let threads = Threads::current();
    let limiter = thread.limiter.unwrap_or_else(|| Rc::clone(&threads.limiter));
    let borrower = Borrower::unique();
    let token = match limiter.try_acquire_on_behalf_of(borrower) {
        Ok(token) => token,
        Err(_) => limiter.acquire_on_behalf_of(borrower).await,
    };
    let name = shown::<J>(thread.name.as_deref());
    let locals = TaskLocals::current();
    let trio = current_trio_token();
    let worker_trio = trio.clone();
    let (limiter, noted) = (Rc::clone(&limiter), Rc::clone(&threads));
    let job = move |host: &ErrandHost| {
        let worker = Worker::outside_host(host, worker_trio);
        catch_unwind(AssertUnwindSafe(|| worker.enter(|| locals.enter(|| job.call()))))
    };
    let send = move |errand: Errand| {
        token.keep();
        noted.register(borrower, limiter);
        let deliver = move |finished| {
            // The task may be gone. A run that is over does not care.
            let _ = trio.call_soon(move || Threads::current().ended(borrower));
            drop(finished);
        };
        if let Err(error) = start::start(name, || errand.run(), deliver) {
            noted.ended(borrower);
            no_thread(thread.name, name, &error);
        }
    };
    let result = abandonable_errand(job, send).await;
    // Who gets the result finds the token given back.
    threads.ended(borrower);
    result.unwrap_or_else(|payload| resume_unwind(payload))
}

/// What is shown of the thread of such a job.
fn shown<J>(given: Option<&str>) -> Option<Name> {
    given.map_or_else(Name::of_job::<J>, Name::given)
}

fn no_thread(given: Option<String>, shown: Option<Name>, error: &io::Error) -> ! {
    let called = given.or_else(|| shown.map(|name| name.to_string())).unwrap_or_default();
    panic!("there is no thread for `{called}`: {error}");
}
