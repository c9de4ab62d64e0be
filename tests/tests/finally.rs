//! Clean-up that awaits, in every way in which what it cleans up after can end.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::time::Duration;

use tests::probe::OnDrop;
use trio::lowlevel::checkpoint;
use trio::testing::{MockClock, assert_no_checkpoints, wait_all_tasks_blocked};
use trio::{
    Builder, CancelScope, EffectiveDeadline, Outcome, current_effective_deadline, current_time,
    finally, finally_within, move_on_after,
};

const SECOND: Duration = Duration::from_secs(1);

/// Runs a task in virtual time and gives what it panics with.
fn panic_of<T: trio::Thunk>(thunk: T) -> &'static str {
    let run = || Builder::new().clock(MockClock::autojump()).run(thunk);
    let Err(payload) = catch_unwind(AssertUnwindSafe(run)) else {
        panic!("there was no panic");
    };
    *payload.downcast::<&'static str>().expect("a planned panic")
}

#[trio::test(clock = "mock")]
async fn the_cleanup_runs_after_a_value_which_goes_on() {
    let record = RefCell::new(Vec::new());
    let value = finally(
        async {
            checkpoint().await;
            record.borrow_mut().push("body");
            7
        },
        async {
            trio::sleep(SECOND).await;
            record.borrow_mut().push("cleanup");
        },
    )
    .await;
    assert_eq!(value, 7);
    assert_eq!(*record.borrow(), ["body", "cleanup"]);
}

#[trio::test(clock = "mock")]
async fn the_cleanup_runs_after_an_error_which_goes_on() {
    let cleaned = Cell::new(false);
    let result: Result<(), &str> = finally(
        async {
            checkpoint().await;
            Err("no luck")
        },
        async {
            checkpoint().await;
            cleaned.set(true);
        },
    )
    .await;
    assert_eq!((result, cleaned.get()), (Err("no luck"), true));
}

#[trio::test(clock = "mock")]
async fn the_cleanup_of_a_cancelled_body_may_await_and_the_unwinding_goes_on() {
    let start = current_time();
    let record = RefCell::new(Vec::new());
    let result = move_on_after(SECOND, async {
        finally(
            async {
                let _frame = OnDrop(|| record.borrow_mut().push("body dropped"));
                trio::sleep_forever().await;
            },
            async {
                record.borrow_mut().push("cleanup");
                assert_eq!(current_effective_deadline(), EffectiveDeadline::Never);
                trio::sleep(4 * SECOND).await;
                record.borrow_mut().push("cleaned");
            },
        )
        .await;
        unreachable!("it was unwound");
    })
    .await;
    assert!(result.is_none());
    assert_eq!(*record.borrow(), ["body dropped", "cleanup", "cleaned"]);
    assert_eq!(start.elapsed(), 5 * SECOND);
}

#[test]
fn the_cleanup_runs_after_a_panic_which_goes_on() {
    static CLEANED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    #[trio::task]
    async fn panics() {
        finally(
            async {
                checkpoint().await;
                panic_any("body");
            },
            async {
                trio::sleep(SECOND).await;
                CLEANED.store(true, std::sync::atomic::Ordering::SeqCst);
            },
        )
        .await;
    }
    assert_eq!(panic_of(panics), "body");
    assert!(CLEANED.load(std::sync::atomic::Ordering::SeqCst));
}

#[test]
fn a_panic_of_the_cleanup_takes_the_place_of_a_value() {
    #[trio::task]
    async fn panics() {
        finally(checkpoint, async {
            checkpoint().await;
            panic_any("cleanup");
        })
        .await;
    }
    assert_eq!(panic_of(panics), "cleanup");
}

#[test]
fn a_panic_of_the_cleanup_takes_the_place_of_an_unwinding() {
    #[trio::task]
    async fn panics() {
        move_on_after(SECOND, async {
            finally(trio::sleep_forever, async {
                checkpoint().await;
                panic_any("cleanup");
            })
            .await;
        })
        .await;
    }
    assert_eq!(panic_of(panics), "cleanup");
}

#[test]
fn of_two_panics_that_of_the_body_goes_on() {
    #[trio::task]
    async fn panics() {
        finally(
            async {
                checkpoint().await;
                panic_any("body");
            },
            async {
                checkpoint().await;
                panic_any("cleanup");
            },
        )
        .await;
    }
    assert_eq!(panic_of(panics), "body");
}

#[test]
fn a_thunk_that_panics_when_it_is_called_counts_as_the_cleanup_panicking() {
    #[trio::task]
    async fn panics() {
        finally(checkpoint, || -> std::future::Ready<()> { panic_any("thunk") }).await;
    }
    assert_eq!(panic_of(panics), "thunk");
}

