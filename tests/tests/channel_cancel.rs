//! Channels under cancellation and dropping: nothing is lost, nothing is there twice, order is kept.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{Either, LocalBoxFuture, select};
use futures::stream::{FuturesUnordered, StreamExt};
use trio::channel::{
    ReceiveError, Receiver, SendError, Sender, TryReceiveError, channel, unbounded,
};
use trio::lowlevel::checkpoint;
use trio::testing::wait_all_tasks_blocked;
use trio::{CancelScope, nursery, sleep};

/// Polls a future once, as a combinator in this task does, without giving way to others.
fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Option<F::Output> {
    future.as_mut().now_or_never()
}

#[trio::test]
async fn a_value_given_to_a_receiver_that_is_dropped_goes_to_the_next_one() -> trio::Result<()> {
    let (sender, receiver) = channel(1);
    let mut first = Box::pin(receiver.receive());
    let mut second = Box::pin(receiver.receive());
    assert!(poll(&mut first).is_none() && poll(&mut second).is_none());
    sender.try_send(1)?;
    drop(first);
    assert_eq!(receiver.statistics().tasks_waiting_receive, 0);
    assert_eq!(second.await, Ok(1));
    Ok(())
}

#[trio::test]
async fn a_value_that_nobody_waits_for_any_more_is_the_first_in_the_buffer() -> trio::Result<()> {
    let (sender, receiver) = channel(2);
    let mut waiting = Box::pin(receiver.receive());
    assert!(poll(&mut waiting).is_none());
    for number in 1..=3 {
        sender.try_send(number)?;
    }
    drop(waiting);
    // More than there is room for: it has to be somewhere.
    assert_eq!(receiver.statistics().current_buffer_used, 3);
    assert_eq!(receiver.statistics().peak_buffer_used, 3);
    assert!(sender.try_send(4).is_err());
    assert_eq!(receiver.try_receive(), Ok(1));
    assert!(sender.try_send(4).is_err());
    assert_eq!(receiver.try_receive(), Ok(2));
    sender.try_send(4)?;
    assert_eq!(receiver.try_receive(), Ok(3));
    assert_eq!(receiver.receive().await, Ok(4));
    Ok(())
}

#[trio::test]
async fn in_whatever_order_receivers_are_dropped_the_order_of_values_is_kept() -> trio::Result<()> {
    for dropped in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (sender, receiver) = channel(9);
        let mut waiting: Vec<_> = (0..3).map(|_| Some(Box::pin(receiver.receive()))).collect();
        for waiting in waiting.iter_mut().flatten() {
            assert!(poll(waiting).is_none());
        }
        for number in 0..5 {
            sender.try_send(number)?;
        }
        for index in dropped {
            waiting[index] = None;
        }
        for number in 0..5 {
            assert_eq!(receiver.receive().await, Ok(number), "{dropped:?}");
        }
    }
    Ok(())
}

#[trio::test(allow(unawaited_drop))]
async fn who_was_given_something_later_gets_what_was_sent_earlier() -> trio::Result<()> {
    let (sender, receiver) = channel(9);
    let mut waiting: Vec<_> = (0..4).map(|_| Box::pin(receiver.receive())).collect();
    for waiting in &mut waiting {
        assert!(poll(waiting).is_none());
    }
    for number in 0..3 {
        sender.try_send(number)?;
    }
    // The second one goes: the third gets its value, and the fourth that of the third.
    drop(waiting.remove(1));
    assert_eq!(poll(&mut waiting[2]), Some(Ok(2)));
    assert_eq!(poll(&mut waiting[0]), Some(Ok(0)));
    assert_eq!(poll(&mut waiting[1]), Some(Ok(1)));
    assert_eq!(receiver.try_receive(), Err(TryReceiveError::WouldBlock));
    checkpoint().await;
    Ok(())
}

#[trio::test]
async fn a_receive_that_is_dropped_while_it_lets_others_run_loses_nothing() -> trio::Result<()> {
    let (sender, receiver) = channel(9);
    for number in 0..3 {
        sender.try_send(number)?;
    }
    nursery!(|n| {
        // Somebody who is runnable.
        n.spawn(checkpoint);
        let mut first = Box::pin(receiver.receive());
        let mut second = Box::pin(receiver.receive());
        assert!(poll(&mut first).is_none() && poll(&mut second).is_none());
        assert_eq!(receiver.statistics().current_buffer_used, 1);
        drop(first);
        assert_eq!(receiver.statistics().current_buffer_used, 2);
        // The second is given what is now the first.
        assert_eq!(second.await, Ok(0));
        assert_eq!(receiver.receive().await, Ok(1));
        assert_eq!(receiver.receive().await, Ok(2));
    })?;
    Ok(())
}

