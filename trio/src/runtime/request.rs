//! A request: what a thread outside a run has done inside it, waiting for the answer.
//!
//! ```text
//!   another thread                            the run
//!
//!   request(function, send)
//!     send(request) ────────────────────────▶ Request::call, or TaskRequest::into_call
//!     blocks                                    │
//!     goes on ◀── Some(value), or its panic ────┤ called, or run to its end
//!             ◀── None ─────────────────────────┘ dropped, or unwound
//! ```
//!
//! The function may borrow from the thread's stack, since the thread does not go on before the request
//! is gone.

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context as PollContext, Poll};

use super::call::Call;
use super::context::{self, InFrame};
use super::finally::{Ending, poll_body};
use super::report;
use super::task::Payload;
use super::thunk::Thunk;

/// Has `function` called in another thread, inside a run, and blocks this one until that is over. The
/// function may borrow.
///
/// `send` brings the [`Request`] there: through a [`Host`](crate::lowlevel::Host), or with
/// [`call_soon`](crate::lowlevel::TrioToken::call_soon). `None`: it was dropped there without having been
/// called.
///
/// # Panics
///
/// With the panic of the function.
///
/// ```
/// use trio::lowlevel::{current_trio_token, errand, request};
///
/// # #[trio::task] async fn example() {
/// let token = current_trio_token();
/// let job = |_: &_| {
///     let number = 7;
///     request(|| number + 1, |request| token.call_soon(|| request.call()).unwrap())
/// };
/// let answer = errand(job, |errand| drop(std::thread::spawn(|| errand.run()))).await;
/// assert_eq!(answer, Some(8));
/// # }
/// # trio::run(example);
/// ```
pub fn request<F, R>(function: F, send: impl FnOnce(Request)) -> Option<R>
where
    F: FnOnce() -> R + Send,
    R: Send,
{
    let answer = Arc::new(Answer::new());
    let calling = Calling { function: Some(function), answer: Arc::clone(&answer) };
    let erased: Box<dyn Callable + '_> = Box::new(calling);
    // SAFETY: rule 4: the function is called or dropped before the answer is given, and this function
    // is not left before that, however `send` ends.
    let erased =
        unsafe { std::mem::transmute::<Box<dyn Callable + '_>, Box<dyn Callable>>(erased) };
    let waits = Waits(&answer);
    send(Request(erased));
    waits.answer()
}

/// [`request`] for an async function.
///
/// `None`: it was dropped there, or unwound by a cancellation.
///
/// # Panics
///
/// With the panic of the function.
pub fn task_request<T, R>(thunk: T, send: impl FnOnce(TaskRequest)) -> Option<R>
where
    T: Thunk<Output = R> + Send,
    R: Send,
{
    let answer = Arc::new(Answer::new());
    let beginning = Beginning { thunk: Some(thunk), answer: Arc::clone(&answer) };
    let erased: Box<dyn Begin<'_> + '_> = Box::new(beginning);
    // SAFETY: rule 4: the thunk, and the frame that it makes, are gone before the answer is given, and
    // this function is not left before that, however `send` ends.
    let erased =
        unsafe { std::mem::transmute::<Box<dyn Begin<'_> + '_>, Box<dyn Begin<'static>>>(erased) };
    let waits = Waits(&answer);
    send(TaskRequest(erased));
    waits.answer()
}

/// A function on its way to the thread of a run: see [`request`].
///
/// Dropping it without calling it lets the thread that waits go on, without a value. If it is forgotten
/// that thread waits for ever.
#[must_use = "a thread waits until the request is called"]
pub struct Request(Box<dyn Callable>);

impl Request {
    /// Calls the function. If it panics the panic goes to the thread that waits.
    pub fn call(self) {
        self.0.call();
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").finish_non_exhaustive()
    }
}

/// An async function on its way to a task: see [`task_request`].
///
/// Dropping it lets the thread that waits go on, without a value. If it is forgotten that thread waits
/// for ever.
#[must_use = "a thread waits until the request is run"]
pub struct TaskRequest(Box<dyn Begin<'static>>);

impl TaskRequest {
    /// Calls the function, and gives its call, for a task to await. If it panics, then or later, the
    /// panic goes to the thread that waits.
    ///
    /// # Cancellation
    ///
    /// As in the function. Its unwinding ends here: the thread that waits gets no value, and the task
    /// goes on.
    pub fn into_call(self) -> Call<impl Future<Output = ()> + use<>> {
        let serving = self.begin();
        // SAFETY: rule 1: the frame goes straight into a `Call`.
        unsafe { Call::new(serving) }
    }

    pub(super) fn begin(self) -> Serving {
        Serving(self.0.begin())
    }
}

impl fmt::Debug for TaskRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskRequest").finish_non_exhaustive()
    }
}

/// A request that is being run.
pub(super) struct Serving(Pin<Box<dyn Future<Output = ()>>>);

impl Future for Serving {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<()> {
        // In place if this is: it goes with what this is in.
        let _in_frame = context::is_in_place(&*self, cx).then(|| InFrame::enter(&*self.0));
        self.0.as_mut().poll(cx)
    }
}

/// What the thread that waits gets: given once.
struct Answer<R> {
    given: Mutex<Option<Option<Result<R, Payload>>>>,
    is_given: Condvar,
}

impl<R> Answer<R> {
    fn new() -> Answer<R> {
        Answer { given: Mutex::new(None), is_given: Condvar::new() }
    }

    fn give(&self, answer: Option<Result<R, Payload>>) {
        *self.given.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        self.is_given.notify_one();
    }

    fn wait(&self) -> Option<Result<R, Payload>> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match given.take() {
                Some(answer) => return answer,
                None => {
                    given = self.is_given.wait(given).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

/// Does not let the thread go on before the answer is given: not by a panic either.
struct Waits<'a, R>(&'a Answer<R>);

impl<R> Waits<'_, R> {
    fn answer(self) -> Option<R> {
        let answer = self.0.wait();
        std::mem::forget(self);
        match answer? {
            Ok(value) => Some(value),
            Err(payload) => resume_unwind(payload),
        }
    }
}

impl<R> Drop for Waits<'_, R> {
    fn drop(&mut self) {
        report::discard(self.0.wait());
    }
}

trait Callable: Send {
    fn call(self: Box<Self>);
}

struct Calling<F, R> {
    function: Option<F>,
    answer: Arc<Answer<R>>,
}

impl<F: FnOnce() -> R + Send, R: Send> Callable for Calling<F, R> {
    fn call(mut self: Box<Self>) {
        if let Some(function) = self.function.take() {
            self.answer.give(Some(catch_unwind(AssertUnwindSafe(function))));
        }
    }
}

impl<F, R> Drop for Calling<F, R> {
    fn drop(&mut self) {
        if let Some(function) = self.function.take() {
            report::discard(function);
            self.answer.give(None);
        }
    }
}

/// Begins an async function whose frame borrows for `'a`.
trait Begin<'a>: Send {
    fn begin(self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + 'a>>;
}

struct Beginning<T, R> {
    thunk: Option<T>,
    answer: Arc<Answer<R>>,
}

impl<'a, T, R> Begin<'a> for Beginning<T, R>
where
    T: Thunk<Output = R> + Send + 'a,
    T::Frame: 'a,
    R: Send + 'a,
{
    fn begin(mut self: Box<Self>) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
        let answer = Arc::clone(&self.answer);
        let thunk = self.thunk.take().expect("it is begun once");
        // SAFETY: rule 1: the frame is polled by `Run` alone, on the heap.
        match catch_unwind(AssertUnwindSafe(|| unsafe { thunk.into_frame() })) {
            Ok(frame) => Box::pin(Run { frame: Some(frame), torn: false, answer }),
            Err(payload) => {
                answer.give(Some(Err(payload)));
                Box::pin(std::future::ready(()))
            }
        }
    }
}

