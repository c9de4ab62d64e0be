//! The order of things: batches, checkpoints, and waiting for quiet.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use trio::lowlevel::{
    ParkingLot, cancel_shielded_checkpoint, checkpoint, checkpoint_if_cancelled, current_task,
    statistics,
};
use trio::testing::{
    MockClock, assert_checkpoints, assert_no_checkpoints, wait_all_tasks_blocked,
    wait_all_tasks_blocked_for,
};
use trio::thread::run_in_worker_thread;
use trio::{Builder, Thunk, current_time};

/// The text of the panic in which a run of `thunk` ends.
fn panic_of<T: Thunk>(thunk: T) -> String {
    let run = || Builder::new().clock(MockClock::autojump()).run(thunk);
    let Err(payload) = catch_unwind(AssertUnwindSafe(run)) else {
        panic!("there was no panic");
    };
    payload.downcast_ref::<String>().expect("a formatted panic").clone()
}

/// Who made which step, of `tasks` that make `rounds` steps each.
#[trio::task]
async fn steps(tasks: u32, rounds: u32) -> Vec<(u32, u32)> {
    let record = RefCell::new(Vec::new());
    trio::nursery!(|n| {
        for task in 0..tasks {
            let record = &record;
            n.spawn(async move {
                for round in 0..rounds {
                    record.borrow_mut().push((round, task));
                    checkpoint().await;
                }
            });
        }
    })
    .unwrap();
    record.take()
}

/// The rounds must follow each other, whatever the order within one is.
fn assert_fair(record: &[(u32, u32)], tasks: usize) {
    for (round, batch) in record.chunks(tasks).enumerate() {
        let of_round: HashSet<u32> = batch.iter().map(|(_, task)| *task).collect();
        assert_eq!(of_round.len(), tasks, "not everybody had a turn: {batch:?}");
        assert!(batch.iter().all(|(step, _)| *step as usize == round), "{batch:?}");
    }
}

#[test]
fn checkpoints_interleave_with_whoever_is_runnable() {
    let record = trio::run(|| steps(3, 200));
    assert_fair(&record, 3);
    assert_eq!(record.len(), 600);
}

// T179
#[test]
fn without_a_seed_a_batch_is_in_the_order_of_waking() {
    let record = trio::run(|| steps(5, 4));
    let expected: Vec<(u32, u32)> =
        (0..4).flat_map(|round| (0..5).map(move |task| (round, task))).collect();
    assert_eq!(record, expected);
}

// T179
#[test]
fn the_same_seed_gives_the_same_order() {
    let run = |seed| Builder::new().scheduler_seed(seed).run(|| steps(6, 10));
    for seed in [0, 1, 7, u64::MAX] {
        let first = run(seed);
        assert_fair(&first, 6);
        assert_eq!((0..5).map(|_| run(seed)).filter(|again| *again != first).count(), 0);
    }
}

// T179
#[test]
fn different_seeds_give_different_orders() {
    let run = |seed| Builder::new().scheduler_seed(seed).run(|| steps(6, 10));
    let orders: HashSet<_> = (0..10).map(run).collect();
    assert_eq!(orders.len(), 10);
}

// T179
#[trio::test(seed = 7)]
async fn a_seeded_test_is_shuffled() {
    let record = steps(6, 10).await;
    assert_fair(&record, 6);
    assert!(!record.is_sorted());
}

async fn ten_checkpoints() {
    for _ in 0..10 {
        checkpoint().await;
    }
}

#[trio::test]
async fn a_task_that_is_alone_goes_on_without_being_suspended() {
    let polls = Cell::new(0);
    let mut rounds = Box::pin(ten_checkpoints());
    std::future::poll_fn(|cx| {
        polls.set(polls.get() + 1);
        rounds.as_mut().poll(cx)
    })
    .await;
    assert!(polls.get() <= 2, "ten checkpoints alone took {} polls", polls.get());
}

