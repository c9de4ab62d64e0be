//! Errors and panics of nurseries: what comes out, how it is taken apart, and how it prints.

use std::cell::{Cell, RefCell};
use std::io;

use tests::faults::{Caused, CountsDrop, Fault, PanicsOnDrop};
use tests::panics::{panic_text, text};
use tests::rerun::{rerun, stderr};
use tests::source::line_of;
use trio::lowlevel::{cancel_shielded_checkpoint, checkpoint};
use trio::testing::wait_all_tasks_blocked;
use trio::{ErrorGroup, Failure, Outcome, nursery, sleep_forever};

#[trio::task]
async fn fails(text: &'static str) -> Result<(), Fault> {
    cancel_shielded_checkpoint().await; // await of fails
    Err(Fault(text))
}

#[trio::task]
async fn fails_with<E>(error: E) -> Result<(), E> {
    cancel_shielded_checkpoint().await; // await of fails_with
    Err(error)
}

#[trio::task]
async fn panics(text: &'static str) {
    cancel_shielded_checkpoint().await;
    panic!("{text}");
}

#[trio::task]
async fn wait_for_ever() {
    sleep_forever().await
}

fn texts(group: &ErrorGroup) -> Vec<String> {
    group.leaves().map(|failure| failure.error().to_string()).collect()
}

// A4
#[trio::test]
async fn an_error_of_the_body_comes_out_in_a_group_and_is_the_same() {
    let error: Box<Fault> = Box::new(Fault("of the body"));
    let address = &raw const *error;
    let result = nursery!(|_n| {
        Err::<(), Box<Fault>>(error)?;
    });
    let mut failures: Vec<Failure> = result.unwrap_err().into_iter().collect();
    assert_eq!(failures.len(), 1);
    let failure = failures.pop().unwrap();
    assert_eq!(failure.spawned_at(), None);
    let error = failure.into_error().downcast::<Box<Fault>>().unwrap();
    assert!(std::ptr::eq(&raw const **error, address));
}

// A4
#[trio::test]
async fn an_error_of_the_body_cancels_the_children() {
    let dropped = Cell::new(0);
    let value = CountsDrop(&dropped);
    let result = nursery!(|n| {
        n.spawn(async move {
            let _value = value;
            sleep_forever().await
        });
        checkpoint().await;
        Err(Fault("of the body"))?;
    });
    assert_eq!(texts(&result.unwrap_err()), ["of the body"]);
    assert_eq!(dropped.get(), 1);
}

// A5
#[trio::test(allow(useless_nursery))]
async fn an_error_of_a_child_comes_out_of_a_nursery_that_waits_for_it() {
    let group = nursery!(|n| {
        n.spawn(fails, "of the child");
    })
    .unwrap_err();
    assert_eq!(group.len(), 1);
    assert_eq!(group.find(), Some(&Fault("of the child")));
}

// A5
#[trio::test]
async fn an_error_of_a_child_cancels_the_body() {
    let reached = Cell::new(0);
    let group = nursery!(|n| {
        n.spawn(fails, "of the child");
        reached.set(1);
        sleep_forever().await;
        reached.set(2);
    })
    .unwrap_err();
    assert_eq!(reached.get(), 1);
    assert_eq!(texts(&group), ["of the child"]);
}

// A6
#[trio::test]
async fn an_error_of_a_child_cancels_its_siblings_and_only_the_error_comes_out() {
    #[trio::task]
    async fn loops(ended: &Cell<bool>) {
        let ended = tests::faults::OnDrop(|| ended.set(true));
        let _ended = ended;
        loop {
            checkpoint().await;
        }
    }
    let ended = Cell::new(false);
    let group = nursery!(|n| {
        n.spawn(loops, &ended);
        checkpoint().await;
        n.spawn(fails, "alone");
    })
    .unwrap_err();
    assert!(ended.get());
    assert_eq!(texts(&group), ["alone"]);
}

