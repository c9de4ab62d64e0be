//! Combinators: `join!`, `try_join!`, `race!` and `gather`.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use tests::faults::{CountsDrop, Fault, OnDrop};
use tests::panics::{panic_text, text};
use trio::lowlevel::{ParkingLot, checkpoint, current_task, task_tree};
use trio::testing::{assert_checkpoints, wait_all_tasks_blocked};
use trio::{
    CancelScope, Outcome, TaskOutput, current_time, finally, gather, join, move_on_after, nursery,
    race, shield, sleep, sleep_forever, try_gather, try_join,
};

const SECOND: Duration = Duration::from_secs(1);

#[trio::task]
async fn after<T>(seconds: u32, value: T) -> T {
    sleep(SECOND * seconds).await;
    value
}

#[trio::task]
async fn pause(seconds: u32) -> u32 {
    sleep(SECOND * seconds).await;
    seconds
}

#[trio::task]
async fn fails_after(seconds: u32, text: &'static str) -> Result<u32, Fault> {
    sleep(SECOND * seconds).await;
    Err(Fault(text))
}

#[trio::task]
async fn succeeds_after(seconds: u32, value: u32) -> Result<u32, Fault> {
    sleep(SECOND * seconds).await;
    Ok(value)
}

#[trio::task]
async fn panics_after(seconds: u32, text: &'static str) -> u32 {
    sleep(SECOND * seconds).await;
    panic!("{text}")
}

/// Waits, and when it is cancelled takes this long to end.
#[trio::task]
async fn lingers(seconds: u32, ended: &Cell<bool>) -> u32 {
    let pause = SECOND * seconds;
    finally(sleep_forever, async {
        sleep(pause).await;
        ended.set(true);
    })
    .await;
    0
}

#[trio::task]
async fn panics_cleaning_up(text: &'static str) -> u32 {
    finally(sleep_forever, || async { panic!("{text}") }).await;
    0
}

/// Cannot be cancelled.
#[trio::task]
async fn stubborn<T>(seconds: u32, value: T) -> T {
    shield(async { sleep(SECOND * seconds).await }).await;
    value
}

mod join {
    use super::*;

    #[trio::test(clock = "mock")]
    async fn all_run_at_once_and_the_values_are_in_order() {
        let start = current_time();
        let values = join!(after(3, 'a'), after(1, "b"), after(2, 3)).await;
        assert_eq!(values, ('a', "b", 3));
        assert_eq!(start.elapsed(), 3 * SECOND);
    }

    #[trio::test(clock = "mock")]
    async fn calls_blocks_and_futures_can_be_joined() {
        let limit = SECOND;
        let (call, block, leaf, foreign, made) = join!(
            after(1, 1),
            async {
                sleep(limit).await;
                2
            },
            sleep(limit),
            std::future::ready(3),
            move_on_after(limit, sleep_forever),
        )
        .await;
        assert_eq!((call, block, leaf, foreign, made), (1, 2, (), 3, None));
    }

    #[trio::test]
    async fn children_borrow_also_mutably() {
        #[trio::task]
        async fn push(list: &mut Vec<u32>, value: &u32) -> usize {
            checkpoint().await;
            list.push(*value);
            list.len()
        }
        let (mut left, mut right, value) = (vec![], vec![7], 1);
        assert_eq!(join!(push(&mut left, &value), push(&mut right, &value)).await, (1, 2));
        assert_eq!((left, right), (vec![1], vec![7, 1]));
    }

    #[trio::test]
    async fn from_one_to_twelve_operations_can_be_joined() {
        #[trio::task]
        async fn f(number: u32) -> u32 {
            checkpoint().await;
            number
        }
        assert_eq!(join!(f(1)).await, (1,));
        let (first, .., last) =
            join!(f(1), f(2), f(3), f(4), f(5), f(6), f(7), f(8), f(9), f(10), f(11), f(12),).await;
        assert_eq!((first, last), (1, 12));
    }

    #[trio::test(clock = "mock")]
    async fn operands_may_await_themselves() {
        let (a, b) = join!(after(after(1, 2).await, 'a'), after(1, after(1, 'b').await)).await;
        assert_eq!((a, b), ('a', 'b'));
    }

