//! Cancellation: where it is noticed, and whom it reaches.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tests::probe::{OnDrop, is_ready};
use trio::CancelScope;
use trio::lowlevel::{
    Abort, ParkingLot, Resumer, cancel_shielded_checkpoint, checkpoint, checkpoint_if_cancelled,
    suspend,
};
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

/// Whether an operation that is awaited in a cancelled scope unwinds.
#[trio::task]
async fn unwinds<F: Future>(operation: impl FnOnce() -> F) -> bool {
    let scope = CancelScope::new();
    let result = scope
        .run(async {
            scope.cancel();
            operation().await;
        })
        .await;
    assert_eq!(result.is_none(), scope.cancelled_caught());
    result.is_none()
}

// C34
#[trio::test(clock = "mock")]
async fn every_checkpoint_and_sleep_unwinds_in_a_cancelled_scope() {
    assert!(unwinds(checkpoint).await);
    assert!(unwinds(checkpoint_if_cancelled).await);
    assert!(unwinds(|| trio::sleep(Duration::ZERO)).await);
    assert!(unwinds(|| trio::sleep(SECOND)).await);
    assert!(unwinds(|| trio::sleep_until(trio::current_time())).await);
    assert!(unwinds(|| trio::sleep_until(trio::current_time() + SECOND)).await);
    assert!(unwinds(trio::sleep_forever).await);
    assert!(unwinds(wait_all_tasks_blocked).await);
    let lot = ParkingLot::new();
    assert!(unwinds(|| lot.park()).await);
    assert!(lot.is_empty());
    assert!(unwinds(|| suspend(|_: Resumer<()>| || Abort::Succeeded)).await);
    assert!(unwinds(|| std::future::ready(())).await);
    assert!(unwinds(std::future::pending::<()>).await);
    assert!(!unwinds(cancel_shielded_checkpoint).await);
    assert_eq!(trio::current_time().elapsed(), Duration::ZERO);
}

// C34
#[trio::test]
async fn a_shielded_checkpoint_goes_on_in_a_cancelled_scope() {
    let scope = CancelScope::new();
    let result = scope
        .run(async {
            scope.cancel();
            cancel_shielded_checkpoint().await;
            cancel_shielded_checkpoint().await;
            7
        })
        .await;
    assert_eq!(result, Some(7));
    assert!(scope.cancel_called() && !scope.cancelled_caught());
}

// C34: also when it really has to let others go first.
#[trio::test]
async fn a_shielded_checkpoint_that_lets_others_go_first_goes_on() {
    let scope = CancelScope::new();
    let record = RefCell::new(Vec::new());
    nursery!(|n| {
        let result = scope
            .run(async {
                n.spawn(async { record.borrow_mut().push("child") });
                scope.cancel();
                cancel_shielded_checkpoint().await;
                record.borrow_mut().push("parent");
            })
            .await;
        assert!(result.is_some());
    })
    .unwrap();
    assert_eq!(*record.borrow(), ["child", "parent"]);
}

// C35
#[trio::test]
async fn cancelling_twice_is_cancelling_once() {
    let scope = CancelScope::new();
    let result = scope
        .run(async {
            scope.cancel();
            scope.cancel();
            checkpoint().await;
        })
        .await;
    assert!(result.is_none());
    scope.cancel();
    checkpoint().await;
}

// C35
#[trio::test]
async fn a_cancelled_scope_unwinds_at_every_point_again() {
    let scope = CancelScope::new();
    let survived = Cell::new(false);
    let result = scope
        .run(async {
            // A foreign future that swallows what its leaves say.
            poll_fn(|cx| {
                scope.cancel();
                for _ in 0..3 {
                    assert!(!is_ready(cx, checkpoint()));
                    assert!(!is_ready(cx, trio::sleep(SECOND)));
                }
                Poll::Ready(())
            })
            .await;
            survived.set(true);
            checkpoint().await;
            unreachable!("the next point unwinds again");
        })
        .await;
    assert!(survived.get() && result.is_none());
}

// C36
#[trio::test]
async fn a_child_that_is_cancelled_before_its_first_step_starts_and_unwinds_at_its_first_point() {
    let record = RefCell::new(Vec::new());
    nursery!(|n| {
        n.spawn(async {
            record.borrow_mut().push("started");
            checkpoint().await;
            record.borrow_mut().push("went on");
        });
        n.cancel();
    })
    .unwrap();
    assert_eq!(*record.borrow(), ["started"]);
}

// C36
#[trio::test]
async fn a_child_spawned_into_a_cancelled_nursery_starts_and_unwinds_at_its_first_point() {
    let record = RefCell::new(Vec::new());
    nursery!(|n| {
        n.cancel();
        n.spawn(async {
            record.borrow_mut().push("started");
            trio::sleep_forever().await;
        });
    })
    .unwrap();
    assert_eq!(*record.borrow(), ["started"]);
}

// C36
#[trio::test]
async fn a_child_without_a_point_runs_to_its_end_in_a_cancelled_nursery() {
    #[trio::task(allow(never_awaits))]
    async fn seven() -> u32 {
        7
    }
    let mut handle = None;
    nursery!(|n| {
        n.cancel();
        handle = Some(n.spawn(seven));
    })
    .unwrap();
    assert_eq!(handle.unwrap().take(), Some(7));
}

