//! The request to stop: what is given up at once, what has its grace, and what hears nothing of it.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tests::panics::panic_text;
use trio::lowlevel::{ParkingLot, checkpoint, current_task, statistics, task_tree};
use trio::testing::{assert_checkpoints, assert_no_checkpoints, wait_all_tasks_blocked};
use trio::{
    CancelScope, CancelSource, EffectiveDeadline, current_cancel_reason,
    current_effective_deadline, current_time, finally, move_on_after, nursery, shield, sleep,
    sleep_forever, stop_requested, until_stop, wait_for_stop,
};

const SECOND: Duration = Duration::from_secs(1);

#[trio::task]
async fn pause(seconds: u32) -> u32 {
    sleep(SECOND * seconds).await;
    seconds
}

/// Waits, and takes this long for its clean-up.
#[trio::task]
async fn lingers(pause: Duration) {
    finally(sleep_forever, async { sleep(pause).await }).await
}

mod until_stop {
    use super::*;

    #[trio::test(clock = "mock")]
    async fn what_ends_before_a_request_has_its_value() {
        let value = until_stop(async { pause(1).await }).await;
        assert_eq!(value, Some(1));
    }

    #[trio::test(clock = "mock")]
    async fn a_request_that_comes_first_gives_it_up_at_once() {
        let (start, scope) = (current_time(), CancelScope::new());
        nursery!(|n| {
            n.spawn(async {
                let ended = scope.run(async { until_stop(async { pause(9).await }).await }).await;
                assert_eq!(ended, Some(None));
                assert_eq!(start.elapsed(), SECOND);
            });
            sleep(SECOND).await;
            scope.request_stop(5 * SECOND);
        })
        .unwrap();
        assert!(!scope.cancel_called());
    }

    #[trio::test(clock = "mock")]
    async fn what_is_outside_of_it_is_left_alone() {
        let (start, scope) = (current_time(), CancelScope::new());
        nursery!(|n| {
            n.spawn(async {
                let ended = scope.run(async { pause(3).await }).await;
                assert_eq!(ended, Some(3));
            });
            sleep(SECOND).await;
            scope.request_stop(5 * SECOND);
        })
        .unwrap();
        assert_eq!(start.elapsed(), 3 * SECOND);
    }

    #[trio::test(clock = "mock")]
    async fn after_a_request_the_thunk_runs_up_to_its_first_cancellation_point() {
        let scope = CancelScope::new();
        scope.request_stop(SECOND);
        let steps = Cell::new(0);
        scope
            .run(async {
                let given_up = until_stop(async {
                    steps.set(1);
                    checkpoint().await;
                    steps.set(2);
                })
                .await;
                assert_eq!((given_up, steps.get()), (None, 1));
                let completed = until_stop(|| std::future::ready(7)).await;
                assert_eq!(completed, None, "awaiting is a cancellation point");
                sleep(SECOND / 2).await;
            })
            .await
            .expect("the grace is not over");
    }

    #[trio::test]
    async fn an_operation_that_is_given_up_did_not_happen() {
        let (lot, scope) = (ParkingLot::new(), CancelScope::new());
        nursery!(|n| {
            n.spawn(async {
                let turn = scope.run(async { until_stop(|| lot.park()).await }).await;
                assert!(turn.unwrap().is_none());
            });
            wait_all_tasks_blocked().await;
            assert_eq!(lot.len(), 1);
            scope.request_stop(SECOND);
            wait_all_tasks_blocked().await;
            assert_eq!(lot.len(), 0);
        })
        .unwrap();
    }

    #[trio::test(clock = "mock")]
    async fn a_cancellation_goes_through_it() {
        let after = Cell::new(false);
        let result = move_on_after(SECOND, async {
            until_stop(sleep_forever).await;
            after.set(true);
        })
        .await;
        assert_eq!((result, after.get()), (None, false));
    }

    #[trio::test(clock = "mock")]
    async fn the_loop_of_the_guide_completes_what_it_has_begun() {
        let (start, done) = (current_time(), RefCell::new(Vec::new()));
        nursery!(|n| {
            n.spawn(async {
                while let Some(job) = until_stop(async { pause(2).await }).await {
                    pause(3).await;
                    done.borrow_mut().push((job, start.elapsed()));
                }
            });
            sleep(8 * SECOND).await;
            n.request_stop(5 * SECOND);
            sleep_forever().await;
        })
        .unwrap();
        assert_eq!(*done.borrow(), [(2, 5 * SECOND), (2, 10 * SECOND)]);
        assert_eq!(start.elapsed(), 13 * SECOND);
    }

