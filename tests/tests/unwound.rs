//! What an operation that is unwound leaves behind, and what must not be unwound.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tests::probe::OnDrop;
use trio::lowlevel::{Abort, ParkingLot, checkpoint, suspend};
use trio::nursery;
use trio::testing::wait_all_tasks_blocked;
use trio::{CancelScope, EffectiveDeadline};

const SECOND: Duration = Duration::from_secs(1);

// C50
#[trio::test]
async fn an_operation_that_refuses_to_be_aborted_is_finished_first() {
    let place = Cell::new(None);
    let scope = CancelScope::new();
    let value = Cell::new(0);
    nursery!(|n| {
        n.spawn(async {
            scope
                .run(async {
                    value.set(
                        suspend(|resumer| {
                            place.set(Some(resumer));
                            || Abort::Failed
                        })
                        .await,
                    );
                    checkpoint().await;
                    unreachable!("the next point unwinds");
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        scope.cancel();
        wait_all_tasks_blocked().await;
        assert_eq!((value.get(), scope.cancelled_caught()), (0, false));
        place.take().unwrap().resume(7);
    })
    .unwrap();
    assert_eq!((value.get(), scope.cancelled_caught()), (7, true));
}

// C51
#[trio::test]
async fn the_abort_callback_is_called_once_and_may_complete_later() {
    let place = Cell::new(None);
    let aborts = Cell::new(0);
    let inner = CancelScope::new();
    let outer = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            outer
                .run(async {
                    inner
                        .run(async {
                            let _: () = suspend(|resumer| {
                                place.set(Some(resumer));
                                || {
                                    aborts.set(aborts.get() + 1);
                                    Abort::Failed
                                }
                            })
                            .await;
                        })
                        .await;
                    unreachable!("the outer scope absorbs");
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        inner.cancel();
        wait_all_tasks_blocked().await;
        outer.cancel();
        wait_all_tasks_blocked().await;
        assert_eq!(aborts.get(), 1);
        assert!(!outer.cancelled_caught());
        place.take().unwrap().resume_cancelled();
    })
    .unwrap();
    assert_eq!(aborts.get(), 1);
    assert!(outer.cancelled_caught() && !inner.cancelled_caught());
}

// C51
#[trio::test]
async fn a_late_abort_is_delivered_although_a_shield_came_in_between() {
    let place = Cell::new(None);
    let inner = CancelScope::new();
    let outer = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            outer
                .run(async {
                    inner
                        .run(async {
                            let _: () = suspend(|resumer| {
                                place.set(Some(resumer));
                                || Abort::Failed
                            })
                            .await;
                            unreachable!("unwound");
                        })
                        .await;
                    unreachable!("the inner scope was not cancelled");
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        outer.cancel();
        wait_all_tasks_blocked().await;
        inner.set_shield(true);
        place.take().unwrap().resume_cancelled();
    })
    .unwrap();
    assert!(outer.cancelled_caught() && !inner.cancelled_caught());
}

// DESIGN 6: leaving a nursery is a schedule point, and never a cancellation point.
#[trio::test]
async fn leaving_an_empty_nursery_lets_others_run_and_does_not_unwind() {
    let record = RefCell::new(Vec::new());
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async { record.borrow_mut().push("other") });
        let result = scope
            .run(async {
                scope.cancel();
                nursery!(|_n| {}).unwrap();
                record.borrow_mut().push("left");
            })
            .await;
        assert!(result.is_some());
    })
    .unwrap();
    assert_eq!(*record.borrow(), ["other", "left"]);
    assert!(!scope.cancelled_caught());
}

// DESIGN 6: the nursery waits for its children whatever happens to the one who opened it.
#[trio::test(clock = "mock", allow(useless_nursery))]
async fn a_cancelled_nursery_waits_for_children_that_take_their_time() {
    let start = trio::current_time();
    let result = trio::move_on_after(SECOND, async {
        nursery!(|n| {
            n.spawn(async { trio::shield(|| trio::sleep(5 * SECOND)).await });
        })
        .unwrap();
        "the child was not cancelled, so the nursery was not"
    })
    .await;
    assert_eq!(start.elapsed(), 5 * SECOND);
    assert!(result.is_some());
}

// DESIGN 6
#[trio::test]
async fn an_unparking_that_has_happened_is_not_lost_to_a_cancellation() {
    let lot = ParkingLot::new();
    let scope = CancelScope::new();
    let passed = Cell::new(false);
    nursery!(|n| {
        n.spawn(async {
            scope
                .run(async {
                    lot.park().await.unwrap();
                    passed.set(true);
                    checkpoint().await;
                    unreachable!("the next point unwinds");
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        assert_eq!(lot.unpark(1), 1);
        scope.cancel();
    })
    .unwrap();
    assert!(passed.get() && scope.cancelled_caught());
}

// DESIGN 6
#[trio::test]
async fn an_operation_that_is_unwound_did_not_happen() {
    let lot = ParkingLot::new();
    let scope = CancelScope::new();
    let record = RefCell::new(Vec::new());
    nursery!(|n| {
        n.spawn(async {
            scope
                .run(async {
                    lot.park().await.unwrap();
                    unreachable!("its turn is the next one's");
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        n.spawn(async {
            lot.park().await.unwrap();
            record.borrow_mut().push("second");
        });
        wait_all_tasks_blocked().await;
        assert_eq!(lot.len(), 2);
        scope.cancel();
        wait_all_tasks_blocked().await;
        assert_eq!(lot.len(), 1);
        lot.unpark(1);
    })
    .unwrap();
    assert_eq!(*record.borrow(), ["second"]);
}

// DESIGN 6
#[trio::test]
async fn a_cancelled_parker_and_an_unparking_in_the_same_step_lose_no_turn() {
    let lot = ParkingLot::new();
    let scope = CancelScope::new();
    let passed = Cell::new(0);
    let scope_passed = scope.clone();
    nursery!(|n| {
        n.spawn(async {
            let result = scope_passed.run(async { lot.park().await.unwrap() }).await;
            passed.set(passed.get() + u32::from(result.is_some()));
        });
        wait_all_tasks_blocked().await;
        n.spawn(async {
            lot.park().await.unwrap();
            passed.set(passed.get() + 1);
        });
        wait_all_tasks_blocked().await;
        scope.cancel();
        lot.unpark(1);
        wait_all_tasks_blocked().await;
        assert_eq!(passed.get(), 1, "one turn was given, and one task has it");
        n.cancel();
    })
    .unwrap();
}

// DESIGN 6
#[trio::test]
async fn a_value_that_was_given_is_not_lost_to_a_cancellation() {
    let place = Cell::new(None);
    let scope = CancelScope::new();
    let value = Cell::new(0);
    nursery!(|n| {
        n.spawn(async {
            scope
                .run(async {
                    value.set(
                        suspend(|resumer| {
                            place.set(Some(resumer));
                            || unreachable!("it was resumed already")
                        })
                        .await,
                    );
                })
                .await
                .expect("no point follows");
        });
        wait_all_tasks_blocked().await;
        place.take().unwrap().resume(7);
        scope.cancel();
    })
    .unwrap();
    assert_eq!(value.get(), 7);
}

// A foreign future is dropped with the frames around it, and is not polled any more.
#[trio::test]
async fn a_cancelled_foreign_future_is_dropped_and_not_polled() {
    let polls = Cell::new(0);
    let dropped = Cell::new(false);
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            let _guard = OnDrop(|| dropped.set(true));
            scope
                .run(async {
                    let guard = OnDrop(|| ());
                    poll_fn(|_cx| {
                        let _ = &guard;
                        polls.set(polls.get() + 1);
                        Poll::<()>::Pending
                    })
                    .await;
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        assert_eq!(polls.get(), 1);
        scope.cancel();
    })
    .unwrap();
    assert!(dropped.get() && scope.cancelled_caught());

    let polled = Cell::new(false);
    let scope = CancelScope::new();
    scope
        .run(async {
            scope.cancel();
            poll_fn(|_cx| {
                polled.set(true);
                Poll::Ready(())
            })
            .await;
        })
        .await;
    assert!(!polled.get(), "a foreign future is not even begun");
}

// A value drops where the unwinding passes, inside out, before what is outside the scope goes on.
#[trio::test]
async fn frames_are_dropped_inside_out_before_the_scope_is_left() {
    let record = RefCell::new(Vec::new());
    let push = |what| record.borrow_mut().push(what);
    let scope = CancelScope::new();
    scope
        .run(async {
            let _outer = OnDrop(|| push("outer"));
            let _first = OnDrop(|| push("before"));
            scope.cancel();
            async {
                let _inner = OnDrop(|| push("inner"));
                let _seen = OnDrop(|| {
                    let deadline = trio::current_effective_deadline();
                    push(if deadline == EffectiveDeadline::Cancelled { "cancelled" } else { "no" });
                });
                checkpoint().await;
            }
            .await;
        })
        .await;
    push("after");
    assert_eq!(*record.borrow(), ["cancelled", "inner", "before", "outer", "after"]);
}