impl<T, R> Drop for Beginning<T, R> {
    fn drop(&mut self) {
        if let Some(thunk) = self.thunk.take() {
            report::discard(thunk);
            self.answer.give(None);
        }
    }
}

/// An async function that was begun. Its frame is gone before the answer is given.
struct Run<F: Future> {
    frame: Option<F>,
    /// See `Hearing::hear`.
    torn: bool,
    answer: Arc<Answer<F::Output>>,
}

impl<F: Future> Future for Run<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<()> {
        // SAFETY: rule 1: `frame` is pinned with the whole, and dropped in place; the rest is not.
        let this = unsafe { self.get_unchecked_mut() };
        let Some(ending) = poll_body(&mut this.frame, &mut this.torn, cx) else {
            return context::wait();
        };
        this.answer.give(match ending {
            Ending::Value(value) => Some(Ok(value)),
            Ending::Panic(payload) => Some(Err(payload)),
            Ending::Unwound => None,
        });
        Poll::Ready(())
    }
}

impl<F: Future> Drop for Run<F> {
    fn drop(&mut self) {
        if self.frame.is_some() {
            // Assigning drops in place.
            let frame = &mut self.frame;
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| *frame = None)) {
                report::discard(payload);
            }
            self.answer.give(None);
        }
    }
}
