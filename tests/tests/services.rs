//! Services: children that the others rely on, and that are cancelled last.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use tests::faults::{CountsDrop, Fault};
use tests::panics::{panic_text, text};
use trio::lowlevel::{checkpoint, current_task, task_tree};
use trio::testing::{assert_checkpoints, wait_all_tasks_blocked};
use trio::{
    CancelScope, CancelSource, EffectiveDeadline, NotStartedError, Nursery, Outcome, TaskStatus,
    current_cancel_reason, current_effective_deadline, current_time, finally, move_on_after,
    nursery, shield, sleep, sleep_forever, stop_requested,
};

const SECOND: Duration = Duration::from_secs(1);

type Log = RefCell<Vec<String>>;

/// Goes on until it is cancelled, and notes when that is, in seconds since the start.
#[trio::task]
async fn service(name: &str, log: &Log) {
    let start = current_time();
    finally(sleep_forever, || async {
        log.borrow_mut().push(format!("{name} ended after {:?}", start.elapsed()));
    })
    .await
}

/// An ordinary child that needs this long, and for its clean-up as long again.
#[trio::task]
async fn child(name: &str, seconds: u32, log: &Log) {
    let pause = SECOND * seconds;
    finally(async { sleep(pause).await }, async {
        sleep(pause).await;
        log.borrow_mut().push(format!("{name} cleaned up"));
    })
    .await;
}

#[trio::task]
async fn fails_after(seconds: u32) -> Result<(), Fault> {
    sleep(SECOND * seconds).await;
    Err(Fault("on purpose"))
}

#[trio::task]
async fn panics_after(seconds: u32) {
    sleep(SECOND * seconds).await;
    panic!("on purpose")
}

#[trio::test(clock = "mock")]
async fn a_service_is_cancelled_when_the_last_ordinary_child_has_ended() {
    let (start, log) = (current_time(), Log::default());
    nursery!(|n| {
        n.spawn_service(service, "service", &log);
        n.spawn(child, "one", 1, &log);
        n.spawn(child, "two", 2, &log);
    })
    .unwrap();
    assert_eq!(*log.borrow(), ["one cleaned up", "two cleaned up", "service ended after 4s"]);
    assert_eq!(start.elapsed(), 4 * SECOND);
}

#[trio::test(clock = "mock")]
async fn a_service_is_cancelled_when_the_body_is_over_and_there_are_no_other_children() {
    let log = Log::default();
    let value = nursery!(|n| {
        n.spawn_service(service, "service", &log);
        sleep(3 * SECOND).await;
        7
    });
    assert_eq!(value.unwrap(), 7);
    assert_eq!(*log.borrow(), ["service ended after 3s"]);
}

#[trio::test(clock = "mock")]
async fn a_service_that_was_cancelled_at_the_end_does_not_make_the_nursery_unwind() {
    let log = Log::default();
    let scope = CancelScope::new();
    let went_on = scope
        .run(async {
            nursery!(|n| {
                n.spawn_service(service, "service", &log);
                checkpoint().await;
                assert!(!n.statistics().cancel_called);
            })
            .unwrap();
            checkpoint().await;
        })
        .await;
    assert_eq!(went_on, Some(()));
}

#[trio::test(clock = "mock")]
async fn nor_does_it_when_a_cancellation_from_outside_has_unwound_nobody_else() {
    let (log, value) = (Log::default(), Cell::new(0));
    let scope = CancelScope::new();
    scope
        .run(async {
            let result = nursery!(|n| {
                n.spawn_service(service, "service", &log);
                shield(async { sleep(SECOND).await }).await;
                scope.cancel();
                7
            });
            value.set(result.unwrap());
        })
        .await;
    assert_eq!(value.get(), 7);
    assert_eq!(*log.borrow(), ["service ended after 1s"]);
}

