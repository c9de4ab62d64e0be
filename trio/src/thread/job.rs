//! What a thread can be given to call.

use std::convert::Infallible;

mod sealed {
    pub trait Sealed {}
}

/// A function without arguments that is not async: what a worker thread calls, or the run's thread for
/// one.
///
/// In the body of a task a function and its arguments can be given instead, as in
/// `run_in_worker_thread(blocking, x)`. What is already called is refused.
#[diagnostic::on_unimplemented(
    message = "this is not a function for another thread to call: it is already called, or it takes arguments",
    label = "if this is the blocking call, it runs here, and stops all tasks",
    note = "pass the function and its arguments separately: `run_in_worker_thread(blocking, x).await`",
    note = "outside a task, and for everything else that takes a function, pass a closure: `|| blocking(x)`"
)]
pub trait Job: sealed::Sealed {
    /// What the function gives.
    type Output;

    /// Calls the function.
    #[doc(hidden)]
    fn call(self) -> Self::Output;
}

impl<F: FnOnce() -> R, R> sealed::Sealed for F {}
#[diagnostic::do_not_recommend]
impl<F: FnOnce() -> R, R> Job for F {
    type Output = R;

    fn call(self) -> R {
        self()
    }
}

/// With one implementation alone the compiler would speak of closures only.
impl sealed::Sealed for Infallible {}
#[diagnostic::do_not_recommend]
impl Job for Infallible {
    type Output = Infallible;

    fn call(self) -> Infallible {
        self
    }
}
