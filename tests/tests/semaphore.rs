//! A number that tasks take from and give to: `Semaphore`.

use std::cell::{Cell, RefCell};

use futures::FutureExt;
use tests::panics::panic_text;
use trio::lowlevel::checkpoint;
use trio::sync::Semaphore;
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{CancelScope, nursery};

#[trio::task]
async fn takes_one(semaphore: &Semaphore, number: u32, order: &RefCell<Vec<u32>>) {
    let permit = semaphore.acquire().await;
    order.borrow_mut().push(number);
    permit.keep();
}

// M114
#[trio::test]
async fn permits_are_counted() {
    let semaphore = Semaphore::new(1);
    assert_eq!((semaphore.value(), semaphore.max_value()), (1, None));
    assert_eq!(
        format!("{semaphore:?}"),
        "Semaphore { value: 1, max_value: None, tasks_waiting: 0 }"
    );
    let permit = assert_future_checkpoints(semaphore.acquire()).await;
    assert_eq!(semaphore.value(), 0);
    semaphore.try_acquire().unwrap_err();
    drop(permit);
    assert_eq!(semaphore.value(), 1);
    semaphore.release();
    assert_eq!(semaphore.value(), 2);
    let (one, two) = (semaphore.try_acquire().unwrap(), semaphore.acquire().await);
    assert_eq!(semaphore.value(), 0);
    drop((one, two));
    assert_eq!(semaphore.value(), 2);
}

// M114
#[trio::test]
async fn a_permit_is_handed_over_without_raising_the_value() {
    let (semaphore, order) = (Semaphore::new(0), RefCell::default());
    nursery!(|n| {
        n.spawn(takes_one, &semaphore, 1, &order);
        wait_all_tasks_blocked().await;
        assert_eq!(semaphore.statistics().tasks_waiting, 1);
        semaphore.release();
        // It is the other's already, which has not run.
        assert_eq!(semaphore.value(), 0);
        assert!(order.borrow().is_empty());
        semaphore.try_acquire().unwrap_err();
        let statistics = semaphore.statistics();
        assert_eq!((statistics.value, statistics.tasks_waiting), (0, 0));
    })
    .unwrap();
    assert_eq!(*order.borrow(), [1]);
    assert_eq!(semaphore.value(), 0);
}

// M114
#[trio::test]
async fn waiting_for_a_permit_is_a_checkpoint() {
    let semaphore = Semaphore::new(0);
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            semaphore.release();
        });
        let _permit = assert_future_checkpoints(semaphore.acquire()).await;
    })
    .unwrap();
}

// M114
#[trio::test]
async fn permits_go_to_those_who_have_waited_for_the_longest() {
    let (semaphore, order) = (Semaphore::new(0), RefCell::default());
    nursery!(|n| {
        for number in 0..4 {
            n.spawn(takes_one, &semaphore, number, &order);
            wait_all_tasks_blocked().await;
        }
        semaphore.release();
        semaphore.release();
        wait_all_tasks_blocked().await;
        assert_eq!(*order.borrow(), [0, 1]);
        semaphore.release();
        semaphore.release();
    })
    .unwrap();
    assert_eq!(*order.borrow(), [0, 1, 2, 3]);
}

// M114
#[trio::test]
async fn a_maximum_notices_that_a_permit_is_released_too_often() {
    let semaphore = Semaphore::with_max(1, 2);
    assert_eq!(semaphore.max_value(), Some(2));
    assert_eq!(semaphore.statistics().max_value, Some(2));
    semaphore.release();
    assert_eq!(semaphore.value(), 2);
    let text = panic_text(|| semaphore.release());
    assert!(text.contains("released once too often: there are 2 permits"), "{text}");
    assert_eq!(semaphore.value(), 2);
    semaphore.acquire().await.keep();
    semaphore.release();
}

#[test]
fn a_permit_in_a_guard_cannot_be_released_besides() {
    let semaphore = Semaphore::with_max(1, 1);
    let permit = semaphore.try_acquire().unwrap();
    let text = panic_text(|| semaphore.release());
    assert!(text.contains("`keep` it first"), "{text}");
    drop(permit);
    assert_eq!(semaphore.value(), 1);
}

