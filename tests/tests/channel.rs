//! Channels between tasks: `channel` and `unbounded`.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;

use futures::{FutureExt, StreamExt};
use tests::faults::{CountsDrop, OnDrop};
use trio::channel::{
    ReceiveError, Receiver, SendError, Sender, TryReceiveError, TrySendError, channel, unbounded,
};
use trio::lowlevel::checkpoint;
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{
    BrokenResourceError, CancelScope, ClosedResourceError, EndOfChannel, WouldBlock, is_error,
    nursery,
};

/// What came of it, as a value: an error of the child would be one of the nursery.
#[trio::task]
async fn outcome_of_send(sender: &Sender<u32>, value: u32) -> Option<Result<(), SendError<u32>>> {
    Some(sender.send(value).await)
}

#[trio::task]
async fn outcome_of_receive(receiver: &Receiver<u32>) -> Option<Result<u32, ReceiveError>> {
    Some(receiver.receive().await)
}

// N119
#[trio::test]
async fn a_receiver_drains_the_buffer_and_then_learns_of_the_end() -> trio::Result<()> {
    let (sender, receiver) = channel(3);
    for number in 1..=3 {
        sender.send(number).await?;
    }
    assert_eq!(sender.try_send(4), Err(TrySendError::WouldBlock(4)));
    sender.close();
    // Twice is as once.
    sender.close();
    assert!(sender.is_closed());
    assert_eq!(sender.try_send(5), Err(TrySendError::Closed(5)));
    assert_eq!(sender.send(5).await, Err(SendError::Closed(5)));

    assert_eq!(receiver.receive().await, Ok(1));
    assert_eq!(receiver.try_receive(), Ok(2));
    assert_eq!(receiver.receive().await, Ok(3));
    for _ in 0..2 {
        assert_eq!(receiver.receive().await, Err(ReceiveError::EndOfChannel));
        assert_eq!(receiver.try_receive(), Err(TryReceiveError::EndOfChannel));
    }
    receiver.close();
    receiver.close();
    assert!(receiver.is_closed());
    assert_eq!(receiver.receive().await, Err(ReceiveError::Closed));
    assert_eq!(receiver.try_receive(), Err(TryReceiveError::Closed));
    Ok(())
}

// N119
#[trio::test]
async fn a_receiver_that_waits_learns_of_the_end() -> trio::Result<()> {
    let (sender, receiver) = channel::<u32>(1);
    nursery!(|n| {
        for _ in 0..3 {
            n.spawn(async {
                assert_eq!(receiver.receive().await, Err(ReceiveError::EndOfChannel));
            });
        }
        wait_all_tasks_blocked().await;
        drop(sender);
    })?;
    Ok(())
}

// N119
#[trio::test]
async fn values_need_not_be_static_nor_send() -> trio::Result<()> {
    let text = RefCell::new(String::new());
    nursery!(|n| {
        let (sender, receiver) = channel::<&RefCell<String>>(0);
        n.spawn(async move {
            while let Ok(text) = receiver.receive().await {
                text.borrow_mut().push('x');
            }
        });
        for _ in 0..3 {
            sender.send(&text).await?;
        }
    })?;
    assert_eq!(*text.borrow(), "xxx");
    Ok(())
}

// N120
#[trio::test]
async fn what_is_sent_after_a_receive_was_cancelled_is_not_lost_in_it() -> trio::Result<()> {
    let (sender, receiver) = channel(1);
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async { scope.run(async { receiver.receive().await }).await.is_none() });
        wait_all_tasks_blocked().await;
        scope.cancel();
        wait_all_tasks_blocked().await;
        assert_eq!(receiver.statistics().tasks_waiting_receive, 0);
        sender.try_send(1)?;
    })?;
    assert!(scope.cancelled_caught());
    assert_eq!(receiver.try_receive(), Ok(1));
    Ok(())
}

// N120
#[trio::test]
async fn what_is_sent_before_the_cancellation_is_delivered_is_received() -> trio::Result<()> {
    let (sender, receiver) = channel(1);
    let scope = CancelScope::new();
    nursery!(|n| {
        let got = n.spawn(async { scope.run(async { receiver.receive().await }).await });
        wait_all_tasks_blocked().await;
        scope.cancel();
        sender.try_send(1)?;
        got.wait().await;
        assert_eq!(got.take(), Some(Some(Ok(1))));
    })?;
    Ok(())
}