    #[trio::test]
    async fn nothing_runs_until_it_is_awaited_and_then_it_can_be_spawned_too() {
        let count = Cell::new(0);
        #[trio::task]
        async fn increment(count: &Cell<u32>) {
            count.set(count.get() + 1);
            checkpoint().await;
        }
        let joined = join!(increment(&count), increment(&count));
        checkpoint().await;
        assert_eq!(count.get(), 0);
        joined.await;
        assert_eq!(count.get(), 2);
        nursery!(|n| {
            n.spawn(|| join!(increment(&count), increment(&count)));
            n.spawn(|| join!(increment(&count)));
        })
        .unwrap();
        assert_eq!(count.get(), 5);
    }

    #[trio::test]
    async fn a_result_is_a_value() {
        let values = join!(succeeds_after(0, 1), fails_after(0, "no")).await;
        assert_eq!(values, (Ok(1), Err(Fault("no"))));
    }

    #[trio::test(clock = "mock")]
    async fn a_panic_cancels_the_others_and_goes_on_when_they_have_ended() {
        let start = current_time();
        let ended = Cell::new(false);
        let outcome = nursery!(|n| {
            n.spawn_monitored(async {
                join!(panics_after(1, "on purpose"), lingers(2, &ended)).await
            })
            .outcome()
            .await
        });
        let Outcome::Panicked(payload) = outcome.unwrap() else { panic!("it panics") };
        assert_eq!(text(&*payload), "on purpose");
        assert!(ended.get());
        assert_eq!(start.elapsed(), 3 * SECOND);
    }

    #[trio::test(clock = "mock")]
    async fn a_cancellation_unwinds_all_and_what_the_finished_ones_gave_is_dropped() {
        let drops = Cell::new(0);
        let (start, ended) = (current_time(), Cell::new(false));
        let result = move_on_after(2 * SECOND, async {
            join!(after(1, CountsDrop(&drops)), lingers(5, &ended)).await.1
        })
        .await;
        assert_eq!(result, None);
        assert!(ended.get());
        assert_eq!(drops.get(), 1);
        assert_eq!(start.elapsed(), 7 * SECOND);
    }

    #[trio::test(clock = "mock")]
    async fn values_that_are_all_there_are_given_although_it_is_cancelled() {
        let scope = CancelScope::with_timeout(SECOND);
        let values = scope.run(async { join!(stubborn(2, 1), stubborn(3, 2)).await }).await;
        assert_eq!(values, Some((1, 2)));
        assert!(scope.cancel_called() && !scope.cancelled_caught());
    }

    #[trio::test(clock = "mock")]
    async fn it_goes_on_unwinding_when_a_shield_hides_the_cancellation_meanwhile() {
        let (outer, inner) = (CancelScope::with_timeout(SECOND), CancelScope::new());
        let (went_on, ended) = (Cell::new(false), Cell::new(false));
        let result = outer
            .run(async {
                nursery!(|n| {
                    n.spawn(async {
                        inner
                            .run(async {
                                join!(lingers(5, &ended), sleep_forever()).await;
                                went_on.set(true);
                            })
                            .await;
                    });
                    shield(async { sleep(2 * SECOND).await }).await;
                    inner.set_shield(true);
                })
            })
            .await;
        assert!(matches!(result, None | Some(Ok(()))));
        assert!(ended.get() && !went_on.get());
    }
}

mod try_join {
    use super::*;

    #[trio::test(clock = "mock")]
    async fn values_are_unwrapped_and_in_order() {
        let (one, two) = try_join!(succeeds_after(2, 1), succeeds_after(1, 2)).await.unwrap();
        assert_eq!((one, two), (1, 2));
    }

    #[trio::test]
    async fn what_cannot_fail_may_be_among_them() {
        let values = try_join!(succeeds_after(0, 1), after(0, "plain"), checkpoint()).await;
        assert_eq!(values.unwrap(), (1, "plain", ()));
    }

    #[trio::test(clock = "mock")]
    async fn the_first_error_cancels_the_others_and_waits_for_them() {
        let (start, ended) = (current_time(), Cell::new(false));
        let result = try_join!(fails_after(1, "no"), lingers(2, &ended)).await;
        let group = result.unwrap_err();
        assert_eq!(group.find::<Fault>(), Some(&Fault("no")));
        assert!(ended.get());
        assert_eq!(start.elapsed(), 3 * SECOND);
    }

