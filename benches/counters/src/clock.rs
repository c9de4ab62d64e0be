//! A clock that stands still, and counts how often it is read.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use trio::Instant;
use trio::lowlevel::Clock;
use trio::testing::MockClock;

static READS: AtomicU64 = AtomicU64::new(0);

/// How often the clocks of this process have been read.
pub fn reads() -> u64 {
    READS.load(Ordering::Relaxed)
}

/// Stands still until every task is blocked, and then jumps to the next deadline. As
/// [`MockClock::autojump`], but that looks at the system's clock, whose carry from nanoseconds to seconds
/// can be seen in a count.
pub struct StandingClock(Cell<Instant>);

impl StandingClock {
    pub fn new() -> StandingClock {
        StandingClock(Cell::new(MockClock::new().now()))
    }
}

impl Clock for StandingClock {
    fn now(&self) -> Instant {
        READS.fetch_add(1, Ordering::Relaxed);
        self.0.get()
    }

    fn time_until(&self, deadline: Instant) -> Option<Duration> {
        (deadline <= self.0.get()).then_some(Duration::ZERO)
    }

    fn autojump_threshold(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }

    fn jump_to(&self, deadline: Instant) {
        self.0.set(deadline);
    }
}
