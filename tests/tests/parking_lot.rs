//! Waiting in a queue: `ParkingLot`.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures::FutureExt;
use trio::lowlevel::{
    ParkingLot, add_parking_lot_breaker, checkpoint, current_task, remove_parking_lot_breaker,
};
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{BrokenResourceError, CancelScope, nursery};

type Record = RefCell<Vec<(&'static str, u32)>>;

#[trio::task]
async fn waiter(lot: &ParkingLot, number: u32, record: &Record) {
    record.borrow_mut().push(("sleep", number));
    lot.park().await.unwrap();
    record.borrow_mut().push(("wake", number));
}

#[trio::task]
async fn waiter_in_scope(lot: &ParkingLot, number: u32, record: &Record, scope: CancelScope) {
    if scope.run(async { waiter(lot, number, record).await }).await.is_none() {
        record.borrow_mut().push(("cancelled", number));
    }
}

/// Without a message on standard error.
fn panic_on_purpose() {
    std::panic::resume_unwind(Box::new("on purpose"));
}

fn woken(record: &Record) -> Vec<u32> {
    let record = record.borrow();
    record.iter().filter(|(what, _)| *what == "wake").map(|(_, number)| *number).collect()
}

// F75
#[trio::test]
async fn unparking_one_by_one_is_strictly_first_in_first_out() {
    let (lot, record) = (ParkingLot::new(), Record::default());
    nursery!(|n| {
        for number in 0..3 {
            n.spawn(waiter, &lot, number, &record);
            // One at a time, so that the order in which they park is known.
            wait_all_tasks_blocked().await;
        }
        assert_eq!(lot.len(), 3);
        assert!(!lot.is_empty());
        assert_eq!(lot.statistics().tasks_waiting, 3);
        for number in 0..3 {
            assert_eq!(lot.unpark(1), 1);
            wait_all_tasks_blocked().await;
            assert_eq!(record.borrow().last(), Some(&("wake", number)));
        }
    })
    .unwrap();
    assert_eq!(woken(&record), [0, 1, 2]);
    assert!(lot.is_empty());
}

// F75
#[trio::test]
async fn unparking_an_empty_lot_does_nothing() {
    let lot = ParkingLot::new();
    assert_eq!(lot.unpark(1), 0);
    assert_eq!(lot.unpark(usize::MAX), 0);
    assert_eq!(lot.unpark_all(), 0);
    // Nor is a turn kept for one who comes later.
    assert!(trio::move_on_after(Duration::ZERO, async { lot.park().await }).await.is_none());
}

// F75
#[trio::test]
async fn a_count_may_exceed_the_queue_and_may_be_zero() {
    let (lot, record) = (ParkingLot::new(), Record::default());
    nursery!(|n| {
        for number in 0..3 {
            n.spawn(waiter, &lot, number, &record);
            wait_all_tasks_blocked().await;
        }
        assert_eq!(lot.unpark(0), 0);
        wait_all_tasks_blocked().await;
        assert_eq!(woken(&record), []);
        assert_eq!(lot.unpark(2), 2);
        wait_all_tasks_blocked().await;
        assert_eq!(woken(&record), [0, 1]);
        assert_eq!(lot.unpark(99), 1);
    })
    .unwrap();
    assert_eq!(woken(&record), [0, 1, 2]);
}

// F75
#[trio::test]
async fn unpark_all_wakes_in_the_order_of_parking() {
    let (lot, record) = (ParkingLot::new(), Record::default());
    nursery!(|n| {
        for number in 0..100 {
            n.spawn(waiter, &lot, number, &record);
        }
        wait_all_tasks_blocked().await;
        let parked: Vec<u32> = record.borrow().iter().map(|(_, number)| *number).collect();
        assert_eq!(lot.unpark_all(), 100);
        // Taken out of the queue at once, run later.
        assert!(lot.is_empty());
        assert_eq!(woken(&record), []);
        wait_all_tasks_blocked().await;
        assert_eq!(woken(&record), parked);
    })
    .unwrap();
}

#[trio::task]
async fn parks_again_and_again(lot: &ParkingLot, rounds: &Cell<u32>) {
    loop {
        lot.park().await.unwrap();
        rounds.set(rounds.get() + 1);
    }
}

#[trio::test]
async fn unpark_all_is_for_those_who_are_parked_now() {
    let (lot, rounds) = (ParkingLot::new(), Cell::new(0));
    nursery!(|n| {
        n.spawn(parks_again_and_again, &lot, &rounds);
        for round in 1..4 {
            wait_all_tasks_blocked().await;
            assert_eq!(lot.unpark_all(), 1);
            wait_all_tasks_blocked().await;
            assert_eq!(rounds.get(), round);
        }
        n.cancel();
    })
    .unwrap();
    assert!(lot.is_empty());
}

#[trio::test]
async fn parking_is_a_checkpoint() {
    let lot = ParkingLot::new();
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            lot.unpark(1);
        });
        assert_future_checkpoints(lot.park()).await.unwrap();
    })
    .unwrap();
}

