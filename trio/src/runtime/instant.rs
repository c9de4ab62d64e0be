//! A point in time on a run's clock.

use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

/// A point in time on the clock of a run, which may be virtual.
///
/// Obtained from [`current_time`](crate::current_time); the arithmetic is that of
/// [`std::time::Instant`]. Instants of different runs are not comparable in any meaningful way.
///
/// ```
/// use std::time::Duration;
/// # trio::run(|| async {
/// let now = trio::current_time();
/// let later = now + Duration::from_millis(5);
/// assert_eq!(later - now, Duration::from_millis(5));
/// # });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    /// Nanoseconds since the clock's origin.
    nanos: i64,
}

impl Instant {
    /// The clock's origin.
    pub(crate) const ZERO: Instant = Instant { nanos: 0 };
    /// Later than every deadline: what "never" is internally.
    pub(crate) const FAR_FUTURE: Instant = Instant { nanos: i64::MAX };
    /// Earlier than every deadline: "already".
    pub(crate) const DISTANT_PAST: Instant = Instant { nanos: i64::MIN };

    pub(crate) const fn from_nanos(nanos: i64) -> Instant {
        Instant { nanos }
    }

    /// The time from `earlier` to this instant; zero if `earlier` is later.
    pub fn duration_since(self, earlier: Instant) -> Duration {
        self.saturating_duration_since(earlier)
    }

    /// The time from `earlier` to this instant; `None` if `earlier` is later.
    pub fn checked_duration_since(self, earlier: Instant) -> Option<Duration> {
        let nanos = i128::from(self.nanos) - i128::from(earlier.nanos);
        u64::try_from(nanos).ok().map(Duration::from_nanos)
    }

    /// The time from `earlier` to this instant; zero if `earlier` is later.
    pub fn saturating_duration_since(self, earlier: Instant) -> Duration {
        self.checked_duration_since(earlier).unwrap_or_default()
    }

    /// This instant moved forward; `None` if it leaves the range (292 years around the origin).
    pub fn checked_add(self, duration: Duration) -> Option<Instant> {
        let nanos = i64::try_from(duration.as_nanos()).ok()?;
        self.nanos.checked_add(nanos).map(Instant::from_nanos)
    }

    /// This instant moved back; `None` if it leaves the range (292 years around the origin).
    pub fn checked_sub(self, duration: Duration) -> Option<Instant> {
        let nanos = i64::try_from(duration.as_nanos()).ok()?;
        self.nanos.checked_sub(nanos).map(Instant::from_nanos)
    }

    /// This instant moved forward, or "never" where that leaves the range.
    pub(crate) fn saturating_add(self, duration: Duration) -> Instant {
        self.checked_add(duration).unwrap_or(Instant::FAR_FUTURE)
    }

    /// The time that has passed on this run's clock since this instant; zero if it is ahead.
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn elapsed(self) -> Duration {
        super::clock::current_time().saturating_duration_since(self)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// # Panics
    ///
    /// If the result leaves the range (292 years around the clock's origin).
    fn add(self, duration: Duration) -> Instant {
        self.checked_add(duration).expect("overflow when adding a duration to an instant")
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    /// # Panics
    ///
    /// If the result leaves the range (292 years around the clock's origin).
    fn sub(self, duration: Duration) -> Instant {
        self.checked_sub(duration).expect("overflow when subtracting a duration from an instant")
    }
}

impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, duration: Duration) {
        *self = *self - duration;
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;

    /// The time from `earlier` to this instant; zero if `earlier` is later.
    fn sub(self, earlier: Instant) -> Duration {
        self.saturating_duration_since(earlier)
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Instant::FAR_FUTURE => f.write_str("Instant(never)"),
            Instant::DISTANT_PAST => f.write_str("Instant(already)"),
            Instant { nanos } if nanos < 0 => {
                write!(f, "Instant(-{:?})", Duration::from_nanos(nanos.unsigned_abs()))
            }
            Instant { nanos } => {
                write!(f, "Instant({:?})", Duration::from_nanos(nanos.unsigned_abs()))
            }
        }
    }
}