#[test]
fn a_destructor_that_panics_while_the_body_unwinds_is_cleaned_up_after() {
    static CLEANED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    #[trio::task]
    async fn panics() {
        move_on_after(SECOND, async {
            finally(
                async {
                    let _bad = OnDrop(|| panic_any("destructor"));
                    trio::sleep_forever().await;
                },
                async {
                    checkpoint().await;
                    CLEANED.store(true, std::sync::atomic::Ordering::SeqCst);
                },
            )
            .await;
        })
        .await;
    }
    assert_eq!(panic_of(panics), "destructor");
    assert!(CLEANED.load(std::sync::atomic::Ordering::SeqCst));
}

#[trio::test]
async fn the_cleanup_is_called_when_the_body_is_over() {
    let record = RefCell::new(Vec::new());
    finally(
        async {
            checkpoint().await;
            record.borrow_mut().push("body");
        },
        || {
            record.borrow_mut().push("called");
            checkpoint()
        },
    )
    .await;
    assert_eq!(*record.borrow(), ["body", "called"]);
}

#[trio::test]
async fn a_cleanup_that_does_not_wait_makes_no_checkpoint_of_its_own() {
    #[trio::task(allow(never_awaits))]
    async fn nothing() {}
    assert_no_checkpoints(async { finally(nothing, nothing).await }).await;
}

// The frames around it are still there while it cleans up, and go afterwards.
#[trio::test(clock = "mock")]
async fn cleanups_run_inside_out() {
    let record = RefCell::new(Vec::new());
    let push = |what| record.borrow_mut().push(what);
    move_on_after(SECOND, async {
        let _outermost = OnDrop(|| push("outermost frame"));
        finally(
            async {
                let _outer = OnDrop(|| push("outer frame"));
                finally(trio::sleep_forever, async {
                    trio::sleep(SECOND).await;
                    push("inner cleanup");
                })
                .await;
            },
            async {
                trio::sleep(SECOND).await;
                push("outer cleanup");
            },
        )
        .await;
    })
    .await;
    assert_eq!(
        *record.borrow(),
        ["inner cleanup", "outer frame", "outer cleanup", "outermost frame"]
    );
}

// A scope that is inside the clean-up can be cancelled; the clean-up as a whole cannot.
#[trio::test(clock = "mock")]
async fn a_scope_inside_the_cleanup_works_as_any_other() {
    let start = current_time();
    let outer = CancelScope::new();
    outer
        .run(async {
            finally(
                async {
                    outer.cancel();
                    checkpoint().await;
                },
                async {
                    assert!(move_on_after(SECOND, trio::sleep_forever).await.is_none());
                    trio::sleep(SECOND).await;
                    outer.cancel();
                    checkpoint().await;
                },
            )
            .await;
        })
        .await;
    assert!(outer.cancelled_caught());
    assert_eq!(start.elapsed(), 2 * SECOND);
}

// The clean-up may open a nursery of its own, whose children are shielded with it.
#[trio::test(clock = "mock")]
async fn the_cleanup_may_have_children() {
    let start = current_time();
    let done = Cell::new(0);
    move_on_after(SECOND, async {
        finally(trio::sleep_forever, async {
            trio::nursery!(|n| {
                for seconds in [2, 3_u32] {
                    let done = &done;
                    n.spawn(async move {
                        trio::sleep(seconds * SECOND).await;
                        done.set(done.get() + seconds);
                    });
                }
            })
            .unwrap();
        })
        .await;
    })
    .await;
    assert_eq!((done.get(), start.elapsed()), (5, 4 * SECOND));
}

#[trio::test(clock = "mock")]
async fn a_cleanup_with_a_limit_is_cancelled_when_it_is_over() {
    let start = current_time();
    let record = RefCell::new(Vec::new());
    let value = finally_within(
        2 * SECOND,
        async {
            trio::sleep(5 * SECOND).await;
            7
        },
        async {
            let _frame = OnDrop(|| record.borrow_mut().push("unwound"));
            trio::sleep_forever().await;
        },
    )
    .await;
    assert_eq!((value, start.elapsed()), (7, 7 * SECOND));
    assert_eq!(*record.borrow(), ["unwound"]);
}

#[trio::test(clock = "mock")]
async fn a_cleanup_within_its_limit_is_left_alone() {
    let start = current_time();
    let cleaned = Cell::new(false);
    let result = move_on_after(SECOND, async {
        finally_within(2 * SECOND, trio::sleep_forever, async {
            trio::sleep(SECOND).await;
            cleaned.set(true);
        })
        .await;
    })
    .await;
    assert!(result.is_none() && cleaned.get());
    assert_eq!(start.elapsed(), 2 * SECOND);
    trio::sleep(10 * SECOND).await;
}