// F76
#[trio::test]
async fn a_cancelled_task_leaves_the_queue_and_later_unparks_skip_it() {
    let (lot, record) = (ParkingLot::new(), Record::default());
    let scopes: Vec<CancelScope> = (0..3).map(|_| CancelScope::new()).collect();
    nursery!(|n| {
        for (number, scope) in (0..).zip(&scopes) {
            n.spawn(waiter_in_scope, &lot, number, &record, scope.clone());
            wait_all_tasks_blocked().await;
        }
        scopes[1].cancel();
        wait_all_tasks_blocked().await;
        assert_eq!(lot.len(), 2);
        assert_eq!(record.borrow().last(), Some(&("cancelled", 1)));
        lot.unpark(1);
        wait_all_tasks_blocked().await;
        lot.unpark(1);
    })
    .unwrap();
    assert_eq!(woken(&record), [0, 2]);
    assert!(scopes[1].cancelled_caught());
}

#[trio::test]
async fn any_place_in_the_queue_can_be_left() {
    // Every subset of four waiters is cancelled: first, last, middle, neighbours, all.
    for leaving in 0..16_u32 {
        let (lot, record) = (ParkingLot::new(), Record::default());
        let scopes: Vec<CancelScope> = (0..4).map(|_| CancelScope::new()).collect();
        let leaves = |number: usize| leaving & (1 << number) != 0;
        nursery!(|n| {
            for (number, scope) in (0..).zip(&scopes) {
                n.spawn(waiter_in_scope, &lot, number, &record, scope.clone());
                wait_all_tasks_blocked().await;
            }
            for number in (0..4).filter(|number| leaves(*number)) {
                scopes[number].cancel();
            }
            wait_all_tasks_blocked().await;
            // The queue is whole: one can be added at its end.
            n.spawn(waiter, &lot, 4, &record);
            wait_all_tasks_blocked().await;
            lot.unpark_all();
        })
        .unwrap();
        let stayed: Vec<u32> = (0..5).filter(|number| leaving & (1 << number) == 0).collect();
        assert_eq!(woken(&record), stayed);
        assert!(lot.is_empty());
    }
}

