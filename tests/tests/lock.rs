//! What holds for `Lock` alone, its values and its owners. What holds for all locks: `locks.rs`.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use futures::FutureExt;
use tests::faults::OnDrop;
use tests::panics::{panic_text, text};
use trio::lowlevel::{checkpoint, current_task};
use trio::sync::{Lock, LockGuard, StrictFifoLock};
use trio::testing::wait_all_tasks_blocked;
use trio::{CancelScope, Outcome, nursery};

// M115
#[trio::test]
async fn a_lock_holds_a_value() {
    let mut lock = Lock::new(vec![1]);
    lock.acquire().await.push(2);
    let mut guard = lock.try_acquire().unwrap();
    guard.push(3);
    assert_eq!(*guard, [1, 2, 3]);
    assert_eq!(format!("{guard:?}"), "LockGuard(Some([1, 2, 3]))");
    drop(guard);
    lock.get_mut().clear();
    assert!(lock.into_inner().is_empty());
    assert_eq!(*Lock::<u32>::default().acquire().await, 0);
    assert_eq!(*Lock::from(1).acquire().await, 1);
}

#[trio::test]
async fn a_lock_may_hold_what_has_no_size() {
    let sized = Lock::new([1, 2]);
    let lock: &Lock<[u32]> = &sized;
    lock.acquire().await[0] = 3;
    assert_eq!(*lock.acquire().await, [3, 2]);
    assert!(!format!("{lock:?}").is_empty());
}

// M115
#[trio::test]
#[should_panic(expected = "already has this lock: a lock is not re-entrant")]
async fn acquiring_a_lock_again_panics() {
    let lock = Lock::new(());
    let _guard = lock.acquire().await;
    let _again = lock.acquire().await;
}

// M115
#[trio::test]
async fn trying_for_a_lock_that_the_task_has_panics() {
    let lock = StrictFifoLock::new(());
    let guard = lock.acquire().await;
    let text = panic_text(|| lock.try_acquire());
    assert!(text.contains("already has this lock"), "{text}");
    // It is held as before, and can be released.
    assert!(lock.is_locked());
    drop(guard);
    assert!(!lock.is_locked());
}

// M115
#[trio::test(allow(useless_nursery))]
async fn statistics_name_the_owner_and_count_who_waits() {
    let lock = Lock::new(());
    let statistics = lock.statistics();
    assert_eq!((statistics.locked, statistics.owner, statistics.tasks_waiting), (false, None, 0));
    nursery!(|n| {
        let guard = lock.acquire().await;
        n.spawn(async {
            let _guard = lock.acquire().await;
            assert_eq!(lock.statistics().owner, Some(current_task()));
        });
        wait_all_tasks_blocked().await;
        let statistics = lock.statistics();
        assert!(statistics.locked);
        assert_eq!((statistics.owner, statistics.tasks_waiting), (Some(current_task()), 1));
        let shown = format!("{lock:?}");
        assert!(shown.contains("statistics_name_the_owner"), "{shown}");
        drop(guard);
    })
    .unwrap();
    assert!(!lock.is_locked());
}

/// Waits for the lock, and tells how that panicked.
#[trio::task]
async fn hears_of(lock: &Lock) -> String {
    nursery!(|n| {
        let waiting = n.spawn_monitored(async {
            let _guard = lock.acquire().await;
        });
        match waiting.outcome().await {
            Outcome::Panicked(payload) => text(&*payload),
            other => panic!("{other:?}"),
        }
    })
    .unwrap()
}

#[trio::task]
async fn forgets_the_guard(lock: &Lock) {
    let guard = lock.acquire().await;
    wait_all_tasks_blocked().await;
    mem::forget(guard);
}

// M118
#[trio::test]
async fn those_who_wait_for_a_lock_whose_owner_ends_hear_of_it() {
    let lock = Lock::new(());
    nursery!(|n| {
        n.spawn_named("the owner", forgets_the_guard, &lock);
        checkpoint().await;
        let waiting = [n.spawn(hears_of, &lock), n.spawn(hears_of, &lock)];
        for waiting in waiting {
            waiting.wait().await;
            let text = waiting.take().unwrap();
            let says =
                "this lock is broken: its owner, task `the owner`, has ended without releasing it";
            assert!(text.contains(says), "{text}");
        }
    })
    .unwrap();
    assert_eq!(lock.statistics().tasks_waiting, 0);
}

// M118
#[trio::test]
async fn those_who_come_to_a_lock_whose_owner_has_ended_hear_of_it() {
    let lock = Lock::new(());
    nursery!(|n| {
        n.spawn_named("the owner", forgets_the_guard, &lock);
    })
    .unwrap();
    for _ in 0..2 {
        let text = hears_of(&lock).await;
        assert!(text.contains("task `the owner`, has ended"), "{text}");
        let text = panic_text(|| lock.try_acquire());
        assert!(text.contains("task `the owner`, has ended"), "{text}");
    }
    assert!(lock.is_locked());
}

// M118
#[trio::test]
async fn a_lock_that_is_handed_over_breaks_with_its_new_owner() {
    let lock = Lock::new(());
    nursery!(|n| {
        let first = n.spawn_named("first", async {
            let _guard = lock.acquire().await;
            wait_all_tasks_blocked().await;
        });
        checkpoint().await;
        let second = n.spawn_named("second", forgets_the_guard, &lock);
        checkpoint().await;
        let waiting = n.spawn(hears_of, &lock);
        // That the first one ends breaks nothing: it has released the lock.
        first.wait().await;
        assert!(!waiting.is_finished());
        assert_eq!(lock.statistics().owner, Some(second.task()));
        waiting.wait().await;
        let text = waiting.take().unwrap();
        assert!(text.contains("task `second`, has ended"), "{text}");
    })
    .unwrap();
}