    #[trio::test]
    async fn it_says_why_it_ends() {
        let (scope, reason) = (CancelScope::new(), RefCell::default());
        scope.request_stop(SECOND);
        scope
            .run(async {
                until_stop(async {
                    *reason.borrow_mut() = current_cancel_reason();
                    checkpoint().await;
                })
                .await;
                assert_eq!(current_cancel_reason(), None);
            })
            .await;
        let reason = reason.into_inner().unwrap();
        assert_eq!(reason.source(), CancelSource::StopRequest);
        assert_eq!(reason.to_string(), "cancelled because a stop was requested");
    }
}

mod asking {
    use super::*;

    #[trio::test]
    async fn stop_requested_is_no_checkpoint() {
        #[trio::task(allow(never_awaits))]
        async fn asks() {
            assert!(!stop_requested());
        }
        assert_no_checkpoints(asks).await;
    }

    #[trio::test]
    async fn it_tells_of_any_scope_around_up_to_the_nearest_shield() {
        let (outer, middle) = (CancelScope::new(), CancelScope::new());
        outer
            .run(async {
                middle
                    .run(async {
                        shield(async {
                            outer.request_stop(SECOND);
                            assert!(!stop_requested(), "the shield keeps it off");
                            checkpoint().await;
                        })
                        .await;
                        assert!(stop_requested());
                        assert!(outer.stop_requested() && middle.stop_requested());
                        middle.set_shield(true);
                        assert!(!stop_requested() && !middle.stop_requested());
                        middle.set_shield(false);
                        assert!(stop_requested());
                        checkpoint().await;
                    })
                    .await;
            })
            .await;
        assert!(outer.stop_requested() && !middle.stop_requested());
        assert!(!stop_requested());
    }

    #[test]
    fn outside_a_task_it_is_refused() {
        let said = panic_text(stop_requested);
        assert!(said.contains("inside a trio task"), "{said}");
    }
}

mod waiting {
    use super::*;

    #[trio::test(clock = "mock")]
    async fn wait_for_stop_returns_when_a_stop_is_requested() {
        let start = current_time();
        nursery!(|n| {
            n.spawn(async {
                wait_for_stop().await;
                assert_eq!(start.elapsed(), SECOND);
                pause(2).await;
            });
            sleep(SECOND).await;
            n.request_stop(5 * SECOND);
        })
        .unwrap();
        assert_eq!(start.elapsed(), 3 * SECOND);
    }

    #[trio::test]
    async fn it_is_a_checkpoint_also_when_a_stop_was_requested_before() {
        let scope = CancelScope::new();
        scope.request_stop(SECOND);
        let waited = scope.run(async { assert_checkpoints(wait_for_stop).await }).await;
        assert_eq!(waited, Some(()));
        let scope = CancelScope::new();
        scope.request_stop(SECOND);
        scope.cancel();
        assert_eq!(scope.run(wait_for_stop).await, None);
    }

    #[trio::test(clock = "mock")]
    async fn a_shield_keeps_the_request_off_until_it_is_taken_away() {
        let (start, inner) = (current_time(), CancelScope::new().shielded(true));
        nursery!(|n| {
            n.spawn(async {
                inner.run(wait_for_stop).await;
                assert_eq!(start.elapsed(), 2 * SECOND);
            });
            sleep(SECOND).await;
            n.request_stop(5 * SECOND);
            sleep(SECOND).await;
            inner.set_shield(false);
        })
        .unwrap();
    }

    #[trio::test(clock = "mock")]
    async fn a_cancellation_unwinds_it() {
        assert_eq!(move_on_after(SECOND, wait_for_stop).await, None);
    }
}

mod stoppable {
    use super::*;

    #[trio::test(clock = "mock")]
    async fn a_stoppable_scope_is_cancelled_by_a_request_for_itself() {
        let scope = CancelScope::new().stoppable(true);
        nursery!(|n| {
            n.spawn(async { assert_eq!(scope.run(sleep_forever).await, None) });
            sleep(SECOND).await;
            scope.request_stop(9 * SECOND);
        })
        .unwrap();
        assert!(scope.cancelled_caught());
        assert_eq!(scope.cancel_reason().unwrap().source(), CancelSource::StopRequest);
    }

