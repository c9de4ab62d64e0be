//! The one way to block: `suspend` and its `Resumer`.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use futures::{FutureExt, StreamExt};
use tests::panics::panic_text;
use tests::probe::OnDrop;
use trio::lowlevel::{Abort, Resumer, checkpoint, current_trio_token, suspend};
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{CancelScope, nursery};

/// Where a suspended task leaves its resumer, and what happened to it.
struct Place<T> {
    resumer: Cell<Option<Resumer<T>>>,
    set_up: Cell<u32>,
    aborts: Cell<u32>,
}

impl<T> Place<T> {
    fn new() -> Self {
        Place { resumer: Cell::new(None), set_up: Cell::new(0), aborts: Cell::new(0) }
    }

    fn take(&self) -> Resumer<T> {
        self.resumer.take().expect("a task is suspended here")
    }

    /// Suspends; a cancellation takes the resumer away and unwinds.
    async fn wait(&self) -> T {
        suspend(|resumer| {
            self.set_up.set(self.set_up.get() + 1);
            self.resumer.set(Some(resumer));
            || {
                self.aborts.set(self.aborts.get() + 1);
                drop(self.resumer.take());
                Abort::Succeeded
            }
        })
        .await
    }

    /// Suspends, and cannot be called off.
    async fn wait_stubbornly(&self) -> T {
        suspend(|resumer| {
            self.set_up.set(self.set_up.get() + 1);
            self.resumer.set(Some(resumer));
            || {
                self.aborts.set(self.aborts.get() + 1);
                Abort::Failed
            }
        })
        .await
    }
}

// A9
#[trio::test]
async fn a_suspended_task_goes_on_with_exactly_the_value_it_is_resumed_with() {
    let place = Place::new();
    nursery!(|n| {
        let value = Rc::new(7);
        let same = Rc::clone(&value);
        let waiting = n.spawn(async { Rc::as_ptr(&place.wait().await) as usize });
        wait_all_tasks_blocked().await;
        place.take().resume(value);
        waiting.wait().await;
        assert_eq!(waiting.take(), Some(Rc::as_ptr(&same) as usize));
    })
    .unwrap();
    assert_eq!((place.set_up.get(), place.aborts.get()), (1, 0));
}

// A9
#[trio::test]
async fn an_error_is_a_value_like_any_other() {
    let place = Place::<Result<(), &'static str>>::new();
    nursery!(|n| {
        n.spawn(async {
            assert_eq!(place.wait().await, Err("broken"));
        });
        wait_all_tasks_blocked().await;
        place.take().resume(Err("broken"));
    })
    .unwrap();
}

#[trio::test]
async fn suspending_is_a_checkpoint() {
    let place = Place::new();
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            place.take().resume(());
        });
        assert_future_checkpoints(place.wait()).await;
    })
    .unwrap();
}

#[trio::test]
async fn setup_may_resume_at_once() {
    let value = assert_future_checkpoints(suspend(|resumer| {
        resumer.resume(3);
        || unreachable!("nothing is left to abort")
    }))
    .await;
    assert_eq!(value, 3);
}

#[trio::test]
async fn in_a_cancelled_scope_setup_is_not_called() {
    let place = Place::<()>::new();
    let scope = CancelScope::new();
    scope.cancel();
    assert!(scope.run(async { place.wait().await }).await.is_none());
    assert_eq!((place.set_up.get(), place.aborts.get()), (0, 0));
}

#[trio::test]
async fn a_cancellation_that_abort_agrees_to_unwinds_the_task() {
    let place = Place::<()>::new();
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            assert!(scope.run(async { place.wait().await }).await.is_none());
        });
        wait_all_tasks_blocked().await;
        scope.cancel();
        scope.cancel();
    })
    .unwrap();
    assert!(scope.cancelled_caught());
    assert_eq!(place.aborts.get(), 1);
}

