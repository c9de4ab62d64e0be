//! What a task function returns, and what an async block in a task is.
//!
//! Neither is a `Future`, and there is no safe way to one: only the runtime owns running frames, and
//! that is what makes it sound for a child to borrow from its parent's stack (rule 1). The one
//! exception is [`Call::into_future`], for frames that borrow nothing from outside.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context as PollContext, Poll};

use super::context::{self, InFrame, PolledWith};
use super::task::TaskRef;
use super::trace;

/// The call of a task function, ready to be awaited in another task or given to a nursery.
///
/// It does nothing until then. It is not a [`Future`]: it cannot be polled by hand, put into
/// `select!`, or moved to another executor; see [`into_future`](Call::into_future) for those that
/// borrow nothing.
#[must_use = "tasks do nothing until awaited: add `.await`, or give the function to a nursery: `n.spawn(f, args)`"]
#[repr(transparent)]
pub struct Call<F> {
    frame: F,
    /// A frame does not leave its thread.
    _thread: PhantomData<*const ()>,
}

/// An `async` block in the body of a task: a thunk of no arguments.
///
/// It can be awaited, spawned, or given to whatever takes a thunk. It is not a [`Future`].
#[must_use = "an `async` block does nothing until awaited: add `.await`"]
pub struct Block<F> {
    frame: F,
    _thread: PhantomData<*const ()>,
}

macro_rules! frames {
    ($($name:ident, $what:literal;)*) => {$(
        impl<F: Future> $name<F> {
            /// Called by the macros alone.
            ///
            /// # Safety
            ///
            /// `frame` is a task's frame as the macros make it: it polls what it awaits through
            /// [`Operand`](super::awaiting::Operand), and its nurseries are joined (rules 1 and 4).
            #[doc(hidden)]
            pub unsafe fn new(frame: F) -> Self {
                $name { frame, _thread: PhantomData }
            }

            pub(crate) fn into_frame(self) -> F {
                self.frame
            }

            /// An ordinary future, for foreign combinators and interfaces.
            ///
            /// It must be polled inside a task, always the same one. Only a frame that borrows
            /// nothing from outside can be converted: the future may be dropped or forgotten at any
            /// time. Dropping it in mid-run drops the tasks of its nurseries with it, and does no
            /// clean-up that awaits.
            ///
            /// # Cancellation
            ///
            /// As in the task that polls it. What must not be interrupted inside, a shield, a clean-up,
            /// the end of a nursery, holds up a combinator that polls all of its futures (`join!`,
            /// `select!`); one that polls only what was woken (`FuturesUnordered`) is dropped with it.
            ///
            /// # Panics
            ///
            /// When polled outside a task, or by another task than the first time; and when it was
            /// unwound in a cancel scope, and is polled again outside of that. The process is aborted
            /// if a task that runs inside the frame drops it.
            pub fn into_future(self) -> IntoFuture<F>
            where
                F: 'static,
            {
                IntoFuture { frame: self.frame, home: None, _thread: PhantomData }
            }
        }

        /// It is none: the bound holds for nothing. It is here for its text, which the compiler says
        /// where a future is wanted.
        #[doc(hidden)]
        impl<F> Future for $name<F>
        where
            CallOutsideTask<F>: InTask,
        {
            type Output = <CallOutsideTask<F> as InTask>::Output;

            fn poll(self: Pin<&mut Self>, _: &mut PollContext<'_>) -> Poll<Self::Output> {
                unreachable!("no type has this")
            }
        }

        impl<F> fmt::Debug for $name<F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($what, " of {}"), std::any::type_name::<F>())
            }
        }
    )*};
}

frames! {
    Call, "Call";
    Block, "Block";
}

/// A place that is no task.
#[doc(hidden)]
#[allow(missing_debug_implementations)]
pub struct CallOutsideTask<F>(PhantomData<F>);

/// No place outside is. Only here could it be said that one is: the type and the trait are of this
/// crate.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a call of a task function is no future: it can be awaited in a task only",
    label = "only the body of a task can await it",
    note = "mark the `async fn` around it `#[trio::task]`",
    note = "to run several at the same time use a nursery: `n.spawn(f, args)`",
    note = "rule: polled_by_hand"
)]
pub trait InTask {
    /// What it would give.
    type Output;
}

#[diagnostic::do_not_recommend]
impl InTask for Infallible {
    type Output = Self;
}

/// A task's frame as an ordinary future: see [`Call::into_future`].
#[must_use = "futures do nothing unless awaited"]
pub struct IntoFuture<F> {
    frame: F,
    /// The task that polled first.
    home: Option<TaskRef>,
    _thread: PhantomData<*const ()>,
}

impl<F: Future> Future for IntoFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<F::Output> {
        // SAFETY: rule 1: `frame` is never moved out of the pinned whole; `home` is not pinned.
        let (frame, home) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.frame), &mut this.home)
        };
        context::task(|task| match home {
            None => *home = Some(TaskRef::from_header(task)),
            Some(home) => assert!(
                std::ptr::eq(home.as_ptr(), task),
                "a converted task must be polled by the task that polled it first: `{}`, not `{}`",
                home.name(),
                task.name(),
            ),
        });
        // The frame can go at any time: its await chain must not stay in the task's.
        let trace = context::with(|c| c.trace.get());
        let _in_place = PolledWith::context(cx);
        let _in_frame = InFrame::enter(&*frame);
        let result = frame.poll(cx);
        trace::cut(trace);
        result
    }
}

impl<F> fmt::Debug for IntoFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IntoFuture of {}", std::any::type_name::<F>())
    }
}

impl<F: Future> Call<F> {
    /// The call of a function that is `boxed`. Called by the macros alone.
    ///
    /// # Safety
    ///
    /// As [`new`](Call::new).
    #[doc(hidden)]
    pub unsafe fn boxed(frame: F) -> Call<Boxed<F>> {
        Call { frame: Boxed::new(Box::pin(frame)), _thread: PhantomData }
    }
}

/// The frame of a task that is `boxed`: allocated on its own.
#[doc(hidden)]
#[must_use = "futures do nothing unless awaited"]
pub struct Boxed<F>(ManuallyDrop<Pin<Box<F>>>);

impl<F> Boxed<F> {
    fn new(frame: Pin<Box<F>>) -> Self {
        Boxed(ManuallyDrop::new(frame))
    }

    /// That of a call in a box, as recursion needs it.
    pub(crate) fn of(call: Pin<Box<Call<F>>>) -> Self {
        // SAFETY: rule 1: the frame stays where it is, and a call is nothing but its frame.
        unsafe {
            let call = Box::into_raw(Pin::into_inner_unchecked(call));
            Boxed::new(Box::into_pin(Box::from_raw(call.cast::<F>())))
        }
    }
}

impl<F: Future> Future for Boxed<F> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<F::Output> {
        // In place if the box is: it goes with what it is in.
        let _in_frame = context::is_in_place(&*self, cx).then(|| InFrame::enter(&**self.0));
        self.0.as_mut().poll(cx)
    }
}

impl<F> Drop for Boxed<F> {
    fn drop(&mut self) {
        let _in_frame = context::is_in_frame(self).then(|| InFrame::enter(&**self.0));
        // SAFETY: rule 1: it is dropped once, in its place.
        unsafe { ManuallyDrop::drop(&mut self.0) };
    }
}

impl<F> fmt::Debug for Boxed<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Boxed of {}", std::any::type_name::<F>())
    }
}