#[trio::test(clock = "mock")]
async fn an_unwinding_goes_on_after_a_cleanup_that_ran_out_of_time() {
    let start = current_time();
    let result = move_on_after(SECOND, async {
        finally_within(2 * SECOND, trio::sleep_forever, trio::sleep_forever).await;
        unreachable!("it was unwound");
    })
    .await;
    assert_eq!((result, start.elapsed()), (None::<()>, 3 * SECOND));
}

#[test]
fn a_panic_goes_on_after_a_cleanup_that_ran_out_of_time() {
    #[trio::task]
    async fn panics() {
        finally_within(
            SECOND,
            async {
                checkpoint().await;
                panic_any("body");
            },
            trio::sleep_forever,
        )
        .await;
    }
    assert_eq!(panic_of(panics), "body");
}

// A child in clean-up keeps its nursery waiting, whatever happened to it.
#[trio::test(clock = "mock")]
async fn a_nursery_waits_for_the_cleanup_of_its_children() {
    #[trio::task]
    async fn slow_to_go(record: &RefCell<Vec<Duration>>, start: trio::Instant, seconds: u32) {
        finally(trio::sleep_forever, async {
            trio::sleep(seconds * SECOND).await;
            record.borrow_mut().push(start.elapsed());
        })
        .await;
    }
    let start = current_time();
    let record = RefCell::new(Vec::new());
    let group = trio::nursery!(|n| {
        n.spawn(slow_to_go, &record, start, 3);
        n.spawn(slow_to_go, &record, start, 2);
        n.spawn(async {
            trio::sleep(SECOND).await;
            Err::<(), _>("no luck")
        });
    })
    .unwrap_err();
    assert_eq!(group.len(), 1);
    assert_eq!(*record.borrow(), [3 * SECOND, 4 * SECOND]);
    assert_eq!(start.elapsed(), 4 * SECOND);
}

// A cancellation that comes while the clean-up after a value runs waits for the next point.
#[trio::test(clock = "mock")]
async fn a_cancellation_during_the_cleanup_waits_for_its_end() {
    let start = current_time();
    let result = move_on_after(2 * SECOND, async {
        let value = finally(
            async {
                trio::sleep(SECOND).await;
                7
            },
            async { trio::sleep(5 * SECOND).await },
        )
        .await;
        assert_eq!((value, start.elapsed()), (7, 6 * SECOND));
        checkpoint().await;
        unreachable!("the deadline has passed long since");
    })
    .await;
    assert!(result.is_none());
    assert_eq!(start.elapsed(), 6 * SECOND);
}

// The reason of the cancellation can be asked for, outside the shield of the clean-up.
#[trio::test(clock = "mock")]
async fn a_destructor_in_the_body_sees_the_reason_and_the_cleanup_does_not() {
    let seen = RefCell::new(Vec::new());
    let look = || seen.borrow_mut().push(trio::current_cancel_reason().is_some());
    move_on_after(SECOND, async {
        finally(
            async {
                let _body = OnDrop(look);
                trio::sleep_forever().await;
            },
            async {
                look();
                checkpoint().await;
            },
        )
        .await;
    })
    .await;
    assert_eq!(*seen.borrow(), [true, false]);
}

#[trio::test(clock = "mock")]
async fn a_shield_finishes_its_work_and_then_the_cancellation_is_delivered() {
    let start = current_time();
    let committed = Cell::new(false);
    let result = move_on_after(SECOND, async {
        trio::shield(async {
            trio::sleep(3 * SECOND).await;
            committed.set(true);
        })
        .await;
        checkpoint().await;
        unreachable!("the deadline has passed");
    })
    .await;
    assert!(result.is_none() && committed.get());
    assert_eq!(start.elapsed(), 3 * SECOND);
}

// A shield is no protection from what is inside: an error or panic of a child passes.
#[trio::test(clock = "mock")]
async fn a_failing_child_cancels_its_siblings_inside_a_shield() {
    let start = current_time();
    let result = trio::shield(async {
        trio::nursery!(|n| {
            n.spawn(trio::sleep_forever);
            n.spawn(async {
                trio::sleep(SECOND).await;
                Err::<(), _>("no luck")
            });
        })
    })
    .await;
    assert_eq!(result.unwrap_err().len(), 1);
    assert_eq!(start.elapsed(), SECOND);
}

// A monitored child that is cancelled, cleans up, and tells how it ended.
#[trio::test(clock = "mock")]
async fn a_cancelled_child_is_cancelled_when_its_cleanup_is_over() {
    let start = current_time();
    trio::nursery!(|n| {
        let child = n.spawn_monitored(async {
            finally(trio::sleep_forever, async { trio::sleep(SECOND).await }).await;
        });
        wait_all_tasks_blocked().await;
        child.cancel();
        let outcome = child.outcome().await;
        assert!(matches!(outcome, Outcome::Cancelled), "{outcome:?}");
        assert_eq!(start.elapsed(), SECOND);
    })
    .unwrap();
}