// M114
#[test]
#[should_panic(expected = "a semaphore of at most 1 permits cannot have 2")]
fn a_semaphore_does_not_begin_with_more_than_its_maximum() {
    let _ = Semaphore::with_max(2, 1);
}

#[test]
#[should_panic(expected = "released once too often")]
fn a_value_does_not_overflow() {
    Semaphore::new(usize::MAX).release();
}

#[trio::test]
async fn a_permit_can_be_kept_and_released_by_another_task() {
    let semaphore = Semaphore::new(1);
    semaphore.acquire().await.keep();
    nursery!(|n| {
        n.spawn(async {
            checkpoint().await;
            semaphore.release();
        });
        let _permit = semaphore.acquire().await;
    })
    .unwrap();
    assert_eq!(semaphore.value(), 1);
}

#[trio::test]
async fn one_that_is_cancelled_has_acquired_nothing_and_is_skipped() {
    let (semaphore, order) = (Semaphore::new(0), RefCell::default());
    nursery!(|n| {
        let first = n.spawn(takes_one, &semaphore, 1, &order);
        wait_all_tasks_blocked().await;
        n.spawn(takes_one, &semaphore, 2, &order);
        wait_all_tasks_blocked().await;
        first.cancel();
        wait_all_tasks_blocked().await;
        assert_eq!(semaphore.statistics().tasks_waiting, 1);
        semaphore.release();
    })
    .unwrap();
    assert_eq!(*order.borrow(), [2]);
    assert_eq!(semaphore.value(), 0);
}

#[trio::test]
async fn a_permit_that_comes_before_the_cancellation_is_delivered_is_not_lost() {
    let semaphore = Semaphore::new(0);
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            scope
                .run(async {
                    let _permit = semaphore.acquire().await;
                    checkpoint().await;
                    unreachable!("it is cancelled");
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        semaphore.release();
        scope.cancel();
    })
    .unwrap();
    assert_eq!(semaphore.value(), 1);
}

#[trio::test]
async fn a_permit_that_is_handed_to_a_future_that_goes_is_passed_on() {
    let (semaphore, order) = (Semaphore::with_max(0, 1), RefCell::default());
    nursery!(|n| {
        {
            let mut dropped = Box::pin(semaphore.acquire());
            assert!(dropped.as_mut().now_or_never().is_none());
            n.spawn(takes_one, &semaphore, 1, &order);
            wait_all_tasks_blocked().await;
            semaphore.release();
            assert_eq!(semaphore.statistics().tasks_waiting, 1);
        }
        assert_eq!(semaphore.statistics().tasks_waiting, 0);
        wait_all_tasks_blocked().await;
        assert_eq!(*order.borrow(), [1]);
        // And where nobody waits the value goes up.
        {
            let mut dropped = Box::pin(semaphore.acquire());
            assert!(dropped.as_mut().now_or_never().is_none());
            semaphore.release();
        }
        assert_eq!(semaphore.value(), 1);
    })
    .unwrap();
}

#[trio::test]
async fn one_that_is_dropped_while_it_gives_way_to_others_has_acquired_nothing() {
    let semaphore = Semaphore::new(1);
    nursery!(|n| {
        // Somebody is runnable: the acquiring has happened, and has to wait for its turn.
        n.spawn(checkpoint);
        {
            let mut dropped = Box::pin(semaphore.acquire());
            assert!(dropped.as_mut().now_or_never().is_none());
            assert_eq!(semaphore.value(), 0);
        }
        assert_eq!(semaphore.value(), 1);
    })
    .unwrap();
}

#[trio::task]
async fn holds_one(semaphore: &Semaphore, running: &Cell<u32>) {
    let _permit = semaphore.acquire().await;
    running.set(running.get() + 1);
    assert!(running.get() <= 3);
    checkpoint().await;
    running.set(running.get() - 1);
}

#[trio::test(seed = 7)]
async fn no_more_go_on_at_once_than_there_are_permits() {
    let (semaphore, running) = (Semaphore::new(3), Cell::new(0));
    nursery!(|n| {
        for _ in 0..50 {
            n.spawn(holds_one, &semaphore, &running);
        }
    })
    .unwrap();
    assert_eq!((semaphore.value(), running.get()), (3, 0));
}
