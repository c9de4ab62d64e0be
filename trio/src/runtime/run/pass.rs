//! One pass of the loop.
//!
//! In this order:
//!
//! ```text
//!   ┌─▶ poll the system      not at all if a turn's worth of steps is not used up; without waiting
//!   │        │               if something is runnable; else until the next deadline
//!   │        ▼
//!   │   wake those whose descriptors are ready
//!   │   run what other threads have sent
//!   │   read the clock once, expire deadlines
//!   │   idle? then `wait_all_tasks_blocked`, else jump the clock
//!   │        │
//!   │        ▼
//!   └── batches: the whole current queue is stepped; what becomes runnable meanwhile waits for the
//!       next batch; until the queue is empty, or the turn is over
//! ```
//!
//! `Run::step` is that pass as a function that returns, so that another event loop can host a run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::{Entered, Phase, Run};
use crate::runtime::clock::RunClock;
use crate::runtime::deadlines::Action;
use crate::runtime::instant::Instant;
use crate::runtime::memory;
use crate::runtime::scope::ScopeCore;

/// How long tasks may go on before the system is polled, and how many looks at the clock that may
/// take (a virtual clock stands still).
const TURN: Duration = Duration::from_micros(20);
const LOOKS: u32 = 16;

/// How far a turn is.
struct Turn {
    looks: u32,
    began: Option<Instant>,
}

/// What whoever steps a run is to do then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Poll the system, for this long at most; `None`: for as long as it takes.
    Poll(Option<Duration>),
    /// The run is over.
    Over,
}

impl Run {
    /// One pass, with what the poll before it has found.
    pub(crate) fn step(&self) -> Next {
        let _entered = Entered::enter(self);
        let mut active = self.take_events();
        active |= self.take_mail();
        active |= self.expire_deadlines();
        if !active && self.queue.is_empty() {
            self.idle.serve(self);
        } else {
            self.idle.disturb();
        }
        self.run_batches();
        self.give_up_if_hopeless();
        if self.phase.get() != Phase::Main && self.tasks_living() == 0 && self.end() {
            return Next::Over;
        }
        Next::Poll(self.poll_timeout())
    }

    /// Polls the system for what `step` will find.
    pub(crate) fn poll(&self, timeout: Option<Duration>) {
        let left = if self.begin_wait(timeout) { timeout } else { Some(Duration::ZERO) };
        match left {
            None => self.look_without_end(),
            Some(_) => {
                self.look(left);
            }
        }
        self.end_wait(timeout);
    }

    /// A wait for the system begins. `false`: there is nothing to wait for, since other threads have sent
    /// something.
    pub(crate) fn begin_wait(&self, timeout: Option<Duration>) -> bool {
        let _entered = Entered::enter(self);
        let asleep = timeout != Some(Duration::ZERO);
        self.asleep.set(asleep);
        let waits = !asleep || self.inbox.fall_asleep();
        self.instruments.call(|instrument| instrument.before_io_wait(timeout));
        waits
    }

    /// Asks the system for what has happened, waiting for `timeout` if it is nothing: whether there is
    /// something.
    pub(crate) fn look(&self, timeout: Option<Duration>) -> bool {
        self.reactor.poll(timeout).unwrap_or_else(|error| {
            self.fail(format!("the system's poller failed: {error}"), None);
            true
        })
    }

    /// The wait is over.
    pub(crate) fn end_wait(&self, timeout: Option<Duration>) {
        let _entered = Entered::enter(self);
        if self.asleep.replace(false) {
            self.inbox.wake_up();
        }
        self.instruments.call(|instrument| instrument.after_io_wait(timeout));
    }

    fn take_events(&self) -> bool {
        let found = self.reactor.dispatch();
        for _ in 0..found.interrupts {
            self.interrupt();
        }
        found.any
    }

    /// Wakes what other threads woke, and calls what they sent.
    fn take_mail(&self) -> bool {
        let mut wakes = self.wakes.borrow_mut();
        let Some(entries) = self.inbox.look(&mut wakes) else {
            return false;
        };
        for name in wakes.drain(..) {
            self.wake_by_name(name);
        }
        drop(wakes);
        // Only those that are there now: one that sends the next must not keep the tasks waiting.
        for _ in 0..entries {
            self.run_entry();
        }
        true
    }

    pub(super) fn run_entry(&self) {
        let Some(entry) = self.inbox.take_entry() else {
            return;
        };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(entry.call)) {
            self.fail("a function given to `call_soon` panicked".to_owned(), Some(payload));
        }
    }

    fn expire_deadlines(&self) -> bool {
        if self.deadlines.is_empty() {
            return false;
        }
        let now = self.clock.now();
        let mut any = false;
        while let Some(timer) = self.deadlines.pop(now) {
            any = true;
            // SAFETY: rule 1: the timer was armed until just now, and nothing has run since.
            match unsafe { timer.as_ref() }.take_action() {
                Action::Wake(target) => target.wake(),
                // SAFETY: rule 5: likewise.
                Action::Cancel(scope) => unsafe { ScopeCore::expire_at(scope) },
                Action::Nothing => {}
            }
        }
        any
    }

    /// Steps batches until nothing is runnable or the turn is over.
    fn run_batches(&self) {
        let mut turn = Turn { looks: 0, began: None };
        self.queue.refill();
        loop {
            if self.queue.is_spent() && !self.look_around(&mut turn) {
                return;
            }
            if !self.queue.next_chunk() {
                return;
            }
            while let Some(task) = self.queue.next() {
                self.step_task(task);
            }
        }
    }

    /// The budget is used up: looks at the clock and at what others have sent. `false`: the turn is over.
    #[inline(never)]
    fn look_around(&self, turn: &mut Turn) -> bool {
        turn.looks += 1;
        if turn.looks == LOOKS {
            return false;
        }
        if let RunClock::System(_) = self.clock {
            let now = self.clock.now();
            let began = *turn.began.get_or_insert(now);
            if now.saturating_duration_since(began) >= TURN {
                return false;
            }
        }
        self.take_mail();
        self.expire_deadlines();
        self.queue.refill();
        true
    }

    fn poll_timeout(&self) -> Option<Duration> {
        if !self.queue.is_empty() {
            return Some(Duration::ZERO);
        }
        memory::idle();
        let next = self.deadlines.next();
        let until_deadline = next.and_then(|next| self.clock.time_until(next, self.clock.now()));
        self.idle.limit(until_deadline, self.clock.autojump_threshold(), next.is_some())
    }

    /// Jumps a virtual clock to the next deadline.
    pub(crate) fn jump(&self) {
        if let Some(next) = self.deadlines.next() {
            self.clock.jump_to(next);
            self.expire_deadlines();
        }
    }
}