    #[trio::test(clock = "mock")]
    async fn errors_that_come_while_it_is_cancelled_are_in_the_group_too() {
        #[trio::task]
        async fn fails_cleaning_up() -> Result<(), Fault> {
            sleep_forever().await;
            Ok(())
        }
        let result = try_join!(
            fails_after(1, "first"),
            stubborn(2, Err::<(), _>(Fault("second"))),
            fails_cleaning_up(),
        )
        .await;
        let group = result.unwrap_err();
        let texts: Vec<_> = group.iter().map(|it| it.error().to_string()).collect();
        assert_eq!(texts, ["first", "second"]);
    }

    #[trio::test]
    async fn the_group_tells_which_one_failed_and_where() {
        let line = line!() + 1;
        let result = try_join!(succeeds_after(0, 1), fails_after(0, "no")).await;
        let group = result.unwrap_err();
        let failure = group.iter().next().unwrap();
        assert_eq!(failure.task(), "fails_after");
        assert_eq!(failure.spawned_at().unwrap().file(), file!());
        assert_eq!(failure.spawned_at().unwrap().line(), line);
        assert_eq!(failure.last_await().unwrap().expression(), "sleep(SECOND*seconds)");
        assert!(group.nursery().is_none());
        let tree = format!("{group:#}");
        let expected = format!(
            "1 error in `try_join!`\n└─ task `fails_after` spawned at {}:{line}: no\n   after ",
            file!()
        );
        assert!(tree.starts_with(&expected), "{tree}");
    }

    #[trio::test]
    async fn the_error_goes_on_with_the_question_mark() {
        #[trio::task]
        async fn both() -> trio::Result<u32> {
            let (a, b) = try_join!(succeeds_after(0, 1), fails_after(0, "no")).await?;
            Ok(a + b)
        }
        assert!(both().await.unwrap_err().to_string().contains("no"));
    }

    #[trio::test(clock = "mock")]
    async fn a_panic_goes_on_and_the_errors_are_dropped_after_it() {
        let outcome = nursery!(|n| {
            n.spawn_monitored(async {
                try_join!(panics_after(1, "on purpose"), stubborn(2, Err::<(), _>(Fault("too"))))
                    .await
            })
            .outcome()
            .await
        });
        assert!(matches!(outcome.unwrap(), Outcome::Panicked(_)));
    }

    #[trio::test(clock = "mock")]
    async fn a_cancellation_unwinds_all() {
        let result = move_on_after(SECOND, async {
            try_join!(succeeds_after(0, 1), succeeds_after(2, 2)).await
        });
        assert!(result.await.is_none());
    }
}

mod race {
    use super::*;

    #[trio::test(clock = "mock")]
    async fn the_first_to_end_wins() {
        let start = current_time();
        assert_eq!(race!(after(3, 'a'), after(1, 'b'), after(2, 'c')).await, 'b');
        assert_eq!(start.elapsed(), SECOND);
    }

    #[trio::test(clock = "mock")]
    async fn the_losers_are_cancelled_and_waited_for() {
        let (start, ended) = (current_time(), Cell::new(false));
        assert_eq!(race!(lingers(5, &ended), after(1, 7)).await, 7);
        assert!(ended.get());
        assert_eq!(start.elapsed(), 6 * SECOND);
    }

