//! The typed part of a task.

use std::cell::UnsafeCell;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context as PollContext, Poll};

use super::handle::Outcome;
use super::header::{Ending, Header, Payload, TaskRef, VTable, flag};
use crate::runtime::context::{self, Heard, InFrame};
use crate::runtime::error::Error;
use crate::runtime::internal_error;
use crate::runtime::memory;
use crate::runtime::moments;
use crate::runtime::output::TaskOutput;
use crate::runtime::report;
use crate::runtime::trace;

/// How a task's output becomes a value or an error.
pub(crate) trait Convert<O> {
    type Value;
    fn convert(output: O) -> Result<Self::Value, Error>;

    /// The type that the task is named after, by its name: that of its frame `F`.
    fn named<F>() -> &'static str {
        std::any::type_name::<F>()
    }
}

/// An `Err` fails the task: what a nursery does.
pub(crate) struct ByOutput;

impl<O: TaskOutput> Convert<O> for ByOutput {
    type Value = O::Value;
    fn convert(output: O) -> Result<O::Value, Error> {
        output.into_result()
    }
}

/// Whatever it is, is the value: what `run` does with main.
pub(crate) struct AsIs;

impl<O> Convert<O> for AsIs {
    type Value = O;
    fn convert(output: O) -> Result<O, Error> {
        Ok(output)
    }
}

/// As [`ByOutput`], for a frame of the runtime's own around one of the type `G`.
pub(crate) struct NamedAfter<G>(PhantomData<G>);

impl<O: TaskOutput, G> Convert<O> for NamedAfter<G> {
    type Value = O::Value;
    fn convert(output: O) -> Result<O::Value, Error> {
        output.into_result()
    }

    fn named<F>() -> &'static str {
        std::any::type_name::<G>()
    }
}

enum Stage<F, V> {
    Frame(F),
    Ended(Outcome<V>),
    Empty,
}

/// Header and frame in one allocation; `repr(C)` so that a pointer to the cell is one to its header.
#[repr(C)]
pub(crate) struct TaskCell<F: Future, C: Convert<F::Output>> {
    header: Header,
    stage: UnsafeCell<Stage<F, C::Value>>,
    convert: PhantomData<C>,
}

impl<F: Future, C: Convert<F::Output>> TaskCell<F, C> {
    const VTABLE: VTable = VTable {
        poll: Self::poll,
        take_down: Self::take_down,
        take: Self::take,
        put: Self::put,
        free: Self::free,
        name: C::named::<F>,
    };

    /// Makes a task out of a frame. The reference is the only one.
    ///
    /// # Safety
    ///
    /// Whatever the frame borrows must outlive the nursery that the task is given to (rule 2), which
    /// must not be left before the task has ended (rule 4).
    pub(crate) unsafe fn allocate(frame: F, spawned: &'static Location<'static>) -> TaskRef {
        let cell = memory::allocate::<Self>().as_ptr();
        // SAFETY: rule 5: just allocated, with one counted reference, which is given on.
        unsafe {
            cell.write(TaskCell {
                header: Header::new(&Self::VTABLE, spawned),
                stage: UnsafeCell::new(Stage::Frame(frame)),
                convert: PhantomData::<C>,
            });
            (*cell).header.node().belongs_to(cell.cast());
            TaskRef::from_raw(cell.cast())
        }
    }

    /// # Safety
    ///
    /// `header` is that of a living `TaskCell<F, C>` whose frame is there and not being polled.
    unsafe fn poll(header: *const Header, cx: &mut PollContext<'_>) -> Option<Ending> {
        // SAFETY: by this function's contract; `repr(C)` makes the cast right.
        let (header, stage) = unsafe { (&*header, (*header.cast::<Self>()).stage.get()) };
        // SAFETY: rule 1: the frame stays in its cell, which is never moved, until `drop_frame`; and
        // only the run loop polls, one step at a time.
        let polled = catch_unwind(AssertUnwindSafe(|| unsafe {
            match &mut *stage {
                Stage::Frame(frame) => {
                    context::begin_frame(frame);
                    Pin::new_unchecked(frame).poll(cx)
                }
                _ => internal_error("a task was stepped after its end"),
            }
        }));
        if let Ok(Poll::Pending) = polled {
            if context::waits() {
                header.clear(flag::TORN);
                return None;
            }
            let mut torn = header.has(flag::TORN);
            let heard = context::hear(&mut torn, cx);
            header.put(flag::TORN, torn);
            if heard != Heard::Unwind {
                return None;
            }
            moments::unwinding();
        }
        // From here on it has ended; its destructors run as part of it.
        trace::cut(std::ptr::null());
        // SAFETY: as above, and the poll is over.
        let dropped = unsafe { Self::drop_frame(header) };
        let outcome = match (polled, dropped) {
            (Err(payload), dropped) => {
                report::discard(dropped);
                Outcome::Panicked(payload)
            }
            (polled, Err(payload)) => {
                report::discard(polled);
                Outcome::Panicked(payload)
            }
            (Ok(Poll::Pending), Ok(())) => Outcome::Cancelled,
            (Ok(Poll::Ready(output)), Ok(())) => {
                match catch_unwind(AssertUnwindSafe(|| C::convert(output))) {
                    Ok(Ok(value)) => Outcome::Ok(value),
                    Ok(Err(error)) => Outcome::Err(error),
                    Err(payload) => Outcome::Panicked(payload),
                }
            }
        };
        // SAFETY: as above.
        Some(unsafe { Self::settle(header, stage, outcome) })
    }

