//! What a thread does for tasks, one thing at a time, also when nobody waits for it any more.
//!
//! ```text
//!   Idle ──begin──▶ Working ──the thread is done──▶ Done(result) ──a task takes it──▶ Idle
//!                    │   ▲
//!                    │   └─ a task that waits leaves its run's token: once
//!                    └───── a task that is cancelled leaves the rest as it is, for the next
//! ```
//!
//! A desk is the process's, and outlives runs. The tasks of a run wait in one lot of that run, whatever
//! they wait for: there are few.

use std::io;
use std::mem::replace;
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::BusyResourceError;
use crate::lowlevel::{ParkingLot, RunVar, TrioToken, current_trio_token, start_thread_soon};

static WAITING: RunVar<Rc<ParkingLot>> = RunVar::new("tasks at the standard streams");

/// Where the tasks of this run wait.
pub(super) fn waiting() -> Rc<ParkingLot> {
    WAITING.get().unwrap_or_else(|| {
        let lot = Rc::new(ParkingLot::new());
        WAITING.set(Rc::clone(&lot));
        lot
    })
}

enum Work<R> {
    Idle,
    Working(Option<TrioToken>),
    Done(R),
}

struct State<R> {
    work: Work<R>,
    /// A task is here.
    claimed: bool,
}

pub(super) struct Desk<R: 'static> {
    state: Mutex<State<R>>,
}

impl<R> Default for Desk<R> {
    fn default() -> Desk<R> {
        Desk { state: Mutex::new(State { work: Work::Idle, claimed: false }) }
    }
}

impl<R: Send> Desk<R> {
    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is at the desk, alone in the process, until the claim is dropped.
    pub(super) fn claim(&'static self) -> Result<Claim<R>, BusyResourceError> {
        let mut state = self.lock();
        if replace(&mut state.claimed, true) {
            return Err(BusyResourceError::new());
        }
        Ok(Claim(self))
    }

    fn done(&self, result: R) {
        let work = replace(&mut self.lock().work, Work::Done(result));
        if let Work::Working(Some(token)) = work {
            // A run that is over does not care.
            let _ = token.call_soon(|| {
                waiting().unpark_all();
            });
        }
    }
}

/// Being at a desk.
pub(super) struct Claim<R: 'static>(&'static Desk<R>);

impl<R: Send> Claim<R> {
    /// What came of the last work, if it is done. Or else whether there is any.
    pub(super) fn take(&self) -> Result<R, bool> {
        let mut state = self.0.lock();
        match replace(&mut state.work, Work::Idle) {
            Work::Done(result) => Ok(result),
            Work::Idle => Err(false),
            working @ Work::Working(_) => {
                state.work = working;
                Err(true)
            }
        }
    }

    /// Has a thread work; there is no other work.
    pub(super) fn begin(&self, job: impl FnOnce() -> R + Send + 'static) -> io::Result<()> {
        let desk = self.0;
        desk.lock().work = Work::Working(None);
        start_thread_soon(move || desk.done(job()), drop)
            .inspect_err(|_| desk.lock().work = Work::Idle)
    }

    /// Waits until the work is done; may come back early.
    pub(super) async fn wait(&self) {
        if let Work::Working(token) = &mut self.0.lock().work {
            *token = Some(current_trio_token());
        } else {
            return;
        }
        waiting().park().await.expect("nobody breaks this lot");
    }
}

impl<R: 'static> Drop for Claim<R> {
    /// Who leaves does not wait any more.
    fn drop(&mut self) {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.claimed = false;
        if let Work::Working(token) = &mut state.work {
            *token = None;
        }
    }
}