// A7
#[trio::test]
async fn errors_of_the_body_and_of_a_child_come_out_together() {
    let group = nursery!(|n| {
        n.spawn(fails, "of the child");
        Err(Fault("of the body"))?;
    })
    .unwrap_err();
    assert_eq!(texts(&group), ["of the body", "of the child"]);
}

// A7
#[trio::test]
async fn errors_of_two_children_come_out_together_in_the_order_of_their_ends() {
    let group = nursery!(|n| {
        n.spawn(fails, "first");
        n.spawn(fails, "second");
    })
    .unwrap_err();
    assert_eq!(texts(&group), ["first", "second"]);
    assert_eq!(group.len(), 2);
}

// A17
#[trio::test]
async fn errors_that_come_together_are_no_causes_of_each_other() {
    let group = nursery!(|n| {
        n.spawn(fails_with, Caused(Fault("of the child")));
        Err(Fault("of the body"))?;
    })
    .unwrap_err();
    let [body, child] = group.iter().collect::<Vec<_>>()[..] else { panic!("{group}") };
    assert!(body.error().source().is_none());
    let cause = child.error().source().unwrap();
    assert_eq!(cause.downcast_ref(), Some(&Fault("of the child")));
    assert!(cause.source().is_none());
}

#[trio::test]
async fn an_error_that_comes_while_the_nursery_is_being_cancelled_is_not_lost() {
    #[trio::task]
    async fn fails_when_cancelled() -> Result<(), Fault> {
        let scope = trio::CancelScope::new().shielded(true);
        scope.run(async { wait_all_tasks_blocked().await }).await;
        Err(Fault("late"))
    }
    let group = nursery!(|n| {
        n.spawn(fails_when_cancelled);
        n.spawn(fails, "early");
    })
    .unwrap_err();
    assert_eq!(texts(&group), ["early", "late"]);
}

#[trio::test]
async fn a_cancellation_is_never_in_a_group() {
    let scope = trio::CancelScope::new();
    let result = scope
        .run(async {
            nursery!(|n| {
                n.spawn(wait_for_ever);
                n.spawn(fails_when_it_unwinds);
                wait_all_tasks_blocked().await;
                scope.cancel();
                sleep_forever().await
            })
        })
        .await;
    // The error wins over the cancellation: it must not get lost.
    let group = result.expect("an error goes through the scope").unwrap_err();
    assert_eq!(texts(&group), ["while unwinding"]);
    assert!(!scope.cancelled_caught());

    #[trio::task]
    async fn fails_when_it_unwinds() -> Result<(), Fault> {
        let scope = trio::CancelScope::new().shielded(true);
        scope.run(async { wait_all_tasks_blocked().await }).await;
        checkpoint_or_fail().await
    }
    #[trio::task]
    async fn checkpoint_or_fail() -> Result<(), Fault> {
        cancel_shielded_checkpoint().await;
        Err(Fault("while unwinding"))
    }
}

#[trio::test]
async fn nested_nurseries_give_nested_groups() {
    #[trio::task]
    async fn inner() -> Result<(), ErrorGroup> {
        nursery!(|n| {
            n.spawn(fails, "a");
            n.spawn(fails, "b");
        })
    }
    let group = nursery!(|n| {
        n.spawn(inner);
        n.spawn(fails, "c");
    })
    .unwrap_err();
    assert_eq!(group.len(), 2);
    let mut found = texts(&group);
    found.sort_unstable();
    assert_eq!(found, ["a", "b", "c"]);
    assert_eq!(group.iter().filter(|failure| failure.error().is::<ErrorGroup>()).count(), 1);
}

// What a group tells.

