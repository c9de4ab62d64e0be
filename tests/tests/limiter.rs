//! A number of tokens, each borrowed by somebody: `CapacityLimiter`.

use std::cell::RefCell;
use std::time::Duration;

use futures::FutureExt;
use tests::panics::panic_text;
use trio::lowlevel::{checkpoint, current_task};
use trio::nursery;
use trio::sync::{Borrower, CapacityLimiter};
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};

/// Borrows a token, and keeps it.
#[trio::task]
async fn takes_one(limiter: &CapacityLimiter, number: u32, order: &RefCell<Vec<u32>>) {
    let token = assert_future_checkpoints(limiter.acquire_on_behalf_of(Borrower::unique())).await;
    order.borrow_mut().push(number);
    token.keep();
}

// M112
#[trio::test]
async fn a_token_is_borrowed_and_given_back() {
    let limiter = CapacityLimiter::new(2);
    assert_eq!((limiter.total_tokens(), limiter.available_tokens()), (2, 2));
    let token = assert_future_checkpoints(limiter.acquire()).await;
    assert_eq!(token.borrower(), Borrower::from(&current_task()));
    assert_eq!((limiter.borrowed_tokens(), limiter.available_tokens()), (1, 1));
    drop(token);
    assert_eq!((limiter.borrowed_tokens(), limiter.available_tokens()), (0, 2));
    let token = limiter.try_acquire().unwrap();
    assert_eq!(limiter.borrowed_tokens(), 1);
    drop(token);
}

// M112
#[trio::test(allow(useless_nursery))]
async fn a_borrower_has_one_token_at_most() {
    let limiter = CapacityLimiter::new(2);
    let _token = limiter.acquire().await;
    let text = panic_text(|| limiter.try_acquire());
    assert!(text.contains("already has a token of this limiter"), "{text}");
    assert_eq!(limiter.borrowed_tokens(), 1);
    nursery!(|n| {
        // Another task is another borrower.
        n.spawn(async {
            let _token = limiter.acquire().await;
            assert_eq!(limiter.borrowed_tokens(), 2);
        });
    })
    .unwrap();
}

// M112
#[trio::test]
#[should_panic(expected = "already has a token of this limiter")]
async fn acquiring_twice_in_one_task_panics() {
    let limiter = CapacityLimiter::new(2);
    let _token = limiter.acquire().await;
    let _again = limiter.acquire().await;
}

// M112
#[trio::test]
async fn others_can_be_borrowed_for() {
    let limiter = CapacityLimiter::new(3);
    let (one, two) = (Borrower::unique(), Borrower::unique());
    let _token = limiter.acquire().await;
    let for_one = limiter.acquire_on_behalf_of(one).await;
    limiter.try_acquire_on_behalf_of(two).unwrap().keep();
    limiter.try_acquire_on_behalf_of(Borrower::unique()).unwrap_err();
    assert_eq!(limiter.borrowed_tokens(), 3);
    let mut borrowers = vec![Borrower::from(&current_task()), one, two];
    borrowers.sort_unstable();
    assert_eq!(limiter.statistics().borrowers, borrowers);
    limiter.release_on_behalf_of(two);
    drop(for_one);
    assert_eq!(limiter.borrowed_tokens(), 1);
}

// M112
#[trio::test]
async fn who_has_no_token_cannot_give_one_back() {
    let limiter = CapacityLimiter::new(1);
    let text = panic_text(|| limiter.release_on_behalf_of(&current_task()));
    assert!(text.contains("has no token of this limiter"), "{text}");
    let token = limiter.acquire().await;
    let text = panic_text(|| limiter.release_on_behalf_of(&current_task()));
    assert!(text.contains("is in a guard: drop that, or `keep` it first"), "{text}");
    token.keep();
    limiter.release_on_behalf_of(&current_task());
    assert_eq!(limiter.available_tokens(), 1);
}

// M112
#[trio::test]
async fn a_token_that_is_freed_goes_to_who_waits_and_not_to_who_barges_in() {
    let (limiter, order) = (CapacityLimiter::new(1), RefCell::default());
    nursery!(|n| {
        let token = limiter.acquire().await;
        n.spawn(takes_one, &limiter, 1, &order);
        wait_all_tasks_blocked().await;
        assert_eq!(limiter.statistics().tasks_waiting, 1);
        drop(token);
        limiter.try_acquire().unwrap_err();
        assert_eq!(limiter.borrowed_tokens(), 1);
        wait_all_tasks_blocked().await;
        assert_eq!(*order.borrow(), [1]);
    })
    .unwrap();
}

// M112
#[trio::test]
async fn waiting_for_a_token_is_a_checkpoint() {
    let limiter = CapacityLimiter::new(0);
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            limiter.set_total_tokens(1);
        });
        let _token = assert_future_checkpoints(limiter.acquire()).await;
    })
    .unwrap();
}