#[trio::test(allow(busy_wait))]
async fn a_task_that_is_not_alone_is_suspended_at_each_checkpoint() {
    let polls = Cell::new(0);
    let done = Cell::new(false);
    trio::nursery!(|n| {
        n.spawn(async {
            while !done.get() {
                checkpoint().await;
            }
        });
        let mut rounds = Box::pin(ten_checkpoints());
        std::future::poll_fn(|cx| {
            polls.set(polls.get() + 1);
            rounds.as_mut().poll(cx)
        })
        .await;
        done.set(true);
    })
    .unwrap();
    assert_eq!(polls.get(), 11);
}

// DESIGN 5: the budget of a turn; without it neither deadlines nor other threads would be heard.
#[trio::test(allow(busy_wait, unstructured_spawn))]
async fn a_task_that_goes_on_and_on_hears_other_threads() {
    let token = trio::lowlevel::current_trio_token();
    let called = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let calls = std::sync::Arc::clone(&called);
    let thread = std::thread::spawn(move || {
        token.call_soon(move || calls.store(true, std::sync::atomic::Ordering::SeqCst))
    });
    while !called.load(std::sync::atomic::Ordering::SeqCst) {
        checkpoint().await;
    }
    thread.join().unwrap().unwrap();
}

// DESIGN 5: deadlines are looked at after what others have sent.
#[test]
fn a_clock_that_a_callback_moves_is_looked_at_before_the_next_step() {
    thread_local! {
        static CLOCK: MockClock = MockClock::new();
    }
    const SECOND: Duration = Duration::from_secs(1);
    #[trio::task]
    async fn counts() -> u32 {
        let mut late = 0;
        let due = current_time() + SECOND;
        let jump = || CLOCK.with(|clock| clock.jump(SECOND));
        trio::lowlevel::current_trio_token().call_soon(jump).unwrap();
        trio::move_on_at(due, async {
            loop {
                checkpoint().await;
                late += u32::from(current_time() >= due);
            }
        })
        .await;
        late
    }
    let clock = CLOCK.with(MockClock::clone);
    assert_eq!(Builder::new().clock(clock).run(counts), 0);
}

// DESIGN 5: what becomes runnable during a batch waits for the next one.
#[trio::test]
async fn what_is_woken_during_a_batch_runs_in_the_next_one() {
    let record = RefCell::new(Vec::new());
    let push = |what| record.borrow_mut().push(what);
    let lot = ParkingLot::new();
    trio::nursery!(|n| {
        n.spawn(async {
            lot.park().await.unwrap();
            push("woken");
        });
        wait_all_tasks_blocked().await;
        n.spawn(async {
            push("first");
            lot.unpark_all();
        });
        n.spawn(async { push("second") });
        n.spawn(async { push("third") });
    })
    .unwrap();
    assert_eq!(*record.borrow(), ["first", "second", "third", "woken"]);
}

// A child does not run before its spawner lets it.
#[trio::test]
async fn a_child_begins_with_the_next_batch() {
    let begun = Cell::new(false);
    trio::nursery!(|n| {
        n.spawn(async { begun.set(true) });
        assert!(!begun.get());
        checkpoint().await;
        assert!(begun.get());
    })
    .unwrap();
}

// C34, T176
#[trio::test]
async fn whole_checkpoints_are_checkpoints() {
    assert_checkpoints(checkpoint).await;
    assert_checkpoints(|| std::future::ready(())).await;
    assert_checkpoints(wait_all_tasks_blocked).await;
    assert_checkpoints(async { assert_checkpoints(checkpoint).await }).await;
    let value = assert_checkpoints(async {
        checkpoint().await;
        7
    });
    assert_eq!(value.await, 7);
}

// T176
#[trio::test]
async fn two_halves_make_a_checkpoint() {
    assert_checkpoints(async {
        checkpoint_if_cancelled().await;
        cancel_shielded_checkpoint().await;
    })
    .await;
}

#[trio::task(allow(never_awaits))]
async fn nothing() {}

