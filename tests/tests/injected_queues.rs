//! Everything that items go through from tasks to tasks, cancelled everywhere: no item is lost, none
//! comes twice, and the order is kept.
//!
//! To add one: implement `QueueLike` for it, and name it in the list at the end.

use std::cell::RefCell;
use std::rc::Rc;

use futures::StreamExt;
use tests::schedules::under_several_schedules;
use trio::channel::{
    BroadcastError, BroadcastReceiver, Receiver, Sender, broadcast, channel, unbounded, watch,
};
use trio::lowlevel::checkpoint;
use trio::nursery;
use trio::sync::{Queue, UnboundedQueue};
use trio::testing::CancelInjector;

/// An item, and a mark by which is known where it is: it is counted by its clones.
type Item = (u32, Rc<()>);
type Log = RefCell<Vec<u32>>;

/// What can be put into and got from, and ends: made with `Default`, it is empty and open.
trait QueueLike: Default + 'static {
    /// Fails only if it is closed.
    async fn put(&self, item: Item) -> Result<(), Item>;
    /// `None` at the end.
    async fn get(&self) -> Option<Item>;
    /// What is there.
    fn try_get(&self) -> Option<Item>;
    fn close(&self);
}

struct QueueOf<const CAPACITY: usize>(Queue<Item>);

impl<const CAPACITY: usize> Default for QueueOf<CAPACITY> {
    fn default() -> Self {
        QueueOf(Queue::new(CAPACITY))
    }
}

impl<const CAPACITY: usize> QueueLike for QueueOf<CAPACITY> {
    async fn put(&self, item: Item) -> Result<(), Item> {
        self.0.put(item).await.map_err(|error| error.into_inner())
    }

    async fn get(&self) -> Option<Item> {
        self.0.get().await.ok()
    }

    fn try_get(&self) -> Option<Item> {
        self.0.try_get().ok()
    }

    fn close(&self) {
        self.0.close();
    }
}

struct ChannelOf<const CAPACITY: usize>(Sender<Item>, Receiver<Item>);

impl<const CAPACITY: usize> Default for ChannelOf<CAPACITY> {
    fn default() -> Self {
        let (sender, receiver) = match CAPACITY {
            usize::MAX => unbounded(),
            capacity => channel(capacity),
        };
        ChannelOf(sender, receiver)
    }
}

impl<const CAPACITY: usize> QueueLike for ChannelOf<CAPACITY> {
    async fn put(&self, item: Item) -> Result<(), Item> {
        self.0.send(item).await.map_err(|error| error.into_value())
    }

    async fn get(&self) -> Option<Item> {
        self.1.receive().await.ok()
    }

    fn try_get(&self) -> Option<Item> {
        self.1.try_receive().ok()
    }

    fn close(&self) {
        self.0.close();
    }
}

/// Received from as a stream, a new one for each item.
struct Streamed(Sender<Item>, Receiver<Item>);

impl Default for Streamed {
    fn default() -> Self {
        let (sender, receiver) = channel(1);
        Streamed(sender, receiver)
    }
}

impl QueueLike for Streamed {
    async fn put(&self, item: Item) -> Result<(), Item> {
        self.0.send(item).await.map_err(|error| error.into_value())
    }

    async fn get(&self) -> Option<Item> {
        self.1.stream().next().await
    }

    fn try_get(&self) -> Option<Item> {
        self.1.try_receive().ok()
    }

    fn close(&self) {
        self.0.close();
    }
}

#[trio::task]
async fn puts<Q: QueueLike>(queue: &Q, numbers: [u32; 4], mark: &Rc<()>, put: &Log) {
    for number in numbers {
        assert!(queue.put((number, Rc::clone(mark))).await.is_ok());
        put.borrow_mut().push(number);
    }
}

#[trio::task]
async fn gets<Q: QueueLike>(queue: &Q, got: &Log) {
    while let Some((number, _)) = queue.get().await {
        got.borrow_mut().push(number);
    }
}

fn sorted(one: &Log, other: &Log) -> Vec<u32> {
    let mut both = one.borrow().clone();
    both.extend(&*other.borrow());
    both.sort_unstable();
    both
}

const ITEMS: [u32; 4] = [0, 1, 2, 3];

#[trio::task]
async fn one_who_gets<Q: QueueLike>() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (queue, mark, put, got) = (Q::default(), Rc::new(()), Log::default(), Log::default());
        nursery!(|n| {
            n.spawn(async {
                puts(&queue, ITEMS, &mark, &put).await;
                queue.close();
            });
            round.run(|| gets(&queue, &got)).await;
            // The next one goes on where it was.
            gets(&queue, &got).await;
        })
        .unwrap();
        assert_eq!(*got.borrow(), ITEMS, "{round}");
        assert_eq!(Rc::strong_count(&mark), 1, "{round}");
    }
    assert!(injector.places().len() > 6);
}

