//! Running the same thing under several schedules.

use std::future::Future;

use trio::testing::MockClock;
use trio::{Builder, Call};

/// Runs `main` in the order in which tasks become runnable, and in some others, in virtual time.
#[track_caller]
pub fn under_several_schedules<F: Future<Output = ()>>(main: fn() -> Call<F>) {
    Builder::new().clock(MockClock::autojump()).run(main);
    for seed in 0..4 {
        Builder::new().clock(MockClock::autojump()).scheduler_seed(seed).run(main);
    }
}