// T176
#[test]
fn nothing_is_no_checkpoint() {
    #[trio::task]
    async fn wrong() {
        assert_checkpoints(nothing).await;
    }
    assert!(panic_of(wrong).ends_with("there was no checkpoint at all"));
}

// T176
#[test]
fn half_a_checkpoint_is_neither_one_nor_none() {
    #[trio::task]
    async fn only_schedules() {
        assert_checkpoints(cancel_shielded_checkpoint).await;
    }
    #[trio::task]
    async fn only_cancels() {
        assert_checkpoints(async { checkpoint_if_cancelled().await }).await;
    }
    #[trio::task]
    async fn schedules_once() {
        assert_no_checkpoints(async { cancel_shielded_checkpoint().await }).await;
    }
    #[trio::task]
    async fn cancels_once() {
        assert_no_checkpoints(checkpoint_if_cancelled).await;
    }
    let text = panic_of(only_schedules);
    assert!(text.contains("there was a schedule point, but no cancellation point"), "{text}");
    let text = panic_of(only_cancels);
    assert!(text.contains("there was a cancellation point, but no schedule point"), "{text}");
    let text = panic_of(schedules_once);
    assert!(text.contains("0 cancellation points and 1 schedule points"), "{text}");
    let text = panic_of(cancels_once);
    assert!(text.contains("1 cancellation points and 0 schedule points"), "{text}");
}

// T176
#[test]
fn a_checkpoint_is_not_none() {
    #[trio::task]
    async fn wrong() {
        assert_no_checkpoints(checkpoint).await;
    }
    let text = panic_of(wrong);
    assert!(text.starts_with("assert_no_checkpoints at tests/tests/scheduling.rs:"), "{text}");
}

// T176
#[trio::test]
async fn what_does_not_wait_makes_no_checkpoint() {
    assert_no_checkpoints(nothing).await;
    assert_no_checkpoints(async { trio::shield(nothing).await }).await;
    assert_no_checkpoints(async {
        trio::move_on_after(Duration::from_secs(1), nothing).await;
        async { nothing().await }.await;
    })
    .await;
}

// A task's own count of its points.
#[trio::test]
async fn a_task_counts_its_checkpoints() {
    let task = current_task();
    let before = task.checkpoints();
    for _ in 0..3 {
        checkpoint().await;
        cancel_shielded_checkpoint().await;
    }
    let after = task.checkpoints();
    assert!(after.0 - before.0 >= 3);
    assert_eq!(after.1 - before.1, 6);
}

// A plain future that is ready at once lets others run, as every await in a task does.
#[trio::test]
async fn a_future_that_is_ready_at_once_is_a_schedule_point() {
    let record = RefCell::new(Vec::new());
    trio::nursery!(|n| {
        n.spawn(async { record.borrow_mut().push("child") });
        std::future::ready(()).await;
        record.borrow_mut().push("body");
    })
    .unwrap();
    assert_eq!(*record.borrow(), ["child", "body"]);
}

// Half a checkpoint lets nobody else run.
#[trio::test]
async fn a_cancellation_point_alone_goes_straight_on() {
    let begun = Cell::new(false);
    trio::nursery!(|n| {
        n.spawn(async { begun.set(true) });
        checkpoint_if_cancelled().await;
        assert!(!begun.get());
    })
    .unwrap();
}

// T175
#[trio::test]
async fn waiting_for_quiet_outlasts_whoever_is_busy() {
    let record = RefCell::new(Vec::new());
    trio::nursery!(|n| {
        n.spawn(async {
            for _ in 0..1000 {
                checkpoint().await;
            }
            record.borrow_mut().push("busy");
        });
        for _ in 0..2 {
            n.spawn(async {
                wait_all_tasks_blocked().await;
                record.borrow_mut().push("quiet");
            });
        }
    })
    .unwrap();
    assert_eq!(*record.borrow(), ["busy", "quiet", "quiet"]);
}

