//! Shields, and which scope absorbs a cancellation.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tests::probe::{OnDrop, is_ready};
use trio::CancelScope;
use trio::lowlevel::{checkpoint, checkpoint_if_cancelled};
use trio::nursery;
use trio::testing::wait_all_tasks_blocked;

const SECOND: Duration = Duration::from_secs(1);

#[trio::task]
async fn sleep_forever() {
    trio::sleep_forever().await;
}

/// Sleeps until it is unwound, and says so.
#[trio::task]
async fn record_unwinding(record: &RefCell<Vec<&'static str>>, name: &'static str) {
    let _guard = OnDrop(|| record.borrow_mut().push(name));
    trio::sleep_forever().await;
}

// C37
#[trio::test]
async fn a_shield_keeps_off_what_is_outside_and_nothing_else() {
    let outer = CancelScope::new();
    let inner = CancelScope::new();
    let result = outer
        .run(async {
            let result = inner
                .run(async {
                    checkpoint().await;
                    poll_fn(|cx| {
                        outer.cancel();
                        assert!(!inner.shield() && !is_ready(cx, checkpoint()));
                        inner.set_shield(true);
                        assert!(inner.shield() && is_ready(cx, checkpoint_if_cancelled()));
                        Poll::Ready(())
                    })
                    .await;
                    checkpoint().await;
                    trio::sleep(Duration::from_millis(1)).await;

                    // Not what is inside.
                    let innermost = CancelScope::new();
                    let result = innermost
                        .run(async {
                            innermost.cancel();
                            checkpoint().await;
                        })
                        .await;
                    assert!(result.is_none() && innermost.cancelled_caught());
                    checkpoint().await;

                    poll_fn(|cx| {
                        inner.set_shield(false);
                        assert!(!is_ready(cx, checkpoint()));
                        inner.set_shield(true);
                        assert!(is_ready(cx, checkpoint_if_cancelled()));
                        Poll::Ready(())
                    })
                    .await;
                    checkpoint().await;

                    // Nor the scope itself.
                    inner.cancel();
                    checkpoint().await;
                    unreachable!("a shield does not protect from its own scope");
                })
                .await;
            assert!(result.is_none());
            checkpoint().await;
            unreachable!("the shield is over");
        })
        .await;
    assert!(result.is_none());
    assert!(inner.cancelled_caught() && outer.cancelled_caught());
}

// C37
#[trio::test]
async fn a_scope_that_is_built_with_a_shield_has_it_from_the_start() {
    let outer = CancelScope::new();
    let shielded = CancelScope::new().shielded(true);
    assert!(shielded.shield() && !CancelScope::new().shielded(false).shield());
    let result = outer
        .run(async {
            outer.cancel();
            shielded.run(checkpoint).await.expect("shielded");
            trio::shield(async { checkpoint().await }).await;
            true
        })
        .await;
    assert_eq!(result, Some(true), "leaving a shield is not a point");
}