// N120
#[trio::test]
async fn a_cancelled_send_has_not_sent_and_drops_its_value() -> trio::Result<()> {
    let (dropped, scope) = (Cell::new(0), CancelScope::new());
    let (sender, receiver) = channel(0);
    nursery!(|n| {
        n.spawn(async {
            scope.run(async { sender.send(CountsDrop(&dropped)).await.is_ok() }).await
        });
        wait_all_tasks_blocked().await;
        assert_eq!(dropped.get(), 0);
        scope.cancel();
        wait_all_tasks_blocked().await;
        assert_eq!(dropped.get(), 1);
        assert_eq!(sender.statistics().tasks_waiting_send, 0);
    })?;
    assert!(matches!(receiver.try_receive(), Err(TryReceiveError::WouldBlock)));
    Ok(())
}

#[trio::test]
async fn in_a_cancelled_scope_nothing_is_sent_or_received() -> trio::Result<()> {
    let (sender, receiver) = channel(2);
    sender.send(1).await?;
    let scope = CancelScope::new();
    scope.cancel();
    assert_eq!(scope.run(async { sender.send(2).await }).await, None);
    let scope = CancelScope::new();
    scope.cancel();
    assert_eq!(scope.run(async { receiver.receive().await }).await, None);
    assert_eq!(receiver.statistics().current_buffer_used, 1);
    Ok(())
}

#[trio::task]
async fn produce(sender: Sender<(u32, u32)>, number: u32, count: u32) -> trio::Result<()> {
    for value in 0..count {
        sender.send((number, value)).await?;
    }
    Ok(())
}

#[trio::task]
async fn consume(receiver: Receiver<(u32, u32)>, seen: &RefCell<Vec<(u32, u32)>>) {
    while let Ok(value) = receiver.receive().await {
        seen.borrow_mut().push(value);
    }
}

#[trio::task]
async fn many_to_many(producers: u32, consumers: u32, capacity: usize) -> trio::Result<()> {
    let seen = RefCell::new(Vec::new());
    let (sender, receiver) = channel(capacity);
    nursery!(|n| {
        for number in 0..producers {
            n.spawn(produce, sender.clone(), number, 30);
        }
        for _ in 0..consumers {
            n.spawn(consume, receiver.clone(), &seen);
        }
        // The handles of this task would keep the channel open.
        drop((sender, receiver));
    })?;
    let mut seen = seen.into_inner();
    for number in 0..producers {
        // Those of one producer come in order; with several consumers, too: they run in the order in
        // which they were given something.
        let own = seen.iter().filter(|(producer, _)| *producer == number);
        assert!(own.map(|(_, value)| *value).eq(0..30));
    }
    seen.sort_unstable();
    let all = (0..producers).flat_map(|number| (0..30).map(move |value| (number, value)));
    assert!(seen.into_iter().eq(all));
    Ok(())
}

// N121
#[trio::test]
async fn with_a_clone_for_each_task_the_channel_ends_when_all_are_closed() -> trio::Result<()> {
    for capacity in [0, 1, 7, usize::MAX] {
        for (producers, consumers) in [(1, 1), (1, 5), (5, 1), (4, 3)] {
            many_to_many(producers, consumers, capacity).await?;
        }
    }
    Ok(())
}

// N121
#[trio::test]
async fn clones_are_handles_of_one_channel_that_close_on_their_own() -> trio::Result<()> {
    let (sender, receiver) = channel(3);
    let (other_sender, other_receiver) = (sender.clone(), receiver.clone());
    sender.send(1).await?;
    other_sender.send(2).await?;
    assert_eq!(other_receiver.receive().await, Ok(1));
    sender.close();
    other_sender.send(3).await?;
    receiver.close();
    assert_eq!(other_receiver.receive().await, Ok(2));
    assert_eq!(receiver.receive().await, Err(ReceiveError::Closed));
    drop(other_sender);
    assert_eq!(other_receiver.receive().await, Ok(3));
    assert_eq!(other_receiver.receive().await, Err(ReceiveError::EndOfChannel));
    Ok(())
}

