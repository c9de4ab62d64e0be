//! Items on their way between tasks: `Queue` and `UnboundedQueue`.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::rc::Rc;

use futures::FutureExt;
use trio::lowlevel::checkpoint;
use trio::sync::{PutError, Queue, TryGetError, TryPutError, UnboundedQueue};
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{
    Builder, CancelScope, ClosedResourceError, EndOfChannel, WouldBlock, is_error, nursery,
};

type Got = RefCell<Vec<(u32, u32)>>;

/// Gets one, and tells who has got what.
#[trio::task]
async fn gets(queue: &Queue<u32>, number: u32, got: &Got) {
    if let Ok(item) = queue.get().await {
        got.borrow_mut().push((number, item));
    }
}

#[trio::task]
async fn puts(queue: &Queue<u32>, item: u32) -> trio::Result<()> {
    Ok(queue.put(item).await?)
}

#[trio::test]
async fn items_come_out_in_the_order_in_which_they_were_put() {
    let queue = Queue::new(2);
    queue.put(1).await.unwrap();
    queue.try_put(2).unwrap();
    assert_eq!((queue.len(), queue.capacity(), queue.is_empty()), (2, 2, false));
    assert_eq!(queue.try_put(3), Err(TryPutError::WouldBlock(3)));
    assert_eq!(queue.get().await, Ok(1));
    assert_eq!(queue.try_get(), Ok(2));
    assert_eq!(queue.try_get(), Err(TryGetError::WouldBlock));
}

#[trio::test]
async fn putting_and_getting_are_checkpoints_whether_they_wait_or_not() {
    let queue = Queue::new(1);
    assert_future_checkpoints(queue.put(1)).await.unwrap();
    assert_eq!(assert_future_checkpoints(queue.get()).await, Ok(1));
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            queue.try_put(2).unwrap();
            queue.try_put(3).unwrap();
            wait_all_tasks_blocked().await;
            assert_eq!(queue.try_get(), Ok(3));
        });
        assert_eq!(assert_future_checkpoints(queue.get()).await, Ok(2));
        assert_future_checkpoints(queue.put(4)).await.unwrap();
    })
    .unwrap();
    assert_eq!(queue.try_get(), Ok(4));
}

#[trio::test]
async fn an_item_belongs_to_the_one_who_has_waited_for_it() {
    let (queue, got) = (Queue::new(5), Got::default());
    nursery!(|n| {
        for number in 1..3 {
            n.spawn(gets, &queue, number, &got);
            wait_all_tasks_blocked().await;
        }
        assert_eq!(queue.statistics().tasks_waiting_get, 2);
        queue.try_put(10).unwrap();
        // The one who waits has not run, but it is not to be had any more.
        assert_eq!(queue.try_get(), Err(TryGetError::WouldBlock));
        queue.try_put(20).unwrap();
        queue.try_put(30).unwrap();
        assert_eq!(queue.try_get(), Ok(30));
    })
    .unwrap();
    assert_eq!(*got.borrow(), [(1, 10), (2, 20)]);
}

#[trio::test]
async fn a_place_belongs_to_the_one_who_has_waited_for_it() {
    let queue = Queue::new(1);
    queue.try_put(0).unwrap();
    nursery!(|n| {
        for item in 1..4 {
            n.spawn(puts, &queue, item);
            wait_all_tasks_blocked().await;
        }
        assert_eq!(queue.statistics().tasks_waiting_put, 3);
        assert_eq!(queue.try_get(), Ok(0));
        assert_eq!(queue.try_put(9), Err(TryPutError::WouldBlock(9)));
        // Nor has it to run before its item can be got.
        assert_eq!((queue.try_get(), queue.try_get(), queue.try_get()), (Ok(1), Ok(2), Ok(3)));
        assert_eq!(queue.try_get(), Err(TryGetError::WouldBlock));
    })
    .unwrap();
}

