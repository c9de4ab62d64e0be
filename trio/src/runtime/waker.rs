//! Wakers without counting.
//!
//! A waker's data word is not a pointer but a name: the run, the task's slot in it, and the slot's
//! generation.
//!
//! ```text
//!    63        48 47            28 27                       0
//!   ┌────────────┬────────────────┬──────────────────────────┐
//!   │    run     │   generation   │           slot           │
//!   └────────────┴────────────────┴──────────────────────────┘
//! ```
//!
//! So cloning is a copy and dropping does nothing; a waker can outlive its task, its run and its
//! thread, and can be used from anywhere. Waking on the run's own thread is a comparison and a push;
//! from elsewhere the name goes into the run's inbox. A name that is no longer taken is ignored; one
//! whose numbers have come round again wakes a stranger once for nothing, which every task bears.
//!
//! A task is polled with its *own* waker, which differs in one thing: that it is cloned is noted. As long
//! as it was not, nobody has a waker of the task. From the next step on there is nothing to note any more.

use std::task::{RawWaker, RawWakerVTable, Waker};

use super::context;
use super::directory;
use super::run::Run;
use super::task::Header;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("trio needs a 64-bit target: a waker names its task in one 64-bit word");

const SLOT_BITS: u32 = 28;
const GENERATION_BITS: u32 = 20;

/// How many tasks can live at once in a run.
pub(crate) const MAX_SLOTS: usize = 1 << SLOT_BITS;
const GENERATION_MASK: u32 = (1 << GENERATION_BITS) - 1;

pub(crate) fn name(run: u16, generation: u32, slot: u32) -> u64 {
    u64::from(run) << (SLOT_BITS + GENERATION_BITS)
        | u64::from(generation & GENERATION_MASK) << SLOT_BITS
        | u64::from(slot)
}

pub(crate) fn run_of(name: u64) -> u16 {
    (name >> (SLOT_BITS + GENERATION_BITS)) as u16
}

pub(crate) fn slot_of(name: u64) -> usize {
    (name & (MAX_SLOTS as u64 - 1)) as usize
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(
    |data| RawWaker::new(data, &VTABLE),
    |data| wake(data.addr() as u64),
    |data| wake(data.addr() as u64),
    |_| {},
);

/// Of the waker that a task is polled with, until it has given one away.
static OWN: RawWakerVTable = RawWakerVTable::new(
    |data| {
        given(data.addr() as u64);
        RawWaker::new(data, &VTABLE)
    },
    |data| wake(data.addr() as u64),
    |data| wake(data.addr() as u64),
    |_| {},
);

#[inline]
fn wake(name: u64) {
    if !context::wake_if_running(name) {
        wake_other(name);
    }
}

fn wake_other(name: u64) {
    if !in_its_run(name, Run::wake_by_name) {
        directory::wake(name);
    }
}

#[cold]
fn given(name: u64) {
    if !in_its_run(name, Run::waker_given) {
        directory::waker_given(name);
    }
}

/// Calls `f` if the run of this name is the one of this thread.
#[inline]
fn in_its_run(name: u64, f: impl FnOnce(&Run, u64)) -> bool {
    context::try_run(|run| match run {
        Some(run) if run.id() == run_of(name) => {
            f(run, name);
            true
        }
        _ => false,
    })
}

/// The waker that the task with this name is polled with; `given` if one was given away already.
#[inline]
pub(crate) fn waker(name: u64, given: bool) -> Waker {
    let data = std::ptr::without_provenance(name as usize);
    let table = if given { &VTABLE } else { &OWN };
    // SAFETY: rule 5: the tables' functions take the data word for a number, are thread-safe, and
    // own nothing.
    unsafe { Waker::from_raw(RawWaker::new(data, table)) }
}

#[inline]
pub(crate) fn is_waker_of(waker: &Waker, task: &Header) -> bool {
    let table = waker.vtable();
    waker.data().addr() as u64 == task.id()
        && (std::ptr::eq(table, &OWN) || std::ptr::eq(table, &VTABLE))
}