    #[trio::test]
    async fn one_that_is_entered_or_made_stoppable_later_is_cancelled_at_once() {
        let outer = CancelScope::new();
        outer.request_stop(SECOND);
        let inner = CancelScope::new();
        outer
            .run(async {
                inner
                    .run(async {
                        checkpoint().await;
                        assert!(!inner.cancel_called());
                        let _same = inner.clone().stoppable(true);
                        assert!(inner.cancel_called());
                        checkpoint().await;
                        panic!("it is cancelled");
                    })
                    .await;
            })
            .await;
        assert!(inner.cancelled_caught());
    }

    #[trio::test]
    async fn what_is_no_longer_stoppable_is_left_alone() {
        let scope = CancelScope::new().stoppable(true).stoppable(false);
        let completed = scope
            .run(async {
                scope.request_stop(SECOND);
                checkpoint().await;
            })
            .await;
        assert_eq!(completed, Some(()));
    }
}

mod requesting {
    use super::*;

    #[trio::test(clock = "mock")]
    async fn a_scope_that_it_has_cancelled_waits_for_no_deadline_any_more() {
        nursery!(|n| {
            n.spawn(async {
                let scope = CancelScope::with_timeout(5 * SECOND).stoppable(true);
                let pause = 9 * SECOND;
                scope.run(|| lingers(pause)).await;
            });
            sleep(SECOND).await;
            assert_eq!(statistics().deadlines, 1);
            n.request_stop(Duration::MAX);
            wait_all_tasks_blocked().await;
            assert_eq!(statistics().time_to_next_deadline, Some(9 * SECOND));
        })
        .unwrap();
    }

    #[trio::test(clock = "mock")]
    async fn what_goes_on_is_cancelled_when_the_grace_is_over() {
        let (start, scope) = (current_time(), CancelScope::new());
        let result = scope
            .run(async {
                sleep(SECOND).await;
                scope.request_stop(5 * SECOND);
                sleep_forever().await
            })
            .await;
        assert_eq!(result, None::<()>);
        assert_eq!(start.elapsed(), 6 * SECOND);
        let reason = scope.cancel_reason().unwrap();
        assert_eq!(
            reason.to_string(),
            "cancelled by a deadline: the grace after a stop request is over"
        );
    }

    #[trio::test(clock = "mock")]
    async fn the_grace_is_the_scopes_deadline_and_shows_as_one() {
        let scope = CancelScope::new();
        scope
            .run(async {
                scope.request_stop(5 * SECOND);
                let end = current_time() + 5 * SECOND;
                assert_eq!(scope.deadline(), Some(end));
                assert_eq!(current_effective_deadline(), EffectiveDeadline::At(end));
                assert_eq!(
                    format!("{scope:?}"),
                    "CancelScope(active, deadline in 5s, asked to stop)"
                );
                checkpoint().await;
            })
            .await;
    }

    #[trio::test(clock = "mock")]
    async fn an_earlier_deadline_stays() {
        let (start, scope) = (current_time(), CancelScope::with_timeout(2 * SECOND));
        let result = scope
            .run(async {
                scope.request_stop(5 * SECOND);
                sleep_forever().await
            })
            .await;
        assert_eq!(result, None::<()>);
        assert_eq!(start.elapsed(), 2 * SECOND);
        assert_eq!(scope.cancel_reason().unwrap().to_string(), "cancelled by a deadline");
    }

    #[trio::test(clock = "mock")]
    async fn the_deadline_can_be_moved_afterwards() {
        let (start, scope) = (current_time(), CancelScope::new());
        let result = scope
            .run(async {
                scope.request_stop(SECOND);
                scope.set_deadline(Some(current_time() + 3 * SECOND));
                sleep_forever().await
            })
            .await;
        assert_eq!(result, None::<()>);
        assert_eq!(start.elapsed(), 3 * SECOND);
        let scope = CancelScope::new();
        let result = scope.run(async {
            scope.request_stop(SECOND);
            scope.set_deadline(None);
            pause(9).await
        });
        assert_eq!(result.await, Some(9));
    }