#[trio::test]
async fn what_was_given_away_when_the_last_receiver_closes_is_dropped_with_its_future()
-> trio::Result<()> {
    let (sender, receiver) = channel(9);
    let mark = Rc::new(());
    let mut waiting = Box::pin(receiver.receive());
    let mut other = Box::pin(receiver.receive());
    assert!(poll(&mut waiting).is_none() && poll(&mut other).is_none());
    for _ in 0..3 {
        sender.try_send(Rc::clone(&mark))?;
    }
    receiver.close();
    // What is in the buffer has gone, what was given to somebody has not.
    assert_eq!(Rc::strong_count(&mark), 3);
    drop(waiting);
    assert_eq!(Rc::strong_count(&mark), 2);
    assert!(poll(&mut other).is_some_and(|received| received.is_ok()));
    assert_eq!(Rc::strong_count(&mark), 1);
    checkpoint().await;
    Ok(())
}

#[trio::test]
async fn the_end_is_told_when_it_is_certain() -> trio::Result<()> {
    let (sender, receiver) = channel(9);
    let mut first = Box::pin(receiver.receive());
    let mut second = Box::pin(receiver.receive());
    assert!(poll(&mut first).is_none() && poll(&mut second).is_none());
    sender.try_send(1)?;
    drop(sender);
    // The value may come back, and does.
    assert_eq!(receiver.try_receive(), Err(TryReceiveError::WouldBlock));
    assert!(poll(&mut second).is_none());
    drop(first);
    let mut third = Box::pin(receiver.receive());
    assert!(poll(&mut third).is_none());
    assert_eq!(second.await, Ok(1));
    assert_eq!(third.await, Err(ReceiveError::EndOfChannel));
    Ok(())
}

#[trio::test]
async fn an_operation_that_was_unwound_and_is_polled_again_begins_anew() -> trio::Result<()> {
    let (sender, receiver) = channel(0);
    let mut receiving = Box::pin(receiver.receive());
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async { scope.run(async { (&mut receiving).await }).await.is_some() });
        wait_all_tasks_blocked().await;
        scope.cancel();
    })?;
    // It is in nobody's way, and has been given nothing.
    assert!(sender.try_send(0).is_err());
    let mut sending = Box::pin(sender.send(1));
    assert!(poll(&mut sending).is_none());
    assert_eq!(poll(&mut receiving), Some(Ok(1)));
    assert_eq!(sending.await, Ok(()));

    let mut sending = Box::pin(sender.send(2));
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async { scope.run(async { (&mut sending).await.is_ok() }).await });
        wait_all_tasks_blocked().await;
        scope.cancel();
    })?;
    assert_eq!(receiver.try_receive(), Err(TryReceiveError::WouldBlock));
    // It still has its value, and is the last in the queue.
    let mut other = Box::pin(sender.send(3));
    assert!(poll(&mut other).is_none() && poll(&mut sending).is_none());
    assert_eq!(receiver.try_receive(), Ok(3));
    assert_eq!(receiver.try_receive(), Ok(2));
    assert_eq!(sending.await, Ok(()));
    Ok(())
}

#[trio::test]
async fn a_send_that_is_dropped_has_sent_as_a_whole_or_not_at_all() -> trio::Result<()> {
    let mark = Rc::new(());
    let (sender, receiver) = channel(0);
    let mut sending = Box::pin(sender.send(Rc::clone(&mark)));
    assert!(poll(&mut sending).is_none());
    drop(sending);
    assert_eq!(Rc::strong_count(&mark), 1);
    assert!(receiver.try_receive().is_err());

    let mut sending = Box::pin(sender.send(Rc::clone(&mark)));
    assert!(poll(&mut sending).is_none());
    let received = receiver.receive().await;
    // It was received before: that the sender does not hear of it makes no difference.
    drop(sending);
    assert_eq!(Rc::strong_count(&mark), 2);
    assert!(received.is_ok_and(|received| Rc::ptr_eq(&received, &mark)));
    Ok(())
}

#[trio::test]
async fn a_refused_sender_that_is_dropped_before_it_knows_drops_its_value() {
    let mark = Rc::new(());
    let (sender, receiver) = channel(0);
    let mut sending = Box::pin(sender.send(Rc::clone(&mark)));
    let mut other = Box::pin(sender.send(Rc::clone(&mark)));
    assert!(poll(&mut sending).is_none() && poll(&mut other).is_none());
    drop(receiver);
    drop(sending);
    assert_eq!(Rc::strong_count(&mark), 2);
    assert!(matches!(other.await, Err(SendError::Broken(value)) if Rc::ptr_eq(&value, &mark)));
}

