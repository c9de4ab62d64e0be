//! What the runtime does with a thunk, nobody else can do: the traits are for it alone.
use std::future::{Future, Ready, ready};

use trio::{Call, Checkpoint, TaskFn, Thunk};

struct Own;

impl Thunk for Own {
    type Output = ();
    type Frame = Ready<()>;

    unsafe fn into_frame(self) -> Ready<()> {
        ready(())
    }
}

impl Checkpoint for Own {
    type Output = ();
    type Frame = Ready<()>;

    unsafe fn into_frame(self) -> Ready<()> {
        ready(())
    }
}

impl TaskFn<()> for Own {
    type Output = ();
    type Frame = Ready<()>;

    fn call_task(&self, (): ()) -> Call<Ready<()>> {
        Call::new(ready(()))
    }
}

fn frame_of_a_thunk<T: Thunk>(thunk: T) -> impl Future<Output = T::Output> {
    thunk.into_frame()
}

fn frame_of_a_call<C: Checkpoint>(call: C) -> impl Future<Output = C::Output> {
    call.into_frame()
}

fn frame_of_a_function<F: TaskFn<()>>(function: F) -> impl Future<Output = F::Output> {
    function.call_task(())
}

fn main() {}