    #[trio::test(clock = "mock")]
    async fn of_two_that_end_at_the_same_time_the_one_that_is_woken_first_wins() {
        let drops = Cell::new(0);
        #[trio::task]
        async fn numbered<'a>(number: u32, drops: &'a Cell<usize>) -> (u32, CountsDrop<'a>) {
            sleep(SECOND).await;
            (number, CountsDrop(drops))
        }
        let (number, _value) = race!(numbered(1, &drops), numbered(2, &drops)).await;
        assert_eq!(number, 1);
        assert_eq!(drops.get(), 1, "the value of the other one is dropped");
    }

    #[trio::test(clock = "mock")]
    async fn the_value_of_a_loser_that_cannot_be_cancelled_is_dropped() {
        let drops = Cell::new(0);
        let start = current_time();
        let winner = race!(
            async {
                sleep(SECOND).await;
                Some(CountsDrop(&drops))
            },
            stubborn(3, Some(CountsDrop(&drops))),
        )
        .await;
        assert_eq!((start.elapsed(), drops.get()), (3 * SECOND, 1));
        drop(winner);
        assert_eq!(drops.get(), 2);
    }

    #[trio::test(clock = "mock")]
    async fn operations_that_can_fail_give_a_result() {
        assert_eq!(race!(succeeds_after(1, 1), fails_after(2, "no")).await.unwrap(), 1);
        let group = race!(succeeds_after(2, 1), fails_after(1, "no")).await.unwrap_err();
        assert_eq!(group.find::<Fault>(), Some(&Fault("no")));
        let tree = format!("{group:#}");
        assert!(
            tree.starts_with("1 error in `race!`\n└─ task `fails_after` spawned at "),
            "{tree}"
        );
    }

    #[trio::test(clock = "mock")]
    async fn the_error_of_a_loser_that_fails_while_it_is_cancelled_fails_the_race() {
        let result = race!(
            succeeds_after(1, 1),
            stubborn(2, Err(Fault("the last words"))),
            stubborn(3, Err(Fault("the very last"))),
        )
        .await;
        let group = result.unwrap_err();
        let texts: Vec<_> = group.iter().map(|it| it.error().to_string()).collect();
        assert_eq!(texts, ["the last words", "the very last"]);
    }

    #[trio::test(clock = "mock")]
    async fn a_value_that_comes_after_an_error_does_not_win() {
        let result = race!(fails_after(1, "no"), stubborn(2, Ok(1))).await;
        assert_eq!(result.unwrap_err().len(), 1);
    }

    #[trio::test(clock = "mock")]
    async fn a_panic_of_a_loser_goes_on() {
        let outcome = nursery!(|n| {
            n.spawn_monitored(async {
                race!(after(1, 1), panics_cleaning_up("while it is cancelled")).await
            })
            .outcome()
            .await
        });
        let Outcome::Panicked(payload) = outcome.unwrap() else { panic!("it panics") };
        assert_eq!(text(&*payload), "while it is cancelled");
    }

    #[trio::test(clock = "mock")]
    async fn a_cancellation_before_there_is_a_winner_unwinds_all() {
        let ended = Cell::new(false);
        let result = move_on_after(SECOND, async { race!(after(3, 1), lingers(1, &ended)).await });
        assert_eq!(result.await, None);
        assert!(ended.get());
    }

    #[trio::test(clock = "mock")]
    async fn the_winner_is_given_although_a_cancellation_comes_while_the_losers_end() {
        let (start, ended) = (current_time(), Cell::new(false));
        let scope = CancelScope::with_timeout(2 * SECOND);
        let result = scope.run(async { race!(after(1, 7), lingers(5, &ended)).await }).await;
        assert_eq!(result, Some(7));
        assert!(ended.get() && scope.cancel_called() && !scope.cancelled_caught());
        assert_eq!(start.elapsed(), 6 * SECOND);
    }

    #[trio::test(clock = "mock")]
    async fn one_that_ends_with_a_value_although_all_are_cancelled_wins() {
        let scope = CancelScope::with_timeout(SECOND);
        let result = scope.run(async { race!(after(5, 1), stubborn(2, 2)).await }).await;
        assert_eq!(result, Some(2));
    }

    #[trio::test(clock = "mock")]
    async fn the_losers_can_see_why_they_are_cancelled() {
        let reason = RefCell::new(None);
        let loser = async {
            finally(sleep_forever, || async {
                *reason.borrow_mut() = current_task().cancel_reason();
            })
            .await;
            2
        };
        race!(pause(1), loser).await;
        assert_eq!(
            reason.borrow().as_ref().unwrap().to_string(),
            "cancelled explicitly from task `pause`: another one has won the race"
        );
    }

    #[trio::test(clock = "mock")]
    async fn a_type_of_ones_own_can_race() {
        #[derive(Debug, PartialEq, TaskOutput)]
        enum Reply {
            Value(u32),
            Late,
        }
        let late = async {
            sleep(2 * SECOND).await;
            Reply::Late
        };
        assert_eq!(race!(after(1, Reply::Value(1)), late).await, Reply::Value(1));
        let late = async {
            sleep(2 * SECOND).await;
            Reply::Late
        };
        assert_eq!(race!(after(3, Reply::Value(1)), late).await, Reply::Late);
    }

    #[trio::test(clock = "mock")]
    async fn what_is_received_by_a_loser_is_not_lost() {
        let (lot, turns) = (ParkingLot::new(), Cell::new(0));
        #[trio::task]
        async fn take_turn(lot: &ParkingLot, turns: &Cell<u32>) {
            lot.park().await.unwrap();
            turns.set(turns.get() + 1);
        }
        nursery!(|n| {
            n.spawn(async { race!(take_turn(&lot, &turns), sleep(SECOND)).await });
            n.spawn(take_turn, &lot, &turns);
            sleep(2 * SECOND).await;
            assert_eq!(lot.len(), 1, "the loser has left the queue");
            lot.unpark(1);
        })
        .unwrap();
        assert_eq!(turns.get(), 1);
    }
}