#[trio::task]
async fn one_of_two_who_get<Q: QueueLike>() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (queue, mark, put) = (Q::default(), Rc::new(()), Log::default());
        let (got, other_got) = (Log::default(), Log::default());
        nursery!(|n| {
            n.spawn(async { round.run(|| gets(&queue, &got)).await });
            n.spawn(gets, &queue, &other_got);
            puts(&queue, ITEMS, &mark, &put).await;
            checkpoint().await;
            queue.close();
        })
        .unwrap();
        assert_eq!(sorted(&got, &other_got), ITEMS, "{round}");
        assert!(other_got.borrow().is_sorted(), "{round}: {other_got:?}");
        assert_eq!(Rc::strong_count(&mark), 1, "{round}");
    }
    assert!(injector.places().len() > 4);
}

#[trio::task]
async fn one_who_puts<Q: QueueLike>() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (queue, mark, put, got) = (Q::default(), Rc::new(()), Log::default(), Log::default());
        nursery!(|n| {
            n.spawn(gets, &queue, &got);
            round.run(|| puts(&queue, ITEMS, &mark, &put)).await;
            queue.close();
        })
        .unwrap();
        // What has come has been put, and what was not put has not.
        assert_eq!(*got.borrow(), *put.borrow(), "{round}");
        assert_eq!(Rc::strong_count(&mark), 1, "{round}");
    }
    assert!(injector.places().len() > 6);
}

#[trio::task]
async fn one_of_two_who_put<Q: QueueLike>() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (queue, mark, got) = (Q::default(), Rc::new(()), Log::default());
        let (put, other_put) = (Log::default(), Log::default());
        nursery!(|n| {
            n.spawn(gets, &queue, &got);
            nursery!(|n| {
                n.spawn(async { round.run(|| puts(&queue, ITEMS, &mark, &put)).await });
                n.spawn(puts, &queue, [10, 11, 12, 13], &mark, &other_put);
            })?;
            queue.close();
        })
        .unwrap();
        let (others, ours): (Vec<u32>, Vec<u32>) =
            got.borrow().iter().partition(|number| **number >= 10);
        assert_eq!(ours, *put.borrow(), "{round}");
        assert_eq!(others, [10, 11, 12, 13], "{round}");
        assert_eq!(Rc::strong_count(&mark), 1, "{round}");
    }
    assert!(injector.places().len() > 6);
}

#[trio::task]
async fn all<Q: QueueLike>() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (queue, mark, put, got) = (Q::default(), Rc::new(()), Log::default(), Log::default());
        let both = async {
            nursery!(|n| {
                n.spawn(gets, &queue, &got);
                n.spawn(async {
                    puts(&queue, ITEMS, &mark, &put).await;
                    queue.close();
                });
            })
            .unwrap();
        };
        round.run(both).await;
        let left: Vec<u32> =
            std::iter::from_fn(|| queue.try_get()).map(|(number, _)| number).collect();
        got.borrow_mut().extend(left);
        assert_eq!(*got.borrow(), *put.borrow(), "{round}");
        assert_eq!(Rc::strong_count(&mark), 1, "{round}");
    }
    assert!(injector.places().len() > 15);
}

macro_rules! suite {
    ($($name:ident: $queue:ty;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn one_who_gets_is_cancelled_and_the_next_gets_all_that_is_left() {
                under_several_schedules(one_who_gets::<$queue>);
            }

            #[test]
            fn one_of_two_who_get_is_cancelled_and_the_other_gets_the_rest() {
                under_several_schedules(one_of_two_who_get::<$queue>);
            }

            #[test]
            fn one_who_puts_is_cancelled_and_has_put_what_it_knows_of() {
                under_several_schedules(one_who_puts::<$queue>);
            }

            #[test]
            fn one_of_two_who_put_is_cancelled_and_the_other_is_not_disturbed() {
                under_several_schedules(one_of_two_who_put::<$queue>);
            }

            #[test]
            fn all_are_cancelled_and_everything_is_somewhere() {
                under_several_schedules(all::<$queue>);
            }
        }
    )*};
}

suite! {
    queue_without_places: QueueOf<0>;
    queue_with_one_place: QueueOf<1>;
    queue_with_three_places: QueueOf<3>;
    rendezvous: ChannelOf<0>;
    channel_of_one: ChannelOf<1>;
    channel_of_three: ChannelOf<3>;
    unbounded_channel: ChannelOf<{ usize::MAX }>;
    channel_as_a_stream: Streamed;
}

