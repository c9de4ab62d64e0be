//! `n.start(…)`: a task that says when it has started.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tests::faults::{CountsDrop, Fault};
use tests::panics::text;
use trio::lowlevel::{cancel_shielded_checkpoint, checkpoint, current_task};
use trio::testing::{assert_checkpoints, wait_all_tasks_blocked};
use trio::{
    CancelScope, NotStartedError, Nursery, Outcome, TaskStatus, current_time, move_on_after,
    nursery, sleep, sleep_forever,
};

const SECOND: Duration = Duration::from_secs(1);

#[trio::task]
async fn start_after(status: TaskStatus<u32>, pause: u32, value: u32, rest: u32) {
    sleep(SECOND * pause).await;
    status.started(value);
    sleep(SECOND * rest).await;
}

#[trio::task]
async fn never_starts(status: TaskStatus<()>) {
    let _status = status;
    sleep_forever().await
}

// B25
#[trio::test(clock = "mock")]
async fn start_gives_the_value_when_the_task_has_started_and_the_nursery_waits_for_the_rest() {
    let begin = current_time();
    nursery!(|n| {
        assert_eq!(n.start(start_after, 1, 21, 2).await.unwrap(), 21);
        assert_eq!(current_time(), begin + SECOND);
        assert_eq!(n.statistics().children, 1);
        assert_eq!(n.statistics().starting, 0);
    })
    .unwrap();
    assert_eq!(current_time(), begin + 3 * SECOND);
}

// B25
#[trio::test]
async fn a_task_that_has_started_can_be_called_without_a_start() {
    start_after(TaskStatus::ignored(), 0, 1, 0).await;
}

// B25
#[trio::test]
async fn start_is_a_checkpoint() {
    nursery!(|n| {
        let started = assert_checkpoints(async { n.start(start_after, 0, 5, 0).await }).await;
        assert_eq!(started.unwrap(), 5);
    })
    .unwrap();
}

// B25
#[trio::test]
async fn a_value_may_borrow_what_outlives_the_nursery() {
    #[trio::task]
    async fn lend<'a>(status: TaskStatus<&'a str>, text: &'a str) {
        checkpoint().await;
        status.started(&text[..4]);
    }
    let text = String::from("lent out");
    let lent = nursery!(|n| n.start(lend, &text).await.unwrap()).unwrap();
    assert_eq!(lent, "lent");
}

// B25
#[trio::test]
async fn a_task_can_start_before_its_first_await_and_when_it_is_called() {
    #[trio::task]
    async fn at_once(status: TaskStatus<u32>) {
        status.started(1);
        sleep_forever().await
    }
    nursery!(|n| {
        assert_eq!(n.start(at_once).await.unwrap(), 1);
        let called = n.start(|status: TaskStatus<u32>| {
            status.started(2);
            sleep_forever()
        });
        assert_eq!(called.await.unwrap(), 2);
        assert_eq!(n.statistics().children, 2);
        n.cancel();
    })
    .unwrap();
}

// B26
#[trio::test]
async fn an_error_before_the_start_comes_out_of_start_as_it_is() {
    #[trio::task]
    async fn fails(status: TaskStatus<()>, error: Box<Fault>) -> Result<(), Box<Fault>> {
        let _status = status;
        checkpoint().await;
        Err(error)
    }
    nursery!(|n| {
        let error = n.start(fails, Box::new(Fault("before it started"))).await.unwrap_err();
        let error = error.downcast::<Box<Fault>>().expect("it is not in a group");
        assert_eq!(**error, Fault("before it started"));
        checkpoint().await;
        assert_eq!(n.statistics().failures, 0);
        assert!(!n.statistics().cancel_called);
    })
    .unwrap();
}