    /// Leaves for the handle what is the handle's, and for the nursery the rest.
    ///
    /// # Safety
    ///
    /// As `poll`, after the frame was dropped.
    unsafe fn settle(
        header: &Header,
        stage: *mut Stage<F, C::Value>,
        outcome: Outcome<C::Value>,
    ) -> Ending {
        if header.has(flag::MONITORED) {
            // SAFETY: the stage is empty, and no reference into it is held.
            unsafe { *stage = Stage::Ended(outcome) };
            return Ending::Quiet;
        }
        match outcome {
            Outcome::Ok(value) if header.has(flag::HANDLE) => {
                // SAFETY: as above.
                unsafe { *stage = Stage::Ended(Outcome::Ok(value)) };
                Ending::Quiet
            }
            Outcome::Ok(value) => match catch_unwind(AssertUnwindSafe(|| drop(value))) {
                Ok(()) => Ending::Quiet,
                Err(payload) => Ending::Panicked(payload),
            },
            Outcome::Err(error) => Ending::Failed(error),
            Outcome::Panicked(payload) => Ending::Panicked(payload),
            Outcome::Cancelled => Ending::Cancelled,
        }
    }

    /// # Safety
    ///
    /// `header` is that of a living `TaskCell<F, C>` whose frame is there and not being polled.
    unsafe fn take_down(header: *const Header) -> Ending {
        // SAFETY: by this function's contract; `repr(C)` makes the cast right.
        let (task, stage) = unsafe { (&*header, (*header.cast::<Self>()).stage.get()) };
        // SAFETY: as above.
        let _in_frame = InFrame::enter(unsafe { &*stage });
        // SAFETY: by this function's contract.
        let outcome = match unsafe { Self::drop_frame(header) } {
            Ok(()) => Outcome::Cancelled,
            Err(payload) => Outcome::Panicked(payload),
        };
        // SAFETY: as above.
        unsafe { Self::settle(task, stage, outcome) }
    }

    /// # Safety
    ///
    /// `header` is that of a living `TaskCell<F, C>` that is not being polled.
    unsafe fn drop_frame(header: *const Header) -> Result<(), Payload> {
        // SAFETY: by this function's contract.
        let stage = unsafe { (*header.cast::<Self>()).stage.get() };
        let result = catch_unwind(AssertUnwindSafe(|| {
            // SAFETY: rule 4: the frame is dropped in place, before what it borrows goes. If a
            // destructor panics the rest of the frame is still dropped, as in any unwinding.
            unsafe {
                if let Stage::Frame(frame) = &mut *stage {
                    std::ptr::drop_in_place(frame);
                }
            }
        }));
        // SAFETY: what was there has been dropped in place or holds nothing; write over it.
        unsafe { stage.write(Stage::Empty) };
        result
    }

    /// Takes the result of a task that has ended: `out` points to an `Option<Outcome<C::Value>>`.
    ///
    /// # Safety
    ///
    /// `header` is that of a living `TaskCell<F, C>`, `out` is as said, and the task has ended.
    unsafe fn take(header: *const Header, out: *mut ()) {
        // SAFETY: by this function's contract.
        unsafe {
            let stage = (*header.cast::<Self>()).stage.get();
            if let Stage::Ended(outcome) = std::ptr::replace(stage, Stage::Empty) {
                *out.cast::<Option<Outcome<C::Value>>>() = Some(outcome);
            }
        }
    }

    /// Puts a result back that was taken: the inverse of `take`.
    ///
    /// # Safety
    ///
    /// As `take`, and the result was taken.
    unsafe fn put(header: *const Header, outcome: *mut ()) {
        // SAFETY: by this function's contract.
        unsafe {
            let stage = (*header.cast::<Self>()).stage.get();
            if let Some(outcome) = (*outcome.cast::<Option<Outcome<C::Value>>>()).take() {
                *stage = Stage::Ended(outcome);
            }
        }
    }

    /// # Safety
    ///
    /// `header` is that of a `TaskCell<F, C>` that nothing refers to any more.
    unsafe fn free(header: *const Header) {
        // SAFETY: rule 5: `allocate` made it, and this was the last reference.
        unsafe { memory::drop_and_free(NonNull::new_unchecked(header.cast::<Self>().cast_mut())) };
    }
}