#[trio::test(clock = "mock")]
async fn when_the_nursery_is_cancelled_the_services_go_on_until_the_others_have_unwound() {
    let log = Log::default();
    nursery!(|n| {
        n.spawn_service(service, "service", &log);
        n.spawn(child, "child", 2, &log);
        sleep(SECOND).await;
        n.cancel();
        finally(sleep_forever, async {
            sleep(SECOND).await;
            log.borrow_mut().push("the body cleaned up".to_owned());
        })
        .await;
    })
    .unwrap();
    assert_eq!(
        *log.borrow(),
        ["the body cleaned up", "child cleaned up", "service ended after 3s"]
    );
}

/// Answers whoever asks, for as long as it runs.
#[trio::task]
async fn answers(question: &Cell<Option<u32>>, answer: &Cell<Option<u32>>) {
    loop {
        sleep(SECOND).await;
        if let Some(number) = question.take() {
            answer.set(Some(2 * number));
        }
    }
}

#[trio::test(clock = "mock")]
async fn a_clean_up_after_a_cancellation_from_outside_can_use_a_service() {
    let (question, answer) = (Cell::new(None), Cell::new(None));
    let (start, seen) = (current_time(), Cell::new(0));
    let result = move_on_after(SECOND * 3 / 2, async {
        nursery!(|n| {
            n.spawn_service(answers, &question, &answer);
            n.spawn(async {
                finally(sleep_forever, async {
                    question.set(Some(21));
                    sleep(SECOND).await;
                    seen.set(answer.take().unwrap());
                })
                .await;
            });
            sleep_forever().await;
        })
    })
    .await;
    assert!(result.is_none());
    assert_eq!(seen.get(), 42);
    assert_eq!(start.elapsed(), SECOND * 5 / 2);
}

#[trio::test(clock = "mock")]
async fn an_error_of_a_child_cancels_the_services_last() {
    let log = Log::default();
    let result = nursery!(|n| {
        n.spawn_service(service, "service", &log);
        n.spawn(child, "child", 2, &log);
        n.spawn(fails_after, 1);
    });
    assert_eq!(result.unwrap_err().find::<Fault>(), Some(&Fault("on purpose")));
    assert_eq!(*log.borrow(), ["child cleaned up", "service ended after 3s"]);
}

#[trio::test(clock = "mock")]
async fn an_error_of_the_body_cancels_the_services_last() {
    let log = Log::default();
    let result = nursery!(|n| {
        n.spawn_service(service, "service", &log);
        n.spawn(child, "child", 2, &log);
        fails_after(1).await?;
    });
    assert_eq!(result.unwrap_err().find::<Fault>(), Some(&Fault("on purpose")));
    assert_eq!(*log.borrow(), ["child cleaned up", "service ended after 3s"]);
}

#[trio::test(clock = "mock")]
async fn a_panic_of_a_child_cancels_the_services_last() {
    let log = Log::default();
    let outcome = nursery!(|outer| {
        let nursery = outer.spawn_monitored(async {
            nursery!(|n| {
                n.spawn_service(service, "service", &log);
                n.spawn(child, "child", 2, &log);
                n.spawn(panics_after, 1);
            })
        });
        nursery.outcome().await
    });
    let Outcome::Panicked(payload) = outcome.unwrap() else { panic!("it panics") };
    assert_eq!(text(&*payload), "on purpose");
    assert_eq!(*log.borrow(), ["child cleaned up", "service ended after 3s"]);
}

#[trio::test(clock = "mock")]
async fn an_error_of_a_service_cancels_the_nursery() {
    let (start, log) = (current_time(), Log::default());
    let result = nursery!(|n| {
        n.spawn_service(fails_after, 1);
        n.spawn_service(service, "service", &log);
        n.spawn(child, "child", 5, &log);
        sleep_forever().await;
    });
    let group = result.unwrap_err();
    assert_eq!(group.len(), 1);
    assert_eq!(group.iter().next().unwrap().task(), "fails_after");
    assert_eq!(*log.borrow(), ["child cleaned up", "service ended after 6s"]);
    assert_eq!(start.elapsed(), 6 * SECOND);
}