// T175
#[trio::test]
async fn cushions_are_served_from_the_smallest() {
    let record = RefCell::new(Vec::new());
    trio::nursery!(|n| {
        for millis in [20, 0, 30, 0, 20, 30] {
            let record = &record;
            n.spawn(async move {
                wait_all_tasks_blocked_for(Duration::from_millis(millis)).await;
                record.borrow_mut().push(millis);
            });
        }
    })
    .unwrap();
    assert_eq!(*record.borrow(), [0, 0, 20, 20, 30, 30]);
}

// T175
#[trio::test]
async fn a_cushion_is_over_when_its_time_is_and_not_before() {
    for micros in [300, 1700, 2900, 5300] {
        // Leaves a timer of the system's behind, which comes in the midst of the wait.
        trio::move_on_after(Duration::from_millis(1), || run_in_worker_thread(|| ())).await;
        let cushion = Duration::from_micros(micros);
        let begin = std::time::Instant::now();
        wait_all_tasks_blocked_for(cushion).await;
        assert!(begin.elapsed() >= cushion, "{micros}");
    }
}

// T175: whoever is woken begins the wait of the others anew.
#[trio::test]
async fn activity_begins_a_cushion_anew() {
    let start = std::time::Instant::now();
    let record = RefCell::new(Vec::new());
    trio::nursery!(|n| {
        n.spawn(async {
            for _ in 0..5 {
                trio::sleep(Duration::from_millis(5)).await;
            }
            record.borrow_mut().push("sleeper");
        });
        wait_all_tasks_blocked_for(Duration::from_millis(60)).await;
        record.borrow_mut().push("quiet");
    })
    .unwrap();
    assert_eq!(*record.borrow(), ["sleeper", "quiet"]);
    assert!(start.elapsed() >= Duration::from_millis(85));
}

// T175
#[trio::test]
async fn waiting_for_quiet_can_be_cancelled() {
    let result = trio::move_on_after(Duration::from_millis(1), || {
        wait_all_tasks_blocked_for(Duration::from_secs(3600))
    })
    .await;
    assert!(result.is_none());
    // It has left no trace.
    wait_all_tasks_blocked().await;
}

// T175: a sleep does not count as being busy.
#[trio::test(clock = "mock")]
async fn sleepers_are_blocked() {
    let start = current_time();
    trio::nursery!(|n| {
        let sleeper = n.spawn(trio::sleep, Duration::from_secs(1));
        wait_all_tasks_blocked().await;
        assert!(!sleeper.is_finished());
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(statistics().tasks_runnable, 0);
    })
    .unwrap();
}

// Cancellation is decided by the tree and not by the order: the same for every seed.
#[test]
fn no_order_changes_what_a_cancellation_reaches() {
    #[trio::task]
    async fn tree() -> (Vec<&'static str>, Duration) {
        let start = current_time();
        let record = RefCell::new(Vec::new());
        let push = |what| record.borrow_mut().push(what);
        let result = trio::nursery!(|n| {
            n.spawn(async {
                trio::finally(trio::sleep_forever, async {
                    trio::sleep(Duration::from_secs(2)).await;
                    push("cleaned up");
                })
                .await;
            });
            n.spawn(async {
                trio::shield(|| trio::sleep(Duration::from_secs(3))).await;
                push("shielded");
            });
            n.spawn(async {
                checkpoint().await;
                push("failed");
                Err::<(), _>("no luck")
            });
            n.spawn(async {
                trio::sleep(Duration::from_secs(1)).await;
                push("slept");
            });
        });
        assert_eq!(result.unwrap_err().len(), 1);
        (record.take(), start.elapsed())
    }
    for seed in 0..50 {
        let clock = MockClock::autojump();
        let (record, elapsed) = Builder::new().clock(clock).scheduler_seed(seed).run(tree);
        assert_eq!(record, ["failed", "cleaned up", "shielded"]);
        assert_eq!(elapsed, Duration::from_secs(3));
    }
}
