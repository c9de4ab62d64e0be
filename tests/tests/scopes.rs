//! Cancel scopes as objects: before entry, misuse, reasons, and how they print.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tests::probe::{OnDrop, is_ready};
use trio::lowlevel::{checkpoint, statistics};
use trio::nursery;
use trio::testing::wait_all_tasks_blocked;
use trio::{CancelScope, CancelSource};

const SECOND: Duration = Duration::from_secs(1);

// C45
#[trio::test]
async fn a_scope_that_was_cancelled_before_entry_unwinds_at_the_first_point() {
    let scope = CancelScope::new();
    scope.cancel();
    assert!(scope.cancel_called() && !scope.cancelled_caught());
    let entered = Cell::new(false);
    let result = scope
        .run(async {
            entered.set(true);
            checkpoint().await;
            unreachable!("already cancelled");
        })
        .await;
    assert!(entered.get() && result.is_none() && scope.cancelled_caught());
}

// C45
#[trio::test]
async fn a_scope_that_was_shielded_before_entry_shields_at_once() {
    let outer = CancelScope::new();
    let scope = CancelScope::new();
    scope.set_shield(true);
    let value = outer
        .run(async {
            outer.cancel();
            scope.run(checkpoint).await
        })
        .await;
    assert_eq!(value, Some(Some(())));
}

// C45
#[trio::test]
#[should_panic(expected = "this cancel scope is already entered: make a new one")]
async fn a_scope_cannot_be_entered_in_itself() {
    let scope = CancelScope::new();
    scope.run(async { scope.run(checkpoint).await }).await;
}

// C45
#[trio::test]
#[should_panic(expected = "this cancel scope was used before: make a new one")]
async fn a_scope_cannot_be_used_again() {
    let scope = CancelScope::new();
    scope.run(checkpoint).await;
    scope.run(checkpoint).await;
}

// C45
#[trio::test]
#[should_panic(expected = "this cancel scope is already entered: make a new one")]
async fn a_scope_cannot_be_entered_by_two_tasks() {
    #[trio::task]
    async fn enter(scope: &CancelScope) {
        scope.run(trio::sleep_forever).await;
    }
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(enter, &scope);
        n.spawn(enter, &scope);
    })
    .unwrap();
}

// C45: a misuse leaves the first use alone.
#[trio::test]
async fn a_refused_entry_does_not_disturb_the_scope() {
    let scope = CancelScope::new();
    let result = scope
        .run(async {
            let again = nursery!(|n| {
                n.spawn_monitored(async { scope.run(checkpoint).await }).outcome().await
            })
            .unwrap();
            assert!(matches!(again, trio::Outcome::Panicked(_)));
            checkpoint().await;
            scope.cancel();
            checkpoint().await;
        })
        .await;
    assert!(result.is_none() && scope.cancelled_caught());
}

// C46
#[trio::test(clock = "mock")]
async fn a_passed_deadline_of_an_unentered_scope_counts_once_it_was_looked_at() {
    let now = trio::current_time();
    let scope = CancelScope::with_deadline(now + SECOND);
    assert!(!scope.cancel_called());
    trio::sleep(2 * SECOND).await;
    assert!(scope.cancel_called());
    scope.set_deadline(Some(now + 100 * SECOND));
    assert!(scope.cancel_called(), "it never goes back");
    scope.set_deadline(None);
    assert!(scope.run(checkpoint).await.is_none());
}

// C46
#[trio::test(clock = "mock")]
async fn a_deadline_moved_before_anyone_looked_is_not_passed() {
    let now = trio::current_time();
    let scope = CancelScope::with_deadline(now + SECOND);
    trio::sleep(2 * SECOND).await;
    scope.set_deadline(Some(now + 3 * SECOND));
    assert!(!scope.cancel_called());
    assert!(scope.run(trio::sleep_forever).await.is_none());
    assert_eq!(now.elapsed(), 3 * SECOND);
}

// C53
#[trio::test(clock = "mock")]
async fn a_deadline_that_is_moved_thousands_of_times_leaves_one_behind() {
    let scope = CancelScope::new();
    let start = trio::current_time();
    scope
        .run(async {
            for round in 1..=10_000 {
                scope.set_deadline(None);
                scope.set_deadline(Some(start + round * SECOND));
                if round % 1000 == 0 {
                    checkpoint().await;
                    assert_eq!(statistics().deadlines, 1);
                }
            }
            trio::sleep_forever().await;
        })
        .await;
    assert_eq!(start.elapsed(), 10_000 * SECOND);
    assert_eq!(statistics().deadlines, 0);
}

// C53
#[trio::test(clock = "mock")]
async fn a_scope_that_is_left_takes_its_deadline_along() {
    for _ in 0..100 {
        trio::move_on_after(SECOND, || trio::sleep(Duration::from_millis(1))).await.unwrap();
        assert_eq!(statistics().deadlines, 0);
        assert_eq!(statistics().time_to_next_deadline, None);
    }
    assert_eq!(trio::current_time().elapsed(), Duration::ZERO);
}

// C54: the only way to leave scopes in the wrong order is a converted frame that outlives them.
#[trio::test]
async fn a_converted_frame_that_outlives_the_scope_around_it_is_cancelled() {
    #[trio::task]
    async fn in_a_scope(inner: CancelScope) -> Option<()> {
        inner.run(trio::sleep_forever).await
    }
    let inner = CancelScope::new();
    let outer = CancelScope::new();
    let mut frame = Box::pin(in_a_scope(inner.clone()).into_future());
    outer
        .run(async {
            poll_fn(|cx| {
                assert!(!is_ready(cx, frame.as_mut()));
                Poll::Ready(())
            })
            .await;
        })
        .await
        .unwrap();
    assert!(inner.cancel_called());
    assert_eq!(frame.await, None);
    assert!(inner.cancelled_caught());
    checkpoint().await;
}