#[trio::test]
async fn without_a_place_putting_waits_until_the_item_is_taken() {
    let (queue, got) = (Queue::new(0), Got::default());
    assert_eq!(queue.try_put(1), Err(TryPutError::WouldBlock(1)));
    nursery!(|n| {
        let putting = n.spawn(puts, &queue, 1);
        wait_all_tasks_blocked().await;
        assert!(!putting.is_finished());
        assert!(queue.is_empty());
        assert_eq!(queue.get().await, Ok(1));
        putting.wait().await;
        n.spawn(gets, &queue, 7, &got);
        wait_all_tasks_blocked().await;
        queue.put(2).await.unwrap();
    })
    .unwrap();
    assert_eq!(*got.borrow(), [(7, 2)]);
}

#[trio::test]
async fn what_is_left_in_a_closed_queue_can_be_got_and_then_it_ends() {
    let queue = Queue::new(3);
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    assert!(!queue.is_closed());
    queue.close();
    queue.close();
    assert!(queue.is_closed() && queue.statistics().is_closed);
    assert_eq!(queue.try_put(3), Err(TryPutError::Closed(3)));
    assert_eq!(queue.put(4).await, Err(PutError(4)));
    assert_eq!(queue.get().await, Ok(1));
    assert_eq!(queue.try_get(), Ok(2));
    assert_eq!(queue.get().await, Err(EndOfChannel::new()));
    assert_eq!(queue.try_get(), Err(TryGetError::EndOfChannel));
}

#[trio::test]
async fn closing_a_queue_ends_the_waiting_of_those_who_get() {
    let (queue, got) = (Queue::new(3), Got::default());
    nursery!(|n| {
        for number in 0..3 {
            n.spawn(gets, &queue, number, &got);
            wait_all_tasks_blocked().await;
        }
        // What was put before is had.
        queue.try_put(7).unwrap();
        queue.close();
    })
    .unwrap();
    assert_eq!(*got.borrow(), [(0, 7)]);
}

#[trio::test]
async fn closing_a_queue_gives_those_who_put_their_items_back() {
    let queue = Queue::new(1);
    queue.try_put(0).unwrap();
    nursery!(|n| {
        let putting = n.spawn_monitored(async {
            let error = queue.put(1).await.unwrap_err();
            assert!(is_error::<ClosedResourceError>(&error));
            error.into_inner()
        });
        wait_all_tasks_blocked().await;
        queue.close();
        assert_eq!((queue.get().await, queue.get().await), (Ok(0), Err(EndOfChannel::new())));
        assert!(matches!(putting.outcome().await, trio::Outcome::Ok(1)));
    })
    .unwrap();
}

#[test]
fn errors_say_what_is_the_matter() {
    let texts = [
        TryPutError::WouldBlock(1).to_string(),
        TryPutError::Closed(1).to_string(),
        PutError(1).to_string(),
        TryGetError::WouldBlock.to_string(),
        TryGetError::EndOfChannel.to_string(),
    ];
    assert_eq!(
        texts,
        [
            "the queue is full",
            "the queue is closed",
            "the queue is closed",
            "the queue is empty",
            "the queue has ended"
        ]
    );
    assert!(is_error::<WouldBlock>(&TryPutError::WouldBlock(1)));
    assert!(is_error::<ClosedResourceError>(&TryPutError::Closed(1)));
    assert!(is_error::<ClosedResourceError>(&PutError(1)));
    assert!(is_error::<WouldBlock>(&TryGetError::WouldBlock));
    assert!(is_error::<EndOfChannel>(&TryGetError::EndOfChannel));
    let error: Box<dyn Error> = Box::new(TryPutError::WouldBlock(Cell::new(1)));
    assert_eq!(format!("{error:?}"), "WouldBlock(..)");
    assert_eq!(format!("{:?}", TryPutError::Closed(1)), "Closed(..)");
    assert_eq!(format!("{:?}", PutError(1)), "PutError(..)");
    assert_eq!(
        (TryPutError::WouldBlock(1).into_inner(), TryPutError::Closed(2).into_inner()),
        (1, 2)
    );
}

