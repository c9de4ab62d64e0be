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
    note = "what is not async can be called before, and its value passed on",
    note = "rule: not_a_thunk"
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

/// Looks at what is given in place of a thunk, to find out whether it could be called, and is not
/// async.
#[doc(hidden)]
#[derive(Debug)]
pub struct LookThunk<'a, T>(pub &'a T);

/// The traits that tell thunks from functions that are not async, and both from anything else. What a
/// function gives that is not async is refused by [`NotAwaitable`](super::awaiting::NotAwaitable).
#[doc(hidden)]
pub mod thunk_traits {
    use super::{LookThunk, Thunk};
    use crate::runtime::awaiting::Operand;

    /// A thunk, or nothing that could be called: it is passed on, and the types have the word.
    #[derive(Debug, Clone, Copy)]
    pub struct Passed;

    /// For thunks.
    pub trait LookAsync {
        /// Says so.
        fn kind(&self) -> Passed {
            Passed
        }
    }
    impl<T: Thunk> LookAsync for &&LookThunk<'_, T> {}

    /// For functions that are not async.
    pub trait LookNotAsync<R> {
        /// Says so.
        fn kind(&self) -> Operand<R> {
            unreachable!("it is refused when it is compiled")
        }
    }
    impl<R, T: FnOnce() -> R> LookNotAsync<R> for &LookThunk<'_, T> {}

    /// For everything else.
    pub trait LookOther {
        /// Says so.
        fn kind(&self) -> Passed {
            Passed
        }
    }
    impl<T> LookOther for LookThunk<'_, T> {}

    impl Passed {
        /// Gives the thunk back.
        #[inline]
        pub fn thunk<T>(self, thunk: T) -> T {
            thunk
        }
    }
}

/// Looks at a function that is spawned with arguments, to find out whether it wants a
/// [`TaskStatus`](crate::TaskStatus) in front of them.
#[doc(hidden)]
#[derive(Debug)]
pub struct LookFunction<'a, F>(pub &'a F);

/// The traits that tell functions which report that they have started from all others.
#[doc(hidden)]
pub mod start_traits {
    use super::LookFunction;
    use crate::runtime::start::TaskStatus;

    /// The function is called.
    #[derive(Debug, Clone, Copy)]
    pub struct Direct;
    /// It is refused.
    #[derive(Debug, Clone, Copy)]
    pub struct Startable;

    impl Direct {
        /// Gives the function back.
        #[inline]
        pub fn function<F>(self, function: F) -> F {
            function
        }
    }

    /// For every function.
    pub trait LookDirect {
        /// Says that it is called.
        fn kind(&self) -> Direct {
            Direct
        }
    }
    impl<F> LookDirect for LookFunction<'_, F> {}

    macro_rules! look_start {
        ($($name:ident $($arg:ident)+;)*) => {$(
            /// For functions of one parameter more, which is the status.
            pub trait $name<V, $($arg,)* R> {
                /// Says that it is refused.
                fn kind(&self) -> Startable {
                    Startable
                }
            }
            impl<F, V, $($arg,)* R> $name<V, $($arg,)* R> for &LookFunction<'_, F>
            where
                F: FnOnce(TaskStatus<V>, $($arg),*) -> R,
            {
            }
        )*};
    }

    look_start! {
        LookStart1 A;
        LookStart2 A B;
        LookStart3 A B C;
        LookStart4 A B C D;
    }

    /// Refuses what is [`Startable`].
    pub trait Refuse: Sized {
        /// Itself.
        type Function;

        /// Says so.
        fn function<F>(self, _function: F) -> <Self::Function as Spawned>::Instead
        where
            Self::Function: Spawned,
        {
            unreachable!("no type has this")
        }
    }
    impl Refuse for Startable {
        type Function = Self;
    }

    /// Nothing that is asked about.
    #[diagnostic::on_unimplemented(
        message = "a function that reports when it has started has one parameter more",
        label = "this takes a `TaskStatus` first",
        note = "use `n.start(serve, port).await`, so that the server listens before you go on",
        note = "rule: spawn_startable"
    )]
    pub trait Spawned {
        /// What would be called.
        type Instead;
    }
    #[diagnostic::do_not_recommend]
    impl Spawned for std::convert::Infallible {
        type Instead = Self;
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
