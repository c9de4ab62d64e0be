//! Thunks: what is called by the one it is given to.

use std::future::Future;

use super::awaiting::Checkpoint;
use super::call::{Block, Call};

mod sealed {
    pub trait Sealed {}
}

/// A callable without arguments whose result can be awaited: a task function, a closure that returns
/// a [`Call`] or any future, or an `async` block of a task.
///
/// Whatever takes a thunk calls it, at once. In the body of a task a function and its arguments can
/// be given instead, as in `n.spawn(child, 1)`. What is already called is refused.
#[diagnostic::on_unimplemented(
    message = "this is not an async function: it is already called, or it is not async",
    label = "expected an async function, which is called by the one it is given to",
    note = "pass an async function and its arguments separately: `n.spawn(child, arg)`, not `n.spawn(child(arg))`",
    note = "outside a task write `trio::run(child)`, or a closure: `trio::run(|| child(arg))`",
    note = "what is not async can be called before, and its value passed on"
)]
pub trait Thunk: sealed::Sealed {
    /// What the task gives.
    type Output;
    /// The future that the runtime polls.
    #[doc(hidden)]
    type Frame: Future<Output = Self::Output>;

    /// # Safety
    ///
    /// The frame must be polled by the runtime alone (rule 1).
    #[doc(hidden)]
    unsafe fn into_frame(self) -> Self::Frame;
}

impl<C: FnOnce() -> A, A: Checkpoint> sealed::Sealed for C {}
#[diagnostic::do_not_recommend]
impl<C: FnOnce() -> A, A: Checkpoint> Thunk for C {
    type Output = A::Output;
    type Frame = A::Frame;

    #[inline]
    unsafe fn into_frame(self) -> A::Frame {
        let call = self();
        // SAFETY: by this function's contract.
        unsafe { call.into_frame() }
    }
}

impl<F: Future> sealed::Sealed for Block<F> {}
#[diagnostic::do_not_recommend]
impl<F: Future> Thunk for Block<F> {
    type Output = F::Output;
    type Frame = F;

    #[inline]
    unsafe fn into_frame(self) -> F {
        Block::into_frame(self)
    }
}

/// A task function of given arguments, which may be borrowed: `for<'a> H: TaskFn<(&'a mut Stream,)>`.
///
/// ```
/// use trio::TaskFn;
///
/// #[trio::task]
/// async fn twice<H>(handler: H) -> u32
/// where
///     H: for<'a> TaskFn<(&'a mut u32,), Output = ()>,
/// {
///     let mut value = 1;
///     handler.call_task((&mut value,)).await;
///     handler.call_task((&mut value,)).await;
///     value
/// }
///
/// #[trio::task]
/// async fn double(value: &mut u32) {
///     trio::lowlevel::checkpoint().await;
///     *value *= 2;
/// }
///
/// assert_eq!(trio::run(|| twice(double)), 4);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a task function of the arguments `{Args}`",
    note = "a task function is a `#[trio::task] async fn`, or a closure that returns a call of one"
)]
pub trait TaskFn<Args> {
    /// What the task gives.
    type Output;
    /// The frame of the call.
    type Frame: Future<Output = Self::Output>;

    /// Calls the function.
    fn call_task(&self, args: Args) -> Call<Self::Frame>;
}

macro_rules! task_fn {
    ($($($arg:ident)*;)*) => {$(
        impl<T, R, $($arg,)*> TaskFn<($($arg,)*)> for T
        where
            T: Fn($($arg),*) -> R,
            R: Checkpoint,
        {
            type Output = R::Output;
            type Frame = R::Frame;

            #[allow(non_snake_case)]
            #[inline]
            fn call_task(&self, ($($arg,)*): ($($arg,)*)) -> Call<R::Frame> {
                let call = self($($arg),*);
                // SAFETY: rule 1: the frame goes straight into a `Call`, which does not hand it out.
                unsafe { Call::new(call.into_frame()) }
            }
        }
    )*};
}

task_fn! {
    ;
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E G;
}
