//! The run's clock.

use std::rc::Rc;
use std::time::Duration;

use super::context;
use super::instant::Instant;

/// What a run takes its time from.
///
/// The default is the system's monotonic clock; [`MockClock`](crate::testing::MockClock) is the
/// virtual one. Its counterpart in Trio is `trio.abc.Clock`.
pub trait Clock {
    /// The time now. It must not go back.
    fn now(&self) -> Instant;

    /// How long the run may sleep, in real time, until this clock reads `deadline`. `None`: this
    /// clock does not get there by itself.
    fn time_until(&self, deadline: Instant) -> Option<Duration>;

    /// The real time after which, with every task blocked, [`jump_to`](Clock::jump_to) is called.
    /// `None`: never.
    fn autojump_threshold(&self) -> Option<Duration> {
        None
    }

    /// Every task is blocked, and this is the next deadline.
    fn jump_to(&self, _deadline: Instant) {}

    /// Called once when a run begins to use this clock.
    fn start(&self) {}
}

/// The clock of one run. The system's is called directly.
pub(crate) enum RunClock {
    System(std::time::Instant),
    Other(Rc<dyn Clock>),
}

/// Where the system clock of a run starts: far from zero, so that a deadline can lie in the past.
const ORIGIN: i64 = 1 << 60;

impl RunClock {
    pub(crate) fn system() -> RunClock {
        RunClock::System(std::time::Instant::now())
    }

    #[inline]
    pub(crate) fn now(&self) -> Instant {
        match self {
            RunClock::System(start) => {
                let passed = i64::try_from(start.elapsed().as_nanos()).unwrap_or(i64::MAX >> 1);
                Instant::from_nanos(ORIGIN + passed)
            }
            RunClock::Other(clock) => clock.now(),
        }
    }

    pub(crate) fn time_until(&self, deadline: Instant, now: Instant) -> Option<Duration> {
        match self {
            RunClock::System(_) => Some(deadline.saturating_duration_since(now)),
            RunClock::Other(clock) => clock.time_until(deadline),
        }
    }

    pub(crate) fn autojump_threshold(&self) -> Option<Duration> {
        match self {
            RunClock::System(_) => None,
            RunClock::Other(clock) => clock.autojump_threshold(),
        }
    }

    pub(crate) fn jump_to(&self, deadline: Instant) {
        if let RunClock::Other(clock) = self {
            clock.jump_to(deadline);
        }
    }
}

/// The time now on the run's clock. Not a cancellation point.
///
/// Its counterpart in Trio is `trio.current_time`.
///
/// # Panics
///
/// Outside a run.
///
/// ```
/// # trio::run(|| async {
/// let start = trio::current_time();
/// assert!(start.elapsed() < std::time::Duration::from_secs(60));
/// # });
/// ```
#[track_caller]
pub fn current_time() -> Instant {
    context::run(|run| run.clock().now())
}