// N121
#[trio::test]
async fn a_clone_of_a_closed_handle_is_closed() {
    let (sender, receiver) = channel::<u32>(3);
    sender.close();
    receiver.close();
    assert!(sender.clone().is_closed() && receiver.clone().is_closed());
    let statistics = sender.statistics();
    assert_eq!((statistics.open_senders, statistics.open_receivers), (0, 0));
    assert_eq!(sender.clone().send(1).await, Err(SendError::Closed(1)));
}

// N122
#[trio::test]
async fn a_sender_that_waits_is_told_that_its_handle_was_closed() -> trio::Result<()> {
    let (sender, _receiver) = channel(0);
    nursery!(|n| {
        let sending = n.spawn(outcome_of_send, &sender, 7);
        wait_all_tasks_blocked().await;
        sender.close();
        sending.wait().await;
        assert_eq!(sending.take().flatten(), Some(Err(SendError::Closed(7))));
    })?;
    // For good.
    assert_eq!(sender.send(8).await, Err(SendError::Closed(8)));
    assert_eq!(sender.try_send(9), Err(TrySendError::Closed(9)));
    Ok(())
}

// N122
#[trio::test]
async fn a_sender_that_waits_is_told_that_nobody_will_receive() -> trio::Result<()> {
    let (sender, receiver) = channel(0);
    nursery!(|n| {
        let sending = n.spawn(outcome_of_send, &sender, 7);
        wait_all_tasks_blocked().await;
        receiver.close();
        sending.wait().await;
        assert_eq!(sending.take().flatten(), Some(Err(SendError::Broken(7))));
    })?;
    assert_eq!(sender.send(8).await, Err(SendError::Broken(8)));
    assert_eq!(sender.try_send(9), Err(TrySendError::Broken(9)));
    Ok(())
}

// N122
#[trio::test]
async fn a_receiver_that_waits_is_told_that_its_handle_was_closed() -> trio::Result<()> {
    let (_sender, receiver) = channel::<u32>(0);
    nursery!(|n| {
        let receiving = n.spawn(outcome_of_receive, &receiver);
        wait_all_tasks_blocked().await;
        receiver.close();
        receiving.wait().await;
        assert_eq!(receiving.take().flatten(), Some(Err(ReceiveError::Closed)));
    })?;
    assert_eq!(receiver.receive().await, Err(ReceiveError::Closed));
    assert_eq!(receiver.try_receive(), Err(TryReceiveError::Closed));
    Ok(())
}

// N122
#[trio::test]
async fn when_the_last_receiver_is_closed_the_buffer_is_dropped() -> trio::Result<()> {
    let dropped = Cell::new(0);
    let (sender, receiver) = channel(5);
    let other = receiver.clone();
    for _ in 0..3 {
        sender.try_send(CountsDrop(&dropped))?;
    }
    receiver.close();
    assert_eq!(dropped.get(), 0);
    drop(other);
    assert_eq!(dropped.get(), 3);
    let statistics = sender.statistics();
    assert_eq!((statistics.current_buffer_used, statistics.peak_buffer_used), (0, 3));
    checkpoint().await;
    Ok(())
}

#[trio::test]
async fn a_channel_that_is_sent_into_itself_is_dropped_with_its_receivers() {
    #[allow(dead_code)]
    struct Letter(Sender<Letter>, Rc<()>);
    let mark = Rc::new(());
    let (sender, receiver) = unbounded();
    sender.try_send(Letter(sender.clone(), Rc::clone(&mark))).unwrap();
    drop(receiver);
    assert_eq!(Rc::strong_count(&mark), 1);
    assert_eq!(sender.statistics().open_senders, 1);
    checkpoint().await;
}

