//! Sleeping, deadlines and timeouts.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tests::probe::is_ready;
use trio::lowlevel::{checkpoint, checkpoint_if_cancelled, statistics};
use trio::testing::{MockClock, assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{
    CancelScope, EffectiveDeadline, TooSlowError, current_effective_deadline, current_time,
    fail_after, fail_at, move_on_after, move_on_at,
};

const SECOND: Duration = Duration::from_secs(1);

/// Runs a thunk under a clock that the thunk moves itself.
fn with_clock<T: trio::Thunk>(thunk: impl FnOnce(MockClock) -> T) -> T::Output {
    let clock = MockClock::new();
    trio::Builder::new().clock(clock.clone()).run(thunk(clock))
}

// C47
#[trio::test(clock = "mock")]
async fn a_scope_left_before_its_deadline_is_not_cancelled_by_it() {
    let scope = CancelScope::new();
    let start = current_time();
    scope
        .run(async {
            assert_eq!(scope.deadline(), None);
            scope.set_deadline(Some(start + SECOND));
            assert_eq!(scope.deadline(), Some(start + SECOND));
            checkpoint().await;
        })
        .await
        .unwrap();
    trio::sleep(2 * SECOND).await;
    assert!(!scope.cancel_called() && !scope.cancelled_caught());
}

// C47
#[test]
fn a_deadline_that_a_jump_passes_unwinds_at_the_next_block() {
    #[trio::task]
    async fn jump(clock: MockClock) {
        let scope = CancelScope::with_deadline(current_time() + SECOND);
        let result = scope
            .run(async {
                clock.jump(2 * SECOND);
                trio::sleep_forever().await;
            })
            .await;
        assert!(result.is_none() && scope.cancel_called() && scope.cancelled_caught());
    }
    with_clock(|clock| || jump(clock));
}

// C47
#[test]
fn a_deadline_moved_into_the_past_unwinds_at_the_next_checkpoint() {
    #[trio::task]
    async fn jump(clock: MockClock) {
        let start = current_time();
        let scope = CancelScope::new();
        let result = scope
            .run(async {
                checkpoint().await;
                scope.set_deadline(Some(start + 10 * SECOND));
                checkpoint().await;
                clock.jump(5 * SECOND);
                checkpoint().await;
                poll_fn(|cx| {
                    assert!(is_ready(cx, checkpoint_if_cancelled()));
                    scope.set_deadline(Some(start + SECOND));
                    assert!(!is_ready(cx, checkpoint_if_cancelled()));
                    assert!(!is_ready(cx, checkpoint()));
                    Poll::Ready(())
                })
                .await;
                checkpoint().await;
                unreachable!("every point unwinds");
            })
            .await;
        assert!(result.is_none());
    }
    with_clock(|clock| || jump(clock));
}

// C48
#[test]
fn a_deadline_that_has_passed_is_noticed_by_the_very_next_checkpoint() {
    #[trio::task]
    async fn jump(clock: MockClock) {
        for warm_up in [0, 1, 5, 200] {
            let result = move_on_after(SECOND, async {
                for _ in 0..warm_up {
                    checkpoint().await;
                }
                clock.jump(2 * SECOND);
                checkpoint().await;
                unreachable!("the deadline has passed");
            })
            .await;
            assert!(result.is_none());
        }
    }
    with_clock(|clock| || jump(clock));
}

// C48: also in a task that runs beside the one that moved the clock.
#[test]
fn a_runnable_task_notices_its_deadline_at_the_next_checkpoint() {
    #[trio::task]
    async fn jump(clock: MockClock) {
        let steps = Cell::new(0);
        trio::nursery!(|n| {
            n.spawn(async {
                let result = move_on_after(SECOND, async {
                    loop {
                        checkpoint().await;
                        steps.set(steps.get() + 1);
                    }
                })
                .await;
                assert!(result.is_none());
            });
            for _ in 0..3 {
                checkpoint().await;
            }
            clock.jump(SECOND);
            let before = steps.get();
            checkpoint().await;
            checkpoint().await;
            assert!(steps.get() <= before + 1, "{} then {}", before, steps.get());
        })
        .unwrap();
    }
    with_clock(|clock| || jump(clock));
}

// C48: with the system's clock, a task that never waits notices it, too.
#[trio::test]
async fn a_busy_task_is_stopped_by_its_deadline() {
    let start = std::time::Instant::now();
    let result = move_on_after(Duration::from_millis(20), async {
        loop {
            checkpoint().await;
        }
    })
    .await;
    assert!(result.is_none());
    assert!(start.elapsed() >= Duration::from_millis(20));
}

// C49
#[trio::test(clock = "mock")]
async fn the_effective_deadline_is_the_earliest_one_up_to_a_shield() {
    let start = current_time();
    let at = |seconds: u32| EffectiveDeadline::At(start + seconds * SECOND);
    assert_eq!(current_effective_deadline(), EffectiveDeadline::Never);
    move_on_at(start + 20 * SECOND, async {
        assert_eq!(current_effective_deadline(), at(20));
        move_on_at(start + 5 * SECOND, async {
            assert_eq!(current_effective_deadline(), at(5));
            move_on_at(start + 10 * SECOND, async {
                assert_eq!(current_effective_deadline(), at(5));
                checkpoint().await;
            })
            .await;
            let shielded = CancelScope::with_deadline(start + 30 * SECOND).shielded(true);
            shielded
                .run(async {
                    assert_eq!(current_effective_deadline(), at(30));
                    shielded.set_shield(false);
                    assert_eq!(current_effective_deadline(), at(5));
                    shielded.set_shield(true);
                    shielded.set_deadline(None);
                    assert_eq!(current_effective_deadline(), EffectiveDeadline::Never);
                    shielded.cancel();
                    assert_eq!(current_effective_deadline(), EffectiveDeadline::Cancelled);
                    checkpoint().await;
                })
                .await;
            assert_eq!(current_effective_deadline(), at(5));
            checkpoint().await;
        })
        .await;
        assert_eq!(current_effective_deadline(), at(20));
        checkpoint().await;
    })
    .await;
    assert_eq!(current_effective_deadline(), EffectiveDeadline::Never);
    assert!(EffectiveDeadline::Cancelled < at(0) && at(0) < at(1));
    assert!(at(1) < EffectiveDeadline::Never);
}

// C49: a child sees the scopes around its nursery, not those around the `spawn`.
#[trio::test(clock = "mock")]
async fn a_child_has_the_effective_deadline_of_its_nursery() {
    #[trio::task]
    async fn deadline() -> Option<EffectiveDeadline> {
        checkpoint().await;
        Some(current_effective_deadline())
    }
    let start = current_time();
    let mut handle = None;
    move_on_at(start + 9 * SECOND, async {
        trio::nursery!(|n| {
            move_on_at(start + 3 * SECOND, async {
                handle = Some(n.spawn(deadline));
                checkpoint().await;
            })
            .await;
        })
        .unwrap();
    })
    .await;
    let seen = handle.unwrap().take();
    assert_eq!(seen, Some(Some(EffectiveDeadline::At(start + 9 * SECOND))));
}

// D59
#[trio::test(clock = "mock", allow(zero_sleep))]
async fn a_sleep_takes_exactly_its_time() {
    let start = current_time();
    trio::sleep(SECOND).await;
    assert_eq!(start.elapsed(), SECOND);
    trio::sleep_until(start + 3 * SECOND).await;
    assert_eq!(start.elapsed(), 3 * SECOND);
    trio::sleep(Duration::from_nanos(1)).await;
    assert_eq!(start.elapsed(), 3 * SECOND + Duration::from_nanos(1));
    trio::sleep_until(start).await;
    trio::sleep(Duration::ZERO).await;
    assert_eq!(start.elapsed(), 3 * SECOND + Duration::from_nanos(1));
}

// D59
#[trio::test(allow(zero_sleep))]
async fn every_sleep_is_a_checkpoint() {
    assert_future_checkpoints(trio::sleep(Duration::ZERO)).await;
    assert_future_checkpoints(trio::sleep(Duration::from_micros(1))).await;
    assert_future_checkpoints(trio::sleep_until(current_time())).await;
    assert_future_checkpoints(trio::sleep_until(current_time() + Duration::from_micros(1))).await;
}

// D59: sleeps that are due together, or in any order.
#[trio::test(clock = "mock")]
async fn sleepers_wake_in_the_order_of_their_deadlines() {
    let record = std::cell::RefCell::new(Vec::new());
    trio::nursery!(|n| {
        for seconds in [5, 1, 4, 1, 3, 2_u32] {
            let record = &record;
            n.spawn(async move {
                trio::sleep(seconds * SECOND).await;
                record.borrow_mut().push((seconds, current_time()));
            });
        }
    })
    .unwrap();
    let record = record.into_inner();
    let woken: Vec<u32> = record.iter().map(|(seconds, _)| *seconds).collect();
    assert_eq!(woken, [1, 1, 2, 3, 4, 5]);
    assert!(
        record.windows(2).all(|pair| { pair[1].1 - pair[0].1 == (pair[1].0 - pair[0].0) * SECOND })
    );
}

// D59: with the system's clock, never shorter than asked for.
#[trio::test]
async fn a_real_sleep_is_never_too_short() {
    for micros in [0, 1, 20, 150, 700, 999, 1000, 1001, 2500] {
        let duration = Duration::from_micros(micros);
        let (virtual_start, start) = (current_time(), std::time::Instant::now());
        trio::sleep(duration).await;
        assert!(start.elapsed() >= duration);
        assert!(virtual_start.elapsed() >= duration);
    }
}

// DESIGN 5: epoll rounds up to a millisecond; a shorter sleep must not.
#[trio::test]
async fn sleeps_below_a_millisecond_are_not_rounded_up_to_one() {
    // A busy machine may hold one of them up, or many; not every one of a thousand.
    let duration = Duration::from_micros(100);
    let mut shortest = SECOND;
    for _ in 0..1000 {
        let start = std::time::Instant::now();
        trio::sleep(duration).await;
        assert!(start.elapsed() >= duration);
        shortest = shortest.min(start.elapsed());
    }
    assert!(shortest < Duration::from_millis(1), "the shortest took {shortest:?}");
}

// DESIGN 5: nor one whose last part is below a millisecond.
#[trio::test]
async fn the_last_part_of_a_sleep_is_not_rounded_up_either() {
    let duration = Duration::from_micros(2100);
    let mut shortest = SECOND;
    for _ in 0..200 {
        let start = std::time::Instant::now();
        trio::sleep(duration).await;
        assert!(start.elapsed() >= duration);
        shortest = shortest.min(start.elapsed());
        if shortest < Duration::from_micros(2900) {
            return;
        }
    }
    panic!("the shortest of 200 sleeps of {duration:?} took {shortest:?}");
}

// D59: beyond the clock's range is for ever, not at once.
#[trio::test(clock = "mock")]
async fn a_sleep_beyond_the_range_of_the_clock_lasts_for_ever() {
    trio::nursery!(|n| {
        let long = n.spawn(trio::sleep, Duration::MAX);
        let scoped = n.spawn(|| move_on_after(Duration::MAX, trio::sleep_forever));
        trio::sleep(Duration::from_secs(1 << 30)).await;
        wait_all_tasks_blocked().await;
        assert!(!long.is_finished() && !scoped.is_finished());
        n.cancel();
    })
    .unwrap();
}

// D60
#[trio::test(clock = "mock")]
async fn move_on_gives_none_when_the_time_is_over() {
    let start = current_time();
    assert_eq!(move_on_after(SECOND, || trio::sleep(100 * SECOND)).await, None);
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(move_on_at(start + 3 * SECOND, trio::sleep_forever).await, None);
    assert_eq!(start.elapsed(), 3 * SECOND);
    let value = move_on_after(SECOND, async {
        trio::sleep(SECOND / 2).await;
        7
    });
    assert_eq!(value.await, Some(7));
    assert_eq!(start.elapsed(), 3 * SECOND + SECOND / 2);
}

// D60
#[trio::test(clock = "mock")]
async fn fail_gives_an_error_only_when_the_time_is_over() {
    let start = current_time();
    assert_eq!(fail_after(SECOND, trio::sleep_forever).await, Err(TooSlowError::new()));
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(fail_at(start + 3 * SECOND, trio::sleep_forever).await, Err(TooSlowError::new()));
    assert_eq!(start.elapsed(), 3 * SECOND);
    assert_eq!(fail_after(SECOND, || trio::sleep(SECOND / 2)).await, Ok(()));
    assert_eq!(fail_at(start + 5 * SECOND, || trio::sleep(SECOND / 2)).await, Ok(()));
    assert_eq!(start.elapsed(), 4 * SECOND);
    // The time was over, but there was no point left where it could count.
    #[trio::task(allow(never_awaits))]
    async fn at_once() -> u32 {
        7
    }
    assert_eq!(fail_after(Duration::ZERO, at_once).await, Ok(7));
}

// D60: a cancellation from outside is not a timeout.
#[trio::test(clock = "mock")]
async fn fail_after_lets_an_outer_cancellation_through() {
    let start = current_time();
    let result = move_on_after(SECOND, async {
        let result = fail_after(2 * SECOND, trio::sleep_forever).await;
        unreachable!("it is not the inner one that absorbs: {result:?}");
    })
    .await;
    assert_eq!((result, start.elapsed()), (None::<()>, SECOND));
}

// D61
#[trio::test(clock = "mock")]
async fn a_shielded_timeout_is_ended_by_its_own_deadline_only() {
    let start = current_time();
    let outer = CancelScope::new();
    let inner = CancelScope::with_timeout(SECOND).shielded(true);
    outer
        .run(async {
            outer.cancel();
            assert_eq!(inner.run(trio::sleep_forever).await, None);
            assert_eq!(start.elapsed(), SECOND);
            checkpoint().await;
            unreachable!("the outer scope is cancelled");
        })
        .await;
    assert!(inner.cancelled_caught() && outer.cancelled_caught());
    let error = trio::shield(|| fail_after(SECOND, trio::sleep_forever)).await;
    assert_eq!(error, Err(TooSlowError::new()));
}

// D62
#[trio::test(clock = "mock")]
async fn a_timeout_counts_from_entry() {
    let start = current_time();
    let scope = CancelScope::with_timeout(5 * SECOND);
    let call = move_on_after(2 * SECOND, trio::sleep_forever);
    trio::sleep(10 * SECOND).await;
    assert_eq!((scope.deadline(), scope.cancel_called()), (None, false));
    scope
        .run(async {
            assert_eq!(scope.deadline(), Some(start + 15 * SECOND));
            checkpoint().await;
        })
        .await
        .unwrap();
    call.await;
    assert_eq!(start.elapsed(), 12 * SECOND);
}

// D62, D63: the absolute view takes over.
#[trio::test(clock = "mock")]
async fn a_deadline_set_before_entry_replaces_the_timeout() {
    let start = current_time();
    let scope = CancelScope::with_timeout(5 * SECOND);
    scope.set_deadline(Some(start + 2 * SECOND));
    assert_eq!(scope.deadline(), Some(start + 2 * SECOND));
    trio::sleep(SECOND).await;
    assert_eq!(scope.run(trio::sleep_forever).await, None);
    assert_eq!(start.elapsed(), 2 * SECOND);

    let scope = CancelScope::with_timeout(5 * SECOND);
    scope.set_deadline(None);
    assert!(scope.run(|| trio::sleep(10 * SECOND)).await.is_some());
}

// D64
#[trio::test(clock = "mock")]
async fn a_deadline_in_the_past_lets_it_run_to_its_first_point() {
    let past = current_time();
    trio::sleep(SECOND).await;
    for deadline in [past, current_time()] {
        let reached = Cell::new(false);
        let result = move_on_at(deadline, async {
            reached.set(true);
            checkpoint_if_cancelled().await;
            unreachable!("the deadline has passed");
        })
        .await;
        assert!(result.is_none() && reached.get());
        assert_eq!(fail_at(deadline, checkpoint).await, Err(TooSlowError::new()));
    }
    assert_eq!(move_on_after(Duration::ZERO, checkpoint).await, None);
    assert_eq!((current_time() - past), SECOND);
}

// D65
#[trio::test(clock = "mock")]
async fn sleep_forever_is_not_woken_by_a_waker() {
    let waker = Cell::new(None);
    trio::nursery!(|n| {
        let sleeper = n.spawn(async {
            poll_fn(|cx| {
                waker.set(Some(cx.waker().clone()));
                Poll::Ready(())
            })
            .await;
            trio::sleep_forever().await;
        });
        wait_all_tasks_blocked().await;
        waker.take().unwrap().wake();
        wait_all_tasks_blocked().await;
        assert!(!sleeper.is_finished());
        n.cancel();
    })
    .unwrap();
}

// A sleep is not cut short by a wake that is meant for something else.
#[trio::test(clock = "mock")]
async fn a_sleep_is_not_woken_by_a_waker() {
    let start = current_time();
    let waker = Cell::new(None);
    trio::nursery!(|n| {
        n.spawn(async {
            poll_fn(|cx| {
                waker.set(Some(cx.waker().clone()));
                Poll::Ready(())
            })
            .await;
            trio::sleep(5 * SECOND).await;
            assert_eq!(start.elapsed(), 5 * SECOND);
        });
        trio::sleep(SECOND).await;
        waker.take().unwrap().wake();
    })
    .unwrap();
    assert_eq!(start.elapsed(), 5 * SECOND);
}

// Deadlines moved while the scope is entered, by the task inside and by others.
#[trio::test(clock = "mock")]
async fn a_deadline_can_be_moved_while_the_scope_is_entered() {
    let start = current_time();
    let scope = CancelScope::with_timeout(10 * SECOND);
    trio::nursery!(|n| {
        n.spawn(async {
            assert_eq!(scope.run(trio::sleep_forever).await, None);
        });
        trio::sleep(SECOND).await;
        scope.set_deadline(Some(start + 3 * SECOND));
        assert_eq!(statistics().time_to_next_deadline, Some(2 * SECOND));
        trio::sleep(SECOND).await;
        scope.set_deadline(Some(start + 20 * SECOND));
        trio::sleep(10 * SECOND).await;
        assert!(!scope.cancel_called());
        scope.set_deadline(None);
        trio::sleep(100 * SECOND).await;
        assert!(!scope.cancel_called());
        scope.set_deadline(Some(current_time()));
        assert!(scope.cancel_called());
    })
    .unwrap();
    assert_eq!(start.elapsed(), 112 * SECOND);
    assert!(scope.cancelled_caught());
}

// A deadline given to a nursery's own scope works as any other.
#[trio::test(clock = "mock")]
async fn a_nursery_has_a_deadline_through_its_scope() {
    let start = current_time();
    trio::nursery!(|n| {
        n.cancel_scope().set_deadline(Some(start + SECOND));
        n.spawn(trio::sleep_forever);
    })
    .unwrap();
    assert_eq!(start.elapsed(), SECOND);
}

// Two deadlines that pass at once: the outer scope absorbs.
#[trio::test(clock = "mock")]
async fn of_equal_deadlines_the_outer_one_counts() {
    let deadline = current_time() + SECOND;
    let [outer, inner] = [(); 2].map(|()| CancelScope::with_deadline(deadline));
    outer.run(async { inner.run(trio::sleep_forever).await }).await;
    assert!(outer.cancelled_caught() && !inner.cancelled_caught());
}

// A sleep that ends at the scope's deadline has ended.
#[trio::test(clock = "mock")]
async fn a_sleep_that_is_over_at_the_deadline_has_happened() {
    let slept = Cell::new(false);
    let result = move_on_after(SECOND, async {
        trio::sleep(SECOND).await;
        slept.set(true);
        checkpoint().await;
    })
    .await;
    assert!(slept.get() && result.is_none());
}
