//! Virtual time.

use std::cell::RefCell;
use std::task::Poll;
use std::time::Duration;

use trio::lowlevel::{Clock, statistics};
use trio::testing::{MockClock, wait_all_tasks_blocked, wait_all_tasks_blocked_for};
use trio::{Builder, current_time};

const SECOND: Duration = Duration::from_secs(1);

/// More than enough for what virtual time makes of hours.
const SOON: Duration = Duration::from_secs(60);

// I93
#[test]
fn a_mock_clock_stands_still_until_it_is_moved() {
    let clock = MockClock::new();
    assert_eq!((clock.elapsed(), clock.rate()), (Duration::ZERO, 0.0));
    assert_eq!(clock.autojump_threshold(), None);
    std::thread::sleep(Duration::from_millis(2));
    assert_eq!(clock.elapsed(), Duration::ZERO);
    clock.jump(Duration::from_millis(1200));
    assert_eq!(clock.elapsed(), Duration::from_millis(1200));
    clock.clone().jump(SECOND);
    assert_eq!(clock.elapsed(), Duration::from_millis(2200));
}

// I93
#[test]
fn a_mock_clock_with_a_rate_runs() {
    let clock = MockClock::new();
    clock.jump(SECOND);
    clock.set_rate(1000.0);
    std::thread::sleep(Duration::from_millis(2));
    assert!(clock.elapsed() >= 3 * SECOND);
    clock.set_rate(0.0);
    let stopped = clock.elapsed();
    std::thread::sleep(Duration::from_millis(2));
    assert_eq!(clock.elapsed(), stopped);
}

// I93
#[test]
fn the_time_until_a_deadline_is_scaled_by_the_rate() {
    let clock = MockClock::new();
    let origin = clock.now();
    assert_eq!(clock.time_until(origin), Some(Duration::ZERO));
    assert_eq!(clock.time_until(origin + 10 * SECOND), None);
    clock.jump(20 * SECOND);
    assert_eq!(clock.time_until(origin + 10 * SECOND), Some(Duration::ZERO));
    clock.set_rate(1e6);
    let day = Duration::from_secs(24 * 60 * 60);
    let left = clock.time_until(clock.now() + 1000 * day).unwrap();
    assert!(left <= Duration::from_secs_f64(86.4) && left > 60 * SECOND, "{left:?}");
}

// I93
#[test]
fn a_rate_that_is_no_rate_is_refused() {
    for rate in [-1.0, f64::NAN, f64::INFINITY] {
        let refused = std::panic::catch_unwind(|| MockClock::new().set_rate(rate)).unwrap_err();
        let text = refused.downcast::<String>().unwrap();
        assert!(text.contains("must be a number and not negative"), "{text}");
    }
}

// I93: a run under a clock with a rate sleeps for the scaled time.
#[test]
fn a_run_follows_the_rate_of_its_clock() {
    let clock = MockClock::new();
    clock.set_rate(10_000.0);
    let start = std::time::Instant::now();
    Builder::new().clock(clock.clone()).run(|| trio::sleep(100 * SECOND));
    assert!(clock.elapsed() >= 100 * SECOND);
    assert!(start.elapsed() >= Duration::from_millis(10));
    assert!(start.elapsed() < SOON);
}

// I94
#[test]
fn virtual_hours_pass_at_once_and_each_wake_up_is_exact() {
    #[trio::task]
    async fn sleeps() {
        let mut time = current_time();
        for round in 0..10_u32 {
            trio::sleep(round * 10 * SECOND).await;
            assert_eq!(time.elapsed(), round * 10 * SECOND);
            time = current_time();
        }
    }
    let start = std::time::Instant::now();
    let clock = MockClock::autojump();
    Builder::new().clock(clock.clone()).run(sleeps);
    assert_eq!(clock.elapsed(), 450 * SECOND);
    assert!(start.elapsed() < SOON);
}

// I94: the clock jumps to the next deadline, whoever it belongs to, and no further.
#[trio::test(clock = "mock")]
async fn the_clock_jumps_from_deadline_to_deadline() {
    let start = current_time();
    let record = RefCell::new(Vec::new());
    trio::nursery!(|n| {
        for hours in [3, 1, 2_u32] {
            let record = &record;
            n.spawn(async move {
                let hour = 3600 * SECOND;
                assert!(trio::move_on_after(hours * hour, trio::sleep_forever).await.is_none());
                assert_eq!(start.elapsed(), hours * hour);
                record.borrow_mut().push(hours);
            });
        }
    })
    .unwrap();
    assert_eq!(*record.borrow(), [1, 2, 3]);
}

// I94: time does not pass as long as anybody is runnable.
#[trio::test(clock = "mock")]
async fn the_clock_does_not_jump_while_a_task_is_busy() {
    let start = current_time();
    trio::nursery!(|n| {
        n.spawn(async {
            for _ in 0..10_000 {
                trio::lowlevel::checkpoint().await;
            }
            assert_eq!(start.elapsed(), Duration::ZERO);
        });
        trio::sleep(SECOND).await;
        assert_eq!(start.elapsed(), SECOND);
    })
    .unwrap();
}