#[trio::test(clock = "mock")]
async fn an_error_of_a_service_while_it_ends_is_not_lost() {
    #[trio::task]
    async fn fails_at_the_end() -> Result<(), Fault> {
        shield(async { sleep(3 * SECOND).await }).await;
        Err(Fault("the log cannot be written"))
    }
    let start = current_time();
    let result = nursery!(|n| {
        n.spawn_service(fails_at_the_end);
        sleep(SECOND).await;
    });
    let group = result.unwrap_err();
    assert_eq!(group.find::<Fault>(), Some(&Fault("the log cannot be written")));
    assert_eq!(start.elapsed(), 3 * SECOND);
}

#[trio::test(clock = "mock")]
async fn a_panic_of_a_service_cancels_the_nursery_and_goes_on() {
    let log = Log::default();
    let outcome = nursery!(|outer| {
        let nursery = outer.spawn_monitored(async {
            nursery!(|n| {
                n.spawn_service(panics_after, 1);
                n.spawn(child, "child", 2, &log);
            })
        });
        nursery.outcome().await
    });
    let Outcome::Panicked(payload) = outcome.unwrap() else { panic!("it panics") };
    assert_eq!(text(&*payload), "on purpose");
    assert_eq!(*log.borrow(), ["child cleaned up"]);
}

#[trio::test(clock = "mock")]
async fn a_service_may_end_before_the_others_with_a_value() {
    #[trio::task]
    async fn counts() -> u32 {
        sleep(SECOND).await;
        7
    }
    let start = current_time();
    let service = nursery!(|n| {
        let service = n.spawn_service(counts);
        sleep(2 * SECOND).await;
        assert_eq!((n.statistics().children, n.statistics().services), (0, 0));
        service
    });
    assert_eq!(service.unwrap().take(), Some(7));
    assert_eq!(start.elapsed(), 2 * SECOND);
}

#[trio::test(clock = "mock")]
async fn a_service_that_is_cancelled_by_its_handle_leaves_the_nursery_alone() {
    let (start, log) = (current_time(), Log::default());
    nursery!(|n| {
        let handle = n.spawn_service(service, "service", &log);
        n.spawn(child, "child", 2, &log);
        sleep(SECOND).await;
        handle.cancel();
    })
    .unwrap();
    assert_eq!(*log.borrow(), ["service ended after 1s", "child cleaned up"]);
    assert_eq!(start.elapsed(), 4 * SECOND);
}

#[trio::test(clock = "mock")]
async fn an_ordinary_child_that_a_service_spawns_keeps_it_alive() {
    let log = Log::default();
    #[trio::task]
    async fn spawns<'s>(n: Nursery<'s>, log: &'s Log) {
        sleep(SECOND).await;
        n.spawn(move || child("its child", 2, log));
        service("the service that spawns", log).await;
    }
    nursery!(|n| {
        n.spawn_service(spawns, n, &log);
        sleep(2 * SECOND).await;
    })
    .unwrap();
    assert_eq!(*log.borrow(), ["its child cleaned up", "the service that spawns ended after 4s"]);
}

#[trio::test(clock = "mock")]
async fn what_a_service_spawns_while_it_ends_is_waited_for() {
    let (start, log) = (current_time(), Log::default());
    #[trio::task]
    async fn spawns_at_the_end<'s>(n: Nursery<'s>, log: &'s Log) {
        finally(sleep_forever, || async move {
            n.spawn(move || child("its child", 2, log));
            n.spawn_service(move || service("another service", log));
        })
        .await
    }
    nursery!(|n| {
        n.spawn_service(spawns_at_the_end, n, &log);
        sleep(SECOND).await;
    })
    .unwrap();
    // The nursery's services are over by then: one that comes is cancelled from the beginning.
    assert_eq!(*log.borrow(), ["another service ended after 0ns", "its child cleaned up"]);
    assert_eq!(start.elapsed(), 5 * SECOND);
}