// N123
#[trio::test]
async fn closing_a_sender_lets_only_those_go_that_wait_on_it() -> trio::Result<()> {
    let (one, receiver) = channel(0);
    let other = one.clone();
    nursery!(|n| {
        let mut handles = Vec::new();
        for number in 0..6 {
            let sender = if number % 2 == 0 { &one } else { &other };
            handles.push(n.spawn(outcome_of_send, sender, number));
            wait_all_tasks_blocked().await;
        }
        one.close();
        assert_eq!(receiver.statistics().tasks_waiting_send, 3);
        wait_all_tasks_blocked().await;
        for number in [1, 3, 5] {
            assert_eq!(receiver.try_receive(), Ok(number));
        }
        wait_all_tasks_blocked().await;
        let results: Vec<_> = handles.iter().map(|handle| handle.take().flatten()).collect();
        let closed = |number| Some(Err(SendError::Closed(number)));
        let sent = Some(Ok(()));
        assert_eq!(results, [closed(0), sent, closed(2), sent, closed(4), sent]);
    })?;
    Ok(())
}

// N123
#[trio::test]
async fn closing_a_receiver_lets_only_those_go_that_wait_on_it() -> trio::Result<()> {
    let (sender, one) = channel(0);
    let other = one.clone();
    nursery!(|n| {
        let mut handles = Vec::new();
        for number in 0..6 {
            let receiver = if number % 2 == 0 { &one } else { &other };
            handles.push(n.spawn(outcome_of_receive, receiver));
            wait_all_tasks_blocked().await;
        }
        one.close();
        assert_eq!(sender.statistics().tasks_waiting_receive, 3);
        wait_all_tasks_blocked().await;
        for number in 0..3 {
            sender.try_send(number)?;
        }
        wait_all_tasks_blocked().await;
        let results: Vec<_> = handles.iter().map(|handle| handle.take().flatten()).collect();
        let closed = Some(Err(ReceiveError::Closed));
        assert_eq!(results, [closed, Some(Ok(0)), closed, Some(Ok(1)), closed, Some(Ok(2))]);
    })?;
    Ok(())
}

// N124
#[trio::test]
async fn one_may_take_back_what_one_has_just_sent_if_nobody_waits() -> trio::Result<()> {
    let (sender, receiver) = channel(1);
    for number in 0..3 {
        sender.send(number).await?;
        assert_eq!(receiver.receive().await, Ok(number));
    }
    Ok(())
}

// N124
#[trio::test]
async fn the_next_value_belongs_to_the_receiver_that_waits() -> trio::Result<()> {
    let (sender, receiver) = channel(1);
    nursery!(|n| {
        let waiting = n.spawn(outcome_of_receive, &receiver);
        wait_all_tasks_blocked().await;
        sender.try_send(2)?;
        // Although this task runs first.
        assert_eq!(receiver.try_receive(), Err(TryReceiveError::WouldBlock));
        // And the buffer is free.
        sender.try_send(3)?;
        assert_eq!(receiver.try_receive(), Ok(3));
        waiting.wait().await;
        assert_eq!(waiting.take().flatten(), Some(Ok(2)));
    })?;
    Ok(())
}

// N124
#[trio::test]
async fn the_next_room_belongs_to_the_sender_that_waits() -> trio::Result<()> {
    let (sender, receiver) = channel(1);
    sender.try_send(1)?;
    assert_eq!(sender.try_send(0), Err(TrySendError::WouldBlock(0)));
    nursery!(|n| {
        n.spawn(async { sender.send(2).await });
        wait_all_tasks_blocked().await;
        assert_eq!(receiver.try_receive(), Ok(1));
        assert_eq!(sender.try_send(3), Err(TrySendError::WouldBlock(3)));
        // It is there already, though the sender has not run since.
        assert_eq!(receiver.statistics().current_buffer_used, 1);
        assert_eq!(receiver.try_receive(), Ok(2));
        assert_eq!(receiver.try_receive(), Err(TryReceiveError::WouldBlock));
    })?;
    Ok(())
}

/// Whoever came first is served first.
#[trio::task]
async fn in_order_of_coming() {
    let (sender, receiver) = channel(1);
    let got = RefCell::new(Vec::new());
    nursery!(|n| {
        for number in 0..5 {
            n.spawn(receive_as, &receiver, number, &got);
            // One at a time, so that the order is known.
            wait_all_tasks_blocked().await;
        }
        for value in 0..5 {
            sender.try_send(value).unwrap();
        }
    })
    .unwrap();
    let mut got = got.into_inner();
    got.sort_unstable();
    assert_eq!(got, [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)]);

    sender.try_send(0).unwrap();
    nursery!(|n| {
        for number in 1..5 {
            n.spawn(outcome_of_send, &sender, number);
            wait_all_tasks_blocked().await;
        }
        for number in 0..5 {
            assert_eq!(receiver.try_receive(), Ok(number));
        }
    })
    .unwrap();
}