// B26
#[trio::test]
async fn an_error_after_the_start_is_the_nurserys() {
    #[trio::task]
    async fn fails(status: TaskStatus<()>) -> Result<(), Fault> {
        status.started(());
        checkpoint().await;
        Err(Fault("after it started"))
    }
    let group = nursery!(|n| {
        n.start(fails).await?;
        sleep_forever().await
    })
    .unwrap_err();
    assert_eq!(group.len(), 1);
    assert_eq!(group.find(), Some(&Fault("after it started")));
}

// B26
#[trio::test]
async fn a_panic_before_the_start_comes_out_of_start() {
    #[trio::task]
    async fn panics(status: TaskStatus<()>) {
        let _status = status;
        checkpoint().await;
        panic!("before it started");
    }
    #[trio::task]
    async fn starter(n: Nursery<'_>) {
        let _ = n.start(panics).await;
    }
    nursery!(|n| {
        let starter = n.spawn_monitored(starter, n);
        let Outcome::Panicked(payload) = starter.outcome().await else { panic!("it panics") };
        assert_eq!(text(&*payload), "before it started");
        assert_eq!(n.statistics().starting, 0);
        assert!(!n.statistics().cancel_called);
    })
    .unwrap();
}

// B26
#[trio::test]
async fn a_panic_in_making_the_task_comes_out_of_start_and_leaves_nothing_behind() {
    #[trio::task]
    async fn starter(n: Nursery<'_>) {
        let make = |_: TaskStatus<()>| -> trio::Sleep { panic!("not even made") };
        let _ = n.start(make).await;
    }
    nursery!(|n| {
        let starter = n.spawn_monitored(starter, n);
        let Outcome::Panicked(payload) = starter.outcome().await else { panic!("it panics") };
        assert_eq!(text(&*payload), "not even made");
        assert_eq!(n.statistics().starting, 0);
    })
    .unwrap();
}

// B27
#[trio::test]
async fn a_task_that_ends_without_having_started_is_an_error_of_start() {
    #[trio::task]
    async fn forgets(status: TaskStatus<u32>) {
        drop(status);
        checkpoint().await;
    }
    nursery!(|n| {
        let error = n.start(forgets).await.unwrap_err();
        assert!(error.is::<NotStartedError>());
        assert!(error.to_string().contains("without calling `started`"), "{error}");
    })
    .unwrap();
}

// B29
#[trio::test]
async fn a_start_that_is_cancelled_takes_its_task_with_it() {
    let dropped = Cell::new(0);
    #[trio::task]
    async fn hold(status: TaskStatus<()>, value: CountsDrop<'_>) {
        let (_status, _value) = (status, value);
        sleep_forever().await
    }
    nursery!(|n| {
        let scope = CancelScope::new();
        nursery!(|m| {
            m.spawn(async {
                scope.run(async { n.start(hold, CountsDrop(&dropped)).await.is_ok() }).await
            });
            wait_all_tasks_blocked().await;
            assert_eq!(n.statistics().starting, 1);
            scope.cancel();
        })
        .unwrap();
        assert!(scope.cancelled_caught());
        assert_eq!(dropped.get(), 1);
        assert_eq!(n.statistics().starting, 0);
    })
    .unwrap();
}

// B29
#[trio::test(clock = "mock")]
async fn started_does_nothing_once_the_caller_of_start_is_cancelled() {
    #[trio::task]
    async fn late(status: TaskStatus<()>, reached: &Cell<u32>) {
        CancelScope::new().shielded(true).run(|| sleep(SECOND)).await;
        status.started(());
        reached.set(1);
        checkpoint().await;
        reached.set(2);
    }
    let reached = Cell::new(0);
    nursery!(|n| {
        let scope = CancelScope::new();
        scope.cancel();
        scope.run(async { n.start(late, &reached).await.is_ok() }).await;
        assert!(scope.cancelled_caught(), "the task stayed below `start`");
        assert_eq!(reached.get(), 1);
        assert_eq!(n.statistics().children, 0);
    })
    .unwrap();
}