// C50
#[trio::test]
async fn after_a_failed_abort_the_task_sleeps_on_and_unwinds_at_its_next_point() {
    let place = Place::new();
    let scope = CancelScope::new();
    let got = Cell::new(None);
    nursery!(|n| {
        n.spawn(async {
            let ended = scope
                .run(async {
                    got.set(Some(place.wait_stubbornly().await));
                    checkpoint().await;
                    unreachable!("the next cancellation point unwinds");
                })
                .await;
            assert!(ended.is_none());
        });
        wait_all_tasks_blocked().await;
        scope.cancel();
        wait_all_tasks_blocked().await;
        assert_eq!((place.aborts.get(), got.get()), (1, None));
        place.take().resume(5);
    })
    .unwrap();
    assert_eq!(got.get(), Some(5));
    assert!(scope.cancelled_caught());
}

// C51
#[trio::test]
async fn an_abort_that_failed_is_not_asked_again_when_a_second_scope_is_cancelled() {
    let place = Place::<()>::new();
    let (outer, inner) = (CancelScope::new(), CancelScope::new());
    nursery!(|n| {
        n.spawn(async {
            outer
                .run(async {
                    inner.run(async { place.wait_stubbornly().await }).await;
                    checkpoint().await;
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        inner.cancel();
        wait_all_tasks_blocked().await;
        outer.cancel();
        wait_all_tasks_blocked().await;
        assert_eq!(place.aborts.get(), 1);
        place.take().resume_cancelled();
    })
    .unwrap();
    assert!(outer.cancelled_caught());
    assert!(!inner.cancelled_caught());
    assert_eq!(place.aborts.get(), 1);
}

// C51
#[trio::test]
async fn an_abort_can_be_completed_later() {
    let place = Place::<()>::new();
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            scope.run(async { place.wait_stubbornly().await }).await;
        });
        wait_all_tasks_blocked().await;
        scope.cancel();
        wait_all_tasks_blocked().await;
        place.take().resume_cancelled();
    })
    .unwrap();
    assert!(scope.cancelled_caught());
}

// C51
#[trio::test]
async fn a_late_cancellation_is_delivered_though_the_task_was_shielded_meanwhile() {
    let place = Place::<()>::new();
    let (outer, inner) = (CancelScope::new(), CancelScope::new());
    let went_on = Cell::new(false);
    nursery!(|n| {
        n.spawn(async {
            outer
                .run(async {
                    inner.run(async { place.wait_stubbornly().await }).await;
                    went_on.set(true);
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        outer.cancel();
        wait_all_tasks_blocked().await;
        inner.set_shield(true);
        place.take().resume_cancelled();
    })
    .unwrap();
    assert!(!went_on.get());
    assert!(outer.cancelled_caught());
    assert!(!inner.cancelled_caught());
}

// C51
#[trio::test]
async fn a_value_that_comes_after_a_failed_abort_is_delivered_though_the_scope_is_cancelled() {
    let place = Place::new();
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            assert_eq!(scope.run(async { place.wait_stubbornly().await }).await, Some(1));
        });
        wait_all_tasks_blocked().await;
        scope.cancel();
        place.take().resume(1);
    })
    .unwrap();
    assert!(!scope.cancelled_caught());
}

#[trio::test]
async fn one_who_is_resumed_and_cancelled_at_once_has_been_resumed() {
    let place = Place::new();
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            assert_eq!(scope.run(async { place.wait().await }).await, Some(1));
        });
        wait_all_tasks_blocked().await;
        place.take().resume(1);
        scope.cancel();
    })
    .unwrap();
    assert_eq!(place.aborts.get(), 0);
}