#[trio::test]
async fn a_failure_tells_its_task_where_it_was_spawned_and_where_it_was_last() {
    let group = nursery!(|n| {
        n.spawn_named("the one", fails, "text"); // named spawn
    })
    .unwrap_err();
    let source = include_str!("errors.rs");
    let failure = group.iter().next().unwrap();
    assert_eq!(failure.task(), "the one");
    let spawned = failure.spawned_at().unwrap();
    assert_eq!(spawned.file(), file!());
    assert_eq!(spawned.line(), line_of(source, "named spawn"));
    let site = failure.last_await().unwrap();
    assert_eq!(site.file(), file!());
    assert_eq!(site.function(), "fails");
    assert_eq!(site.expression(), "cancel_shielded_checkpoint()");
    let nursery = group.nursery().unwrap();
    assert_eq!(
        nursery.function(),
        "a_failure_tells_its_task_where_it_was_spawned_and_where_it_was_last"
    );
}

/// A group of two, one of them a group of two.
async fn tree() -> ErrorGroup {
    #[trio::task]
    async fn inner() -> Result<(), ErrorGroup> {
        nursery!(|n| {
            // inner nursery
            n.spawn(fails_with, Caused(Fault("the cause"))); // spawn caused
            n.spawn(fails_with, io::Error::other("disk")); // spawn disk
        })
    }
    #[trio::task]
    async fn outer() -> Result<(), ErrorGroup> {
        nursery!(|n| {
            // outer nursery
            n.spawn(inner); // spawn inner
            n.spawn(fails, "two\nlines"); // spawn lines
            Err(Fault("of the body"))?;
        })
    }
    outer().into_future().await.unwrap_err()
}

#[trio::test]
async fn a_group_prints_as_a_tree() {
    let group = tree().await;
    let source = include_str!("errors.rs");
    let line = |mark| line_of(source, mark);
    let file = file!();
    let expected = format!(
        "\
3 errors in the nursery of `outer` at {file}:{outer}:9
├─ the nursery's body in task `a_group_prints_as_a_tree`: of the body
├─ task `fails` spawned at {file}:{lines}: two
│  lines
│  after `cancel_shielded_checkpoint().await` at {file}:{fails}:34
└─ task `inner` spawned at {file}:{inner}: 2 errors in the nursery of `inner` at {file}:{nursery}:9
   ├─ task `fails_with<tests::faults::Caused>` spawned at {file}:{caused}: something underneath failed
   │  caused by: the cause
   │  after `cancel_shielded_checkpoint().await` at {file}:{fails_with}:34
   └─ task `fails_with<std::io::error::Error>` spawned at {file}:{disk}: disk
      after `cancel_shielded_checkpoint().await` at {file}:{fails_with}:34",
        outer = line("outer nursery") - 1,
        lines = line("spawn lines"),
        fails = line("await of fails"),
        inner = line("spawn inner"),
        nursery = line("inner nursery") - 1,
        caused = line("spawn caused"),
        fails_with = line("await of fails_with"),
        disk = line("spawn disk"),
    );
    assert_eq!(format!("{group:#}"), expected);
    assert_eq!(format!("{group:?}"), expected);
}

#[trio::test(allow(useless_nursery))]
async fn a_group_prints_in_one_line() {
    let group = tree().await;
    assert_eq!(
        group.to_string(),
        "4 errors in a nursery: of the body; two\nlines; something underneath failed; disk",
    );
    let single = nursery!(|n| {
        n.spawn(fails, "alone");
    })
    .unwrap_err();
    assert_eq!(single.to_string(), "1 error in a nursery: alone");
    let many = nursery!(|n| {
        for _ in 0..20 {
            n.spawn(fails, "x");
        }
    })
    .unwrap_err();
    assert_eq!(many.to_string(), "20 errors in a nursery: x; x; x; x; x; x; x; x…");
}

#[trio::test]
async fn a_group_is_an_error_whose_source_is_the_first_one() {
    let error: trio::Error = tree().await.into();
    assert_eq!(error.source().unwrap().to_string(), "of the body");
    assert!(error.is::<ErrorGroup>());
}