// B29
#[trio::test]
async fn an_error_of_a_task_that_started_too_late_comes_out_of_start() {
    #[trio::task]
    async fn late(status: TaskStatus<()>) -> Result<(), Fault> {
        status.started(());
        cancel_shielded_checkpoint().await;
        Err(Fault("started too late"))
    }
    nursery!(|n| {
        let scope = CancelScope::new();
        scope.cancel();
        let result = scope.run(async { n.start(late).await }).await;
        let error = result.expect("nothing was cancelled").unwrap_err();
        assert_eq!(error.downcast_ref(), Some(&Fault("started too late")));
    })
    .unwrap();
}

// B29
#[trio::test]
async fn start_succeeds_if_a_task_that_started_too_late_ends_without_a_checkpoint() {
    #[trio::task]
    async fn late(status: TaskStatus<u32>) {
        status.started(4);
        cancel_shielded_checkpoint().await;
    }
    nursery!(|n| {
        let scope = CancelScope::new();
        scope.cancel();
        let result = scope.run(async { n.start(late).await }).await;
        assert_eq!(result.expect("nothing was cancelled").unwrap(), 4);
        assert!(!scope.cancelled_caught());
    })
    .unwrap();
}

// B29
#[trio::test]
async fn a_cancellation_after_started_does_not_take_the_value_back() {
    #[trio::task]
    async fn start_and_cancel(status: TaskStatus<u32>, scope: &CancelScope) {
        status.started(6);
        scope.cancel();
        checkpoint().await;
    }
    let scope = CancelScope::new();
    nursery!(|n| {
        let result = scope.run(async { n.start(start_and_cancel, &scope).await.unwrap() }).await;
        assert_eq!(result, Some(6));
        assert!(scope.cancel_called() && !scope.cancelled_caught());
    })
    .unwrap();
}

// B30
#[trio::test]
async fn start_in_a_closed_nursery_is_refused_at_once() {
    #[trio::task]
    async fn starter(n: Nursery<'static>, called: Rc<Cell<bool>>) {
        let status = move |_: TaskStatus<()>| {
            called.set(true);
            sleep(Duration::ZERO)
        };
        let _ = n.start(status).await;
    }
    let called = Rc::new(Cell::new(false));
    let closed = nursery!(|n| n).unwrap();
    let outcome = nursery!(|n| {
        let task = n.spawn_monitored(starter, closed, Rc::clone(&called));
        task.outcome().await
    });
    let Outcome::Panicked(payload) = outcome.unwrap() else { panic!("it is refused") };
    assert!(text(&*payload).starts_with("this nursery is closed"));
    assert!(!called.get());
}

// B31
#[trio::test]
async fn cancelling_the_nursery_before_started_reaches_the_task_and_its_children_with_the_move() {
    #[trio::task]
    async fn with_children(status: TaskStatus<()>, log: &RefCell<Vec<&'static str>>) {
        nursery!(|n| {
            n.spawn(async { sleep_forever().await });
            wait_all_tasks_blocked().await;
            log.borrow_mut().push("starting");
            status.started(());
            log.borrow_mut().push("started");
        })
        .unwrap();
        unreachable!("the children are cancelled, and so is the task");
    }
    let log = RefCell::default();
    nursery!(|n| {
        n.cancel();
        // The caller of `start` is not in the nursery's scope.
        CancelScope::new()
            .shielded(true)
            .run(async { n.start(with_children, &log).await.unwrap() })
            .await;
    })
    .unwrap();
    assert_eq!(*log.borrow(), ["starting", "started"]);
}

// B31
#[trio::test]
async fn cancelling_the_nursery_just_after_started_reaches_the_children_of_the_task() {
    #[trio::task]
    async fn with_children(status: TaskStatus<()>, dropped: &Cell<usize>) {
        nursery!(|n| {
            let value = CountsDrop(dropped);
            n.spawn(async move {
                let _value = value;
                sleep_forever().await
            });
            status.started(());
        })
        .unwrap();
    }
    let dropped = Cell::new(0);
    nursery!(|n| {
        n.start(with_children, &dropped).await.unwrap();
        n.cancel();
    })
    .unwrap();
    assert_eq!(dropped.get(), 1);
}