#[trio::test]
async fn one_who_is_cancelled_while_putting_has_put_nothing() {
    let queue = Queue::new(1);
    let item = Rc::new(());
    queue.try_put(Rc::clone(&item)).unwrap();
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            let item = Rc::clone(&item);
            scope.run(async { queue.put(item).await }).await;
        });
        wait_all_tasks_blocked().await;
        assert_eq!(Rc::strong_count(&item), 3);
        scope.cancel();
    })
    .unwrap();
    assert!(scope.cancelled_caught());
    assert_eq!(Rc::strong_count(&item), 2);
    queue.try_get().unwrap();
    assert_eq!(queue.try_get(), Err(TryGetError::WouldBlock));
}

#[trio::test]
async fn one_who_is_cancelled_while_getting_is_skipped() {
    let (queue, got) = (Queue::new(1), Got::default());
    nursery!(|n| {
        let first = n.spawn(gets, &queue, 1, &got);
        wait_all_tasks_blocked().await;
        n.spawn(gets, &queue, 2, &got);
        wait_all_tasks_blocked().await;
        first.cancel();
        wait_all_tasks_blocked().await;
        queue.try_put(7).unwrap();
    })
    .unwrap();
    assert_eq!(*got.borrow(), [(2, 7)]);
}

#[trio::test]
async fn an_item_that_comes_before_the_cancellation_is_delivered_is_had() {
    let (queue, got) = (Queue::new(1), Got::default());
    nursery!(|n| {
        let first = n.spawn(gets, &queue, 1, &got);
        wait_all_tasks_blocked().await;
        first.cancel();
        queue.try_put(7).unwrap();
    })
    .unwrap();
    assert_eq!(*got.borrow(), [(1, 7)]);
}

#[trio::test]
async fn a_cancellation_unwinds_also_when_nothing_has_to_be_waited_for() {
    let queue = Queue::new(2);
    queue.try_put(1).unwrap();
    let (putting, getting) = (CancelScope::new(), CancelScope::new());
    putting.cancel();
    getting.cancel();
    assert!(putting.run(async { queue.put(2).await }).await.is_none());
    assert!(getting.run(async { queue.get().await }).await.is_none());
    assert_eq!((queue.try_get(), queue.try_get()), (Ok(1), Err(TryGetError::WouldBlock)));
}

#[trio::test]
async fn an_item_that_is_handed_to_a_future_that_goes_is_passed_on() {
    let (queue, got) = (Queue::new(1), Got::default());
    nursery!(|n| {
        let mut dropped = Box::pin(queue.get());
        assert!(dropped.as_mut().now_or_never().is_none());
        n.spawn(gets, &queue, 1, &got);
        wait_all_tasks_blocked().await;
        queue.try_put(7).unwrap();
        assert!(queue.is_empty());
        drop(dropped);
        wait_all_tasks_blocked().await;
        assert_eq!(*got.borrow(), [(1, 7)]);
    })
    .unwrap();
}

#[trio::test]
async fn an_item_that_nobody_else_waits_for_is_the_first_again() {
    // Also where there is no place for it, or none any more.
    for capacity in [0, 1] {
        let queue = Queue::new(capacity);
        let mut dropped = Box::pin(queue.get());
        assert!(dropped.as_mut().now_or_never().is_none());
        queue.try_put(1).unwrap();
        if capacity == 1 {
            queue.try_put(2).unwrap();
        }
        let mut putting = Box::pin(queue.put(3));
        assert!(putting.as_mut().now_or_never().is_none());
        drop(dropped);
        assert_eq!(queue.try_get(), Ok(1));
        if capacity == 1 {
            assert_eq!((queue.len(), queue.statistics().tasks_waiting_put), (1, 1));
            assert_eq!(queue.try_get(), Ok(2));
        }
        assert_eq!(queue.try_get(), Ok(3));
        putting.await.unwrap();
    }
}

#[trio::test]
async fn an_item_that_is_given_back_after_the_end_is_got_by_those_who_still_wait() {
    let queue = Queue::new(1);
    let mut dropped = Box::pin(queue.get());
    let mut waiting = Box::pin(queue.get());
    assert!(dropped.as_mut().now_or_never().is_none());
    assert!(waiting.as_mut().now_or_never().is_none());
    queue.try_put(7).unwrap();
    queue.close();
    drop(dropped);
    assert_eq!(waiting.await, Ok(7));
    assert_eq!(queue.get().await, Err(EndOfChannel::new()));
}