#[trio::test(allow(useless_nursery))]
async fn find_looks_into_nested_groups_and_causes() {
    let group = tree().await;
    assert_eq!(group.find::<Caused>(), Some(&Caused(Fault("the cause"))));
    assert_eq!(group.find::<io::Error>().unwrap().to_string(), "disk");
    assert!(group.find::<std::fmt::Error>().is_none());
    let only_cause = nursery!(|n| {
        n.spawn(fails_with, Caused(Fault("the cause")));
    })
    .unwrap_err();
    assert_eq!(only_cause.find(), Some(&Fault("the cause")));
}

#[trio::test]
async fn find_looks_into_what_an_io_error_carries() {
    let group = nursery!(|n| {
        n.spawn(fails_with, io::Error::other(Fault("carried")));
        n.spawn(fails_with, io::Error::from(trio::ClosedResourceError::new()));
    })
    .unwrap_err();
    assert_eq!(group.find(), Some(&Fault("carried")));
    assert!(group.find::<trio::ClosedResourceError>().is_some());
}

#[trio::test]
async fn split_takes_out_the_errors_of_a_type_and_leaves_the_shape() {
    let (faults, rest) = tree().await.split::<Fault>();
    assert_eq!(faults, [Fault("of the body"), Fault("two\nlines")]);
    let rest = rest.unwrap();
    assert_eq!(rest.len(), 1);
    let inner = rest.iter().next().unwrap();
    assert_eq!(inner.task(), "inner");
    assert_eq!(inner.error().downcast_ref::<ErrorGroup>().unwrap().len(), 2);
    assert_eq!(rest.nursery().unwrap().function(), "outer");
    // What is left empty goes: the inner group with its last error.
    let (caused, rest) = rest.split::<Caused>();
    assert_eq!(caused, [Caused(Fault("the cause"))]);
    let (disk, rest) = rest.unwrap().split::<io::Error>();
    assert_eq!(disk[0].to_string(), "disk");
    assert!(rest.is_none());
}

#[trio::test]
async fn split_finds_nothing_of_a_type_that_is_not_there() {
    let group = tree().await;
    let before = format!("{group:#}");
    let (found, rest) = group.split::<std::fmt::Error>();
    assert!(found.is_empty());
    assert_eq!(format!("{:#}", rest.unwrap()), before);
}

#[trio::test]
async fn the_only_error_comes_out_of_any_number_of_groups() {
    #[trio::task(boxed)]
    async fn nest(depth: u32, text: &'static str) -> trio::Result<()> {
        nursery!(|n| {
            match depth {
                0 => n.spawn(fails, text),
                _ => n.spawn(nest, depth - 1, text),
            };
        })?;
        Ok(())
    }
    for depth in [0, 1, 5] {
        let error = nest(depth, "the only one").await.unwrap_err();
        let group = error.downcast::<ErrorGroup>().unwrap();
        let error = group.into_single().expect("there is one");
        assert_eq!(error.downcast_ref(), Some(&Fault("the only one")));
    }
}

#[trio::test(allow(useless_nursery))]
async fn several_errors_stay_a_group() {
    let group = tree().await.into_single().unwrap_err();
    assert_eq!(texts(&group).len(), 4);
    // Also if there is one group in the group.
    #[trio::task]
    async fn inner() -> Result<(), ErrorGroup> {
        nursery!(|n| {
            n.spawn(fails, "a");
            n.spawn(fails, "b");
        })
    }
    let group = nursery!(|n| {
        n.spawn(inner);
    })
    .unwrap_err();
    let group = group.into_single().unwrap_err();
    assert_eq!(group.len(), 1, "as it was");
    assert_eq!(texts(&group), ["a", "b"]);
}

#[trio::test]
async fn a_group_can_be_gone_through_by_reference_and_by_value() {
    let group = tree().await;
    let names: Vec<&str> = (&group).into_iter().map(Failure::task).collect();
    assert_eq!(names[1..], ["fails", "inner"]);
    let errors: Vec<trio::Error> = group.into_iter().map(Failure::into_error).collect();
    assert_eq!(errors.len(), 3);
    assert!(errors[2].is::<ErrorGroup>());
}

