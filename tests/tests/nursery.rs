//! Nurseries: how children run, how they are waited for, and what their handles tell.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tests::faults::{CountsDrop, Fault, PanicsOnDrop};
use tests::panics::{panic_text, text};
use trio::lowlevel::{
    Abort, Resumer, cancel_shielded_checkpoint, checkpoint, current_task, suspend,
};
use trio::testing::wait_all_tasks_blocked;
use trio::{
    CancelScope, CancelSource, Nursery, NurseryCancelled, Outcome, TaskHandle, current_time,
    nursery, sleep, sleep_forever,
};

const SECOND: Duration = Duration::from_secs(1);

#[trio::task]
async fn sleeper(seconds: u32) -> u32 {
    sleep(SECOND * seconds).await;
    seconds
}

#[trio::task]
async fn fails(text: &'static str) -> Result<u32, Fault> {
    checkpoint().await;
    Err(Fault(text))
}

#[trio::task]
async fn panics(text: &'static str) {
    checkpoint().await;
    panic!("{text}");
}

#[trio::task]
async fn wait_for_ever() {
    sleep_forever().await
}

#[trio::test(clock = "mock")]
async fn a_nursery_is_left_when_its_last_child_has_ended() {
    let start = current_time();
    let body_over = nursery!(|n| {
        n.spawn(sleeper, 2);
        n.spawn(sleeper, 5);
        n.spawn(sleeper, 3);
        current_time()
    });
    assert_eq!(body_over.unwrap(), start);
    assert_eq!(current_time(), start + 5 * SECOND);
}

#[trio::test]
async fn spawning_is_synchronous_and_the_child_begins_later() {
    let begun = Cell::new(false);
    #[trio::task]
    async fn begin(begun: &Cell<bool>) {
        begun.set(true);
        checkpoint().await;
    }
    nursery!(|n| {
        n.spawn(begin, &begun);
        assert!(!begun.get());
        checkpoint().await;
        assert!(begun.get());
    })
    .unwrap();
}

#[trio::test]
async fn children_borrow_from_the_frame_of_their_parent() {
    #[trio::task]
    async fn push(list: &RefCell<Vec<String>>, word: &str) {
        checkpoint().await;
        list.borrow_mut().push(word.to_owned());
    }
    let words = String::from("some words to borrow");
    let list = RefCell::default();
    nursery!(|n| {
        for word in words.split(' ') {
            n.spawn(push, &list, word);
        }
    })
    .unwrap();
    assert_eq!(list.into_inner(), ["some", "words", "to", "borrow"]);
}

#[trio::test]
async fn opening_a_nursery_is_no_checkpoint() {
    let order = RefCell::new(Vec::new());
    nursery!(|outer| {
        outer.spawn(async {
            order.borrow_mut().push("another task");
            checkpoint().await;
        });
        nursery!(|_inner| order.borrow_mut().push("the inner body")).unwrap();
    })
    .unwrap();
    assert_eq!(*order.borrow(), ["the inner body", "another task"]);
}

// A14
#[trio::test]
async fn a_child_may_spawn_into_a_nursery_whose_body_is_over() {
    #[trio::task]
    async fn spawn_more<'s>(n: Nursery<'s>, left: u32, count: &'s Cell<u32>) {
        checkpoint().await;
        count.set(count.get() + 1);
        if left > 0 {
            n.spawn(move || spawn_more(n, left - 1, count));
        }
    }
    let count = Cell::new(0);
    nursery!(|n| {
        n.spawn(spawn_more, n, 9, &count);
    })
    .unwrap();
    assert_eq!(count.get(), 10);
}

/// Everything that a handle on a nursery can be asked for.
fn uses(n: Nursery<'static>) -> Vec<String> {
    vec![
        panic_text(|| n.spawn(wait_for_ever)),
        panic_text(|| n.spawn_named("late", wait_for_ever)),
        panic_text(|| n.spawn_monitored(wait_for_ever)),
        panic_text(|| n.cancel()),
        panic_text(|| n.cancel_scope()),
        panic_text(|| n.statistics()),
        panic_text(|| n.child_tasks()),
        panic_text(|| n.parent_task()),
    ]
}

