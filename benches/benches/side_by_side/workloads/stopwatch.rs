//! The time during which many tasks are at work.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Runs from when the first of so many tasks has arrived until the last one has departed. All of them have
/// been spawned when the first one runs, so that neither this is in it nor their end.
#[derive(Debug)]
pub struct Stopwatch {
    at_work: Cell<u32>,
    start: Cell<Option<Instant>>,
    time: Cell<Duration>,
}

impl Stopwatch {
    /// For so many tasks.
    pub fn new(tasks: u32) -> Stopwatch {
        let time = Cell::new(Duration::ZERO);
        Stopwatch { at_work: Cell::new(tasks), start: Cell::new(None), time }
    }

    /// A task is at work.
    pub fn arrive(&self) {
        if self.start.get().is_none() {
            self.start.set(Some(Instant::now()));
        }
    }

    /// A task has done its work.
    pub fn depart(&self) {
        self.at_work.set(self.at_work.get() - 1);
        if self.at_work.get() == 0 {
            self.time.set(self.start.get().expect("one has arrived").elapsed());
        }
    }

    /// The time in between.
    pub fn elapsed(&self) -> Duration {
        self.time.get()
    }
}