#[trio::test(clock = "mock")]
async fn a_service_may_rely_on_one_of_a_nursery_around_its_own() {
    let log = Log::default();
    nursery!(|outer| {
        outer.spawn_service(service, "below", &log);
        nursery!(|n| {
            n.spawn_service(async {
                let pause = SECOND;
                finally(sleep_forever, async {
                    sleep(pause).await;
                    log.borrow_mut().push("above cleaned up".to_owned());
                })
                .await
            });
            n.spawn(child, "child", 1, &log);
        })?;
    })
    .unwrap();
    assert_eq!(*log.borrow(), ["child cleaned up", "above cleaned up", "below ended after 3s"]);
}

#[trio::test(clock = "mock")]
async fn services_are_cancelled_together_and_all_waited_for() {
    let (start, log) = (current_time(), Log::default());
    #[trio::task]
    async fn lingers(seconds: u32, log: &Log) {
        finally(sleep_forever, async {
            sleep(SECOND * seconds).await;
            log.borrow_mut().push(format!("{seconds}"));
        })
        .await
    }
    nursery!(|n| {
        for seconds in [3, 1, 2] {
            n.spawn_service(lingers, seconds, &log);
        }
        sleep(SECOND).await;
    })
    .unwrap();
    assert_eq!(*log.borrow(), ["1", "2", "3"]);
    assert_eq!(start.elapsed(), 4 * SECOND);
}

#[trio::test(clock = "mock")]
async fn a_service_can_have_nurseries_and_scopes_of_its_own() {
    let log = Log::default();
    nursery!(|n| {
        n.spawn_service(async {
            nursery!(|inner| {
                inner.spawn_service(service, "its service", &log);
                inner.spawn(child, "its child", 2, &log);
                let late = move_on_after(SECOND, sleep_forever).await;
                assert!(late.is_none());
                inner.spawn(async { sleep_forever().await });
            })
        });
        sleep(3 * SECOND).await;
    })
    .unwrap();
    assert_eq!(*log.borrow(), ["its child cleaned up", "its service ended after 4s"]);
}

#[trio::test(clock = "mock")]
async fn a_service_hears_of_no_deadline_and_of_no_request_to_stop_around_its_nursery() {
    let looked = Cell::new(0);
    move_on_after(9 * SECOND, async {
        nursery!(|n| {
            n.spawn_service(async {
                for _ in 0..2 {
                    assert_eq!(current_effective_deadline(), EffectiveDeadline::Never);
                    assert!(!stop_requested());
                    looked.set(looked.get() + 1);
                    sleep(2 * SECOND).await;
                }
                sleep_forever().await
            });
            sleep(SECOND).await;
            n.request_stop(5 * SECOND);
            assert!(stop_requested());
            sleep(2 * SECOND).await;
        })
    })
    .await
    .unwrap()
    .unwrap();
    assert_eq!(looked.get(), 2);
}

#[trio::test(clock = "mock")]
async fn when_the_nursery_is_asked_to_stop_the_others_end_first() {
    let log = Log::default();
    nursery!(|n| {
        n.spawn_service(service, "service", &log);
        n.spawn(child, "child", 3, &log);
        n.request_stop(SECOND);
        sleep_forever().await;
    })
    .unwrap();
    assert_eq!(*log.borrow(), ["child cleaned up", "service ended after 4s"]);
}

#[trio::test]
async fn a_service_can_see_why_it_ends() {
    let reason = RefCell::new(None);
    nursery!(|n| {
        n.spawn_service(async {
            finally(sleep_forever, || async {
                *reason.borrow_mut() = current_task().cancel_reason();
                assert_eq!(current_cancel_reason(), None, "a clean-up is shielded");
            })
            .await
        });
        checkpoint().await;
    })
    .unwrap();
    let reason = reason.into_inner().unwrap();
    assert_eq!(reason.source(), CancelSource::NurseryDone);
    assert_eq!(reason.to_string(), "cancelled because the nursery needs its services no more");
}

#[trio::test]
async fn a_service_borrows_what_outlives_the_nursery() {
    let mut list = vec![1];
    #[trio::task]
    async fn push(list: &mut Vec<u32>) {
        checkpoint().await;
        list.push(2);
        sleep_forever().await
    }
    nursery!(|n| {
        n.spawn_service(push, &mut list);
        wait_all_tasks_blocked().await;
    })
    .unwrap();
    assert_eq!(list, [1, 2]);
}

