//! Virtual time.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use crate::Instant;
use crate::lowlevel::{Clock, look_at_clock};

/// A clock that stands still, until it is moved or everything waits for it.
///
/// A handle: clones are the same clock. Its counterpart in Trio is `trio.testing.MockClock`.
///
/// ```
/// use std::time::Duration;
/// use trio::testing::MockClock;
///
/// let clock = MockClock::autojump();
/// trio::Builder::new().clock(clock.clone()).run(|| async {
///     trio::sleep(Duration::from_secs(3600)).await;
/// });
/// assert_eq!(clock.elapsed(), Duration::from_secs(3600));
/// ```
#[derive(Clone)]
pub struct MockClock(Rc<State>);

struct State {
    /// The virtual time at `since`.
    base: Cell<Duration>,
    since: Cell<std::time::Instant>,
    rate: Cell<f64>,
    autojump: Cell<Option<Duration>>,
}

impl MockClock {
    /// A clock at zero that moves only by [`jump`](MockClock::jump).
    pub fn new() -> MockClock {
        MockClock(Rc::new(State {
            base: Cell::new(Duration::ZERO),
            since: Cell::new(std::time::Instant::now()),
            rate: Cell::new(0.0),
            autojump: Cell::new(None),
        }))
    }

    /// A clock at zero that jumps to the next deadline as soon as every task is blocked.
    pub fn autojump() -> MockClock {
        let clock = MockClock::new();
        clock.set_autojump_threshold(Some(Duration::ZERO));
        clock
    }

    /// The virtual time that has passed since zero.
    pub fn elapsed(&self) -> Duration {
        let state = &*self.0;
        state.base.get() + state.since.get().elapsed().mul_f64(state.rate.get())
    }

    /// Moves the clock forward.
    pub fn jump(&self, by: Duration) {
        self.settle();
        self.0.base.set(self.0.base.get() + by);
        look_at_clock();
    }

    /// How many virtual seconds pass in a real one; 0 at first.
    pub fn rate(&self) -> f64 {
        self.0.rate.get()
    }

    /// Lets virtual time pass at `rate` times the real one.
    ///
    /// # Panics
    ///
    /// If the rate is negative, infinite or not a number.
    pub fn set_rate(&self, rate: f64) {
        assert!(
            rate.is_finite() && rate >= 0.0,
            "a clock's rate must be a number and not negative: {rate}"
        );
        self.settle();
        self.0.rate.set(rate);
    }

    /// The real time after which the clock jumps to the next deadline while every task is blocked.
    pub fn autojump_threshold(&self) -> Option<Duration> {
        self.0.autojump.get()
    }

    /// Lets the clock jump to the next deadline once every task has been blocked for `threshold` of
    /// real time; `None`: not at all. Takes effect at once.
    pub fn set_autojump_threshold(&self, threshold: Option<Duration>) {
        self.0.autojump.set(threshold);
    }

    fn settle(&self) {
        let now = self.elapsed();
        self.0.base.set(now);
        self.0.since.set(std::time::Instant::now());
    }

    fn at(&self, deadline: Instant) -> Duration {
        deadline.saturating_duration_since(Instant::ZERO)
    }
}

impl Default for MockClock {
    fn default() -> Self {
        MockClock::new()
    }
}

impl Clock for MockClock {
    fn now(&self) -> Instant {
        Instant::ZERO + self.elapsed()
    }

    fn time_until(&self, deadline: Instant) -> Option<Duration> {
        let left = self.at(deadline).saturating_sub(self.elapsed());
        if left.is_zero() {
            return Some(Duration::ZERO);
        }
        let real = left.as_secs_f64() / self.rate();
        // Without a rate, or with a very small one, it never gets there.
        Duration::try_from_secs_f64(real).ok()
    }

    fn autojump_threshold(&self) -> Option<Duration> {
        self.0.autojump.get()
    }

    fn jump_to(&self, deadline: Instant) {
        let left = self.at(deadline).saturating_sub(self.elapsed());
        self.settle();
        self.0.base.set(self.0.base.get() + left);
    }
}

impl fmt::Debug for MockClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockClock")
            .field("elapsed", &self.elapsed())
            .field("rate", &self.rate())
            .field("autojump_threshold", &self.autojump_threshold())
            .finish()
    }
}
