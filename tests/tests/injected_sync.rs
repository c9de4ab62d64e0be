//! What `sync` has besides queues, cancelled everywhere. What can be used as a lock is in `locks.rs`.

use std::cell::Cell;

use tests::probe::OnDrop;
use tests::schedules::under_several_schedules;
use trio::lowlevel::checkpoint;
use trio::nursery;
use trio::sync::{Borrower, CapacityLimiter, Condition, Event, Lock, RwLock, Semaphore};
use trio::testing::{CancelInjector, cancel_everywhere, wait_all_tasks_blocked};

#[trio::task]
async fn waits(event: &Event, went_on: &Cell<u32>) {
    event.wait().await;
    went_on.set(went_on.get() + 1);
}

#[trio::task]
async fn events() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (event, went_on, others) = (Event::new(), Cell::new(0), Cell::new(0));
        nursery!(|n| {
            n.spawn(waits, &event, &others);
            n.spawn(async { round.run(|| waits(&event, &went_on)).await });
            n.spawn(waits, &event, &others);
            wait_all_tasks_blocked().await;
            event.set();
        })
        .unwrap();
        assert_eq!((others.get(), event.statistics().tasks_waiting), (2, 0), "{round}");
        assert!(round.place().is_some() || went_on.get() == 1, "{round}");
    }
    assert!(injector.places().len() > 3);
}

#[test]
fn an_event_lets_all_go_on_who_are_not_cancelled() {
    under_several_schedules(events);
}

#[trio::task]
async fn reads(lock: &RwLock<u32>, readings: &Cell<u32>) {
    for _ in 0..2 {
        let before = lock.read().await;
        checkpoint().await;
        assert_eq!(*before % 2, 0);
        readings.set(readings.get() + 1);
    }
}

#[trio::task]
async fn writes(lock: &RwLock<u32>, writings: &Cell<u32>) {
    for _ in 0..2 {
        let mut guard = lock.write().await;
        *guard += 1;
        let _even = OnDrop(|| *guard += 1);
        checkpoint().await;
        writings.set(writings.get() + 1);
    }
}

/// Whoever is cancelled, the others get in, and never together with one who writes.
#[trio::task]
async fn readers_and_writers() {
    for one_who_reads in [true, false] {
        let mut injector = CancelInjector::new();
        while let Some(round) = injector.next_round() {
            let (lock, readings, writings) = (RwLock::new(0), Cell::new(0), Cell::new(0));
            let own = Cell::new(0);
            nursery!(|n| {
                n.spawn(writes, &lock, &writings);
                n.spawn(reads, &lock, &readings);
                n.spawn(async {
                    if one_who_reads {
                        round.run(|| reads(&lock, &own)).await;
                    } else {
                        round.run(|| writes(&lock, &own)).await;
                    }
                });
                n.spawn(reads, &lock, &readings);
                n.spawn(writes, &lock, &writings);
            })
            .unwrap();
            assert_eq!((readings.get(), writings.get()), (4, 4), "{round}");
            let statistics = lock.statistics();
            assert_eq!((statistics.readers, statistics.tasks_waiting), (0, 0), "{round}");
            assert!(lock.try_write().is_ok(), "{round}");
        }
        assert!(injector.places().len() > 4);
    }
}

#[test]
fn a_reader_or_writer_that_is_cancelled_is_in_nobodys_way() {
    under_several_schedules(readers_and_writers);
}

#[trio::task]
async fn permits() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (semaphore, inside) = (Semaphore::with_max(2, 2), Cell::new(0));
        let all = async {
            nursery!(|n| {
                for number in 0..5 {
                    let (semaphore, inside) = (&semaphore, &inside);
                    n.spawn(async move {
                        let permit = semaphore.acquire().await;
                        inside.set(inside.get() + 1);
                        assert!(inside.get() <= 2);
                        let _out = OnDrop(|| inside.set(inside.get() - 1));
                        if number == 2 {
                            permit.keep();
                            let _given_back = OnDrop(|| semaphore.release());
                            checkpoint().await;
                        } else {
                            checkpoint().await;
                            drop(permit);
                        }
                    });
                }
            })
            .unwrap();
        };
        round.run(all).await;
        let statistics = semaphore.statistics();
        assert_eq!((statistics.value, statistics.tasks_waiting), (2, 0), "{round}");
    }
    assert!(injector.places().len() > 20);
}