// M113
#[trio::test]
async fn more_tokens_let_those_in_who_wait_at_once_and_in_order() {
    let (limiter, order) = (CapacityLimiter::new(1), RefCell::default());
    nursery!(|n| {
        for number in 0..5 {
            n.spawn(takes_one, &limiter, number, &order);
            wait_all_tasks_blocked().await;
        }
        assert_eq!(*order.borrow(), [0]);
        limiter.set_total_tokens(3);
        assert_eq!((limiter.borrowed_tokens(), limiter.statistics().tasks_waiting), (3, 2));
        wait_all_tasks_blocked().await;
        assert_eq!(*order.borrow(), [0, 1, 2]);
        limiter.set_total_tokens(CapacityLimiter::UNLIMITED);
        wait_all_tasks_blocked().await;
        assert_eq!(*order.borrow(), [0, 1, 2, 3, 4]);
        assert_eq!(limiter.available_tokens(), CapacityLimiter::UNLIMITED);
    })
    .unwrap();
}

// M113
#[trio::test]
async fn fewer_tokens_leave_everybody_what_they_have() {
    let limiter = CapacityLimiter::new(2);
    let (one, two) = (Borrower::unique(), Borrower::unique());
    let first = limiter.acquire_on_behalf_of(one).await;
    let second = limiter.acquire_on_behalf_of(two).await;
    limiter.set_total_tokens(1);
    assert_eq!((limiter.borrowed_tokens(), limiter.available_tokens()), (2, 0));
    drop(first);
    assert_eq!((limiter.borrowed_tokens(), limiter.available_tokens()), (1, 0));
    limiter.try_acquire().unwrap_err();
    drop(second);
    assert_eq!((limiter.borrowed_tokens(), limiter.available_tokens()), (0, 1));
}

// M113
#[trio::test(clock = "mock")]
async fn without_tokens_nobody_is_let_in() {
    let limiter = CapacityLimiter::new(0);
    limiter.try_acquire().unwrap_err();
    let limit = Duration::from_secs(10);
    assert!(trio::move_on_after(limit, async { limiter.acquire().await }).await.is_none());
    limiter.set_total_tokens(1);
    let _token = limiter.acquire().await;
    limiter.set_total_tokens(0);
    assert_eq!(limiter.available_tokens(), 0);
}

// M113
#[trio::test(clock = "mock")]
async fn one_who_is_cancelled_leaves_nothing_behind() {
    let limiter = CapacityLimiter::new(1);
    let token = limiter.acquire_on_behalf_of(Borrower::unique()).await;
    for _ in 0..5 {
        let limit = Duration::from_secs(1);
        assert!(trio::move_on_after(limit, async { limiter.acquire().await }).await.is_none());
    }
    assert_eq!(limiter.statistics().tasks_waiting, 0);
    assert_eq!(limiter.statistics().borrowers.len(), 1);
    drop(token);
    // Nor is the task taken for one that has a token, or waits.
    let _token = limiter.acquire().await;
}

#[trio::test]
async fn a_borrower_waits_once_at_a_time() {
    let limiter = CapacityLimiter::new(0);
    let mut waiting = Box::pin(limiter.acquire());
    assert!(waiting.as_mut().now_or_never().is_none());
    let text = panic_text(|| limiter.try_acquire());
    assert!(text.contains("already waits for a token of this limiter"), "{text}");
    let text = panic_text(|| limiter.release_on_behalf_of(&current_task()));
    assert!(text.contains("has no token"), "{text}");
    checkpoint().await;
}

#[trio::test]
async fn a_token_that_is_handed_to_a_future_that_goes_is_passed_on() {
    let (limiter, order) = (CapacityLimiter::new(0), RefCell::default());
    nursery!(|n| {
        {
            let mut dropped = Box::pin(limiter.acquire());
            assert!(dropped.as_mut().now_or_never().is_none());
            n.spawn(takes_one, &limiter, 1, &order);
            wait_all_tasks_blocked().await;
            limiter.set_total_tokens(1);
            assert_eq!(limiter.statistics().tasks_waiting, 1);
        }
        assert_eq!(limiter.statistics().tasks_waiting, 0);
    })
    .unwrap();
    assert_eq!(*order.borrow(), [1]);
}

#[trio::test]
async fn one_that_is_dropped_while_it_gives_way_to_others_has_borrowed_nothing() {
    let limiter = CapacityLimiter::new(1);
    nursery!(|n| {
        n.spawn(checkpoint);
        {
            let mut dropped = Box::pin(limiter.acquire());
            assert!(dropped.as_mut().now_or_never().is_none());
            assert_eq!(limiter.borrowed_tokens(), 1);
        }
        assert_eq!(limiter.borrowed_tokens(), 0);
    })
    .unwrap();
}

#[test]
fn a_limiter_shows_what_it_has() {
    let limiter = CapacityLimiter::new(2);
    let shown = "CapacityLimiter { borrowed_tokens: 0, total_tokens: 2, tasks_waiting: 0 }";
    assert_eq!(format!("{limiter:?}"), shown);
    let statistics = limiter.statistics();
    assert_eq!((statistics.borrowed_tokens, statistics.total_tokens), (0, 2));
    let text = panic_text(|| limiter.try_acquire());
    assert!(text.contains("inside a trio task"), "{text}");
}