    #[trio::test(clock = "mock")]
    async fn before_entry_the_grace_counts_from_there() {
        let scope = CancelScope::new();
        scope.request_stop(2 * SECOND);
        assert!(scope.stop_requested());
        assert_eq!(scope.deadline(), None);
        assert_eq!(
            format!("{scope:?}"),
            "CancelScope(unbound, timeout 2s from entry, asked to stop)"
        );
        sleep(5 * SECOND).await;
        let start = current_time();
        assert_eq!(scope.run(sleep_forever).await, None);
        assert_eq!(start.elapsed(), 2 * SECOND);
        assert!(scope.cancel_reason().unwrap().to_string().contains("the grace"));
    }

    #[trio::test(clock = "mock")]
    async fn before_entry_an_earlier_end_stays_too() {
        let scope = CancelScope::with_timeout(SECOND);
        scope.request_stop(2 * SECOND);
        let start = current_time();
        assert_eq!(scope.run(sleep_forever).await, None);
        assert_eq!(start.elapsed(), SECOND);
        assert_eq!(scope.cancel_reason().unwrap().to_string(), "cancelled by a deadline");

        let scope = CancelScope::with_deadline(current_time() + SECOND);
        scope.request_stop(2 * SECOND);
        let start = current_time();
        assert_eq!(scope.run(sleep_forever).await, None);
        assert_eq!(start.elapsed(), SECOND);
        assert_eq!(scope.cancel_reason().unwrap().to_string(), "cancelled by a deadline");

        let scope = CancelScope::with_deadline(current_time() + 9 * SECOND);
        scope.request_stop(2 * SECOND);
        let start = current_time();
        assert_eq!(scope.run(sleep_forever).await, None);
        assert_eq!(start.elapsed(), 2 * SECOND);
        assert!(scope.cancel_reason().unwrap().to_string().contains("the grace"));
    }

    #[trio::test(clock = "mock")]
    async fn a_second_request_can_only_shorten_the_grace() {
        for (second, end) in [(9, 5), (1, 3)] {
            let (start, scope) = (current_time(), CancelScope::new());
            let result = scope
                .run(async {
                    scope.request_stop(5 * SECOND);
                    sleep(2 * SECOND).await;
                    scope.request_stop(SECOND * second);
                    sleep_forever().await
                })
                .await;
            assert_eq!(result, None::<()>);
            assert_eq!(start.elapsed(), SECOND * end);
        }
        let scope = CancelScope::new();
        scope.request_stop(2 * SECOND);
        scope.request_stop(5 * SECOND);
        scope.request_stop(3 * SECOND);
        let start = current_time();
        assert_eq!(scope.run(sleep_forever).await, None);
        assert_eq!(start.elapsed(), 2 * SECOND);
    }

    #[trio::test(clock = "mock")]
    async fn a_cancellation_ends_the_grace() {
        let (start, scope) = (current_time(), CancelScope::new());
        let result = scope
            .run(async {
                scope.request_stop(5 * SECOND);
                sleep(SECOND).await;
                scope.cancel();
                sleep_forever().await
            })
            .await;
        assert_eq!(result, None::<()>);
        assert_eq!(start.elapsed(), SECOND);
        assert_eq!(scope.cancel_reason().unwrap().source(), CancelSource::Explicit);
    }

    #[trio::test(clock = "mock")]
    async fn no_grace_cancels_at_once_and_one_without_end_never() {
        let scope = CancelScope::new();
        let result = scope
            .run(async {
                scope.request_stop(Duration::ZERO);
                assert!(scope.cancel_called());
                checkpoint().await;
            })
            .await;
        assert_eq!(result, None);
        let scope = CancelScope::new();
        let result = scope
            .run(async {
                scope.request_stop(Duration::MAX);
                assert!(until_stop(sleep_forever).await.is_none());
                pause(1_000_000).await
            })
            .await;
        assert_eq!(result, Some(1_000_000));
        assert_eq!(scope.deadline(), None);
    }

    #[trio::test]
    async fn the_request_is_sync() {
        let scope = CancelScope::new();
        #[trio::task(allow(never_awaits))]
        async fn requests(scope: &CancelScope) {
            scope.request_stop(SECOND);
        }
        assert_no_checkpoints(async { scope.run(|| requests(&scope)).await }).await;
    }

