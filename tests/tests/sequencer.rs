//! The sequencer: the order of steps, and what breaks it.

use std::cell::{Cell, RefCell};

use tests::panics::text;
use trio::lowlevel::checkpoint;
use trio::testing::{Sequencer, assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{Outcome, nursery};

#[trio::task]
async fn steps(order: &Sequencer, numbers: &[usize], seen: &RefCell<Vec<usize>>) {
    for number in numbers {
        let _step = order.step(*number).await;
        seen.borrow_mut().push(*number);
        // The step is not over before the guard is dropped.
        checkpoint().await;
        seen.borrow_mut().push(*number);
    }
}

// T177
#[trio::test]
async fn steps_happen_in_the_order_of_their_numbers() {
    let (order, seen) = (Sequencer::new(), RefCell::default());
    nursery!(|n| {
        n.spawn(steps, &order, &[2, 5], &seen);
        n.spawn(steps, &order, &[0, 3, 4], &seen);
        n.spawn(steps, &order, &[1], &seen);
    })
    .unwrap();
    assert_eq!(*seen.borrow(), [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
}

#[test]
fn the_order_holds_under_any_schedule() {
    #[trio::task]
    async fn in_order() {
        let (order, seen) = (Sequencer::new(), RefCell::default());
        nursery!(|n| {
            for number in (0..6).rev() {
                let numbers = [number];
                let (order, seen) = (&order, &seen);
                n.spawn(async move { steps(order, &numbers, seen).await });
            }
        })
        .unwrap();
        assert!(seen.borrow().is_sorted());
    }
    for seed in 0..20 {
        trio::Builder::new().scheduler_seed(seed).run(in_order);
    }
}

#[trio::test]
async fn a_step_is_a_checkpoint() {
    let order = Sequencer::new();
    drop(assert_future_checkpoints(order.step(0)).await);
    nursery!(|n| {
        n.spawn(async {
            let _step = order.step(2).await;
        });
        n.spawn(async {
            wait_all_tasks_blocked().await;
            let _step = order.step(1).await;
        });
        drop(assert_future_checkpoints(order.step(3)).await);
    })
    .unwrap();
}

// T177
#[trio::test]
#[should_panic(expected = "step 1 of this sequencer was used before")]
async fn a_number_is_used_once() {
    let order = Sequencer::new();
    drop(order.step(0).await);
    drop(order.step(1).await);
    drop(order.step(1).await);
}

// T177
#[trio::test]
async fn cancelling_a_waiting_step_breaks_the_sequence_for_everyone() {
    let order = Sequencer::new();
    let cancelled = Cell::new(false);
    nursery!(|n| {
        let first = n.spawn(async {
            let _step = order.step(1).await;
            cancelled.set(true);
        });
        let waiting = n.spawn_monitored(async {
            let _step = order.step(2).await;
        });
        wait_all_tasks_blocked().await;
        first.cancel();
        let Outcome::Panicked(payload) = waiting.outcome().await else {
            panic!("a step that can never begin has not panicked");
        };
        assert_eq!(
            text(&*payload),
            "step 2 of this sequencer can never begin: the task of step 1 was cancelled while it \
             waited"
        );
        // Those that come later learn it, too, even if it would be their turn.
        let late = n.spawn_monitored(async {
            let _step = order.step(0).await;
        });
        assert!(matches!(late.outcome().await, Outcome::Panicked(_)));
    })
    .unwrap();
    assert!(!cancelled.get());
}

#[trio::test]
async fn who_is_cancelled_together_with_the_others_unwinds_in_silence() {
    let order = Sequencer::new();
    nursery!(|n| {
        for number in 1..4 {
            let order = &order;
            n.spawn(async move {
                let _step = order.step(number).await;
            });
        }
        wait_all_tasks_blocked().await;
        n.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn a_step_that_is_unwound_is_over() {
    let order = Sequencer::new();
    nursery!(|n| {
        let first = n.spawn(async {
            let _step = order.step(0).await;
            trio::sleep_forever().await;
        });
        let second = n.spawn(async {
            let _step = order.step(1).await;
        });
        wait_all_tasks_blocked().await;
        assert!(!second.is_finished());
        first.cancel();
    })
    .unwrap();
}

#[test]
fn it_says_where_it_is() {
    trio::run(|| async {
        let order = Sequencer::new();
        let step = order.step(0).await;
        assert_eq!(format!("{step:?}"), "SequencerStep(0)");
        drop(step);
        assert_eq!(format!("{order:?}"), "Sequencer { next: 1, broken: None, .. }");
    });
}