#[trio::test]
async fn one_who_is_unparked_does_not_look_for_a_cancellation_any_more() {
    let lot = ParkingLot::new();
    let scope = CancelScope::new();
    let got_its_turn = Cell::new(false);
    nursery!(|n| {
        n.spawn(async {
            scope
                .run(async {
                    lot.park().await.unwrap();
                    got_its_turn.set(true);
                    checkpoint().await;
                    unreachable!("the next cancellation point unwinds");
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        lot.unpark(1);
        scope.cancel();
    })
    .unwrap();
    assert!(got_its_turn.get());
    assert!(scope.cancelled_caught());
}

#[trio::test]
async fn a_turn_that_comes_between_the_cancellation_and_its_delivery_is_not_lost() {
    let (lot, record) = (ParkingLot::new(), Record::default());
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(waiter_in_scope, &lot, 0, &record, scope.clone());
        wait_all_tasks_blocked().await;
        n.spawn(waiter, &lot, 1, &record);
        wait_all_tasks_blocked().await;
        // It leaves the queue when it runs; until then it is the first.
        scope.cancel();
        assert_eq!(lot.unpark(1), 1);
        wait_all_tasks_blocked().await;
        assert_eq!(woken(&record), [0]);
        assert_eq!(lot.len(), 1);
        lot.unpark_all();
    })
    .unwrap();
    assert_eq!(woken(&record), [0, 1]);
    assert!(!scope.cancelled_caught());
}

// F77
#[trio::test]
async fn reparking_keeps_the_order_and_cancellation_finds_the_task_in_its_new_lot() {
    let (one, two, record) = (ParkingLot::new(), ParkingLot::new(), Record::default());
    let scopes: Vec<CancelScope> = (0..3).map(|_| CancelScope::new()).collect();
    nursery!(|n| {
        for (number, scope) in (0..).zip(&scopes) {
            n.spawn(waiter_in_scope, &one, number, &record, scope.clone());
            wait_all_tasks_blocked().await;
        }
        assert_eq!(one.repark(&two, 1), 1);
        assert_eq!((one.len(), two.len()), (2, 1));
        assert_eq!(one.repark_all(&two), 2);
        assert_eq!((one.len(), two.len()), (0, 3));
        wait_all_tasks_blocked().await;
        assert_eq!(woken(&record), []);
        assert_eq!(one.unpark_all(), 0);
        scopes[1].cancel();
        wait_all_tasks_blocked().await;
        assert_eq!(two.len(), 2);
        assert_eq!(record.borrow().last(), Some(&("cancelled", 1)));
        two.unpark_all();
    })
    .unwrap();
    assert_eq!(woken(&record), [0, 2]);
}

// F77
#[trio::test]
async fn reparking_with_a_count_moves_the_longest_waiting_behind_those_in_the_other_lot() {
    let (one, two, record) = (ParkingLot::new(), ParkingLot::new(), Record::default());
    nursery!(|n| {
        n.spawn(waiter, &two, 9, &record);
        wait_all_tasks_blocked().await;
        for number in 0..3 {
            n.spawn(waiter, &one, number, &record);
            wait_all_tasks_blocked().await;
        }
        assert_eq!(one.repark(&two, 2), 2);
        assert_eq!(one.repark(&two, 0), 0);
        two.unpark_all();
        wait_all_tasks_blocked().await;
        assert_eq!(woken(&record), [9, 0, 1]);
        assert_eq!(one.repark(&two, 100), 1);
        two.unpark_all();
    })
    .unwrap();
    assert_eq!(woken(&record), [9, 0, 1, 2]);
}

#[trio::test]
async fn reparking_into_the_same_lot_moves_to_its_end() {
    let (lot, record) = (ParkingLot::new(), Record::default());
    nursery!(|n| {
        for number in 0..3 {
            n.spawn(waiter, &lot, number, &record);
            wait_all_tasks_blocked().await;
        }
        assert_eq!(lot.repark(&lot, 1), 1);
        assert_eq!(lot.repark_all(&lot), 3);
        assert_eq!(lot.len(), 3);
        lot.unpark_all();
    })
    .unwrap();
    assert_eq!(woken(&record), [1, 2, 0]);
}

#[trio::test]
async fn reparking_into_a_broken_lot_breaks_those_who_are_moved() {
    let (lot, broken) = (ParkingLot::new(), ParkingLot::new());
    broken.break_lot("vandal");
    nursery!(|n| {
        let moved = n.spawn(async { lot.park().await.unwrap_err().to_string() });
        wait_all_tasks_blocked().await;
        let stays = n.spawn(async { lot.park().await.is_ok() });
        wait_all_tasks_blocked().await;
        assert_eq!(lot.repark(&broken, 1), 1);
        wait_all_tasks_blocked().await;
        assert!(moved.take().unwrap().contains("vandal"));
        assert_eq!(lot.unpark_all(), 1);
        stays.wait().await;
        assert_eq!(stays.take(), Some(true));
    })
    .unwrap();
}

#[trio::test]
async fn one_who_was_moved_into_a_lot_that_breaks_learns_who_broke_that() {
    let (lot, other) = (ParkingLot::new(), ParkingLot::new());
    nursery!(|n| {
        let moved = n.spawn(async { lot.park().await.unwrap_err().to_string() });
        wait_all_tasks_blocked().await;
        lot.repark_all(&other);
        other.break_lot("vandal");
        moved.wait().await;
        assert!(moved.take().unwrap().contains("vandal"));
    })
    .unwrap();
}

#[trio::test]
async fn one_who_was_moved_into_a_lot_that_goes_away_gets_an_error() {
    let lot = ParkingLot::new();
    nursery!(|n| {
        let moved = n.spawn(async { lot.park().await.is_err() });
        wait_all_tasks_blocked().await;
        let short_lived = ParkingLot::new();
        lot.repark_all(&short_lived);
        drop(short_lived);
        moved.wait().await;
        assert_eq!(moved.take(), Some(true));
    })
    .unwrap();
}

#[trio::task]
async fn waiter_with_note(lot: &ParkingLot, note: u64, record: &Record) {
    lot.park_with(note).await.unwrap();
    record.borrow_mut().push(("wake", note as u32));
}

#[trio::test]
async fn those_with_certain_notes_are_unparked_wherever_they_are_in_the_queue() {
    let (lot, record) = (ParkingLot::new(), Record::default());
    nursery!(|n| {
        for note in [5, 3, 9, 4, 3] {
            n.spawn(waiter_with_note, &lot, note, &record);
            wait_all_tasks_blocked().await;
        }
        assert_eq!(lot.unpark_noted(6..=8), 0);
        assert_eq!(lot.unpark_noted(3..=4), 3);
        assert_eq!(lot.len(), 2);
        wait_all_tasks_blocked().await;
        assert_eq!(woken(&record), [3, 4, 3]);
        // The queue is whole.
        n.spawn(waiter_with_note, &lot, 6, &record);
        wait_all_tasks_blocked().await;
        assert_eq!(lot.unpark_noted(0..=u64::MAX), 3);
    })
    .unwrap();
    assert_eq!(woken(&record), [3, 4, 3, 5, 9, 6]);
}

#[trio::test]
async fn a_park_that_was_unwound_is_not_parked_until_it_is_polled_again() {
    let lot = ParkingLot::new();
    let mut park = Box::pin(lot.park());
    assert!(!park.is_parked());
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async { scope.run(async { (&mut park).await.is_ok() }).await });
        wait_all_tasks_blocked().await;
        assert_eq!(lot.len(), 1);
        scope.cancel();
    })
    .unwrap();
    assert!(!park.is_parked());
    assert!(park.as_mut().now_or_never().is_none());
    assert!(park.is_parked());
    lot.unpark(1);
    assert!(!park.is_parked());
    park.await.unwrap();
}

