//! Starting a job in a thread, without a run.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::cache::{Cache, Work};
use super::name::{self, Name};
use crate::sys::fork::PerProcess;

static THREADS: PerProcess<Cache> = PerProcess::new(Cache::new);

/// Has `job` called in a thread, and then, in that thread, `deliver` with what came of it. Sync, and can
/// be called anywhere.
///
/// It is an idle thread if there is one, that which has worked last, else a new one: there is no limit. A
/// thread that has had nothing to do for 10 seconds ends. It counts as idle before `deliver` is called,
/// so that a job that is started on that occasion is given to it; so `deliver` must not block. If it
/// panics that is reported, and has no other consequence.
///
/// Tasks use [`run_in_worker_thread`](crate::thread::run_in_worker_thread), which waits for the result.
/// The counterpart in Trio is `trio.lowlevel.start_thread_soon`.
///
/// # Errors
///
/// The system's, if it has no thread left. Then neither is called.
///
/// ```
/// use std::sync::mpsc::channel;
/// use trio::lowlevel::start_thread_soon;
///
/// let (sender, receiver) = channel();
/// start_thread_soon(|| 6 * 7, move |result| drop(sender.send(result))).unwrap();
/// assert_eq!(receiver.recv().unwrap().unwrap(), 42);
/// ```
pub fn start_thread_soon<T: Send + 'static>(
    job: impl FnOnce() -> T + Send + 'static,
    deliver: impl FnOnce(thread::Result<T>) + Send + 'static,
) -> io::Result<()> {
    start(None, job, deliver)
}

/// [`start_thread_soon`] for a job that gives its thread a name.
pub(super) fn start<T: Send + 'static>(
    name: Option<Name>,
    job: impl FnOnce() -> T + Send + 'static,
    deliver: impl FnOnce(thread::Result<T>) + Send + 'static,
) -> io::Result<()> {
    let assignment = Assignment { name, job: Some(job), result: None, deliver };
    Cache::start(&THREADS.get(), Box::new(assignment))
}

struct Assignment<T, J, D> {
    name: Option<Name>,
    job: Option<J>,
    result: Option<thread::Result<T>>,
    deliver: D,
}

impl<T, J, D> Work for Assignment<T, J, D>
where
    T: Send,
    J: FnOnce() -> T + Send,
    D: FnOnce(thread::Result<T>) + Send,
{
    fn work(&mut self) {
        name::show(self.name);
        if let Some(job) = self.job.take() {
            self.result = Some(catch_unwind(AssertUnwindSafe(job)));
        }
    }

    fn deliver(self: Box<Self>) {
        let Assignment { result, deliver, .. } = *self;
        if let Some(result) = result
            && let Err(payload) = catch_unwind(AssertUnwindSafe(|| deliver(result)))
        {
            discard(payload);
        }
    }
}

/// Drops the payload of a panic that was reported. Its destructor may panic, too.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(next) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(next);
    }
}