// B31
#[trio::test(clock = "mock")]
async fn a_task_that_has_started_has_left_the_scopes_of_the_caller() {
    let begin = current_time();
    let ended = Cell::new(None);
    #[trio::task]
    async fn task(status: TaskStatus<()>, ended: &Cell<Option<trio::Instant>>) {
        status.started(());
        sleep(3 * SECOND).await;
        ended.set(Some(current_time()));
    }
    nursery!(|n| {
        let started = move_on_after(SECOND, async { n.start(task, &ended).await.is_ok() }).await;
        assert_eq!(started, Some(true));
    })
    .unwrap();
    assert_eq!(ended.get(), Some(begin + 3 * SECOND));
}

// B31
#[trio::test(clock = "mock")]
async fn a_task_that_has_not_started_is_in_the_scopes_of_the_caller() {
    let begin = current_time();
    nursery!(|n| {
        let started = move_on_after(SECOND, async { n.start(never_starts).await.is_ok() }).await;
        assert_eq!(started, None);
        assert_eq!(current_time(), begin + SECOND);
    })
    .unwrap();
}

// B32
#[trio::test(clock = "mock")]
async fn a_start_in_progress_keeps_the_nursery_open() {
    #[trio::task]
    async fn starter(n: Nursery<'_>) {
        assert_eq!(n.start(start_after, 2, 1, 3).await.unwrap(), 1);
    }
    let begin = current_time();
    nursery!(|others| {
        nursery!(|n| {
            others.spawn(starter, n);
            checkpoint().await;
            assert_eq!(n.statistics().starting, 1);
        })
        .unwrap();
        assert_eq!(current_time(), begin + 5 * SECOND);
    })
    .unwrap();
}

// B32
#[trio::test(clock = "mock")]
async fn a_start_that_fails_lets_the_nursery_close() {
    #[trio::task]
    async fn fails(status: TaskStatus<()>) -> Result<(), Fault> {
        let _status = status;
        sleep(2 * SECOND).await;
        Err(Fault("did not start"))
    }
    #[trio::task]
    async fn starter(n: Nursery<'_>) {
        assert!(n.start(fails).await.is_err());
    }
    let begin = current_time();
    nursery!(|others| {
        nursery!(|n| {
            others.spawn(starter, n);
            checkpoint().await;
        })
        .unwrap();
        assert_eq!(current_time(), begin + 2 * SECOND);
    })
    .unwrap();
}

// A13
#[trio::test]
async fn a_starting_task_is_a_child_of_the_caller_and_then_of_the_nursery() {
    type Parents = RefCell<Vec<String>>;
    #[trio::task]
    async fn look(status: TaskStatus<()>, parents: &Parents) {
        let parent = || current_task().parent().unwrap().name();
        parents.borrow_mut().push(parent());
        status.started(());
        parents.borrow_mut().push(parent());
        checkpoint().await;
    }
    #[trio::task]
    async fn caller<'s>(n: Nursery<'s>, parents: &'s Parents) {
        n.start(look, parents).await.unwrap();
    }
    let parents = RefCell::default();
    nursery!(|n| {
        n.spawn_named("the caller", caller, n, &parents);
    })
    .unwrap();
    let parents = parents.into_inner();
    assert_eq!(parents[0], "the caller");
    assert_eq!(parents[1], current_task().name());
}

/// A place for a status to be passed on.
type Place = RefCell<Option<TaskStatus<u32>>>;