// F78
#[trio::test]
async fn parking_in_a_broken_lot_is_an_error_that_names_the_breaker() {
    let lot = ParkingLot::new();
    lot.break_lot("vandal");
    assert!(lot.is_broken());
    assert_eq!(lot.broken_by(), ["vandal"]);
    let error: BrokenResourceError = lot.park().await.unwrap_err();
    assert!(error.to_string().contains("`vandal`"), "{error}");
    // For good.
    lot.park().await.unwrap_err();
}

// F78
#[trio::test]
async fn breaking_a_lot_wakes_all_who_are_parked_with_an_error() {
    let lot = ParkingLot::new();
    nursery!(|n| {
        let mut parked = Vec::new();
        for _ in 0..3 {
            parked.push(n.spawn(async { lot.park().await.unwrap_err().to_string() }));
        }
        wait_all_tasks_blocked().await;
        lot.break_lot("vandal");
        assert!(lot.is_empty());
        wait_all_tasks_blocked().await;
        for handle in parked {
            assert!(handle.take().unwrap().contains("`vandal`"));
        }
    })
    .unwrap();
}

// F78
#[trio::test]
async fn breaking_a_lot_again_only_records() {
    let lot = ParkingLot::new();
    lot.break_lot("one");
    lot.break_lot("two");
    lot.break_lot("one");
    assert_eq!(lot.broken_by(), ["one", "two", "one"]);
    assert!(lot.park().await.unwrap_err().to_string().contains("`one`"));
}

#[trio::task]
async fn breaks_by_ending(lot: &ParkingLot) {
    add_parking_lot_breaker(&current_task(), lot);
    checkpoint().await;
}

// F78, F79
#[trio::test]
async fn a_task_that_is_registered_as_breaker_breaks_the_lot_when_it_ends() {
    let lot = ParkingLot::new();
    nursery!(|n| {
        let parked = n.spawn(async { lot.park().await.unwrap_err().to_string() });
        wait_all_tasks_blocked().await;
        n.spawn_named("the breaker", breaks_by_ending, &lot);
        parked.wait().await;
        assert!(parked.take().unwrap().contains("`the breaker`"));
        assert_eq!(lot.broken_by(), ["the breaker"]);
    })
    .unwrap();
}