    #[trio::test]
    async fn a_scope_that_was_left_takes_no_request() {
        let scope = CancelScope::new();
        scope.run(checkpoint).await;
        scope.request_stop(SECOND);
        assert!(!scope.stop_requested() && !scope.cancel_called());
    }

    #[trio::test(clock = "mock")]
    async fn a_shield_keeps_off_the_request_and_the_end_of_the_grace() {
        let (start, scope) = (current_time(), CancelScope::new());
        let result = scope
            .run(async {
                scope.request_stop(SECOND);
                shield(async {
                    assert_eq!(until_stop(async { pause(3).await }).await, Some(3));
                })
                .await;
                checkpoint().await;
            })
            .await;
        assert_eq!(result, None);
        assert_eq!(start.elapsed(), 3 * SECOND);
    }

    #[trio::test(clock = "mock")]
    async fn the_clean_up_after_the_grace_is_completed() {
        let (start, scope) = (current_time(), CancelScope::new());
        scope
            .run(async {
                scope.request_stop(SECOND);
                finally(sleep_forever, async { sleep(2 * SECOND).await }).await
            })
            .await;
        assert_eq!(start.elapsed(), 3 * SECOND);
    }
}

mod nurseries {
    use super::*;

    #[trio::test(clock = "mock")]
    async fn a_request_reaches_the_body_the_children_and_the_nurseries_below() {
        let (start, ended) = (current_time(), RefCell::new(Vec::new()));
        #[trio::task]
        async fn waits(name: &'static str, ended: &RefCell<Vec<&'static str>>) {
            wait_for_stop().await;
            ended.borrow_mut().push(name);
        }
        nursery!(|n| {
            n.spawn(waits, "child", &ended);
            n.spawn(async {
                nursery!(|inner| {
                    inner.spawn(waits, "grandchild", &ended);
                    inner.spawn(waits, "another", &ended);
                })
            });
            sleep(SECOND).await;
            n.request_stop(5 * SECOND);
            waits("body", &ended).await;
        })
        .unwrap();
        ended.borrow_mut().sort_unstable();
        assert_eq!(*ended.borrow(), ["another", "body", "child", "grandchild"]);
        assert_eq!(start.elapsed(), SECOND);
    }

    #[trio::test(clock = "mock")]
    async fn a_child_that_is_spawned_after_the_request_hears_of_it() {
        nursery!(|n| {
            n.request_stop(5 * SECOND);
            n.spawn(async {
                assert!(stop_requested());
                assert!(until_stop(sleep_forever).await.is_none());
            });
        })
        .unwrap();
    }

    #[trio::test(clock = "mock")]
    async fn the_rest_is_cancelled_when_the_grace_is_over() {
        let start = current_time();
        nursery!(|n| {
            n.spawn(async { sleep_forever().await });
            n.request_stop(5 * SECOND);
            assert!(n.cancel_scope().stop_requested() && !n.statistics().cancel_called);
        })
        .unwrap();
        assert_eq!(start.elapsed(), 5 * SECOND);
    }

    #[trio::test(clock = "mock")]
    async fn the_tree_shows_that_it_was_asked_and_how_much_time_is_left() {
        nursery!(|outer| {
            outer.spawn(async {
                nursery!(|n| {
                    n.spawn(async { sleep_forever().await });
                    sleep(SECOND).await;
                    n.request_stop(5 * SECOND);
                    sleep_forever().await
                })
            });
            sleep(2 * SECOND).await;
            let tree = task_tree();
            let status = ": nursery, 1 child, deadline in 4s, asked to stop\n";
            assert!(tree.contains(status), "{tree}");
            assert!(!tree.contains("cancelled"), "{tree}");
            sleep(9 * SECOND).await;
        })
        .unwrap();
    }

    #[trio::test(clock = "mock")]
    async fn a_task_that_is_given_up_shows_why() {
        nursery!(|outer| {
            outer.spawn(async {
                until_stop(async {
                    let pause = 9 * SECOND;
                    finally(sleep_forever, async { sleep(pause).await }).await
                })
                .await
            });
            sleep(SECOND).await;
            outer.request_stop(20 * SECOND);
            sleep(SECOND).await;
            let tree = task_tree();
            let scope = "(until_stop, cancelled because a stop was requested)";
            assert!(tree.contains(scope), "{tree}");
            assert_eq!(current_task().cancel_reason(), None);
        })
        .unwrap();
    }
}