#[test]
fn every_permit_of_a_semaphore_comes_back() {
    under_several_schedules(permits);
}

/// With borrowers of their own, tokens that are kept, and a total that changes meanwhile.
#[trio::task]
async fn tokens() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let limiter = CapacityLimiter::new(0);
        let all = async {
            nursery!(|n| {
                for number in 0..4 {
                    let limiter = &limiter;
                    n.spawn(async move {
                        let borrower = Borrower::unique();
                        let token = limiter.acquire_on_behalf_of(borrower).await;
                        if number % 2 == 0 {
                            token.keep();
                            let _given_back = OnDrop(|| limiter.release_on_behalf_of(borrower));
                            checkpoint().await;
                        } else {
                            checkpoint().await;
                            drop(token);
                        }
                    });
                }
                for total in [2, 1, 3] {
                    checkpoint().await;
                    limiter.set_total_tokens(total);
                }
            })
            .unwrap();
        };
        round.run(all).await;
        let statistics = limiter.statistics();
        assert_eq!((statistics.borrowed_tokens, statistics.tasks_waiting), (0, 0), "{round}");
        assert_eq!(statistics.borrowers, [], "{round}");
        limiter.set_total_tokens(1);
        assert!(limiter.try_acquire().is_ok(), "{round}");
    }
    assert!(injector.places().len() > 20);
}

#[test]
fn every_token_of_a_limiter_comes_back() {
    under_several_schedules(tokens);
}

#[derive(Default)]
struct Stock {
    goods: Lock<u32>,
    changed: Condition,
    taken: Cell<u32>,
    inside: Cell<u32>,
}

#[trio::task]
async fn takes_one(stock: &Stock) {
    let mut goods = stock.goods.acquire().await;
    // However the waiting ends, the lock is had then.
    let _alone = OnDrop(|| assert_eq!(stock.inside.get(), 0));
    stock.changed.wait_while(&mut goods, |goods| *goods == 0).await;
    *goods -= 1;
    stock.taken.set(stock.taken.get() + 1);
}

#[trio::task]
async fn brings_one(stock: &Stock) {
    let mut goods = stock.goods.acquire().await;
    {
        stock.inside.set(1);
        let _out = OnDrop(|| stock.inside.set(0));
        checkpoint().await;
    }
    *goods += 1;
    stock.changed.notify(&goods, 1);
}

/// One notification each: if a cancelled one had it and did not use it, another would wait for ever.
#[trio::task]
async fn notifications() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (stock, others) = (Stock::default(), Cell::new(0));
        nursery!(|n| {
            n.spawn(async { round.run(|| takes_one(&stock)).await });
            n.spawn(async {
                takes_one(&stock).await;
                others.set(others.get() + 1);
            });
            wait_all_tasks_blocked().await;
            brings_one(&stock).await;
            checkpoint().await;
            brings_one(&stock).await;
        })
        .unwrap();
        let left = *stock.goods.try_acquire().expect("it is free");
        assert_eq!((others.get(), stock.taken.get() + left), (1, 2), "{round}");
        assert_eq!(stock.changed.statistics().tasks_waiting, 0, "{round}");
        assert!(round.place().is_some() || left == 0, "{round}");
    }
    assert!(injector.places().len() > 6);
}

#[test]
fn no_notification_of_a_condition_is_lost() {
    under_several_schedules(notifications);
}

#[trio::task]
async fn everybody_at_a_condition() {
    let stock = Stock::default();
    let places = cancel_everywhere(
        async || {
            nursery!(|n| {
                n.spawn(takes_one, &stock);
                n.spawn(takes_one, &stock);
                n.spawn(brings_one, &stock);
                n.spawn(brings_one, &stock);
            })
            .unwrap();
        },
        |_, round| {
            let statistics = stock.goods.statistics();
            assert_eq!((statistics.locked, statistics.tasks_waiting), (false, 0), "{round}");
            assert_eq!(stock.changed.statistics().tasks_waiting, 0, "{round}");
        },
    )
    .await;
    assert!(places.len() > 15);
}

#[test]
fn a_condition_and_its_lock_are_left_by_all_who_are_cancelled() {
    under_several_schedules(everybody_at_a_condition);
}
