//! The core: everything that needs to see inside a task.
//!
//! What is here and public reaches users through `trio` and `trio::lowlevel`. The other modules of
//! the crate use that alone. All `unsafe` of the crate is here and in `sys`; every block names the
//! rule that it rests on:
//!
//! 1. A frame is never handed out: only the runtime polls it, where it lies, and what refers to it
//!    by address (a trace, a waiter, a timer) lies in pinned memory and takes itself out when dropped.
//! 2. A nursery's guard is declared before its body and joined after it, and its handle is invariant
//!    in what children may borrow.
//! 3. A closed nursery refuses: handles hold names, not pointers.
//! 4. A nursery is left only when its children are finished, and whoever has lent something to another
//!    thread goes on only when that is done with it; what is linked into the tree of tasks and scopes
//!    is alive.
//! 5. Names and counted references outlive what they name: a waker never keeps a frame, nor touches
//!    one that is gone; what is counted is alive.
//! 6. A system call is made with valid arguments and its result is checked.

pub(crate) mod awaiting;
pub(crate) mod builder;
pub(crate) mod call;
pub(crate) mod clock;
pub(crate) mod combine;
pub(crate) mod context;
pub(crate) mod counted;
pub(crate) mod deadlines;
pub(crate) mod directory;
pub(crate) mod errand;
pub(crate) mod error;
pub(crate) mod finally;
pub(crate) mod group;
pub(crate) mod guest;
pub(crate) mod hearing;
pub(crate) mod home;
#[cfg(test)]
mod hostile;
pub(crate) mod idle;
pub(crate) mod inbox;
pub(crate) mod instant;
pub(crate) mod instrument;
pub(crate) mod introspect;
pub(crate) mod join;
pub(crate) mod locals;
pub mod main_result;
pub(crate) mod memory;
pub(crate) mod moments;
pub(crate) mod node;
pub(crate) mod nursery;
pub(crate) mod output;
pub(crate) mod park;
mod parts;
pub(crate) mod passing_on;
pub(crate) mod points;
pub(crate) mod reactor;
pub(crate) mod reason;
pub(crate) mod report;
pub(crate) mod request;
pub(crate) mod rng;
pub(crate) mod run;
pub(crate) mod runvar;
pub(crate) mod scope;
pub(crate) mod sleep;
pub(crate) mod slots;
pub(crate) mod start;
pub(crate) mod started;
pub(crate) mod stopping;
pub(crate) mod suspend;
pub(crate) mod system;
pub(crate) mod task;
pub(crate) mod thunk;
pub(crate) mod timeouts;
pub(crate) mod token;
pub(crate) mod trace;
pub(crate) mod tree;
pub mod unawaited;
pub(crate) mod wake;
pub(crate) mod waker;
pub(crate) mod watch;

/// The runtime has a bug.
#[cold]
#[inline(never)]
#[track_caller]
pub(crate) fn internal_error(what: &str) -> ! {
    panic!("trio: internal error: {what}. Please report this.")
}