// F78
#[trio::test]
async fn a_breaker_that_is_parked_in_its_own_lot_breaks_it_when_it_is_cancelled() {
    let lot = ParkingLot::new();
    nursery!(|n| {
        let breaker = n.spawn(async {
            add_parking_lot_breaker(&current_task(), &lot);
            lot.park().await
        });
        wait_all_tasks_blocked().await;
        assert_eq!(lot.len(), 1);
        breaker.cancel();
        wait_all_tasks_blocked().await;
        assert!(breaker.take().is_none());
        assert!(lot.is_empty());
        assert_eq!(lot.broken_by().len(), 1);
    })
    .unwrap();
}

// F79
#[trio::test]
async fn a_breaker_breaks_the_lot_however_it_ends() {
    let by_cancellation = ParkingLot::new();
    let by_panic = ParkingLot::new();
    nursery!(|n| {
        let cancelled = n.spawn(async {
            add_parking_lot_breaker(&current_task(), &by_cancellation);
            trio::sleep_forever().await
        });
        let panicking = n.spawn_monitored(async {
            add_parking_lot_breaker(&current_task(), &by_panic);
            checkpoint().await;
            panic_on_purpose();
        });
        panicking.outcome().await;
        cancelled.cancel();
    })
    .unwrap();
    assert_eq!(by_cancellation.broken_by().len(), 1);
    assert_eq!(by_panic.broken_by().len(), 1);
}

// F79
#[trio::test(allow(useless_nursery))]
async fn registering_twice_needs_removing_twice() {
    let (once, twice) = (ParkingLot::new(), ParkingLot::new());
    nursery!(|n| {
        n.spawn(async {
            let this = current_task();
            for lot in [&once, &once, &twice, &twice] {
                add_parking_lot_breaker(&this, lot);
            }
            remove_parking_lot_breaker(&this, &once);
            remove_parking_lot_breaker(&this, &twice);
            remove_parking_lot_breaker(&this, &twice);
            checkpoint().await;
        });
    })
    .unwrap();
    assert_eq!(once.broken_by().len(), 1);
    assert_eq!(twice.broken_by().len(), 0);
}

// F79
#[trio::test]
async fn a_task_registered_twice_breaks_the_lot_twice() {
    let lot = ParkingLot::new();
    nursery!(|n| {
        n.spawn_named("breaker", async {
            add_parking_lot_breaker(&current_task(), &lot);
            add_parking_lot_breaker(&current_task(), &lot);
            checkpoint().await;
        });
    })
    .unwrap();
    assert_eq!(lot.broken_by(), ["breaker", "breaker"]);
}

// F79
#[trio::test]
async fn several_breakers_are_recorded_in_the_order_of_their_ends() {
    let lot = ParkingLot::new();
    nursery!(|n| {
        for name in ["first", "second"] {
            n.spawn_named(name, breaks_by_ending, &lot);
            wait_all_tasks_blocked().await;
        }
    })
    .unwrap();
    assert_eq!(lot.broken_by(), ["first", "second"]);
}

// F79
#[trio::test]
#[should_panic(expected = "is not registered as a breaker of this parking lot")]
async fn removing_a_breaker_too_often_is_an_error() {
    let lot = ParkingLot::new();
    add_parking_lot_breaker(&current_task(), &lot);
    remove_parking_lot_breaker(&current_task(), &lot);
    remove_parking_lot_breaker(&current_task(), &lot);
    checkpoint().await;
}

// F79
#[trio::test]
#[should_panic(expected = "has ended: it cannot break a parking lot any more")]
async fn registering_a_task_that_has_ended_is_an_error() {
    let lot = ParkingLot::new();
    nursery!(|n| {
        let handle = n.spawn(checkpoint);
        handle.wait().await;
        add_parking_lot_breaker(&handle.task(), &lot);
    })
    .unwrap();
}

// F79
#[trio::test]
async fn a_breaker_may_outlive_the_lot_it_was_given() {
    nursery!(|n| {
        let handle = n.spawn(async {
            wait_all_tasks_blocked().await;
        });
        let lot = ParkingLot::new();
        add_parking_lot_breaker(&handle.task(), &lot);
        drop(lot);
    })
    .unwrap();
}