// A14
#[trio::test]
async fn a_handle_that_has_outlived_its_nursery_is_refused() {
    let escaped: Nursery<'static> = nursery!(|n| n).unwrap();
    assert_eq!(format!("{escaped:?}"), "Nursery(closed)");
    for text in uses(escaped) {
        assert!(text.starts_with("this nursery is closed"), "{text}");
        assert!(text.contains("open another nursery"), "it says what to do: {text}");
    }
    // Not the one that has its place now, either.
    nursery!(|n| {
        assert_eq!(format!("{n:?}"), "Nursery(open)");
        for text in uses(escaped) {
            assert!(text.starts_with("this nursery is closed"), "{text}");
        }
        assert_eq!(n.statistics().children, 0);
    })
    .unwrap();
}

// A14
#[test]
fn a_handle_of_another_run_is_refused() {
    let escaped: Nursery<'static> = trio::run(|| async { open().into_future().await });
    #[trio::task]
    async fn open() -> Nursery<'static> {
        nursery!(|n| n).unwrap()
    }
    #[trio::task]
    async fn use_it(n: Nursery<'static>) -> Vec<String> {
        // The first nursery of a run, as the other one was.
        nursery!(|_here| uses(n)).unwrap()
    }
    for text in trio::run(|| use_it(escaped)) {
        assert!(text.starts_with("this nursery is closed"), "{text}");
    }
    for text in uses(escaped) {
        assert!(text.contains("inside a trio run"), "{text}");
    }
}

// A14
#[trio::test]
async fn what_was_to_be_spawned_into_a_closed_nursery_is_dropped_and_never_begins() {
    let (dropped, begun) = (Cell::new(0), Cell::new(false));
    {
        let escaped = nursery!(|n| n).unwrap();
        let begun = &begun;
        let value = CountsDrop(&dropped);
        let text = panic_text(|| {
            escaped.spawn(move || async move {
                let _value = value;
                begun.set(true);
            })
        });
        assert!(text.starts_with("this nursery is closed"), "{text}");
    }
    assert_eq!(dropped.get(), 1);
    checkpoint().await;
    assert!(!begun.get());
}

// A16
#[trio::test]
async fn leaving_a_nursery_without_children_is_a_schedule_point_and_no_cancellation_point() {
    let others = Cell::new(0);
    #[trio::task]
    async fn count(others: &Cell<u32>) {
        others.set(others.get() + 1);
        checkpoint().await;
    }
    let scope = CancelScope::new();
    nursery!(|n| {
        let passed = scope
            .run(async {
                n.spawn(count, &others);
                scope.cancel();
                nursery!(|_empty| ()).unwrap();
                others.get()
            })
            .await;
        assert_eq!(passed, Some(1), "the other task had a turn");
        assert!(scope.cancel_called() && !scope.cancelled_caught());
    })
    .unwrap();
}

// A16
#[trio::test]
async fn leaving_a_nursery_counts_as_half_a_checkpoint() {
    let before = current_task().checkpoints();
    nursery!(|_n| ()).unwrap();
    let after = current_task().checkpoints();
    assert_eq!(after.0, before.0, "no cancellation point");
    assert_eq!(after.1, before.1 + 1, "one schedule point");
}

// A18
#[trio::test]
async fn what_a_cancelled_task_held_is_gone_when_its_nursery_is_left() {
    #[trio::task]
    async fn hold(value: CountsDrop<'_>) {
        let _inner = CountsDrop(value.0);
        sleep_forever().await
    }
    let dropped = Cell::new(0);
    nursery!(|n| {
        n.spawn(hold, CountsDrop(&dropped));
        wait_all_tasks_blocked().await;
        n.cancel();
        assert_eq!(dropped.get(), 0);
    })
    .unwrap();
    assert_eq!(dropped.get(), 2);
}

// A18
#[trio::test]
async fn destructors_of_a_cancelled_task_run_innermost_first() {
    struct Says<'a>(&'static str, &'a RefCell<Vec<&'static str>>);
    impl Drop for Says<'_> {
        fn drop(&mut self) {
            self.1.borrow_mut().push(self.0);
        }
    }
    #[trio::task]
    async fn inner(log: &RefCell<Vec<&'static str>>) {
        let _first = Says("inner, first", log);
        let _second = Says("inner, second", log);
        sleep_forever().await
    }
    #[trio::task]
    async fn outer(log: &RefCell<Vec<&'static str>>) {
        let _outer = Says("outer", log);
        inner(log).await;
    }
    let log = RefCell::default();
    nursery!(|n| {
        n.spawn(outer, &log);
        wait_all_tasks_blocked().await;
        n.cancel();
    })
    .unwrap();
    assert_eq!(log.into_inner(), ["inner, second", "inner, first", "outer"]);
}