#[trio::task]
async fn receive_as(receiver: &Receiver<u32>, number: u32, got: &RefCell<Vec<(u32, u32)>>) {
    let value = receiver.receive().await.unwrap();
    got.borrow_mut().push((number, value));
}

// N124
#[test]
fn both_sides_are_first_come_first_served_in_every_order_of_running() {
    for seed in 0..20 {
        trio::Builder::new().scheduler_seed(seed).run(in_order_of_coming);
    }
}

// N125
#[trio::test]
async fn without_a_buffer_trying_fails_unless_somebody_waits_on_the_other_side() -> trio::Result<()>
{
    let (sender, receiver) = channel(0);
    assert_eq!(receiver.try_receive(), Err(TryReceiveError::WouldBlock));
    assert_eq!(sender.try_send(1), Err(TrySendError::WouldBlock(1)));
    nursery!(|n| {
        n.spawn(async { sender.send(2).await });
        wait_all_tasks_blocked().await;
        assert_eq!(receiver.try_receive(), Ok(2));
        assert_eq!(receiver.try_receive(), Err(TryReceiveError::WouldBlock));
    })?;
    nursery!(|n| {
        let receiving = n.spawn(outcome_of_receive, &receiver);
        wait_all_tasks_blocked().await;
        sender.try_send(3)?;
        assert_eq!(sender.try_send(4), Err(TrySendError::WouldBlock(4)));
        receiving.wait().await;
        assert_eq!(receiving.take().flatten(), Some(Ok(3)));
    })?;
    assert_eq!(sender.statistics().peak_buffer_used, 0);
    Ok(())
}

// N125
#[trio::test]
async fn sending_and_receiving_are_checkpoints_when_they_wait() -> trio::Result<()> {
    let (sender, receiver) = channel(0);
    nursery!(|n| {
        n.spawn(async { sender.send(1).await });
        assert_eq!(assert_future_checkpoints(receiver.receive()).await, Ok(1));
    })?;
    nursery!(|n| {
        n.spawn(outcome_of_receive, &receiver);
        assert_future_checkpoints(sender.send(2)).await?;
    })?;
    Ok(())
}

// N125
#[trio::test]
async fn sending_and_receiving_are_checkpoints_when_they_succeed_or_fail_at_once()
-> trio::Result<()> {
    let (sender, receiver) = channel(1);
    assert_future_checkpoints(sender.send(1)).await?;
    assert_eq!(assert_future_checkpoints(receiver.receive()).await, Ok(1));
    let other = receiver.clone();
    other.close();
    assert_eq!(assert_future_checkpoints(other.receive()).await, Err(ReceiveError::Closed));
    let other = sender.clone();
    other.close();
    assert_eq!(assert_future_checkpoints(other.send(2)).await, Err(SendError::Closed(2)));
    sender.close();
    assert_eq!(
        assert_future_checkpoints(receiver.receive()).await,
        Err(ReceiveError::EndOfChannel)
    );
    let (sender, _) = channel(1);
    assert_eq!(assert_future_checkpoints(sender.send(3)).await, Err(SendError::Broken(3)));
    Ok(())
}

// N125
#[trio::test]
async fn an_operation_that_succeeds_at_once_lets_others_run() -> trio::Result<()> {
    let (sender, receiver) = channel(2);
    let turns = Cell::new(0);
    nursery!(|n| {
        n.spawn(async { turns.set(turns.get() + 1) });
        sender.send(1).await?;
        assert_eq!(turns.get(), 1);
        n.spawn(async { turns.set(turns.get() + 1) });
        receiver.receive().await?;
        assert_eq!(turns.get(), 2);
    })?;
    Ok(())
}

// N125
#[trio::test]
async fn an_unbounded_channel_never_makes_the_sender_wait() -> trio::Result<()> {
    let (sender, receiver) = unbounded();
    for number in 0..10_000 {
        sender.try_send(number)?;
    }
    let statistics = receiver.statistics();
    assert_eq!(statistics.max_buffer_size, None);
    assert_eq!(statistics.current_buffer_used, 10_000);
    drop(sender);
    for number in 0..10_000 {
        assert_eq!(receiver.receive().await, Ok(number));
    }
    Ok(())
}