#[trio::test]
async fn a_dropped_park_leaves_the_queue() {
    let lot = ParkingLot::new();
    {
        let mut park = Box::pin(lot.park());
        assert!(park.as_mut().now_or_never().is_none());
        assert_eq!(lot.len(), 1);
        assert!(!park.is_unparked());
    }
    assert_eq!(lot.len(), 0);
    checkpoint().await;
}

#[trio::test]
async fn a_park_that_is_dropped_after_its_turn_came_can_tell() {
    let lot = ParkingLot::new();
    let mut park = Box::pin(lot.park());
    assert!(park.as_mut().now_or_never().is_none());
    lot.unpark(1);
    assert!(park.is_unparked());
    drop(park);
    checkpoint().await;
}

#[trio::test]
async fn a_turn_that_is_dropped_unused_is_passed_on() {
    let (lot, passed_on) = (ParkingLot::new(), Cell::new(0));
    let park = || Box::pin(lot.park().passing_on(|| passed_on.set(passed_on.get() + 1)));
    // Only what was unparked and not polled has a turn to pass on.
    let idle = park();
    drop(idle);
    let mut waiting = park();
    assert!(waiting.as_mut().now_or_never().is_none());
    drop(waiting);
    let mut waiting = park();
    assert!(waiting.as_mut().now_or_never().is_none());
    lot.unpark(1);
    waiting.await.unwrap();
    let mut broken = park();
    assert!(broken.as_mut().now_or_never().is_none());
    assert_eq!(passed_on.get(), 0);
    let mut unparked = park();
    assert!(unparked.as_mut().now_or_never().is_none());
    lot.repark(&lot, 1);
    lot.unpark(1);
    drop(unparked);
    assert_eq!(passed_on.get(), 1);
    lot.break_lot("vandal");
    drop(broken);
    assert_eq!(passed_on.get(), 1);
}

#[trio::test]
async fn a_park_that_is_firm_once_moved_heeds_a_cancellation_only_before() {
    for moved in [false, true] {
        let (one, two, scope) = (ParkingLot::new(), ParkingLot::new(), CancelScope::new());
        let went_on = Cell::new(false);
        nursery!(|n| {
            n.spawn(async {
                scope
                    .run(async {
                        one.park().firm_once_moved().await.unwrap();
                        went_on.set(true);
                    })
                    .await;
            });
            wait_all_tasks_blocked().await;
            if moved {
                one.repark_all(&two);
            }
            scope.cancel();
            wait_all_tasks_blocked().await;
            assert_eq!((one.len(), two.len()), (0, usize::from(moved)));
            two.unpark_all();
        })
        .unwrap();
        assert_eq!((went_on.get(), scope.cancelled_caught()), (moved, !moved));
    }
}

#[trio::test]
async fn a_park_can_tell_that_it_was_moved() {
    let (one, two) = (ParkingLot::new(), ParkingLot::new());
    let mut park = Box::pin(one.park());
    assert!(!park.is_moved());
    assert!(park.as_mut().now_or_never().is_none());
    assert!(!park.is_moved());
    one.repark_all(&two);
    assert!(park.is_moved());
    two.repark_all(&one);
    assert!(!park.is_moved());
    one.unpark(1);
    assert!(!park.is_moved());
}

#[test]
fn a_lot_can_be_made_and_looked_at_outside_a_run() {
    let lot = ParkingLot::default();
    assert!(lot.is_empty());
    assert_eq!(lot.unpark_all(), 0);
    lot.break_lot("nobody");
    assert_eq!(format!("{lot:?}"), r#"ParkingLot { tasks_waiting: 0, broken_by: ["nobody"] }"#);
}

#[test]
#[should_panic(expected = "inside a trio task")]
fn parking_outside_a_task_panics() {
    let lot = ParkingLot::new();
    let _ = lot.park().now_or_never();
}

#[test]
fn a_lot_that_outlives_the_run_is_empty_after_it() {
    let lot = ParkingLot::new();
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        trio::run(|| parked_below_a_panic(&lot));
    }));
    assert!(result.is_err());
    assert!(lot.is_empty());
}

#[trio::task]
async fn parked_below_a_panic(lot: &ParkingLot) {
    let record = Record::default();
    nursery!(|n| {
        n.spawn(waiter, lot, 0, &record);
        wait_all_tasks_blocked().await;
        assert_eq!(lot.len(), 1);
        panic_on_purpose();
    })
    .unwrap();
}
