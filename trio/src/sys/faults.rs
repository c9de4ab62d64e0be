//! Where system calls can be made to fail.
//!
//! Whoever makes a call that tests want to see fail asks [`admit`] right before it. Without a plan on
//! this thread that is one test of a flag.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

/// A system call that can be made to fail: see
/// [`FaultInjector`](crate::testing::FaultInjector).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[non_exhaustive]
pub enum SystemCall {
    /// Binding a socket to an address.
    Bind,
    /// Beginning to connect.
    Connect,
    /// Accepting a connection.
    Accept,
    /// Receiving bytes.
    Read,
    /// Sending bytes.
    Write,
    /// Shutting one direction down.
    Shutdown,
}

/// What is to become of a call.
pub(crate) enum Fault {
    /// It fails, without having been made.
    Error(io::Error),
    /// It moves one byte at most.
    Short,
}

/// What decides about the calls of a thread.
pub(crate) type Plan = Rc<dyn Fn(SystemCall) -> Option<Fault>>;

thread_local! {
    static ANY: Cell<bool> = const { Cell::new(false) };
    static PLANS: RefCell<Vec<Plan>> = const { RefCell::new(Vec::new()) };
}

/// Asks whether a call can be made, and for how many of `size` bytes.
#[inline]
pub(crate) fn admit(call: SystemCall, size: usize) -> io::Result<usize> {
    if ANY.get() { ask(call, size) } else { Ok(size) }
}

#[cold]
#[inline(never)]
fn ask(call: SystemCall, mut size: usize) -> io::Result<usize> {
    // A copy: a plan may end.
    let plans = PLANS.with_borrow(Clone::clone);
    for plan in plans {
        match plan(call) {
            None => {}
            Some(Fault::Short) => size = size.min(1),
            Some(Fault::Error(error)) => return Err(error),
        }
    }
    Ok(size)
}

/// Puts a plan into effect on this thread.
pub(crate) fn begin(plan: Plan) {
    PLANS.with_borrow_mut(|plans| plans.push(plan));
    ANY.set(true);
}

/// Ends a plan.
pub(crate) fn end(plan: &Plan) {
    let ended = PLANS.try_with(|plans| {
        let mut plans = plans.borrow_mut();
        let at = plans.iter().position(|own| Rc::ptr_eq(own, plan));
        let ended = at.map(|at| plans.remove(at));
        ANY.set(!plans.is_empty());
        ended
    });
    drop(ended);
}