#[trio::test]
async fn a_task_that_goes_on_after_a_shielded_cancellation_can_be_resumed() {
    let place = Place::new();
    let (outer, inner) = (CancelScope::new(), CancelScope::new().shielded(true));
    nursery!(|n| {
        n.spawn(async {
            outer
                .run(async {
                    assert_eq!(inner.run(async { place.wait().await }).await, Some(1));
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        outer.cancel();
        wait_all_tasks_blocked().await;
        assert_eq!(place.aborts.get(), 0);
        place.take().resume(1);
    })
    .unwrap();
}

#[test]
fn a_dropped_resumer_makes_the_task_panic() {
    let text = panic_text(|| {
        trio::run(|| async {
            suspend::<(), _, _>(|resumer| {
                drop(resumer);
                || Abort::Succeeded
            })
            .await;
        });
    });
    assert!(text.contains("the `Resumer` of this task was dropped"), "{text}");
}

#[test]
fn resuming_as_cancelled_one_who_is_not_is_a_misuse() {
    let text = panic_text(|| {
        trio::run(|| async {
            suspend::<(), _, _>(|resumer| {
                resumer.resume_cancelled();
                || Abort::Succeeded
            })
            .await;
        });
    });
    assert!(
        text.contains("`resume_cancelled` was called on a task that was not cancelled"),
        "{text}"
    );
}

/// What becomes of a task that is suspended and cancelled, where abort does `act`.
fn cancelled_with(act: impl FnMut(Resumer<u32>) -> Abort) -> Option<u32> {
    trio::run(|| suspend_cancelled(act))
}

#[trio::task]
async fn suspend_cancelled(mut act: impl FnMut(Resumer<u32>) -> Abort) -> Option<u32> {
    let resumer = Cell::new(None);
    let scope = CancelScope::new();
    scope
        .run(async {
            suspend(|own| {
                resumer.set(Some(own));
                scope.cancel();
                || act(resumer.take().expect("abort is called once"))
            })
            .await
        })
        .await
}

#[test]
fn abort_may_resume_and_say_that_it_failed() {
    let value = cancelled_with(|resumer| {
        resumer.resume(9);
        Abort::Failed
    });
    assert_eq!(value, Some(9));
}

#[test]
fn an_abort_that_resumes_and_says_that_it_succeeded_unwinds() {
    let value = cancelled_with(|resumer| {
        resumer.resume(9);
        Abort::Succeeded
    });
    assert_eq!(value, None);
}

#[test]
fn abort_may_resume_as_cancelled() {
    let value = cancelled_with(|resumer| {
        resumer.resume_cancelled();
        Abort::Failed
    });
    assert_eq!(value, None);
}

#[test]
fn abort_may_drop_the_resumer_of_what_it_called_off() {
    let value = cancelled_with(|resumer| {
        drop(resumer);
        Abort::Succeeded
    });
    assert_eq!(value, None);
}

#[test]
fn an_abort_that_fails_and_drops_the_resumer_leaves_nothing_to_wait_for() {
    let text = panic_text(|| {
        cancelled_with(|resumer| {
            drop(resumer);
            Abort::Failed
        });
    });
    assert!(text.contains("the `Resumer` of this task was dropped"), "{text}");
}

#[test]
fn an_abort_that_panics_makes_the_task_panic() {
    let text = panic_text(|| {
        cancelled_with(|_resumer| std::panic::panic_any("on purpose"));
    });
    assert_eq!(text, "on purpose");
}

#[trio::task]
async fn panics_when_aborted(cleaned_up: &Cell<bool>) {
    nursery!(|n| {
        n.spawn(async {
            let _guard = OnDrop(|| cleaned_up.set(true));
            trio::sleep_forever().await;
        });
        n.spawn(async {
            suspend::<(), _, fn() -> Abort>(|resumer| {
                std::mem::forget(resumer);
                || std::panic::panic_any("on purpose")
            })
            .await;
        });
        wait_all_tasks_blocked().await;
        n.cancel();
    })
    .unwrap();
}

#[test]
fn the_siblings_of_a_task_whose_abort_panics_still_clean_up() {
    let cleaned_up = Cell::new(false);
    let text = panic_text(|| trio::run(|| panics_when_aborted(&cleaned_up)));
    assert_eq!(text, "on purpose");
    assert!(cleaned_up.get());
}

#[test]
fn a_setup_that_panics_makes_the_task_panic() {
    let text = panic_text(|| {
        trio::run(|| async {
            suspend::<(), _, fn() -> Abort>(|_resumer| std::panic::panic_any("on purpose")).await;
        });
    });
    assert_eq!(text, "on purpose");
}

#[trio::test]
async fn a_value_for_one_who_no_longer_waits_is_dropped() {
    let resumer = Cell::new(None);
    let scope = CancelScope::new();
    let dropped = Rc::new(());
    nursery!(|n| {
        n.spawn(async {
            scope
                .run(|| {
                    suspend(|own| {
                        resumer.set(Some(own));
                        // Called off, but the resumer stays about.
                        || Abort::Succeeded
                    })
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        scope.cancel();
        wait_all_tasks_blocked().await;
        let resumer: Resumer<Rc<()>> = resumer.take().unwrap();
        assert!(!resumer.is_waiting());
        resumer.resume(Rc::clone(&dropped));
        assert_eq!(Rc::strong_count(&dropped), 1);
    })
    .unwrap();
}

#[trio::test]
async fn a_resumer_tells_whether_it_is_waited_for() {
    let place = Place::<()>::new();
    nursery!(|n| {
        n.spawn(async { place.wait().await });
        wait_all_tasks_blocked().await;
        let resumer = place.take();
        assert!(resumer.is_waiting());
        resumer.resume(());
    })
    .unwrap();
}

#[trio::test]
async fn a_suspension_that_loses_a_race_is_called_off() {
    let place = Place::<()>::new();
    let race = async {
        futures::future::select(Box::pin(place.wait()), Box::pin(checkpoint()))
            .await
            .factor_first()
            .0
    };
    race.await;
    assert_eq!((place.set_up.get(), place.aborts.get()), (1, 1));
}

#[trio::test]
async fn suspensions_in_a_foreign_combinator_are_called_off_when_the_task_is_cancelled() {
    let places: Vec<Place<()>> = (0..3).map(|_| Place::new()).collect();
    nursery!(|n| {
        n.spawn(async {
            let waits = places.iter().map(Place::wait);
            waits.collect::<futures::stream::FuturesUnordered<_>>().collect::<Vec<()>>().await;
        });
        wait_all_tasks_blocked().await;
        n.cancel();
    })
    .unwrap();
    for place in places {
        assert_eq!((place.set_up.get(), place.aborts.get()), (1, 1));
    }
}

#[trio::test]
async fn a_suspension_that_is_dropped_while_it_is_blocked_is_called_off_once() {
    let place = Place::<()>::new();
    let mut wait = Box::pin(place.wait());
    assert!(wait.as_mut().now_or_never().is_none());
    drop(wait);
    assert_eq!(place.aborts.get(), 1);
    assert!(place.resumer.take().is_none());
    checkpoint().await;
}

#[trio::test]
async fn a_suspension_that_is_dropped_after_it_was_resumed_is_not_called_off() {
    let place = Place::<()>::new();
    let mut wait = Box::pin(place.wait());
    assert!(wait.as_mut().now_or_never().is_none());
    place.take().resume(());
    drop(wait);
    assert_eq!(place.aborts.get(), 0);
    checkpoint().await;
}

#[trio::test]
async fn an_abort_that_panics_while_the_suspension_is_dropped_harms_nobody() {
    let mut wait = Box::pin(suspend::<(), _, _>(|resumer| {
        std::mem::forget(resumer);
        || std::panic::resume_unwind(Box::new("on purpose"))
    }));
    assert!(wait.as_mut().now_or_never().is_none());
    drop(wait);
    checkpoint().await;
}

#[trio::test]
async fn a_panic_below_a_blocked_suspension_calls_it_off() {
    let place = Place::<()>::new();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let mut wait = Box::pin(place.wait());
        assert!(wait.as_mut().now_or_never().is_none());
        std::panic::resume_unwind(Box::new("on purpose"));
    }));
    assert!(outcome.is_err());
    assert_eq!(place.aborts.get(), 1);
    checkpoint().await;
}

#[trio::test(allow(unstructured_spawn))]
async fn another_thread_resumes_through_the_token() {
    let slot = Rc::new(Cell::new(None));
    thread_local!(static RESUMER: Cell<Option<Resumer<u32>>> = const { Cell::new(None) });
    let token = current_trio_token();
    let value = suspend(|resumer| {
        RESUMER.set(Some(resumer));
        slot.set(Some(std::thread::spawn(move || {
            token.call_soon(|| RESUMER.take().unwrap().resume(4)).unwrap();
        })));
        || Abort::Failed
    })
    .await;
    assert_eq!(value, 4);
    slot.take().unwrap().join().unwrap();
}