#[trio::test]
async fn another_task_may_say_that_a_task_has_started() {
    #[trio::task]
    async fn pass_on(status: TaskStatus<u32>, place: Rc<Place>) {
        *place.borrow_mut() = Some(status);
        sleep_forever().await
    }
    let place = Rc::new(Place::default());
    nursery!(|n| {
        let helper = Rc::clone(&place);
        n.spawn(async move {
            wait_all_tasks_blocked().await;
            helper.take().unwrap().started(9);
        });
        assert_eq!(n.start(pass_on, Rc::clone(&place)).await.unwrap(), 9);
        n.cancel();
    })
    .unwrap();
}

#[trio::test(allow(busy_wait))]
async fn a_status_used_after_its_task_has_ended_changes_nothing() {
    #[trio::task]
    async fn pass_on(status: TaskStatus<u32>, place: Rc<Place>) {
        *place.borrow_mut() = Some(status);
        checkpoint().await;
    }
    let place = Rc::new(Place::default());
    nursery!(|n| {
        let helper = Rc::clone(&place);
        // In the same batch as the end of the task, before `start` has heard of it.
        n.spawn(async move {
            while helper.borrow().is_none() {
                checkpoint().await;
            }
            checkpoint().await;
            helper.take().unwrap().started(9);
        });
        let error = n.start(pass_on, Rc::clone(&place)).await.unwrap_err();
        assert!(error.is::<NotStartedError>());
    })
    .unwrap();
}

#[trio::test]
async fn a_status_used_after_everything_is_gone_changes_nothing() {
    #[trio::task]
    async fn pass_on(status: TaskStatus<u32>, place: Rc<Place>) {
        *place.borrow_mut() = Some(status);
        checkpoint().await;
    }
    let place = Rc::new(Place::default());
    nursery!(|n| {
        let _ = n.start(pass_on, Rc::clone(&place)).await;
    })
    .unwrap();
    place.take().unwrap().started(1);
}

#[trio::test]
async fn the_same_nursery_may_have_many_starts_in_progress() {
    #[trio::task]
    async fn start<'s>(n: Nursery<'s>, number: u32, order: &'s RefCell<Vec<u32>>) {
        let value = n.start(start_after, 0, number, 0).await.unwrap();
        order.borrow_mut().push(value);
    }
    let order = RefCell::default();
    nursery!(|n| {
        for number in 0..10 {
            n.spawn(start, n, number, &order);
        }
        checkpoint().await;
        assert_eq!(n.statistics().starting, 10);
    })
    .unwrap();
    let mut order = order.into_inner();
    order.sort_unstable();
    assert_eq!(order, (0..10).collect::<Vec<_>>());
}

#[trio::test]
async fn a_start_that_is_not_awaited_has_begun_nothing() {
    fn ignore<T>(_: T) {}
    nursery!(|n| {
        ignore(n.start(never_starts));
        checkpoint().await;
        let now = n.statistics();
        assert_eq!((now.starting, now.children), (0, 0));
    })
    .unwrap();
}

#[trio::test(clock = "mock")]
async fn a_task_whose_nursery_is_dropped_before_it_has_started_stays_below_start() {
    type Place = Rc<Cell<Option<Nursery<'static>>>>;
    #[trio::task]
    async fn open(place: Place) {
        nursery!(|n| {
            place.set(Some(n));
            sleep_forever().await
        })
        .unwrap();
    }
    let begin = current_time();
    let place = Place::default();
    let mut frame = Box::pin(open(Rc::clone(&place)).into_future());
    std::future::poll_fn(|cx| {
        assert!(frame.as_mut().poll(cx).is_pending());
        std::task::Poll::Ready(())
    })
    .await;
    let dropped = place.take().unwrap();
    nursery!(|n| {
        n.spawn(async {
            assert_eq!(dropped.start(|status| start_after(status, 1, 8, 2)).await.unwrap(), 8);
        });
        wait_all_tasks_blocked().await;
        drop(frame);
    })
    .unwrap();
    assert_eq!(current_time(), begin + 3 * SECOND);
}