#[trio::test]
async fn the_end_of_a_queue_is_told_when_it_is_certain() {
    for comes_back in [true, false] {
        let queue = Queue::new(1);
        let mut given = Box::pin(queue.get());
        assert!(given.as_mut().now_or_never().is_none());
        queue.try_put(7).unwrap();
        queue.close();
        // Nothing is there now; but that can change.
        assert_eq!(queue.try_get(), Err(TryGetError::WouldBlock));
        nursery!(|n| {
            let got = n.spawn(async { queue.get().await.ok() });
            wait_all_tasks_blocked().await;
            assert!(!got.is_finished());
            if comes_back {
                drop(given);
            } else {
                assert_eq!(given.await, Ok(7));
            }
            got.wait().await;
            assert_eq!(got.take(), Some(comes_back.then_some(7)));
        })
        .unwrap();
        assert_eq!(queue.try_get(), Err(TryGetError::EndOfChannel));
    }
}

#[trio::test]
async fn getting_that_is_dropped_while_it_gives_way_to_others_has_got_nothing() {
    let queue = Queue::new(2);
    queue.try_put(1).unwrap();
    queue.try_put(2).unwrap();
    nursery!(|n| {
        n.spawn(checkpoint);
        let mut dropped = Box::pin(queue.get());
        assert!(dropped.as_mut().now_or_never().is_none());
        assert_eq!(queue.len(), 1);
        drop(dropped);
        assert_eq!((queue.try_get(), queue.try_get()), (Ok(1), Ok(2)));
    })
    .unwrap();
}

#[test]
fn a_queue_shows_what_is_in_it() {
    let queue = Queue::new(3);
    queue.try_put(1).unwrap();
    let statistics = queue.statistics();
    assert_eq!((statistics.len, statistics.capacity, statistics.is_closed), (1, 3, false));
    let shown = "Queue { len: 1, capacity: 3, is_closed: false, tasks_waiting_put: 0, \
                 tasks_waiting_get: 0 }";
    assert_eq!(format!("{queue:?}"), shown);
}

#[trio::task]
async fn every_item_is_got_once(capacity: usize) {
    let (queue, got) = (Queue::new(capacity), RefCell::new(vec![Vec::new(); 3]));
    nursery!(|n| {
        for producer in 0..4 {
            n.spawn(
                async move |queue: &Queue<(u32, u32)>| {
                    for item in 0..20 {
                        queue.put((producer, item)).await.unwrap();
                    }
                },
                &queue,
            );
        }
        for consumer in 0..3_usize {
            let (queue, got) = (&queue, &got);
            n.spawn(async move {
                while let Ok(item) = queue.get().await {
                    got.borrow_mut()[consumer].push(item);
                }
            });
        }
        n.spawn(async {
            wait_all_tasks_blocked().await;
            queue.close();
        });
    })
    .unwrap();
    let mut all = got.borrow().concat();
    all.sort_unstable();
    let expected: Vec<_> = (0..4).flat_map(|p| (0..20).map(move |item| (p, item))).collect();
    assert_eq!(all, expected);
    // Each consumer has those of each producer in order.
    for got in &*got.borrow() {
        for producer in 0..4 {
            assert!(got.iter().filter(|(p, _)| *p == producer).is_sorted());
        }
    }
}

#[test]
fn many_share_a_queue() {
    for seed in 0..10 {
        for capacity in [0, 1, 2, 100] {
            Builder::new().scheduler_seed(seed).run(|| every_item_is_got_once(capacity));
        }
    }
}

mod unbounded {
    use super::*;

    #[trio::task]
    async fn gets_a_batch(
        queue: &UnboundedQueue<u32>,
        number: u32,
        got: &RefCell<Vec<(u32, Vec<u32>)>>,
    ) {
        let batch = queue.get_batch().await;
        got.borrow_mut().push((number, batch));
    }

    #[trio::test]
    async fn a_batch_is_all_there_is_in_order() {
        let queue = UnboundedQueue::new();
        queue.try_get_batch().unwrap_err();
        for item in 0..3 {
            queue.put(item);
        }
        assert_eq!((queue.len(), queue.is_empty()), (3, false));
        assert_eq!(format!("{queue:?}"), "UnboundedQueue { len: 3, tasks_waiting: 0 }");
        assert_eq!(queue.get_batch().await, [0, 1, 2]);
        queue.put(3);
        assert_eq!(queue.try_get_batch().unwrap(), [3]);
        assert!(queue.is_empty());
    }

