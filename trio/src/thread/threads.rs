//! The worker threads of a run: how many there are, and who lets them begin.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use crate::lowlevel::{ParkingLot, RunVar, checkpoint};
use crate::sync::{Borrower, CapacityLimiter};

/// Enough for disks and name servers, which these threads mostly wait for.
const DEFAULT_LIMIT: usize = 40;

static THREADS: RunVar<Rc<Threads>> = RunVar::new("worker threads");

/// The limiter of this run's worker threads: of those that are given no other one. It has 40 tokens; that
/// can be changed with [`set_total_tokens`](CapacityLimiter::set_total_tokens).
///
/// Its counterpart in Trio is `trio.to_thread.current_default_thread_limiter`.
///
/// # Panics
///
/// Outside a run.
///
/// ```
/// # trio::run(|| async {
/// trio::thread::default_thread_limiter().set_total_tokens(8);
/// # });
/// ```
#[track_caller]
pub fn default_thread_limiter() -> Rc<CapacityLimiter> {
    Rc::clone(&Threads::current().limiter)
}

/// A thread that can outlive the task that waits for it.
struct Abandonable {
    limiter: Rc<CapacityLimiter>,
    _active: Active,
}

pub(crate) struct Threads {
    pub(super) limiter: Rc<CapacityLimiter>,
    active: Cell<usize>,
    /// Who waits until there is none.
    none: ParkingLot,
    abandonable: RefCell<HashMap<Borrower, Abandonable>>,
}

impl Threads {
    /// Those of this run.
    #[track_caller]
    pub(crate) fn current() -> Rc<Threads> {
        THREADS.get().unwrap_or_else(|| {
            let threads = Rc::new(Threads {
                limiter: Rc::new(CapacityLimiter::new(DEFAULT_LIMIT)),
                active: Cell::new(0),
                none: ParkingLot::new(),
                abandonable: RefCell::default(),
            });
            THREADS.set(Rc::clone(&threads));
            threads
        })
    }

    pub(crate) fn active(&self) -> usize {
        self.active.get()
    }

    /// Waits until none is active.
    pub(crate) async fn wait_until_none(&self) {
        checkpoint().await;
        while self.active.get() > 0 {
            self.none.park().await.expect("nobody breaks this lot");
        }
    }

    /// Notes a thread that is active until what this gives is dropped.
    pub(super) fn count(self: &Rc<Threads>) -> Active {
        self.active.set(self.active.get() + 1);
        Active(Rc::clone(self))
    }

    /// Notes a thread that keeps its borrower's token until it has [ended](Threads::ended), whatever
    /// becomes of the task.
    pub(super) fn register(self: &Rc<Threads>, borrower: Borrower, limiter: Rc<CapacityLimiter>) {
        let thread = Abandonable { limiter, _active: self.count() };
        self.abandonable.borrow_mut().insert(borrower, thread);
    }

    /// Gives back the token of such a thread, if that has not happened.
    pub(super) fn ended(&self, borrower: Borrower) {
        let thread = self.abandonable.borrow_mut().remove(&borrower);
        if let Some(thread) = thread {
            thread.limiter.release_on_behalf_of(borrower);
        }
    }
}

/// An active thread.
pub(super) struct Active(Rc<Threads>);

impl Drop for Active {
    fn drop(&mut self) {
        let threads = &*self.0;
        threads.active.set(threads.active.get() - 1);
        if threads.active.get() == 0 {
            threads.none.unpark_all();
        }
    }
}
