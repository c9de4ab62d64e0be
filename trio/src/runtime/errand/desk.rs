//! Where a task and the thread that runs its errand meet.
//!
//! ```text
//!            close: abandoned, dropped
//!   Open ──────────────────────────────▶ Closed       visits are refused
//!     │ finish                             │ finish
//!     └──────────────▶ Over ◀──────────────┘          the frame may go
//! ```

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use crate::runtime::request::{Request, TaskRequest};

/// What the task is asked to do.
pub(super) enum Visit {
    Call(Request),
    Run(TaskRequest),
}

/// What the task finds when it looks.
pub(super) enum Found {
    Over,
    Visit(Visit),
    /// Neither: it will be woken.
    Nothing,
}

#[derive(Default)]
struct State {
    visits: VecDeque<Visit>,
    /// Whom to wake: the task, when it waits.
    waker: Option<Waker>,
    /// The task serves no visits any more.
    closed: bool,
    over: bool,
    /// Somebody blocks until it is over.
    blocked: bool,
}

#[derive(Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    is_over: Condvar,
    cancelled: AtomicBool,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// The task was found cancelled.
    pub(super) fn note_cancelled(&self) {
        self.cancelled.store(true, Ordering::Release);
    }

    /// Asks the task for something. What it refuses is dropped.
    pub(super) fn visit(&self, visit: Visit) {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            drop(visit);
            return;
        }
        state.visits.push_back(visit);
        let waker = state.waker.take();
        drop(state);
        wake(waker);
    }

    /// The job is gone, and its result is there.
    pub(super) fn finish(&self) {
        let mut state = self.lock();
        state.over = true;
        let (waker, blocked) = (state.waker.take(), state.blocked);
        drop(state);
        if blocked {
            self.is_over.notify_all();
        }
        wake(waker);
    }

    /// The task looks. If there is nothing, `waker` is woken for what comes.
    pub(super) fn look(&self, waker: &Waker) -> Found {
        // A foreign waker is cloned and dropped by code of others: not under the lock.
        let waker = waker.clone();
        let mut state = self.lock();
        if state.over {
            return Found::Over;
        }
        if let Some(visit) = state.visits.pop_front() {
            return Found::Visit(visit);
        }
        let before = state.waker.replace(waker);
        drop(state);
        drop(before);
        Found::Nothing
    }

    /// The task gives the errand up, unless it is over. `true`: it serves no visits any more.
    pub(super) fn abandon(&self) -> bool {
        let state = self.lock();
        if state.over {
            return false;
        }
        close(state);
        true
    }

    /// From here on visits are refused. Those that wait are dropped.
    pub(super) fn close(&self) {
        close(self.lock());
    }

    /// Blocks until it is over.
    pub(super) fn wait_until_over(&self) {
        let mut state = self.lock();
        state.blocked = true;
        while !state.over {
            state = self.is_over.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn close(mut state: MutexGuard<'_, State>) {
    state.closed = true;
    let left = (std::mem::take(&mut state.visits), state.waker.take());
    // Both are dropped by code of others: not under the lock.
    drop(state);
    drop(left);
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