#[trio::test]
async fn futures_in_a_foreign_collection_are_served_in_the_order_of_their_coming()
-> trio::Result<()> {
    let (sender, receiver) = channel(0);
    nursery!(|n| {
        n.spawn(async {
            let mut receives: FuturesUnordered<_> = (0..20).map(|_| receiver.receive()).collect();
            let mut received = Vec::new();
            while let Some(value) = receives.next().await {
                received.extend(value);
            }
            assert!(received.into_iter().eq(0..20));
        });
        for number in 0..20 {
            sender.send(number).await?;
        }
    })?;
    Ok(())
}

/// A waker of others that does something with the channel.
struct CallsIn(Arc<AtomicU32>);

thread_local! {
    static CALLED_IN: RefCell<Option<Box<dyn FnMut()>>> = const { RefCell::new(None) };
}

impl Wake for CallsIn {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        let call = CALLED_IN.take();
        if let Some(mut call) = call {
            call();
            CALLED_IN.set(Some(call));
        }
    }
}

#[trio::test]
async fn a_foreign_waker_may_use_the_channel_that_wakes_it() -> trio::Result<()> {
    let (sender, receiver) = unbounded();
    let (echo, echoed) = (sender.clone(), receiver.clone());
    CALLED_IN.set(Some(Box::new(move || {
        echo.try_send(10).unwrap();
        assert!(echoed.statistics().open_senders >= 1);
        let _ = echoed.try_receive();
    })));
    let wakes = Arc::new(AtomicU32::new(0));
    let waker = Waker::from(Arc::new(CallsIn(Arc::clone(&wakes))));
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(receiver.receive())).collect();
    poll_fn(|_| {
        for waiting in &mut waiting {
            assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        Poll::Ready(())
    })
    .await;
    // Wakes the first, whose waker sends to the second, whose waker cannot be called again yet.
    sender.try_send(1)?;
    sender.try_send(2)?;
    assert_eq!(wakes.load(Ordering::Relaxed), 3);
    let values: Vec<_> = waiting.iter_mut().map(poll).collect();
    assert_eq!(values, [Some(Ok(1)), Some(Ok(10)), Some(Ok(2))]);
    // Its own handles go.
    CALLED_IN.set(None);
    Ok(())
}

async fn fails(receiver: Rc<Receiver<u32>>) -> bool {
    receiver.receive().await.is_err()
}

#[trio::test]
async fn a_foreign_waker_may_drop_others_that_wait_on_a_handle_that_is_closed() {
    type Waiting = Rc<RefCell<Vec<LocalBoxFuture<'static, bool>>>>;
    let (_sender, receiver) = unbounded::<u32>();
    let receiver = Rc::new(receiver);
    let waiting = Waiting::default();
    for _ in 0..5 {
        let receiver = Rc::clone(&receiver);
        waiting.borrow_mut().push(Box::pin(fails(receiver)));
    }
    let wakes = Arc::new(AtomicU32::new(0));
    let waker = Waker::from(Arc::new(CallsIn(Arc::clone(&wakes))));
    poll_fn(|_| {
        for waiting in &mut *waiting.borrow_mut() {
            assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        }
        Poll::Ready(())
    })
    .await;
    let inside = Rc::clone(&waiting);
    CALLED_IN.set(Some(Box::new(move || {
        // One of them at a time, from the end.
        drop(inside.borrow_mut().pop());
    })));
    receiver.close();
    CALLED_IN.set(None);
    // Three were woken, of whom the last was dropped by its own waker.
    assert_eq!(wakes.load(Ordering::Relaxed), 3);
    assert_eq!(waiting.borrow().len(), 2);
    assert_eq!(receiver.statistics().tasks_waiting_receive, 0);
    for mut waiting in waiting.take() {
        assert_eq!(waiting.as_mut().now_or_never(), Some(true));
    }
}

/// A sequence of numbers that look random.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn millis(&mut self, limit: u64) -> Duration {
        Duration::from_millis(self.below(limit))
    }
}

/// A value and its sender, of which there is one.
#[derive(Debug)]
struct Letter {
    from: u32,
    number: u32,
    _alive: Rc<()>,
}

/// What has become of the letters, by sender and number.
#[derive(Default)]
struct Post {
    /// Of these the senders know that they were sent.
    sent: RefCell<BTreeSet<(u32, u32)>>,
    /// Of these they know that they were not.
    not_sent: RefCell<BTreeSet<(u32, u32)>>,
    received: RefCell<BTreeSet<(u32, u32)>>,
    alive: Rc<()>,
    unknown: Cell<u32>,
}