mod gather {
    use super::*;

    #[trio::test(clock = "mock")]
    async fn values_are_in_the_order_of_the_iterator() {
        let start = current_time();
        let values = gather(3, [3, 1, 2].map(|it| after(it, it))).await;
        assert_eq!(values, [3, 1, 2]);
        assert_eq!(start.elapsed(), 3 * SECOND);
    }

    #[trio::test(clock = "mock")]
    async fn at_most_as_many_run_at_once_as_the_limit_says() {
        let (running, most) = (Cell::new(0), Cell::new(0));
        #[trio::task]
        async fn counted(running: &Cell<usize>, most: &Cell<usize>, seconds: u32) {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            sleep(SECOND * seconds).await;
            running.set(running.get() - 1);
        }
        for limit in [1, 2, 4, 7] {
            most.set(0);
            gather(limit, (0..20).map(|it| counted(&running, &most, it % 3))).await;
            assert_eq!(most.get(), limit);
        }
        let start = current_time();
        gather(usize::MAX, (0..20).map(|it| counted(&running, &most, it % 3))).await;
        assert_eq!((most.get(), start.elapsed()), (20, 2 * SECOND));
    }

    #[trio::test(clock = "mock")]
    async fn the_iterator_is_asked_when_there_is_room() {
        let asked = RefCell::new(Vec::new());
        let start = current_time();
        let operations = [3, 1, 1, 2].iter().map(|seconds| {
            asked.borrow_mut().push((start.elapsed() / 1_000_000_000).as_nanos());
            after(*seconds, ())
        });
        gather(2, operations).await;
        assert_eq!(*asked.borrow(), [0, 0, 1, 2]);
    }

    #[trio::test]
    async fn an_iterator_of_nothing_gives_nothing() {
        let nothing: [trio::Sleep; 0] = [];
        assert_eq!(gather(1, nothing).await, []);
        let nothing: [std::future::Ready<Result<u32, Fault>>; 0] = [];
        assert_eq!(try_gather(1, nothing).await.unwrap(), []);
    }

    #[trio::test(clock = "mock")]
    async fn operations_borrow_what_outlives_the_call() {
        let words = ["some".to_owned(), "words".to_owned()];
        let lengths = gather(2, words.iter().map(|word| async move { word.len() })).await;
        assert_eq!(lengths, [4, 5]);
        let mut numbers = [1, 2, 3];
        #[trio::task]
        async fn double(number: &mut u32) {
            checkpoint().await;
            *number *= 2;
        }
        gather(2, numbers.iter_mut().map(double)).await;
        assert_eq!(numbers, [2, 4, 6]);
    }

    #[trio::test]
    async fn a_result_is_a_value() {
        let results = gather(1, [succeeds_after(0, 1), succeeds_after(0, 2)]).await;
        assert_eq!(results, [Ok(1), Ok(2)]);
    }