// Panics.

#[trio::test]
async fn a_panic_of_a_child_goes_on_in_the_parent_with_its_payload() {
    #[trio::task]
    async fn panics_with(payload: u64) {
        cancel_shielded_checkpoint().await;
        std::panic::panic_any(payload);
    }
    #[trio::task]
    async fn parent() {
        let _ = nursery!(|n| {
            n.spawn(panics_with, 17_u64);
            sleep_forever().await
        });
        unreachable!("the panic goes on");
    }
    let outcome = nursery!(|n| n.spawn_monitored(parent)).unwrap().outcome().await;
    let Outcome::Panicked(payload) = outcome else { panic!("{outcome:?}") };
    assert_eq!(payload.downcast_ref::<u64>(), Some(&17));
}

#[trio::test]
async fn a_panic_waits_for_the_siblings_and_their_clean_up() {
    let log = RefCell::new(Vec::new());
    #[trio::task]
    async fn cleans_up(log: &RefCell<Vec<&'static str>>) {
        trio::finally(async { sleep_forever().await }, async {
            wait_all_tasks_blocked().await;
            log.borrow_mut().push("cleaned up");
        })
        .await;
    }
    #[trio::task]
    async fn parent(log: &RefCell<Vec<&'static str>>) {
        let _goes = tests::faults::OnDrop(|| log.borrow_mut().push("the parent goes"));
        let _ = nursery!(|n| {
            n.spawn(cleans_up, log);
            checkpoint().await;
            n.spawn(panics, "early");
        });
    }
    nursery!(|n| {
        let outcome = n.spawn_monitored(parent, &log).outcome().await;
        assert_eq!(format!("{outcome:?}"), r#"Panicked("early")"#);
    })
    .unwrap();
    assert_eq!(*log.borrow(), ["cleaned up", "the parent goes"]);
}

#[trio::test]
async fn a_panic_of_the_body_cancels_the_children_and_goes_on_when_they_have_ended() {
    let dropped = Cell::new(0);
    #[trio::task]
    async fn hold(value: CountsDrop<'_>) {
        let _value = value;
        sleep_forever().await
    }
    #[trio::task]
    async fn parent(dropped: &Cell<usize>) {
        let _ = nursery!(|n| {
            n.spawn(hold, CountsDrop(dropped));
            checkpoint().await;
            assert_eq!(dropped.get(), 1, "it is not true yet");
        });
    }
    let outcome = nursery!(|n| n.spawn_monitored(parent, &dropped)).unwrap().outcome().await;
    let Outcome::Panicked(payload) = outcome else { panic!("{outcome:?}") };
    assert!(text(&*payload).contains("it is not true yet"));
    assert_eq!(dropped.get(), 1);
}

#[trio::test]
async fn the_first_of_several_panics_goes_on() {
    #[trio::task]
    async fn parent() {
        let _ = nursery!(|n| {
            n.spawn(panics, "first");
            n.spawn(panics, "second");
            cancel_shielded_checkpoint().await;
            cancel_shielded_checkpoint().await;
            panic!("of the body, last");
        });
    }
    let outcome = nursery!(|n| n.spawn_monitored(parent)).unwrap().outcome().await;
    assert_eq!(format!("{outcome:?}"), r#"Panicked("first")"#);
}

#[trio::test]
async fn a_panic_goes_up_through_nested_nurseries() {
    #[trio::task(boxed)]
    async fn nest(depth: u32) {
        let _ = nursery!(|n| {
            match depth {
                0 => n.spawn(panics, "at the bottom"),
                _ => n.spawn(nest, depth - 1),
            };
            n.spawn(wait_for_ever);
        });
    }
    let outcome = nursery!(|n| n.spawn_monitored(nest, 10)).unwrap().outcome().await;
    assert_eq!(format!("{outcome:?}"), r#"Panicked("at the bottom")"#);
}

#[test]
fn a_panic_of_a_child_of_main_ends_the_run_with_it() {
    #[trio::task(allow(useless_nursery))]
    async fn main() {
        let _ = nursery!(|n| {
            n.spawn(panics, "of a child");
        });
    }
    assert_eq!(panic_text(|| trio::run(main)), "of a child");
}

#[trio::test]
async fn a_destructor_that_panics_while_a_task_unwinds_is_a_panic_and_the_others_clean_up() {
    let dropped = Cell::new(0);
    #[trio::task]
    async fn bomb() {
        let _bomb = PanicsOnDrop("in a destructor");
        sleep_forever().await
    }
    #[trio::task]
    async fn parent(dropped: &Cell<usize>) {
        let value = CountsDrop(dropped);
        let _ = nursery!(|n| {
            n.spawn(bomb);
            n.spawn(async move {
                let _value = value;
                sleep_forever().await
            });
            wait_all_tasks_blocked().await;
            n.cancel();
        });
    }
    let outcome = nursery!(|n| n.spawn_monitored(parent, &dropped)).unwrap().outcome().await;
    assert_eq!(format!("{outcome:?}"), r#"Panicked("in a destructor")"#);
    assert_eq!(dropped.get(), 1);
}

#[trio::test]
async fn an_error_whose_text_panics_does_no_more_harm_than_that() {
    #[derive(Debug)]
    struct Mute;
    impl std::fmt::Display for Mute {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("no text")
        }
    }
    impl std::error::Error for Mute {}
    let group = nursery!(|n| {
        n.spawn(fails_with, Mute);
        n.spawn(wait_for_ever);
    })
    .unwrap_err();
    assert!(group.find::<Mute>().is_some());
}

// What is printed: each of these runs once more in a process of its own.

#[test]
fn a_panic_names_its_task_and_where_it_was_spawned() {
    let Some(output) = rerun("a_panic_names_its_task_and_where_it_was_spawned") else {
        #[trio::task]
        async fn main() {
            let _ = nursery!(|n| {
                n.spawn(panics, "first"); // spawn first
                n.spawn_named("the second", panics, "second"); // spawn second
            });
        }
        return trio::run(main);
    };
    assert!(!output.status.success());
    let printed = stderr(&output);
    let source = include_str!("errors.rs");
    let (first, second) = (line_of(source, "spawn first"), line_of(source, "spawn second"));
    let file = file!();
    for line in [
        format!("task `panics` (spawned at {file}:{first}:19) panicked: first"),
        format!("task `the second` (spawned at {file}:{second}:19) panicked: second"),
    ] {
        assert!(printed.contains(&line), "{line}\nis not in\n{printed}");
    }
}

#[test]
fn errors_that_come_with_a_panic_are_printed() {
    let Some(output) = rerun("errors_that_come_with_a_panic_are_printed") else {
        #[trio::task]
        async fn main() {
            let _ = nursery!(|n| {
                n.spawn(fails, "would be lost");
                n.spawn(panics, "goes on");
            });
        }
        return trio::run(main);
    };
    assert!(!output.status.success());
    let printed = stderr(&output);
    assert!(printed.contains("errors that came with a panic: 1 error in the nursery of `main`"));
    assert!(printed.contains("would be lost"), "{printed}");
}

#[test]
fn an_outcome_that_nobody_asked_for_is_printed() {
    let Some(output) = rerun("an_outcome_that_nobody_asked_for_is_printed") else {
        #[trio::task]
        async fn main() {
            nursery!(|n| {
                let failed = n.spawn_monitored(fails, "not asked for");
                let panicked = n.spawn_monitored(panics, "not asked for, either");
                failed.wait().await;
                panicked.wait().await;
            })
            .unwrap();
        }
        return trio::run(main);
    };
    assert!(output.status.success());
    let printed = stderr(&output);
    assert!(printed.contains("nobody asked how task `fails` ended: not asked for"), "{printed}");
    assert!(printed.contains("task `panics` panicked: not asked for, either"), "{printed}");
}
