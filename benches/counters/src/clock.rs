//! A clock that stands still.

use std::cell::Cell;
use std::time::Duration;

use trio::Instant;
use trio::lowlevel::Clock;
use trio::testing::MockClock;

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
