//! An errand: what another thread does while a task waits for it.
//!
//! ```text
//!   the task                                     another thread
//!
//!   first poll: send(errand) ──────────────────▶ Errand::run: job(&host)
//!   waits                                          │
//!     serves it, as a part of the task ◀── visit ──┤ host.call(request)
//!     └──────────────── answer ───────────────────▶│
//!   waits                                          ▼
//!   ready: the result ◀──────── over ─────────── the job is gone: `Finished` is dropped
//! ```
//!
//! The job may borrow what the task's frame may, since the frame does not go before the errand is over:
//! as a task it waits, whatever is cancelled, and where it is dropped it blocks. An errand that may be
//! abandoned borrows nothing. `desk.rs` is where the two sides meet, `frame.rs` the task's side; what
//! is asked of a task is a request (`request.rs`).

mod desk;
mod frame;

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use self::desk::{Desk, Visit};
use self::frame::Waiting;
use super::call::Call;
use super::request::{Request, TaskRequest};
use super::task::Payload;

/// Has `job` called by another thread, and waits for its result. The job may borrow, like a child in a
/// nursery.
///
/// `send` is called when the task begins to wait; it brings the [`Errand`] to the thread that
/// [runs](Errand::run) it. Through the [`ErrandHost`] the job can learn that the task is cancelled, and have
/// something done as a part of the task. [`run_in_worker_thread`](crate::thread::run_in_worker_thread)
/// is made of this.
///
/// # Cancellation
///
/// A checkpoint. Once it has begun it waits until the errand is over; the host knows of the
/// cancellation. Where the frame is dropped, by a foreign combinator or since the run fails, that blocks
/// the thread until the errand is over.
///
/// # Panics
///
/// With the panic of the job; if the errand is dropped without having been run; and outside a task.
///
/// ```
/// use trio::lowlevel::errand;
///
/// # #[trio::task] async fn example() {
/// let text = String::from("lent to another thread");
/// let length = errand(|_host| text.len(), |errand| {
///     std::thread::spawn(move || errand.run());
/// })
/// .await;
/// assert_eq!(length, text.len());
/// # }
/// # trio::run(example);
/// ```
pub fn errand<J, R, S>(job: J, send: S) -> Call<impl Future<Output = R> + use<J, R, S>>
where
    J: FnOnce(&ErrandHost) -> R + Send,
    R: Send,
    S: FnOnce(Errand),
{
    // SAFETY: rules 1 and 4: the frame goes straight into a `Call`, and waits for its errand.
    unsafe { Call::new(Waiting::new(job, send, false)) }
}

/// An [`errand`] that is abandoned when the task is cancelled: the thread goes on, and its result is
/// dropped. So the job borrows nothing.
///
/// # Cancellation
///
/// A checkpoint, and a cancellation point as long as the errand is not over.
///
/// # Panics
///
/// As [`errand`].
pub fn abandonable_errand<J, R, S>(job: J, send: S) -> Call<impl Future<Output = R> + use<J, R, S>>
where
    J: FnOnce(&ErrandHost) -> R + Send + 'static,
    R: Send + 'static,
    S: FnOnce(Errand),
{
    // SAFETY: rule 1: the frame goes straight into a `Call`; its job borrows nothing.
    unsafe { Call::new(Waiting::new(job, send, true)) }
}

/// A job on its way to the thread that runs it: see [`errand`].
///
/// Dropped without having been run it takes the job with it, and the task panics. One that is forgotten
/// keeps its task waiting for ever.
#[must_use = "the task waits until the errand is run"]
pub struct Errand {
    // Goes first: the task may go once the errand is over.
    call: Box<dyn FnOnce() + Send>,
    finished: Finished,
}

impl Errand {
    /// Calls the job. The task learns of the end when what this gives is dropped; by then the thread can
    /// be ready for what the task does next.
    pub fn run(self) -> Finished {
        let Errand { call, finished } = self;
        call();
        finished
    }
}

impl fmt::Debug for Errand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Errand").finish_non_exhaustive()
    }
}

/// An errand whose job has been called: dropping it lets the task go on.
#[must_use = "the task goes on when this is dropped"]
pub struct Finished(Arc<Desk>);

impl Drop for Finished {
    fn drop(&mut self) {
        self.0.finish();
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finished").finish_non_exhaustive()
    }
}

/// The task that an errand is run for, as its job sees it.
///
/// It can be cloned, and kept: once the task does not wait any more it refuses what it is asked.
#[derive(Clone)]
pub struct ErrandHost(Arc<Desk>);

impl ErrandHost {
    /// Whether the task was found cancelled while it waited. That does not change any more.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Has the request called as a part of the task: soon, between two of its polls, also if the task is
    /// cancelled. A task that does not wait any more drops it.
    pub fn call(&self, request: Request) {
        self.0.visit(Visit::Call(request));
    }

    /// Has the request run as a part of the task, in its scopes. While that lasts the task serves no
    /// other. A task that does not wait any more drops it.
    pub fn run(&self, request: TaskRequest) {
        self.0.visit(Visit::Run(request));
    }
}

impl fmt::Debug for ErrandHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ErrandHost")
            .field("cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}

/// Where the job puts its result. Empty once the errand is over: the job was not called.
struct Slot<R>(Mutex<Option<Result<R, Payload>>>);

impl<R> Slot<R> {
    fn put(&self, result: Result<R, Payload>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    }

    fn take(&self) -> Option<Result<R, Payload>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// What the errand calls, as if it borrowed nothing.
///
/// # Safety
///
/// What the job and its result borrow must not go before the errand is over (rule 4).
unsafe fn erased<'a, J, R>(job: J, slot: Arc<Slot<R>>, host: ErrandHost) -> Box<dyn FnOnce() + Send>
where
    J: FnOnce(&ErrandHost) -> R + Send + 'a,
    R: Send + 'a,
{
    let call: Box<dyn FnOnce() + Send + 'a> = Box::new(move || {
        slot.put(catch_unwind(AssertUnwindSafe(|| job(&host))));
    });
    // SAFETY: rule 4: the closure is called or dropped before the errand is over, and what it holds
    // goes with it.
    unsafe { std::mem::transmute::<Box<dyn FnOnce() + Send + 'a>, Box<dyn FnOnce() + Send>>(call) }
}