    #[trio::test]
    async fn getting_is_a_checkpoint_whether_it_waits_or_not() {
        let queue = UnboundedQueue::new();
        queue.put(1);
        assert_future_checkpoints(queue.get_batch()).await;
        nursery!(|n| {
            n.spawn(async {
                wait_all_tasks_blocked().await;
                queue.put(2);
            });
            assert_eq!(assert_future_checkpoints(queue.get_batch()).await, [2]);
        })
        .unwrap();
    }

    #[trio::test]
    async fn what_is_put_before_the_one_who_waits_has_run_belongs_to_it() {
        let (queue, got) = (UnboundedQueue::new(), RefCell::default());
        nursery!(|n| {
            for number in 0..2 {
                n.spawn(gets_a_batch, &queue, number, &got);
                wait_all_tasks_blocked().await;
            }
            assert_eq!(queue.statistics().tasks_waiting, 2);
            queue.put(1);
            queue.put(2);
            assert_eq!((queue.statistics().len, queue.statistics().tasks_waiting), (2, 1));
            queue.try_get_batch().unwrap_err();
            wait_all_tasks_blocked().await;
            assert_eq!(*got.borrow(), [(0, vec![1, 2])]);
            queue.put(3);
        })
        .unwrap();
        assert_eq!(*got.borrow(), [(0, vec![1, 2]), (1, vec![3])]);
    }

    #[trio::test]
    async fn one_who_is_cancelled_is_skipped() {
        let (queue, got) = (UnboundedQueue::new(), RefCell::default());
        nursery!(|n| {
            let first = n.spawn(gets_a_batch, &queue, 1, &got);
            wait_all_tasks_blocked().await;
            n.spawn(gets_a_batch, &queue, 2, &got);
            wait_all_tasks_blocked().await;
            first.cancel();
            wait_all_tasks_blocked().await;
            queue.put(7);
        })
        .unwrap();
        assert_eq!(*got.borrow(), [(2, vec![7])]);
    }

    #[trio::test]
    async fn a_batch_of_a_future_that_goes_is_passed_on() {
        let (queue, got) = (UnboundedQueue::new(), RefCell::default());
        nursery!(|n| {
            let mut dropped = Box::pin(queue.get_batch());
            assert!(dropped.as_mut().now_or_never().is_none());
            n.spawn(gets_a_batch, &queue, 1, &got);
            wait_all_tasks_blocked().await;
            queue.put(7);
            drop(dropped);
            wait_all_tasks_blocked().await;
            assert_eq!(*got.borrow(), [(1, vec![7])]);
        })
        .unwrap();
        // Where nobody waits, it stays.
        let mut dropped = Box::pin(queue.get_batch());
        assert!(dropped.as_mut().now_or_never().is_none());
        queue.put(8);
        drop(dropped);
        assert_eq!(queue.get_batch().await, [8]);
    }

    #[trio::test]
    async fn getting_that_is_dropped_while_it_gives_way_to_others_has_got_nothing() {
        let queue = UnboundedQueue::new();
        queue.put(1);
        nursery!(|n| {
            n.spawn(checkpoint);
            let mut dropped = Box::pin(queue.get_batch());
            assert!(dropped.as_mut().now_or_never().is_none());
            assert!(queue.is_empty());
            queue.put(2);
            drop(dropped);
            assert_eq!(queue.try_get_batch().unwrap(), [1, 2]);
            // Likewise if somebody has come to wait since.
            queue.put(3);
            n.spawn(checkpoint);
            let mut dropped = Box::pin(queue.get_batch());
            assert!(dropped.as_mut().now_or_never().is_none());
            let mut waiting = Box::pin(queue.get_batch());
            assert!(waiting.as_mut().now_or_never().is_none());
            drop(dropped);
            assert_eq!(waiting.await, [3]);
        })
        .unwrap();
    }
}