#[trio::test]
async fn a_child_of_a_cancelled_nursery_begins_and_unwinds_at_its_first_checkpoint() {
    #[trio::task]
    async fn begin(reached: &Cell<u32>) {
        reached.set(1);
        checkpoint().await;
        reached.set(2);
    }
    let reached = Cell::new(0);
    nursery!(|n| {
        n.cancel();
        n.spawn(begin, &reached);
    })
    .unwrap();
    assert_eq!(reached.get(), 1);
}

#[trio::test]
async fn a_body_that_its_own_nursery_cancels_gives_nothing_but_its_end() {
    let reached = Cell::new(0);
    nursery!(|n| {
        n.cancel();
        reached.set(1);
        checkpoint().await;
        reached.set(2);
    })
    .unwrap();
    assert_eq!(reached.get(), 1);
}

#[trio::test]
async fn a_body_with_a_value_that_is_cancelled_has_none_and_says_so() {
    let result = nursery!(|n| {
        n.cancel();
        checkpoint().await;
        7
    });
    let group = result.unwrap_err();
    assert!(group.find::<NurseryCancelled>().is_some());
    assert_eq!(group.len(), 1);
}

#[trio::test]
async fn a_body_that_had_its_value_before_the_cancellation_keeps_it() {
    let result = nursery!(|n| {
        n.spawn(wait_for_ever);
        n.cancel();
        7
    });
    assert_eq!(result.unwrap(), 7);
}

#[trio::test]
async fn the_scope_of_a_nursery_is_that_of_its_body_and_children() {
    let scope = nursery!(|n| {
        n.spawn(wait_for_ever);
        let scope = n.cancel_scope();
        scope.cancel_with_reason("enough");
        scope
    });
    let scope = scope.unwrap();
    assert!(scope.cancelled_caught());
    let reason = scope.cancel_reason().unwrap();
    assert_eq!((reason.source(), reason.text()), (CancelSource::Explicit, Some("enough")));
}

#[trio::test(clock = "mock")]
async fn a_nursery_can_be_given_a_deadline() {
    let start = current_time();
    nursery!(|n| {
        n.spawn(wait_for_ever);
        n.cancel_scope().set_deadline(Some(start + 3 * SECOND));
    })
    .unwrap();
    assert_eq!(current_time(), start + 3 * SECOND);
}

// A child's scopes are those around its nursery, not those around `spawn`.
#[trio::test]
async fn a_child_is_not_in_the_scope_in_which_it_was_spawned() {
    let ended = Cell::new(false);
    #[trio::task]
    async fn end(ended: &Cell<bool>) {
        wait_all_tasks_blocked().await;
        ended.set(true);
    }
    let scope = CancelScope::new();
    nursery!(|n| {
        scope
            .run(async {
                n.spawn(end, &ended);
                scope.cancel();
                checkpoint().await;
            })
            .await;
    })
    .unwrap();
    assert!(scope.cancelled_caught() && ended.get());
}

#[trio::test]
async fn statistics_tell_what_runs_in_a_nursery() {
    nursery!(|n| {
        let fresh = n.statistics();
        assert_eq!((fresh.children, fresh.starting, fresh.failures), (0, 0, 0));
        assert!(!fresh.cancel_called);
        n.spawn(wait_for_ever);
        n.spawn(wait_for_ever);
        assert_eq!(n.statistics().children, 2);
        n.cancel();
        assert!(n.statistics().cancel_called);
        assert_eq!(n.statistics().children, 2);
    })
    .unwrap();
}

// A12
#[trio::test]
async fn a_nursery_knows_its_parent_and_its_children() {
    let main = current_task();
    nursery!(|n| {
        assert!(n.parent_task() == main);
        let first = n.spawn(wait_for_ever);
        let second = n.spawn(sleeper, 0);
        assert!(n.child_tasks() == [first.task(), second.task()]);
        assert!(first.task().parent() == Some(main.clone()));
        second.wait().await;
        assert!(n.child_tasks() == [first.task()]);
        n.cancel();
    })
    .unwrap();
}

// The handle of a task.

#[trio::test(clock = "mock")]
async fn a_handle_waits_for_its_task_and_gives_its_value_once() {
    let start = current_time();
    nursery!(|n| {
        let task = n.spawn(sleeper, 3);
        assert!(!task.is_finished());
        assert_eq!(task.take(), None);
        task.wait().await;
        assert_eq!(current_time(), start + 3 * SECOND);
        assert!(task.is_finished());
        assert_eq!(task.take(), Some(3));
        assert_eq!(task.take(), None);
        task.wait().await;
    })
    .unwrap();
}