#[trio::test(clock = "mock")]
async fn a_service_in_a_cancelled_nursery_begins_and_ends_after_the_others() {
    let log = Log::default();
    nursery!(|n| {
        n.cancel();
        n.spawn_service(service, "service", &log);
        n.spawn(async {
            log.borrow_mut().push("the child begins".to_owned());
            checkpoint().await;
        });
    })
    .unwrap();
    assert_eq!(*log.borrow(), ["the child begins", "service ended after 0ns"]);
}

#[trio::test]
async fn a_nursery_tells_its_services_from_its_other_children() {
    let (log, tree) = (Log::default(), RefCell::default());
    nursery!(|outer| {
        outer.spawn(async {
            nursery!(|n| {
                let first = n.spawn_service(service, "first", &log);
                n.spawn(child, "child", 0, &log);
                n.spawn_service(service, "second", &log);
                assert_eq!((n.statistics().children, n.statistics().services), (3, 2));
                let names: Vec<_> = n.child_tasks().iter().map(|task| task.name()).collect();
                assert_eq!(names, ["child", "service", "service"]);
                assert_eq!(first.task().parent(), Some(n.parent_task()));
                wait_all_tasks_blocked().await;
            })
            .unwrap();
        });
        wait_all_tasks_blocked().await;
        *tree.borrow_mut() = task_tree();
        wait_all_tasks_blocked().await;
    })
    .unwrap();
    assert!(tree.borrow().contains(": nursery, 2 services\n"), "{}", tree.borrow());
    assert!(tree.borrow().contains("│  │  task `service` ("), "{}", tree.borrow());
}

#[trio::test(clock = "mock")]
async fn while_its_services_end_the_nursery_says_so() {
    nursery!(|outer| {
        outer.spawn(async {
            nursery!(|n| {
                n.spawn_service(async {
                    let pause = 5 * SECOND;
                    finally(sleep_forever, async { sleep(pause).await }).await
                });
                n.spawn(async { sleep(SECOND).await });
            })
            .unwrap();
        });
        wait_all_tasks_blocked().await;
        assert!(task_tree().contains(", waits for its children\n"), "{}", task_tree());
        sleep(2 * SECOND).await;
        assert!(task_tree().contains(", waits for its services\n"), "{}", task_tree());
    })
    .unwrap();
}

#[trio::test(clock = "mock", seed = 3)]
async fn the_order_of_stepping_makes_no_difference() {
    for services in 1..20 {
        let log = Log::default();
        nursery!(|n| {
            for _ in 0..services {
                n.spawn_service(service, "service", &log);
            }
            for _ in 0..5 {
                n.spawn(child, "child", 1, &log);
            }
            sleep(SECOND).await;
            n.cancel();
        })
        .unwrap();
        let log = log.into_inner();
        assert!(log[..5].iter().all(|line| line == "child cleaned up"), "{log:?}");
        assert!(log[5..].iter().all(|line| line == "service ended after 2s"), "{log:?}");
        assert_eq!(log.len(), 5 + services);
    }
}