/// Sends letters, and is cancelled, or loses races, now and then.
#[trio::task]
async fn writes(from: u32, sender: Sender<Letter>, post: &Post, mut random: Random) {
    for number in 0..40 {
        sleep(random.millis(4)).await;
        let letter = Letter { from, number, _alive: Rc::clone(&post.alive) };
        let patience = random.millis(4);
        if random.below(3) > 0 {
            let sending = async { sender.send(letter).await };
            let outcome = match random.below(2) {
                0 => trio::move_on_after(patience, sending).await,
                _ => Some(sending.await),
            };
            let known = match outcome {
                Some(Ok(())) => &post.sent,
                // What was unwound has not sent.
                None | Some(Err(_)) => &post.not_sent,
            };
            known.borrow_mut().insert((from, number));
        } else if let Either::Left((outcome, _)) =
            select(pin!(sender.send(letter)), pin!(sleep(patience))).await
        {
            let known = if outcome.is_ok() { &post.sent } else { &post.not_sent };
            known.borrow_mut().insert((from, number));
        } else {
            post.unknown.set(post.unknown.get() + 1);
        }
    }
}

/// Receives letters in the same way, and looks at their order.
#[trio::task]
async fn reads(receiver: Receiver<Letter>, post: &Post, mut random: Random) {
    let mut last = [None; 8];
    loop {
        sleep(random.millis(4)).await;
        let patience = random.millis(6);
        let received = match random.below(3) {
            0 => Some(receiver.receive().await),
            1 => trio::move_on_after(patience, async { receiver.receive().await }).await,
            _ => match select(pin!(receiver.receive()), pin!(sleep(patience))).await {
                Either::Left((received, _)) => Some(received),
                Either::Right(_) => None,
            },
        };
        match received {
            None => {}
            Some(Err(_)) => break,
            Some(Ok(letter)) => {
                let last = &mut last[letter.from as usize];
                assert!(last.is_none_or(|last| last < letter.number), "{letter:?} after {last:?}");
                *last = Some(letter.number);
                let new = post.received.borrow_mut().insert((letter.from, letter.number));
                assert!(new, "{letter:?} twice");
            }
        }
    }
}

#[trio::task]
async fn correspondence(seed: u64, capacity: usize) -> u32 {
    let post = Post::default();
    let (sender, receiver) = channel(capacity);
    nursery!(|n| {
        for from in 0..4 {
            let random = Random(seed * 16 + u64::from(from) + 1);
            n.spawn(writes, from, sender.clone(), &post, random);
        }
        for number in 0..3 {
            n.spawn(reads, receiver.clone(), &post, Random(seed * 16 + number + 8));
        }
        drop((sender, receiver));
    })
    .expect("nothing fails");
    let Post { sent, not_sent, received, alive, unknown } = post;
    let (sent, not_sent) = (sent.into_inner(), not_sent.into_inner());
    let received = received.into_inner();
    assert!(received.is_superset(&sent), "lost: {:?}", sent.difference(&received));
    assert!(received.is_disjoint(&not_sent), "sent after all");
    assert_eq!(sent.len() + not_sent.len() + unknown.get() as usize, 4 * 40);
    assert!(sent.len() > 40, "too little has happened");
    assert_eq!(Rc::strong_count(&alive), 1, "a letter is left");
    unknown.get()
}

#[test]
fn nothing_is_lost_nor_there_twice_and_order_is_kept() {
    for capacity in [0, 1, 4] {
        let unknown = (0..60).map(|seed| {
            trio::Builder::new()
                .clock(trio::testing::MockClock::autojump())
                .scheduler_seed(seed)
                .run(|| correspondence(seed, capacity))
        });
        assert!(unknown.sum::<u32>() > 60, "too little has happened");
    }
}

/// Boxed, so that many of different kinds can be kept.
type Boxed<'a> = LocalBoxFuture<'a, Option<u32>>;

#[trio::test(allow(unawaited_drop))]
async fn of_a_heap_of_dropped_receives_every_value_comes_back_once() -> trio::Result<()> {
    for seed in 1..50 {
        let mut random = Random(seed);
        let (sender, receiver) = channel(3);
        let mut next = 0;
        let mut heap: Vec<Boxed<'_>> = Vec::new();
        let mut received = Vec::new();
        for _ in 0..200 {
            match random.below(6) {
                0 | 1 if sender.try_send(next).is_ok() => next += 1,
                2 => {
                    let mut receiving: Boxed<'_> = Box::pin(receiver.receive().map(Result::ok));
                    match receiving.as_mut().now_or_never() {
                        Some(value) => received.extend(value),
                        None => heap.push(receiving),
                    }
                }
                3 if !heap.is_empty() => {
                    drop(heap.swap_remove(random.below(heap.len() as u64) as usize));
                }
                4 => received.extend(receiver.try_receive().ok()),
                _ => {}
            }
        }
        drop(heap);
        while let Ok(value) = receiver.try_receive() {
            received.push(value);
        }
        let mut sorted = received.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..next));
    }
    checkpoint().await;
    Ok(())
}