// C55
#[trio::test(clock = "mock")]
async fn a_reason_names_its_source_its_text_and_its_task() {
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn_named("the canceller", async { scope.cancel_with_reason("enough") });
    })
    .unwrap();
    let reason = scope.cancel_reason().unwrap();
    assert_eq!(reason.source(), CancelSource::Explicit);
    assert_eq!(reason.text(), Some("enough"));
    assert_eq!(reason.task(), Some("the canceller"));
    assert_eq!(reason.to_string(), "cancelled explicitly from task `the canceller`: enough");

    let scope = CancelScope::with_timeout(SECOND);
    assert_eq!(scope.cancel_reason(), None);
    scope.run(trio::sleep_forever).await;
    let reason = scope.cancel_reason().unwrap();
    assert_eq!((reason.source(), reason.task()), (CancelSource::Deadline, None));
    assert_eq!(reason.to_string(), "cancelled by a deadline");
}

// C55
#[trio::test]
async fn a_child_that_fails_is_the_reason_its_siblings_see() {
    let seen = RefCell::new(None);
    let result = nursery!(|n| {
        n.spawn(async {
            let _guard = OnDrop(|| *seen.borrow_mut() = trio::current_cancel_reason());
            trio::sleep_forever().await;
        });
        n.spawn_named("the failing one", async {
            wait_all_tasks_blocked().await;
            Err::<(), _>("no luck")
        });
    });
    assert!(result.is_err());
    let reason = seen.take().unwrap();
    assert_eq!(reason.source(), CancelSource::Child);
    assert_eq!((reason.task(), reason.text()), (Some("the failing one"), Some("no luck")));
}

// C55
#[trio::test]
async fn a_body_that_fails_is_the_reason_its_children_see() {
    let seen = RefCell::new(None);
    let result = nursery!(|n| {
        n.spawn(async {
            let _guard = OnDrop(|| *seen.borrow_mut() = trio::current_cancel_reason());
            trio::sleep_forever().await;
        });
        wait_all_tasks_blocked().await;
        Err("no luck")?;
    });
    assert!(result.is_err());
    let reason = seen.take().unwrap();
    assert_eq!((reason.source(), reason.text()), (CancelSource::Body, Some("no luck")));
}

// C55
#[trio::test]
async fn the_first_reason_is_kept() {
    let scope = CancelScope::new();
    scope.cancel_with_reason("first");
    scope.cancel_with_reason("second");
    scope.cancel();
    assert_eq!(scope.cancel_reason().unwrap().text(), Some("first"));

    let result = nursery!(|n| {
        let scope = n.cancel_scope();
        scope.cancel_with_reason("before the failure");
        n.spawn(async { Err::<(), _>("no luck") });
        trio::lowlevel::cancel_shielded_checkpoint().await;
        assert_eq!(scope.cancel_reason().unwrap().text(), Some("before the failure"));
    });
    assert!(result.is_err());
}

// C55: what a task sees is the outermost reason that reaches it.
#[trio::test]
async fn the_reason_that_counts_is_the_outermost_one_up_to_a_shield() {
    let reason = || trio::current_cancel_reason().map(|reason| reason.text().map(str::to_owned));
    let outer = CancelScope::new();
    let shielded = CancelScope::new().shielded(true);
    let inner = CancelScope::new();
    assert_eq!(reason(), None);
    outer
        .run(async {
            shielded
                .run(async {
                    inner
                        .run(async {
                            outer.cancel_with_reason("outer");
                            assert_eq!(reason(), None);
                            inner.cancel_with_reason("inner");
                            assert_eq!(reason(), Some(Some("inner".to_owned())));
                            shielded.set_shield(false);
                            assert_eq!(reason(), Some(Some("outer".to_owned())));
                            checkpoint().await;
                        })
                        .await;
                })
                .await;
        })
        .await;
    assert!(outer.cancelled_caught());
    assert_eq!(reason(), None);
}

// C58
#[trio::test(clock = "mock")]
async fn a_scope_prints_what_it_is_and_when_it_ends() {
    let text = |scope: &CancelScope| format!("{scope:?}");
    let scope = CancelScope::new();
    assert_eq!(text(&scope), "CancelScope(unbound)");
    assert_eq!(
        text(&CancelScope::with_timeout(SECOND)),
        "CancelScope(unbound, timeout 1s from entry)"
    );
    assert_eq!(text(&CancelScope::new().shielded(true)), "CancelScope(unbound, shielded)");
    scope
        .run(async {
            assert_eq!(text(&scope), "CancelScope(active)");
            scope.set_deadline(Some(trio::current_time() + 10 * SECOND));
            assert_eq!(text(&scope), "CancelScope(active, deadline in 10s)");
            trio::sleep(4 * SECOND).await;
            assert_eq!(text(&scope), "CancelScope(active, deadline in 6s)");
            checkpoint().await;
        })
        .await
        .unwrap();
    assert_eq!(text(&scope), "CancelScope(exited, deadline in 6s)");
    trio::sleep(8 * SECOND).await;
    assert_eq!(text(&scope), "CancelScope(exited, deadline 2s ago)");
    assert!(!scope.cancel_called(), "a scope that was left in time stays so");

    let scope = CancelScope::new().shielded(true);
    scope.cancel();
    assert_eq!(text(&scope), "CancelScope(unbound, cancelled, shielded)");
    let scope = CancelScope::with_deadline(trio::current_time());
    assert_eq!(text(&scope), "CancelScope(unbound, cancelled)");
}