#[trio::task]
async fn gets_batches(queue: &UnboundedQueue<u32>, got: &Log) {
    while got.borrow().last() != Some(&4) {
        let batch = queue.get_batch().await;
        assert!(!batch.is_empty());
        got.borrow_mut().extend(batch);
    }
}

#[trio::task]
async fn batches() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (queue, got) = (UnboundedQueue::new(), Log::default());
        nursery!(|n| {
            n.spawn(async {
                for number in [0, 1, 2, 3, 4] {
                    queue.put(number);
                    if number % 2 == 0 {
                        checkpoint().await;
                    }
                }
            });
            round.run(|| gets_batches(&queue, &got)).await;
            gets_batches(&queue, &got).await;
        })
        .unwrap();
        assert_eq!(*got.borrow(), [0, 1, 2, 3, 4], "{round}");
        assert!(queue.is_empty(), "{round}");
    }
    assert!(injector.places().len() > 4);
}

#[test]
fn a_cancelled_get_of_a_batch_loses_nothing() {
    under_several_schedules(batches);
}

#[trio::task]
async fn hears(receiver: &BroadcastReceiver<u32>, heard: &Log) {
    loop {
        match receiver.receive().await {
            Ok(number) => heard.borrow_mut().push(number),
            // Those that are missing have passed, too.
            Err(BroadcastError::Lagged(count)) => {
                heard.borrow_mut().extend((0..count).map(|_| u32::MAX));
            }
            Err(_) => break,
        }
    }
}

#[trio::task]
async fn broadcasts() {
    for capacity in [2, 9] {
        let mut injector = CancelInjector::new();
        while let Some(round) = injector.next_round() {
            let (sender, receiver) = broadcast(capacity);
            let (other, heard, other_heard) = (receiver.clone(), Log::default(), Log::default());
            nursery!(|n| {
                n.spawn(hears, &other, &other_heard);
                n.spawn(async {
                    for number in 0..6 {
                        sender.send(number)?;
                        if number != 2 {
                            checkpoint().await;
                        }
                    }
                    sender.close();
                    Ok::<_, trio::Error>(())
                });
                round.run(|| hears(&receiver, &heard)).await;
                hears(&receiver, &heard).await;
            })
            .unwrap();
            for heard in [&heard, &other_heard] {
                let heard = heard.borrow();
                let as_sent = (0..).zip(&*heard).all(|(at, value)| [at, u32::MAX].contains(value));
                assert!(as_sent && heard.len() == 6, "{round}: {heard:?}");
            }
        }
        assert!(injector.places().len() > 4);
    }
}

#[test]
fn a_cancelled_receive_from_a_broadcast_misses_nothing() {
    under_several_schedules(broadcasts);
}

#[trio::task]
async fn watches() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (sender, receiver) = watch(0);
        let seen = Log::default();
        nursery!(|n| {
            n.spawn(async {
                for number in 1..4 {
                    sender.send(number)?;
                    checkpoint().await;
                }
                sender.close();
                Ok::<_, trio::Error>(())
            });
            let follows = async {
                while receiver.changed().await.is_ok() {
                    seen.borrow_mut().push(receiver.get());
                }
            };
            round.run(follows).await;
            // A change that was not told of is still one.
            assert_eq!(
                receiver.has_changed(),
                seen.borrow().last().unwrap_or(&0) != &receiver.get()
            );
            while receiver.changed().await.is_ok() {
                seen.borrow_mut().push(receiver.get());
            }
        })
        .unwrap();
        let seen = seen.borrow();
        assert!(seen.is_sorted_by(|a, b| a < b), "{round}: {seen:?}");
        assert_eq!(seen.last(), Some(&3), "{round}");
    }
    assert!(injector.places().len() > 3);
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (sender, receiver) = watch(0);
        nursery!(|n| {
            n.spawn(async {
                for number in 1..4 {
                    checkpoint().await;
                    sender.send(number)?;
                }
                Ok::<_, trio::Error>(())
            });
            let found = round.run(async { receiver.wait_for(|number| *number == 3).await }).await;
            // One that was found is seen, one that was not is not.
            assert!(found.is_none_or(|found| found == Ok(3) && !receiver.has_changed()), "{round}");
            assert_eq!(receiver.wait_for(|number| *number == 3).await, Ok(3), "{round}");
        })
        .unwrap();
    }
    assert!(injector.places().len() > 3);
}

#[test]
fn a_cancelled_wait_for_a_change_has_seen_nothing() {
    under_several_schedules(watches);
}