// I95
#[test]
fn the_threshold_can_be_changed_while_the_run_goes_on() {
    #[trio::task]
    async fn change(clock: MockClock) {
        clock.set_autojump_threshold(Some(Duration::ZERO));
        trio::sleep(10 * SECOND).await;
        assert_eq!(clock.elapsed(), 10 * SECOND);

        clock.set_autojump_threshold(Some(Duration::from_millis(20)));
        // These come before the jump, so that no time passes.
        trio::nursery!(|n| {
            n.spawn(trio::sleep, SECOND);
            wait_all_tasks_blocked().await;
            assert_eq!(clock.elapsed(), 10 * SECOND);
            wait_all_tasks_blocked_for(Duration::from_millis(10)).await;
            assert_eq!(clock.elapsed(), 10 * SECOND);
        })
        .unwrap();
        assert_eq!(clock.elapsed(), 11 * SECOND);

        // A threshold that would take for ever is replaced in time.
        clock.set_autojump_threshold(Some(10_000 * SECOND));
        wait_all_tasks_blocked().await;
        clock.set_autojump_threshold(Some(Duration::ZERO));
        trio::sleep(100_000 * SECOND).await;
        assert_eq!(clock.elapsed(), 100_011 * SECOND);
    }
    let clock = MockClock::new();
    Builder::new().clock(clock.clone()).run(|| change(clock));
}

// I95
#[test]
fn a_threshold_set_before_the_run_takes_effect() {
    let clock = MockClock::new();
    clock.set_autojump_threshold(Some(SECOND));
    clock.set_autojump_threshold(Some(Duration::from_millis(10)));
    let start = std::time::Instant::now();
    Builder::new().clock(clock.clone()).run(|| trio::sleep(10_000 * SECOND));
    assert_eq!(clock.elapsed(), 10_000 * SECOND);
    assert!(start.elapsed() >= Duration::from_millis(10), "the threshold was waited for");
    assert!(start.elapsed() < SOON);
}

// I95
#[test]
fn a_clock_that_is_not_the_runs_has_no_effect() {
    #[trio::task]
    async fn interfere(clock: MockClock) {
        let other = MockClock::new();
        other.set_autojump_threshold(Some(Duration::ZERO));
        trio::nursery!(|n| {
            n.spawn(trio::sleep, 100 * SECOND);
            wait_all_tasks_blocked_for(Duration::from_millis(5)).await;
            assert_eq!(clock.elapsed(), Duration::ZERO);
            other.jump(200 * SECOND);
            trio::lowlevel::checkpoint().await;
            wait_all_tasks_blocked().await;
            assert_eq!(clock.elapsed(), Duration::ZERO);
        })
        .unwrap();
        assert_eq!(clock.elapsed(), 100 * SECOND);
        assert_eq!(other.elapsed(), 200 * SECOND);
    }
    let clock = MockClock::new();
    clock.set_autojump_threshold(Some(Duration::from_millis(20)));
    Builder::new().clock(clock.clone()).run(|| interfere(clock));
}

// I95: making, cloning and dropping clocks outside a run does nothing to a run that comes later.
#[test]
fn a_clock_can_be_used_for_one_run_after_another() {
    let clock = MockClock::autojump();
    for round in 1..=3 {
        Builder::new().clock(clock.clone()).run(|| trio::sleep(SECOND));
        assert_eq!(clock.elapsed(), round * SECOND);
    }
}

/// The record of a sleeper and of one who waits for quiet first, under a clock that jumps at once.
fn sleeper_and_waiter(cushion: Duration) -> Vec<&'static str> {
    #[trio::task]
    async fn both(cushion: Duration) -> Vec<&'static str> {
        let record = RefCell::new(Vec::new());
        trio::nursery!(|n| {
            n.spawn(async {
                trio::sleep(100 * SECOND).await;
                record.borrow_mut().push("yawn");
            });
            n.spawn(async {
                wait_all_tasks_blocked_for(cushion).await;
                assert_eq!(statistics().time_to_next_deadline, Some(100 * SECOND));
                record.borrow_mut().push("waiter woke");
                trio::sleep(1000 * SECOND).await;
                record.borrow_mut().push("waiter done");
            });
        })
        .unwrap();
        record.take()
    }
    Builder::new().clock(MockClock::autojump()).run(|| both(cushion))
}

// I96
#[test]
fn who_waits_for_quiet_wakes_before_any_jump() {
    let expected = ["waiter woke", "yawn", "waiter done"];
    assert_eq!(sleeper_and_waiter(Duration::ZERO), expected);
}

// I96
#[test]
fn who_waits_for_quiet_with_a_cushion_wakes_before_any_jump() {
    let expected = ["waiter woke", "yawn", "waiter done"];
    assert_eq!(sleeper_and_waiter(Duration::from_millis(30)), expected);
}

// Without a deadline there is nothing to jump to: the run waits for the world.
#[trio::test(clock = "mock", allow(unstructured_spawn))]
async fn a_jumping_clock_without_a_deadline_waits_for_another_thread() {
    let start = current_time();
    let mut thread = None;
    std::future::poll_fn(|cx| match &thread {
        None => {
            let waker = cx.waker().clone();
            thread = Some(std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(5));
                waker.wake();
            }));
            Poll::Pending
        }
        Some(_) => Poll::Ready(()),
    })
    .await;
    thread.unwrap().join().unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

// A clock of one's own.
#[test]
fn a_clock_can_be_written_by_anybody() {
    struct Hours(std::cell::Cell<u32>, trio::Instant);
    impl Clock for Hours {
        fn now(&self) -> trio::Instant {
            self.1 + self.0.get() * 3600 * SECOND
        }
        fn time_until(&self, deadline: trio::Instant) -> Option<Duration> {
            (deadline <= self.now()).then_some(Duration::ZERO)
        }
        fn autojump_threshold(&self) -> Option<Duration> {
            Some(Duration::ZERO)
        }
        fn jump_to(&self, deadline: trio::Instant) {
            while self.now() < deadline {
                self.0.set(self.0.get() + 1);
            }
        }
    }
    #[trio::task]
    async fn sleeps() -> Duration {
        let start = current_time();
        trio::sleep(5400 * SECOND).await;
        start.elapsed()
    }
    let clock = Hours(std::cell::Cell::new(0), MockClock::new().now());
    assert_eq!(Builder::new().clock(clock).run(sleeps), 7200 * SECOND);
}