// C39
#[trio::test]
async fn a_cancellation_reaches_every_leaf_below() {
    let record = RefCell::new(Vec::new());
    let scope = CancelScope::new();
    let leaves = async || {
        nursery!(|n| {
            n.spawn(record_unwinding, &record, "leaf");
            n.spawn(record_unwinding, &record, "leaf");
            trio::sleep_forever().await;
        })
        .unwrap();
    };
    nursery!(|n| {
        n.spawn(async {
            scope
                .run(async {
                    nursery!(|n| {
                        n.spawn(&leaves);
                        n.spawn(&leaves);
                    })
                    .unwrap();
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        scope.cancel();
    })
    .unwrap();
    assert!(scope.cancelled_caught());
    assert_eq!(record.borrow().len(), 4);
}

// C41
#[trio::test(allow(zero_sleep))]
async fn a_scope_cancelled_after_its_last_point_delivers_nothing() {
    let scope = CancelScope::new();
    let value = scope
        .run(async {
            checkpoint().await;
            scope.cancel();
            7
        })
        .await;
    assert_eq!(value, Some(7));
    assert!(scope.cancel_called() && !scope.cancelled_caught());
    checkpoint().await;
    trio::sleep(Duration::ZERO).await;
}

// C52
#[test]
fn five_thousand_nested_scopes_unwind_to_the_outermost() {
    #[trio::task(boxed)]
    async fn nest(depth: u32, innermost: &Cell<bool>) {
        if depth == 0 {
            innermost.set(true);
            trio::sleep_forever().await;
        } else {
            CancelScope::new().run(async { nest(depth - 1, innermost).await }).await;
            unreachable!("only the outermost was cancelled");
        }
    }

    #[trio::task]
    async fn outermost() {
        let innermost = Cell::new(false);
        let scope = CancelScope::new();
        nursery!(|n| {
            n.spawn(async { scope.run(async { nest(5000, &innermost).await }).await });
            wait_all_tasks_blocked().await;
            assert!(innermost.get());
            scope.cancel();
        })
        .unwrap();
        assert!(scope.cancelled_caught());
    }

    // The polls of one task nest as its frames do: that much stack is the caller's to give.
    let thread = std::thread::Builder::new().stack_size(1 << 28);
    thread.spawn(|| trio::run(outermost)).unwrap().join().unwrap();
}

// C52: across tasks no stack is needed.
#[test]
fn a_tree_of_tasks_as_deep_as_you_like_is_cancelled_on_a_small_stack() {
    #[trio::task(allow(useless_nursery))]
    async fn nest(depth: u32, ended: &Cell<u32>) {
        let _guard = OnDrop(|| ended.set(ended.get() + 1));
        if depth == 0 {
            trio::sleep_forever().await;
        }
        nursery!(|n| {
            n.spawn(nest, depth - 1, ended);
        })
        .unwrap();
    }

    #[trio::task]
    async fn outermost() -> u32 {
        let ended = Cell::new(0);
        nursery!(|n| {
            n.spawn(nest, 20_000, &ended);
            wait_all_tasks_blocked().await;
            n.cancel();
        })
        .unwrap();
        ended.get()
    }

    let thread = std::thread::Builder::new().stack_size(256 << 10);
    let ended = thread.spawn(|| trio::run(outermost)).unwrap().join().unwrap();
    assert_eq!(ended, 20_001);
}

// One child can be cancelled on its own.
#[trio::test(clock = "mock")]
async fn a_child_is_cancelled_through_its_handle_and_the_nursery_goes_on() {
    let record = RefCell::new(Vec::new());
    nursery!(|n| {
        let first = n.spawn(record_unwinding, &record, "first");
        n.spawn(async {
            trio::sleep(SECOND).await;
            record.borrow_mut().push("second");
        });
        wait_all_tasks_blocked().await;
        first.cancel();
        first.cancel();
        first.wait().await;
        assert!(first.is_finished());
        checkpoint().await;
    })
    .unwrap();
    assert_eq!(*record.borrow(), ["first", "second"]);
}

// A child that was cancelled on its own does not make its parent's nursery a cancellation point.
#[trio::test(clock = "mock")]
async fn a_child_cancelled_on_its_own_does_not_unwind_a_nursery_that_is_cancelled_later() {
    let outer = CancelScope::new();
    let result = outer
        .run(async {
            nursery!(|n| {
                let first = n.spawn(sleep_forever);
                n.spawn(async {
                    trio::shield(|| trio::sleep(SECOND)).await;
                });
                wait_all_tasks_blocked().await;
                first.cancel();
                first.wait().await;
                outer.cancel();
            })
            .unwrap();
            "left"
        })
        .await;
    assert_eq!(result, Some("left"));
}

// A scope can be cancelled by anybody in the run, also by a task that has nothing to do with it.
#[trio::test]
async fn a_scope_is_cancelled_from_another_task() {
    let scope = CancelScope::new();
    let remote = scope.clone();
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            remote.cancel();
        });
        assert!(scope.run(trio::sleep_forever).await.is_none());
        checkpoint().await;
    })
    .unwrap();
    assert!(remote.cancelled_caught());
}