    #[trio::test(clock = "mock")]
    async fn the_first_error_ends_try_gather_and_no_other_begins() {
        let begun = Cell::new(0);
        #[trio::task]
        async fn fails_at(number: u32, begun: &Cell<u32>) -> Result<u32, Fault> {
            begun.set(begun.get() + 1);
            sleep(SECOND).await;
            if number == 3 { Err(Fault("three")) } else { Ok(number) }
        }
        let group = try_gather(2, (1..).map(|number| fails_at(number, &begun))).await.unwrap_err();
        assert_eq!(group.find::<Fault>(), Some(&Fault("three")));
        assert_eq!(group.len(), 1);
        assert_eq!(begun.get(), 4);
        assert!(format!("{group:#}").starts_with("1 error in `try_gather`\n└─ task `fails_at` "));
    }

    #[trio::test(clock = "mock")]
    async fn try_gather_gives_the_values() {
        let values = try_gather(2, (0..5).map(|number| succeeds_after(number % 3, number))).await;
        assert_eq!(values.unwrap(), [0, 1, 2, 3, 4]);
    }

    #[trio::test]
    async fn a_limit_of_0_is_refused_at_once() {
        let refused = panic_text(|| gather(0, [sleep_forever()]));
        assert!(refused.contains("give at least 1"), "{refused}");
        let refused = panic_text(|| try_gather(0, [succeeds_after(0, 1)]));
        assert!(refused.contains("give at least 1"), "{refused}");
        checkpoint().await;
    }

    #[trio::test(clock = "mock")]
    async fn a_panic_of_the_iterator_goes_on_when_the_others_have_ended() {
        let (start, ended) = (current_time(), Cell::new(false));
        let outcome = nursery!(|n| {
            n.spawn_monitored(async {
                let operations = (0..3).map(|number| {
                    assert!(number < 2, "out of order");
                    if number == 0 { after(1, 0) } else { after(5, 1) }
                });
                gather(2, operations.inspect(|_| ended.set(true))).await
            })
            .outcome()
            .await
        });
        let Outcome::Panicked(payload) = outcome.unwrap() else { panic!("it panics") };
        assert_eq!(text(&*payload), "out of order");
        assert_eq!((start.elapsed(), ended.get()), (SECOND, true));
    }

    #[trio::test(clock = "mock")]
    async fn a_panic_of_an_operation_goes_on_when_the_others_have_ended() {
        let (start, ended) = (current_time(), Cell::new(false));
        let outcome = nursery!(|n| {
            n.spawn_monitored(async {
                let mut first = true;
                let operations = std::iter::from_fn(|| {
                    let panics = std::mem::replace(&mut first, false);
                    let ended = &ended;
                    Some(async move {
                        if panics {
                            sleep(SECOND).await;
                            panic!("on purpose");
                        }
                        sleep_forever().await;
                        ended.set(true);
                    })
                });
                gather(3, operations).await
            })
            .outcome()
            .await
        });
        let Outcome::Panicked(payload) = outcome.unwrap() else { panic!("it panics") };
        assert_eq!(text(&*payload), "on purpose");
        assert_eq!((start.elapsed(), ended.get()), (SECOND, false));
    }

    #[trio::test(clock = "mock")]
    async fn a_cancellation_unwinds_all_and_begins_no_more() {
        let (drops, asked) = (Cell::new(0), Cell::new(0));
        let result = move_on_after(SECOND, async {
            let operations = (0..10).map(|_| {
                asked.set(asked.get() + 1);
                let guard = CountsDrop(&drops);
                async move {
                    let _guard = guard;
                    sleep_forever().await;
                }
            });
            gather(3, operations).await
        });
        assert!(result.await.is_none());
        assert_eq!((asked.get(), drops.get()), (3, 3));
    }

    #[trio::test(clock = "mock")]
    async fn values_that_are_all_there_are_given_although_it_is_cancelled() {
        let result =
            move_on_after(SECOND, async { gather(3, [2, 3].map(|it| stubborn(it, it))).await });
        assert_eq!(result.await, Some(vec![2, 3]));
    }

    #[trio::test(clock = "mock")]
    async fn there_are_never_more_operations_than_run() {
        let (living, most) = (Cell::new(0_i32), Cell::new(0));
        let operations = (0..100_000_u32).map(|number| {
            living.set(living.get() + 1);
            most.set(most.get().max(living.get()));
            let living = &living;
            async move {
                let _guard = OnDrop(|| living.set(living.get() - 1));
                checkpoint().await;
                number
            }
        });
        let values = gather(8, operations).await;
        assert_eq!(values.len(), 100_000);
        assert!(values.into_iter().eq(0..100_000));
        assert!(most.get() <= 8, "{}", most.get());
    }
}

