//! For tests: a waker of others that calls back whatever is done with it.

use std::cell::RefCell;
use std::task::{RawWaker, RawWakerVTable, Waker};

thread_local! {
    static CALL: RefCell<Option<Box<dyn FnMut()>>> = const { RefCell::new(None) };
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(
    |data| {
        call();
        RawWaker::new(data, &VTABLE)
    },
    |_| call(),
    |_| call(),
    |_| call(),
);

/// What is called when it is cloned, woken or dropped; not from within itself.
pub(crate) fn set_call(function: impl FnMut() + 'static) {
    CALL.set(Some(Box::new(function)));
}

/// From here on nothing is called.
pub(crate) fn clear_call() {
    drop(CALL.take());
}

/// Such a waker.
pub(crate) fn waker() -> Waker {
    // SAFETY: rule 5: the functions own nothing and do not look at the data; what they call is the
    // thread's own.
    unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &VTABLE)) }
}

fn call() {
    if let Some(mut function) = CALL.take() {
        function();
        CALL.set(Some(function));
    }
}