// C38
#[trio::test]
async fn a_sleep_under_a_shield_is_aborted_when_the_shield_is_dropped() {
    let record = RefCell::new(Vec::new());
    let outer = CancelScope::new();
    let inner = CancelScope::new().shielded(true);
    nursery!(|n| {
        n.spawn(async {
            outer
                .run(async {
                    inner.run(async { record_unwinding(&record, "sleep").await }).await;
                    unreachable!("the outer scope absorbs");
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        outer.cancel();
        wait_all_tasks_blocked().await;
        assert!(record.borrow().is_empty());
        inner.set_shield(false);
        wait_all_tasks_blocked().await;
        assert_eq!(*record.borrow(), ["sleep"]);
    })
    .unwrap();
    assert!(outer.cancelled_caught() && !inner.cancelled_caught());
}

// C40
#[trio::test]
async fn the_outermost_cancelled_scope_absorbs() {
    let [first, second, third] = [(); 3].map(|()| CancelScope::new());
    first
        .run(async {
            second
                .run(async {
                    third
                        .run(async {
                            third.cancel();
                            second.cancel();
                            trio::sleep_forever().await;
                        })
                        .await;
                    unreachable!("the third does not absorb");
                })
                .await;
            checkpoint().await;
        })
        .await
        .expect("the first was not cancelled");
    assert!(third.cancel_called() && !third.cancelled_caught());
    assert!(second.cancelled_caught());
    assert!(!first.cancelled_caught());
}

// C42
#[trio::test]
async fn a_scope_that_becomes_shielded_while_it_unwinds_does_not_stop_the_unwinding() {
    let outer = CancelScope::new();
    let inner = CancelScope::new();
    outer
        .run(async {
            inner
                .run(async {
                    outer.cancel();
                    let _guard = OnDrop(|| inner.set_shield(true));
                    checkpoint().await;
                })
                .await;
            unreachable!("the inner scope was not cancelled");
        })
        .await;
    assert!(outer.cancelled_caught() && !inner.cancelled_caught());
}

// DESIGN 6: who absorbs is decided when the scope is left.
#[trio::test]
async fn a_scope_that_is_cancelled_and_shielded_while_it_unwinds_absorbs() {
    let outer = CancelScope::new();
    let inner = CancelScope::new();
    let reached = Cell::new(false);
    outer
        .run(async {
            let result = inner
                .run(async {
                    outer.cancel();
                    let _guard = OnDrop(|| {
                        inner.cancel();
                        inner.set_shield(true);
                    });
                    checkpoint().await;
                })
                .await;
            assert!(result.is_none());
            reached.set(true);
            checkpoint().await;
            unreachable!("the outer scope is still cancelled");
        })
        .await;
    assert!(reached.get());
    assert!(inner.cancelled_caught() && outer.cancelled_caught());
}

// DESIGN 6: who absorbs is decided when the scope is left.
#[trio::test]
async fn an_outer_scope_that_is_cancelled_while_the_inner_unwinds_absorbs() {
    let outer = CancelScope::new();
    let inner = CancelScope::new();
    outer
        .run(async {
            inner
                .run(async {
                    inner.cancel();
                    let _guard = OnDrop(|| outer.cancel());
                    checkpoint().await;
                })
                .await;
            unreachable!("the outer scope absorbs");
        })
        .await;
    assert!(outer.cancelled_caught() && !inner.cancelled_caught());
}

// DESIGN 6: the same for a nursery, whose children take their time.
#[trio::test(clock = "mock")]
async fn a_nursery_decides_who_absorbs_when_its_last_child_has_ended() {
    let outer = CancelScope::with_timeout(2 * SECOND);
    let start = trio::current_time();
    outer
        .run(async {
            nursery!(|n| {
                n.spawn(async {
                    trio::shield(|| trio::sleep(3 * SECOND)).await;
                    trio::sleep_forever().await;
                });
                n.cancel();
                trio::sleep_forever().await;
            })
            .unwrap();
            unreachable!("the outer scope absorbs");
        })
        .await;
    assert_eq!(start.elapsed(), 3 * SECOND);
    assert!(outer.cancelled_caught());
}

// DESIGN 6: who absorbs is decided when the scope is left.
#[trio::test(clock = "mock")]
async fn a_shield_that_is_lowered_while_unwinding_lets_the_outer_cancellation_absorb() {
    let outer = CancelScope::new();
    let shielded = CancelScope::new().shielded(true);
    outer
        .run(async {
            outer.cancel();
            let result = shielded
                .run(async {
                    shielded.cancel();
                    let _guard = OnDrop(|| shielded.set_shield(false));
                    checkpoint().await;
                })
                .await;
            unreachable!("absorbed by the inner scope: {result:?}");
        })
        .await;
    assert!(outer.cancelled_caught() && !shielded.cancelled_caught());
}

// C43: the errors come out, the cancellations do not.
#[trio::test]
async fn a_cancelled_nursery_returns_the_errors_and_no_cancellation() {
    let scope = CancelScope::new();
    let group = scope
        .run(async {
            nursery!(|n| {
                n.spawn(sleep_forever);
                n.spawn(async {
                    checkpoint().await;
                    scope.cancel();
                    Err::<(), _>("KeyError")
                });
                n.spawn(sleep_forever);
                trio::sleep_forever().await;
            })
        })
        .await
        .expect("an error is not absorbed")
        .unwrap_err();
    assert_eq!(group.len(), 1);
    assert_eq!(group.into_single().unwrap().to_string(), "KeyError");
    assert!(scope.cancel_called() && !scope.cancelled_caught());
}

// C44
#[trio::test]
async fn an_error_that_leaves_a_cancelled_scope_is_not_absorbed() {
    let scope = CancelScope::new();
    let result = scope
        .run(async {
            checkpoint().await;
            scope.cancel();
            Err::<(), _>("ValueError")
        })
        .await;
    assert_eq!(result, Some(Err("ValueError")));
    assert!(!scope.cancelled_caught());
}