// M118
#[trio::test]
async fn an_owner_that_releases_its_lock_may_end() {
    let lock = Lock::new(());
    nursery!(|n| {
        for _ in 0..3 {
            // Each has somebody behind, or nobody any more.
            n.spawn(async {
                let _guard = lock.acquire().await;
                checkpoint().await;
            });
        }
    })
    .unwrap();
    nursery!(|n| {
        let guard = lock.acquire().await;
        let cancelled = n.spawn(async {
            let _guard = lock.acquire().await;
        });
        wait_all_tasks_blocked().await;
        cancelled.cancel();
        wait_all_tasks_blocked().await;
        drop(guard);
    })
    .unwrap();
    drop(lock.acquire().await);
}

#[trio::task]
async fn releases_later(guard: LockGuard<'_, u32>) {
    checkpoint().await;
    assert_eq!(*guard, 7);
}

#[trio::test]
async fn a_guard_may_be_dropped_in_another_task() {
    let lock = Lock::new(7);
    nursery!(|n| {
        let waiting = n.spawn(async {
            checkpoint().await;
            *lock.acquire().await
        });
        let guard = lock.acquire().await;
        wait_all_tasks_blocked().await;
        n.spawn(releases_later, guard);
        waiting.wait().await;
        assert_eq!(waiting.take(), Some(7));
    })
    .unwrap();
    assert!(!lock.is_locked());
}

#[trio::test(allow(useless_nursery))]
async fn a_lock_whose_guard_outlives_its_owner_stays_broken_for_those_who_have_seen_it() {
    let lock = Lock::new(0);
    let kept = RefCell::new(None);
    nursery!(|n| {
        n.spawn(async {
            *kept.borrow_mut() = Some(lock.acquire().await);
        });
    })
    .unwrap();
    // Nobody has noticed: it is as good as if it had been released in time.
    kept.take();
    nursery!(|n| {
        n.spawn(async {
            *kept.borrow_mut() = Some(lock.acquire().await);
        });
    })
    .unwrap();
    let text = panic_text(|| lock.try_acquire());
    assert!(text.contains("is broken"), "{text}");
    kept.take();
    let text = panic_text(|| lock.try_acquire());
    assert!(text.contains("is broken"), "{text}");
    checkpoint().await;
}

thread_local! {
    static LOCK: Cell<Option<&'static Lock>> = const { Cell::new(None) };
    static SEEN: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Tries for the lock at once.
struct TriesWhenWoken;

impl Wake for TriesWhenWoken {
    fn wake(self: Arc<Self>) {
        SEEN.set(Some(LOCK.get().unwrap().try_acquire().is_ok()));
    }
}

#[trio::test]
async fn a_waker_that_calls_in_finds_the_lock_handed_over() {
    let lock: &'static Lock = Box::leak(Box::default());
    LOCK.set(Some(lock));
    let mut waiting = Box::pin(lock.acquire());
    nursery!(|n| {
        n.spawn(async {
            let _guard = lock.acquire().await;
            wait_all_tasks_blocked().await;
        });
        checkpoint().await;
        let waker = Waker::from(Arc::new(TriesWhenWoken));
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    })
    .unwrap();
    assert_eq!(SEEN.get(), Some(false));
    assert_eq!(lock.statistics().owner, Some(current_task()));
    drop(waiting);
    assert!(!lock.is_locked());
}

#[trio::test]
async fn destructors_that_run_while_a_task_is_unwound_still_have_the_lock() {
    let lock = Lock::new(());
    let scope = CancelScope::new();
    scope
        .run(async {
            let _guard = lock.acquire().await;
            let _looks = OnDrop(|| assert!(lock.is_locked()));
            scope.cancel();
            checkpoint().await;
        })
        .await;
    assert!(!lock.is_locked());
}

#[test]
fn a_lock_can_be_made_and_looked_at_outside_a_run() {
    let lock = Lock::new(1);
    assert!(!lock.is_locked());
    let text = panic_text(|| lock.acquire().now_or_never());
    assert!(text.contains("inside a trio task"), "{text}");
    let text = panic_text(|| lock.try_acquire());
    assert!(text.contains("inside a trio task"), "{text}");
    assert_eq!(lock.into_inner(), 1);
}

#[trio::task]
async fn is_torn_down(lock: &Lock<u32>) {
    nursery!(|n| {
        n.spawn(async {
            let _guard = lock.acquire().await;
            trio::sleep_forever().await;
        });
        n.spawn(async {
            wait_all_tasks_blocked().await;
            let _guard = lock.acquire().await;
        });
        wait_all_tasks_blocked().await;
        wait_all_tasks_blocked().await;
        assert_eq!(lock.statistics().tasks_waiting, 1);
        std::panic::resume_unwind(Box::new("on purpose"));
    })
    .unwrap();
}

#[test]
fn a_lock_that_outlives_the_run_is_free_after_it() {
    let lock = Lock::new(1);
    panic_text(|| trio::run(|| is_torn_down(&lock)));
    assert!(!lock.is_locked());
    assert_eq!(trio::run(|| async { *lock.acquire().await }), 1);
}