// N125
#[trio::test]
async fn the_statistics_tell_what_is_buffered_open_and_waiting() -> trio::Result<()> {
    let (sender, receiver) = channel(2);
    let statistics = sender.statistics();
    assert_eq!(statistics, receiver.statistics());
    assert_eq!(statistics.max_buffer_size, Some(2));
    assert_eq!((statistics.current_buffer_used, statistics.peak_buffer_used), (0, 0));
    assert_eq!((statistics.open_senders, statistics.open_receivers), (1, 1));
    assert_eq!((statistics.tasks_waiting_send, statistics.tasks_waiting_receive), (0, 0));

    let clones = (sender.clone(), receiver.clone(), receiver.clone());
    sender.try_send(1)?;
    sender.try_send(2)?;
    receiver.try_receive()?;
    let statistics = sender.statistics();
    assert_eq!((statistics.current_buffer_used, statistics.peak_buffer_used), (1, 2));
    assert_eq!((statistics.open_senders, statistics.open_receivers), (2, 3));
    drop(clones);
    let statistics = sender.statistics();
    assert_eq!((statistics.open_senders, statistics.open_receivers), (1, 1));

    receiver.try_receive()?;
    nursery!(|n| {
        n.spawn(outcome_of_receive, &receiver);
        n.spawn(outcome_of_receive, &receiver);
        wait_all_tasks_blocked().await;
        assert_eq!(sender.statistics().tasks_waiting_receive, 2);
        sender.try_send(3)?;
        sender.try_send(4)?;
        // They have their turn, though they have not run.
        assert_eq!(sender.statistics().tasks_waiting_receive, 0);
        assert_eq!(sender.statistics().current_buffer_used, 0);
    })?;
    sender.try_send(5)?;
    sender.try_send(6)?;
    nursery!(|n| {
        n.spawn(outcome_of_send, &sender, 7);
        wait_all_tasks_blocked().await;
        assert_eq!(sender.statistics().tasks_waiting_send, 1);
        receiver.try_receive()?;
        assert_eq!(sender.statistics().tasks_waiting_send, 0);
    })?;
    assert_eq!(sender.statistics().peak_buffer_used, 2);
    Ok(())
}

#[trio::test]
async fn handles_show_what_they_are_for_debugging() {
    let (sender, receiver) = channel::<u32>(2);
    receiver.close();
    assert!(format!("{sender:?}").starts_with("Sender { closed: false, channel: Channel"));
    assert!(format!("{receiver:?}").contains("closed: true"));
    assert_eq!(format!("{:?}", sender.send(1).await), "Err(Broken(_))");
}

/// What `?` makes of an error.
macro_rules! converted {
    ($error:expr) => {
        (|| -> trio::Result<()> { Err($error)? })().unwrap_err()
    };
}

#[trio::test]
async fn with_a_question_mark_the_errors_become_those_of_the_crate() {
    /// Neither `Send` nor `'static`, as values may be.
    type Value<'a> = &'a Cell<u32>;
    let cell = Cell::new(1);
    let value: Value<'_> = &cell;
    let closed = SendError::Closed(value);
    assert!(converted!(closed).is::<ClosedResourceError>());
    let broken = converted!(SendError::Broken(value));
    assert!(broken.is::<BrokenResourceError>());
    assert!(broken.to_string().ends_with("every receiver of the channel is closed"), "{broken}");
    assert!(converted!(TrySendError::WouldBlock(value)).is::<WouldBlock>());
    let closed = TrySendError::from(closed);
    assert!(converted!(closed).is::<ClosedResourceError>());
    assert_eq!(closed.into_value().get(), 1);

    let end = converted!(ReceiveError::EndOfChannel);
    assert!(is_error::<EndOfChannel>(&*end));
    assert_eq!(end.to_string(), "nothing was received: the channel has ended");
    let end = converted!(TryReceiveError::EndOfChannel);
    assert!(is_error::<EndOfChannel>(&*end));
    assert!(is_error::<ClosedResourceError>(&ReceiveError::Closed));
    assert!(is_error::<WouldBlock>(&TryReceiveError::WouldBlock));
    checkpoint().await;
}