#[trio::test(clock = "mock")]
async fn each_combinator_is_a_checkpoint() {
    #[trio::task(allow(never_awaits))]
    async fn at_once() -> u32 {
        1
    }
    #[trio::task(allow(never_awaits))]
    async fn succeeds_at_once() -> Result<u32, Fault> {
        Ok(1)
    }
    assert_checkpoints(async { join!(at_once(), at_once()).await }).await;
    assert_checkpoints(async { try_join!(succeeds_at_once(), at_once()).await }).await.unwrap();
    assert_checkpoints(async { race!(at_once(), at_once()).await }).await;
    assert_checkpoints(async { gather(1, [at_once()]).await }).await;
    assert_checkpoints(async { try_gather(1, [succeeds_at_once()]).await }).await.unwrap();
    let nothing: [trio::Sleep; 0] = [];
    assert_checkpoints(async { gather(1, nothing).await }).await;
}

#[trio::test]
async fn in_a_cancelled_scope_nothing_begins() {
    let begun = Cell::new(0);
    #[trio::task]
    async fn begin(begun: &Cell<u32>) -> u32 {
        begun.set(begun.get() + 1);
        checkpoint().await;
        1
    }
    let scope = CancelScope::new();
    scope.cancel();
    let result = scope.run(async { join!(begin(&begun), begin(&begun)).await }).await;
    assert_eq!((result, begun.get()), (None, 0));
    let scope = CancelScope::new();
    scope.cancel();
    let result = scope.run(async { race!(begin(&begun), begin(&begun)).await }).await;
    assert_eq!((result, begun.get()), (None, 0));
    let scope = CancelScope::new();
    scope.cancel();
    let result = scope.run(async { gather(5, [begin(&begun), begin(&begun)]).await }).await;
    assert_eq!((result, begun.get()), (None, 0));
}

#[trio::test(clock = "mock")]
async fn the_children_are_tasks_with_the_names_of_their_functions_and_the_line_of_the_combinator() {
    let lines = Cell::new([0; 3]);
    nursery!(|n| {
        n.spawn(async {
            lines.set([line!() + 1, 0, 0]);
            join!(pause(1), sleep(SECOND)).await;
            let mut at = lines.get();
            at[1] = line!() + 2;
            lines.set(at);
            race!(lingers(1, &Cell::new(false)), pause(1)).await;
            at[2] = line!() + 2;
            lines.set(at);
            gather(1, [pause(1)]).await;
        });
        for (step, (name, children)) in [
            ("join!", &["pause", "Sleep"][..]),
            ("race!", &["lingers", "pause"]),
            ("gather", &["pause"]),
        ]
        .into_iter()
        .enumerate()
        {
            wait_all_tasks_blocked().await;
            let tree = task_tree();
            for child in children {
                let at = format!("task `{child}` ({}:{})", file!(), lines.get()[step]);
                assert!(tree.contains(&at), "{at} in\n{tree}");
            }
            let scope = match children.len() {
                1 => format!("({name}, 1 child)"),
                many => format!("({name}, {many} children)"),
            };
            assert!(tree.contains(&scope), "{scope} in\n{tree}");
            sleep(if step == 1 { 2 * SECOND } else { SECOND }).await;
        }
    })
    .unwrap();
}

/// A frame that is converted can be polled by others, and dropped while its children wait.
#[trio::test(clock = "mock")]
async fn a_converted_combinator_that_is_dropped_takes_its_children_with_it() {
    #[trio::task]
    async fn waits(drops: Rc<Cell<u32>>) {
        let _guard = OnDrop(|| drops.set(drops.get() + 1));
        sleep_forever().await;
    }
    let drops = Rc::new(Cell::new(0));
    {
        let mut joined = pin!(join!(waits(drops.clone()), waits(drops.clone())).into_future());
        poll_fn(|cx| {
            assert!(joined.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        wait_all_tasks_blocked().await;
        assert_eq!(drops.get(), 0);
    }
    assert_eq!(drops.get(), 2);
    checkpoint().await;
}