#[trio::test]
async fn the_frame_of_a_nursery_can_be_dropped_with_its_services() {
    #[trio::task]
    async fn counted(drops: Rc<Cell<usize>>) {
        let _guard = CountsDrop(&drops);
        sleep_forever().await
    }
    #[trio::task]
    async fn with_services(others: usize, drops: Rc<Cell<usize>>) {
        nursery!(|n| {
            n.spawn_service(counted, drops.clone());
            for _ in 0..others {
                n.spawn(counted, drops.clone());
            }
            sleep_forever().await
        })
        .unwrap()
    }
    for others in [0, 1] {
        let drops = Rc::new(Cell::new(0));
        {
            let mut frame = pin!(with_services(others, drops.clone()).into_future());
            poll_fn(|cx| {
                assert!(frame.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            wait_all_tasks_blocked().await;
            assert_eq!(drops.get(), 0);
        }
        assert_eq!(drops.get(), 1 + others);
    }
    checkpoint().await;
}

#[trio::test]
async fn a_closed_nursery_takes_no_services() {
    let escaped: Nursery<'static> = nursery!(|n| n).unwrap();
    let said = panic_text(|| escaped.spawn_service(sleep_forever_quietly));
    assert!(said.contains("this nursery is closed"), "{said}");
    checkpoint().await;
}

#[trio::task]
async fn sleep_forever_quietly() {
    sleep_forever().await
}

mod start {
    use super::*;

    #[trio::task]
    async fn starts(status: TaskStatus<u32>, seconds: u32, log: &Log) {
        let pause = SECOND * seconds;
        finally(
            async {
                sleep(pause).await;
                status.started(7);
                sleep_forever().await
            },
            async { log.borrow_mut().push("the service ended".to_owned()) },
        )
        .await
    }

    #[trio::test(clock = "mock")]
    async fn from_started_on_the_task_is_a_service() {
        let log = Log::default();
        nursery!(|n| {
            let value = n.start_service(starts, 1, &log).await?;
            assert_eq!(value, 7);
            assert_eq!((n.statistics().children, n.statistics().services), (1, 1));
            n.spawn(child, "child", 2, &log);
            n.cancel();
        })
        .unwrap();
        assert_eq!(*log.borrow(), ["child cleaned up", "the service ended"]);
    }

    #[trio::test(clock = "mock")]
    async fn before_that_it_is_cancelled_with_its_caller() {
        let log = Log::default();
        let (start, result) = (
            current_time(),
            move_on_after(SECOND, async {
                nursery!(|n| {
                    n.spawn(child, "child", 2, &log);
                    n.start_service(starts, 9, &log).await?;
                })
            }),
        );
        assert!(result.await.is_none());
        assert_eq!(*log.borrow(), ["the service ended", "child cleaned up"]);
        assert_eq!(start.elapsed(), 3 * SECOND);
    }

    #[trio::test]
    async fn it_is_a_checkpoint() {
        let log = Log::default();
        nursery!(|n| {
            let started =
                assert_checkpoints(async { n.start_service(starts, 0, &log).await }).await;
            assert_eq!(started.unwrap(), 7);
        })
        .unwrap();
    }

    #[trio::test(clock = "mock")]
    async fn a_start_that_is_in_progress_keeps_the_services() {
        let (log, handle) = (Log::default(), Cell::new(None));
        nursery!(|outer| {
            outer.spawn(async {
                nursery!(|n| {
                    handle.set(Some(n));
                    n.spawn_service(service, "service", &log);
                    sleep(SECOND).await;
                })
            });
            wait_all_tasks_blocked().await;
            let inner: Nursery<'_> = handle.get().unwrap();
            inner.start(|status| starts(status, 2, &log)).await?;
            outer.cancel();
        })
        .unwrap();
        assert_eq!(*log.borrow(), ["the service ended", "service ended after 2s"]);
    }

    #[trio::test]
    async fn one_that_ends_without_having_started_is_an_error() {
        #[trio::task]
        async fn gives_up(status: TaskStatus<()>) {
            drop(status);
            checkpoint().await;
        }
        let result = nursery!(|n| n.start_service(gives_up).await?);
        assert!(result.unwrap_err().find::<NotStartedError>().is_some());
    }

    #[trio::test]
    async fn its_error_comes_out_of_start_before_and_out_of_the_nursery_afterwards() {
        #[trio::task]
        async fn fails(status: TaskStatus<()>, before: bool) -> Result<(), Fault> {
            checkpoint().await;
            if before {
                return Err(Fault("before"));
            }
            status.started(());
            Err(Fault("afterwards"))
        }
        let result = nursery!(|n| {
            let error = n.start_service(fails, true).await.unwrap_err();
            assert_eq!(error.downcast_ref(), Some(&Fault("before")));
            n.start_service(fails, false).await?;
            sleep_forever().await
        });
        assert_eq!(result.unwrap_err().find(), Some(&Fault("afterwards")));
    }
}