#[trio::test]
async fn waiting_for_a_task_that_has_ended_is_a_checkpoint() {
    nursery!(|n| {
        let task = n.spawn(sleeper, 0);
        task.wait().await;
        trio::testing::assert_future_checkpoints(task.wait()).await;
        let scope = CancelScope::new();
        scope.cancel();
        scope.run(|| task.wait()).await;
        assert!(scope.cancelled_caught());
    })
    .unwrap();
}

#[trio::test]
async fn several_tasks_can_wait_for_one() {
    let woken = Cell::new(0);
    #[trio::task]
    async fn wait_for(task: &TaskHandle<()>, woken: &Cell<u32>) {
        task.wait().await;
        woken.set(woken.get() + 1);
    }
    nursery!(|targets| {
        let task = targets.spawn(wait_for_ever);
        nursery!(|n| {
            for _ in 0..5 {
                n.spawn(wait_for, &task, &woken);
            }
            wait_all_tasks_blocked().await;
            assert_eq!(woken.get(), 0);
            task.cancel();
        })
        .unwrap();
    })
    .unwrap();
    assert_eq!(woken.get(), 5);
}

#[trio::test]
async fn a_wait_that_is_cancelled_leaves_the_task_alone() {
    nursery!(|n| {
        let task = n.spawn(wait_for_ever);
        let scope = CancelScope::new();
        nursery!(|m| {
            m.spawn(async { scope.run(|| task.wait()).await });
            wait_all_tasks_blocked().await;
            scope.cancel();
        })
        .unwrap();
        assert!(scope.cancelled_caught() && !task.is_finished());
        n.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn waiting_says_that_a_task_has_ended_and_catches_nothing() {
    let waited = Cell::new(false);
    let result = nursery!(|n| {
        let task = n.spawn(fails, "seen by the nursery");
        CancelScope::new().shielded(true).run(|| task.wait()).await;
        waited.set(true);
        assert_eq!(task.take(), None);
    });
    assert!(waited.get());
    assert_eq!(result.unwrap_err().find(), Some(&Fault("seen by the nursery")));
}

#[trio::test]
async fn cancelling_a_child_leaves_its_siblings_and_its_nursery_alone() {
    let result = nursery!(|n| {
        let first = n.spawn(wait_for_ever);
        let second = n.spawn(sleeper, 0);
        wait_all_tasks_blocked().await;
        first.cancel();
        first.cancel();
        first.wait().await;
        assert!(first.is_finished());
        second.wait().await;
        assert_eq!(second.take(), Some(0));
        assert!(!n.statistics().cancel_called);
        first.cancel();
        8
    });
    assert_eq!(result.unwrap(), 8);
}

#[trio::test]
async fn a_child_that_is_cancelled_before_it_begins_begins_and_unwinds() {
    let begun = Cell::new(false);
    let ended = Cell::new(false);
    nursery!(|n| {
        let task = n.spawn(async {
            begun.set(true);
            checkpoint().await;
            ended.set(true);
        });
        task.cancel();
    })
    .unwrap();
    assert!(begun.get() && !ended.get());
}

#[trio::test]
async fn a_child_can_cancel_itself() {
    let handle: Cell<Option<TaskHandle<()>>> = Cell::new(None);
    let reached = Cell::new(0);
    nursery!(|n| {
        handle.set(Some(n.spawn(async {
            checkpoint().await;
            reached.set(1);
            handle.take().unwrap().cancel();
            reached.set(2);
            checkpoint().await;
            reached.set(3);
        })));
    })
    .unwrap();
    assert_eq!(reached.get(), 2);
}

#[trio::test]
async fn the_nurseries_of_a_cancelled_child_go_with_it() {
    let dropped = Cell::new(0);
    #[trio::task]
    async fn hold(dropped: &Cell<usize>) {
        let _counts = CountsDrop(dropped);
        sleep_forever().await
    }
    #[trio::task]
    async fn parent(dropped: &Cell<usize>) {
        nursery!(|n| {
            n.spawn(hold, dropped);
            n.spawn(hold, dropped);
        })
        .unwrap();
        unreachable!("the cancellation goes on to the task");
    }
    nursery!(|n| {
        let task = n.spawn(parent, &dropped);
        wait_all_tasks_blocked().await;
        task.cancel();
        task.wait().await;
        assert_eq!(dropped.get(), 2);
    })
    .unwrap();
}

#[trio::test(clock = "mock")]
async fn dropping_a_handle_does_not_end_its_task() {
    let start = current_time();
    nursery!(|n| {
        drop(n.spawn(sleeper, 4));
    })
    .unwrap();
    assert_eq!(current_time(), start + 4 * SECOND);
}

#[trio::test]
async fn a_value_that_nobody_took_goes_with_the_handle() {
    let dropped = Cell::new(0);
    #[trio::task]
    async fn make(dropped: &Cell<usize>) -> Box<CountsDrop<'_>> {
        checkpoint().await;
        Box::new(CountsDrop(dropped))
    }
    let kept = nursery!(|n| {
        drop(n.spawn(make, &dropped));
        n.spawn(make, &dropped)
    });
    let kept = kept.unwrap();
    assert_eq!(dropped.get(), 1, "nobody could have taken the first one");
    assert!(kept.is_finished());
    drop(kept);
    assert_eq!(dropped.get(), 2);
}

#[trio::test(allow(useless_nursery))]
async fn a_handle_can_be_asked_when_its_nursery_is_gone() {
    let task = nursery!(|n| n.spawn(sleeper, 0)).unwrap();
    assert_eq!(task.take(), Some(0));
    assert_eq!(task.name(), "sleeper");
    task.wait().await;
}

// Monitored tasks.

#[trio::test]
async fn a_monitored_task_gives_its_ending_and_its_nursery_goes_on() {
    let endings = nursery!(|n| {
        let value = n.spawn_monitored(sleeper, 0);
        let error = n.spawn_monitored(fails, "caught");
        let panic = n.spawn_monitored(panics, "caught, too");
        let cancelled = n.spawn_monitored(wait_for_ever);
        wait_all_tasks_blocked().await;
        cancelled.cancel();
        let endings = (
            value.outcome().await,
            error.outcome().await,
            panic.outcome().await,
            cancelled.outcome().await,
        );
        assert!(!n.statistics().cancel_called);
        endings
    });
    let (value, error, panic, cancelled) = endings.unwrap();
    assert!(matches!(value, Outcome::Ok(0)));
    assert!(matches!(cancelled, Outcome::Cancelled));
    assert_eq!(format!("{error:?}"), r#"Err(Fault("caught"))"#);
    assert_eq!(format!("{panic:?}"), r#"Panicked("caught, too")"#);
    let Outcome::Err(error) = error else { panic!("{error:?}") };
    assert_eq!(error.downcast_ref(), Some(&Fault("caught")));
    let Outcome::Panicked(payload) = panic else { panic!("{panic:?}") };
    assert_eq!(text(&*payload), "caught, too");
}

#[trio::test]
async fn a_monitored_task_of_a_cancelled_nursery_has_the_outcome_cancelled() {
    let task = nursery!(|n| {
        let task = n.spawn_monitored(wait_for_ever);
        n.cancel();
        task
    });
    assert!(matches!(task.unwrap().outcome().await, Outcome::Cancelled));
}

#[trio::test]
async fn the_outcome_of_a_task_that_ended_long_ago_is_still_there() {
    let task = nursery!(|n| n.spawn_monitored(fails, "early")).unwrap();
    for _ in 0..10 {
        checkpoint().await;
    }
    assert_eq!(task.take(), None);
    let Outcome::Err(error) = task.outcome().await else { panic!("it failed") };
    assert_eq!(error.downcast_ref(), Some(&Fault("early")));
}

#[trio::test]
async fn a_monitored_value_can_be_taken_as_any_other() {
    let task = nursery!(|n| n.spawn_monitored(sleeper, 0)).unwrap();
    assert_eq!(task.take(), Some(0));
    assert_eq!(task.take(), None);
}

#[trio::test]
async fn a_monitored_handle_that_is_dropped_early_leaves_the_ending_to_the_nursery() {
    let result = nursery!(|n| {
        drop(n.spawn_monitored(fails, "heard after all"));
        sleep_forever().await
    });
    let group = result.unwrap_err();
    assert_eq!(group.find(), Some(&Fault("heard after all")));
}

#[trio::test]
async fn asking_for_an_outcome_and_being_cancelled_leaves_the_ending_to_the_nursery() {
    let place = Cell::new(None);
    let result = nursery!(|n| {
        let task = n.spawn_monitored(async {
            Err::<(), Fault>(
                suspend(|resumer: Resumer<Fault>| {
                    place.set(Some(resumer));
                    || Abort::Failed
                })
                .await,
            )
        });
        let scope = CancelScope::new();
        nursery!(|m| {
            m.spawn(async { scope.run(|| task.outcome()).await.is_none() });
            wait_all_tasks_blocked().await;
            scope.cancel();
        })?;
        place.take().unwrap().resume(Fault("nobody asks any more"));
        sleep_forever().await
    });
    assert_eq!(result.unwrap_err().find(), Some(&Fault("nobody asks any more")));
}

#[trio::test]
async fn only_a_monitored_task_has_an_outcome() {
    nursery!(|n| {
        let task = n.spawn(sleeper, 0);
        let text = panic_text(|| task.outcome());
        assert!(text.contains("spawn it with `n.spawn_monitored`"), "{text}");
        checkpoint().await;
    })
    .unwrap();
}

#[trio::test]
async fn an_outcome_that_was_taken_already_cannot_be_asked_for() {
    let result = nursery!(|n| {
        let task = n.spawn_monitored(sleeper, 0);
        task.wait().await;
        assert_eq!(task.take(), Some(0));
        let asks = n.spawn_monitored(async move {
            assert!(matches!(task.outcome().await, Outcome::Cancelled))
        });
        asks.outcome().await
    });
    let Outcome::Panicked(payload) = result.unwrap() else { panic!("it should panic") };
    assert!(text(&*payload).contains("was taken already"));
}

#[trio::test]
async fn a_destructor_that_panics_while_its_task_ends_is_a_panic_of_the_task() {
    #[trio::task]
    async fn ends() {
        let _bomb = PanicsOnDrop("at the end");
        checkpoint().await;
    }
    #[trio::task]
    async fn is_cancelled() {
        let _bomb = PanicsOnDrop("while it unwinds");
        sleep_forever().await
    }
    let (ended, unwound) = nursery!(|n| {
        let ended = n.spawn_monitored(ends);
        let unwound = n.spawn_monitored(is_cancelled);
        wait_all_tasks_blocked().await;
        unwound.cancel();
        (ended.outcome().await, unwound.outcome().await)
    })
    .unwrap();
    assert_eq!(format!("{ended:?}"), r#"Panicked("at the end")"#);
    assert_eq!(format!("{unwound:?}"), r#"Panicked("while it unwinds")"#);
}

// What a task may return.

#[derive(trio::TaskOutput, Debug, PartialEq)]
struct Page {
    text: String,
}

#[trio::test]
async fn a_task_may_return_a_plain_value_or_a_result() {
    #[trio::task]
    async fn give<T>(value: T) -> T {
        checkpoint().await;
        value
    }
    let text = String::from("borrowed");
    let page = Page { text: "a type of one's own".into() };
    nursery!(|n| {
        let number = n.spawn(give, 5_u8);
        let pair = n.spawn(give, (1, "two"));
        let list = n.spawn(give, vec![1, 2]);
        let option = n.spawn(give, Some('x'));
        let borrowed = n.spawn(give, &text);
        let own = n.spawn(give, page);
        let good = n.spawn(give, Ok::<_, Fault>(3));
        let boxed = n.spawn(give, trio::Result::<i32>::Ok(4));
        let text = n.spawn(give, Ok::<_, &str>(5));
        wait_all_tasks_blocked().await;
        assert_eq!(number.take(), Some(5));
        assert_eq!(pair.take(), Some((1, "two")));
        assert_eq!(list.take(), Some(vec![1, 2]));
        assert_eq!(option.take(), Some(Some('x')));
        assert_eq!(borrowed.take().map(String::as_str), Some("borrowed"));
        assert_eq!(own.take().unwrap().text, "a type of one's own");
        assert_eq!(good.take(), Some(3));
        assert_eq!(boxed.take(), Some(4));
        assert_eq!(text.take(), Some(5));
    })
    .unwrap();
}

#[trio::test]
async fn an_error_may_be_anything_that_becomes_one() {
    #[trio::task]
    async fn fail<E>(error: E) -> Result<(), E> {
        cancel_shielded_checkpoint().await;
        Err(error)
    }
    let group = nursery!(|n| {
        n.spawn(fail, "text");
        n.spawn(fail, String::from("more text"));
        n.spawn(fail, Fault("typed"));
        n.spawn(fail, trio::Error::from("boxed"));
    })
    .unwrap_err();
    let texts: Vec<_> = group.iter().map(|failure| failure.error().to_string()).collect();
    assert_eq!(texts, ["text", "more text", "typed", "boxed"]);
}