#[trio::test]
async fn an_error_of_a_child_is_found_in_the_group() {
    let (sender, receiver) = channel(0);
    receiver.close();
    let group = nursery!(|n| {
        n.spawn(Sender::send, &sender, 1);
        n.spawn(trio::sleep_forever);
    })
    .unwrap_err();
    assert!(group.find::<BrokenResourceError>().is_some());
}

// What is dropped may use the channel it was in.

#[trio::test]
async fn values_that_use_the_channel_when_they_are_dropped_do_no_harm() {
    type Value = OnDrop<Box<dyn FnMut()>>;
    let (sender, receiver) = channel::<Value>(2);
    let dropped = Rc::new(Cell::new(0));
    for _ in 0..2 {
        let (own, dropped) = (sender.clone(), Rc::clone(&dropped));
        let value: Box<dyn FnMut()> = Box::new(move || {
            assert_eq!(own.statistics().current_buffer_used, 0);
            let refused = own.try_send(OnDrop(Box::new(|| {})));
            assert!(matches!(refused, Err(TrySendError::Broken(_))));
            dropped.set(dropped.get() + 1);
        });
        sender.try_send(OnDrop(value)).unwrap();
    }
    drop(receiver);
    assert_eq!(dropped.get(), 2);
    checkpoint().await;
}

// The feature `futures`.

#[trio::test]
async fn a_receiver_is_a_stream_for_those_who_want_one() -> trio::Result<()> {
    let (sender, receiver) = channel(2);
    let got = Cell::new(Vec::new());
    nursery!(|n| {
        n.spawn(async {
            got.set(receiver.stream().map(|number| number * 2).collect().await);
        });
        for number in 0..10 {
            sender.send(number).await?;
        }
        drop(sender);
    })?;
    assert_eq!(got.into_inner(), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
    Ok(())
}

#[trio::test]
async fn a_value_that_a_stream_was_given_unpolled_is_its_next_or_goes_to_others() -> trio::Result<()>
{
    let (sender, receiver) = channel(2);
    let mut stream = receiver.stream();
    assert!(stream.next().now_or_never().is_none());
    for number in 1..=2 {
        sender.try_send(number)?;
    }
    assert_eq!(stream.next().await, Some(1));
    assert_eq!(stream.next().now_or_never(), Some(Some(2)));
    assert!(stream.next().now_or_never().is_none());
    sender.try_send(3)?;
    assert_eq!(receiver.try_receive(), Err(TryReceiveError::WouldBlock));
    drop(stream);
    assert_eq!(receiver.receive().await, Ok(3));
    Ok(())
}

#[trio::test]
async fn a_stream_ends_and_stays_so() {
    let (sender, receiver) = channel::<u32>(2);
    drop(sender);
    let mut stream = pin!(receiver.stream());
    for _ in 0..3 {
        assert_eq!(stream.next().await, None);
    }
}

#[test]
fn a_channel_can_be_made_and_used_outside_a_run() {
    let (sender, receiver) = channel(2);
    sender.try_send(1).unwrap();
    assert_eq!(receiver.try_receive(), Ok(1));
    drop(sender);
    assert_eq!(receiver.try_receive(), Err(TryReceiveError::EndOfChannel));
}

#[test]
#[should_panic(expected = "inside a trio task")]
fn receiving_outside_a_task_panics() {
    let (_sender, receiver) = channel::<u32>(2);
    let _ = receiver.receive().now_or_never();
}

#[trio::test]
async fn a_long_queue_is_cancelled_as_a_whole() -> trio::Result<()> {
    let (sender, receiver) = channel(0);
    nursery!(|n| {
        for number in 0..10_000 {
            n.spawn(outcome_of_send, &sender, number);
        }
        wait_all_tasks_blocked().await;
        assert_eq!(sender.statistics().tasks_waiting_send, 10_000);
        n.cancel();
    })?;
    assert_eq!(sender.statistics().tasks_waiting_send, 0);
    assert_eq!(receiver.try_receive(), Err(TryReceiveError::WouldBlock));
    Ok(())
}
