//! Broadcast channels: every receiver sees every value, unless it lags.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::FutureExt;
use tests::panics::panic_text;
use trio::channel::{
    BroadcastError, BroadcastReceiver, BroadcastSender, SendError, TryBroadcastError, broadcast,
};
use trio::lowlevel::checkpoint;
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{CancelScope, ClosedResourceError, EndOfChannel, WouldBlock, is_error, nursery};

const END: Option<Result<u32, BroadcastError>> = Some(Err(BroadcastError::EndOfChannel));

/// What came of it, as a value: an error of the child would be one of the nursery.
#[trio::task]
async fn outcome_of_receive(
    receiver: &BroadcastReceiver<u32>,
) -> Option<Result<u32, BroadcastError>> {
    Some(receiver.receive().await)
}

#[trio::task]
async fn collect(receiver: BroadcastReceiver<u32>) -> Vec<u32> {
    let mut seen = Vec::new();
    while let Ok(value) = receiver.receive().await {
        seen.push(value);
    }
    seen
}

#[trio::test]
async fn every_receiver_gets_every_value_in_order() -> trio::Result<()> {
    let (sender, receiver) = broadcast(4);
    nursery!(|n| {
        let mut handles = Vec::new();
        for _ in 0..3 {
            handles.push(n.spawn(collect, receiver.clone()));
        }
        drop(receiver);
        for value in 0..20 {
            assert_eq!(sender.send(value), Ok(3));
            checkpoint().await;
        }
        drop(sender);
        for handle in handles {
            handle.wait().await;
            assert!(handle.take().unwrap().into_iter().eq(0..20));
        }
    })?;
    Ok(())
}

#[trio::test]
async fn a_receiver_begins_with_what_is_sent_after_it_has_subscribed() -> trio::Result<()> {
    let (sender, early) = broadcast(4);
    sender.send(1)?;
    let late = sender.subscribe();
    sender.send(2)?;
    assert_eq!(early.receive().await, Ok(1));
    assert_eq!(early.receive().await, Ok(2));
    assert_eq!(late.receive().await, Ok(2));
    assert_eq!(late.try_receive(), Err(TryBroadcastError::WouldBlock));
    Ok(())
}

#[trio::test]
async fn a_clone_receives_what_the_receiver_would() -> trio::Result<()> {
    let (sender, one) = broadcast(4);
    sender.send(1)?;
    sender.send(2)?;
    assert_eq!(one.receive().await, Ok(1));
    let other = one.clone();
    assert_eq!((one.len(), other.len()), (1, 1));
    assert_eq!(one.receive().await, Ok(2));
    assert_eq!(other.receive().await, Ok(2));
    assert!(other.is_empty());
    Ok(())
}

#[trio::test]
async fn one_that_lags_is_told_once_how_many_it_has_missed_and_goes_on_with_the_oldest_kept()
-> trio::Result<()> {
    let (sender, slow) = broadcast(3);
    let quick = sender.subscribe();
    for value in 0..10 {
        sender.send(value)?;
        assert_eq!(quick.receive().await, Ok(value));
    }
    assert_eq!(slow.len(), 3);
    assert_eq!(slow.receive().await, Err(BroadcastError::Lagged(7)));
    assert_eq!(slow.receive().await, Ok(7));
    // Not by more than is kept: nothing is missed.
    sender.send(10)?;
    assert_eq!(slow.receive().await, Ok(8));
    for value in 11..15 {
        sender.send(value)?;
    }
    assert_eq!(slow.try_receive(), Err(TryBroadcastError::Lagged(3)));
    for value in 12..15 {
        assert_eq!(slow.receive().await, Ok(value));
    }
    assert_eq!(slow.try_receive(), Err(TryBroadcastError::WouldBlock));
    Ok(())
}

#[trio::test]
async fn what_is_missed_is_told_before_the_end() {
    let (sender, receiver) = broadcast(1);
    for value in 0..3 {
        sender.send(value).unwrap();
    }
    drop(sender);
    assert_eq!(receiver.receive().await, Err(BroadcastError::Lagged(2)));
    assert_eq!(receiver.receive().await, Ok(2));
    for _ in 0..2 {
        assert_eq!(receiver.receive().await, Err(BroadcastError::EndOfChannel));
        assert_eq!(receiver.try_receive(), Err(TryBroadcastError::EndOfChannel));
    }
}

#[trio::test]
async fn the_channel_ends_when_every_sender_is_closed() -> trio::Result<()> {
    let (sender, receiver) = broadcast::<u32>(2);
    let other = sender.clone();
    nursery!(|n| {
        let waiting = n.spawn(outcome_of_receive, &receiver);
        wait_all_tasks_blocked().await;
        sender.close();
        sender.close();
        wait_all_tasks_blocked().await;
        assert!(!waiting.is_finished());
        drop(other);
        waiting.wait().await;
        assert_eq!(waiting.take(), Some(END));
    })?;
    Ok(())
}

#[trio::test]
async fn closing_a_receiver_lets_only_those_go_that_wait_on_it() -> trio::Result<()> {
    let (sender, one) = broadcast(2);
    let other = one.clone();
    nursery!(|n| {
        let on_one = n.spawn(outcome_of_receive, &one);
        let on_other = n.spawn(outcome_of_receive, &other);
        wait_all_tasks_blocked().await;
        one.close();
        one.close();
        assert_eq!(sender.statistics().tasks_waiting_receive, 1);
        on_one.wait().await;
        assert_eq!(on_one.take(), Some(Some(Err(BroadcastError::Closed))));
        assert_eq!(sender.send(1), Ok(1));
        on_other.wait().await;
        assert_eq!(on_other.take(), Some(Some(Ok(1))));
    })?;
    assert!(one.is_closed() && one.clone().is_closed() && !other.is_closed());
    assert_eq!(one.receive().await, Err(BroadcastError::Closed));
    assert_eq!(one.try_receive(), Err(TryBroadcastError::Closed));
    Ok(())
}

#[trio::test]
async fn a_closed_sender_gives_the_value_back() {
    let (sender, receiver) = broadcast(2);
    let other = sender.clone();
    sender.close();
    assert!(sender.is_closed() && sender.clone().is_closed());
    assert_eq!(sender.send(1), Err(SendError::Closed(1)));
    assert_eq!(other.send(2), Ok(1));
    assert_eq!(receiver.receive().await, Ok(2));
    // It still knows its channel.
    let late = sender.subscribe();
    assert_eq!(other.send(3), Ok(2));
    assert_eq!(late.receive().await, Ok(3));
}

#[trio::test]
async fn without_a_receiver_what_is_sent_is_dropped_and_there_can_be_one_again() {
    let (sender, receiver) = broadcast(2);
    sender.send(1).unwrap();
    drop(receiver);
    assert_eq!(sender.statistics().current_buffer_used, 0);
    assert_eq!(sender.send(2), Ok(0));
    let receiver = sender.subscribe();
    assert_eq!(sender.send(3), Ok(1));
    assert_eq!(receiver.receive().await, Ok(3));
}

#[trio::test]
async fn a_value_is_kept_as_long_as_somebody_needs_it_and_the_last_one_gets_it_uncloned() {
    #[derive(Debug)]
    struct Counted(Rc<Cell<u32>>, Rc<()>);
    impl Clone for Counted {
        fn clone(&self) -> Counted {
            self.0.set(self.0.get() + 1);
            Counted(Rc::clone(&self.0), Rc::clone(&self.1))
        }
    }
    let (clones, alive) = (Rc::new(Cell::new(0)), Rc::new(()));
    let (sender, one) = broadcast(3);
    let (two, three) = (one.clone(), one.clone());
    for _ in 0..2 {
        sender.send(Counted(Rc::clone(&clones), Rc::clone(&alive))).unwrap();
    }
    one.receive().await.unwrap();
    two.receive().await.unwrap();
    assert_eq!((clones.get(), Rc::strong_count(&alive)), (2, 3));
    three.receive().await.unwrap();
    assert_eq!((clones.get(), Rc::strong_count(&alive)), (2, 2));
    // Those who close need nothing any more.
    drop((one, two));
    assert_eq!(sender.statistics().current_buffer_used, 1);
    three.receive().await.unwrap();
    assert_eq!((clones.get(), Rc::strong_count(&alive)), (2, 1));
    assert_eq!(sender.statistics().current_buffer_used, 0);
}

#[trio::test]
async fn one_that_lags_and_closes_leaves_the_others_what_is_theirs() {
    let (sender, lags) = broadcast(2);
    let other = lags.clone();
    sender.send(0).unwrap();
    assert_eq!(other.receive().await, Ok(0));
    for value in 1..4 {
        sender.send(value).unwrap();
    }
    let clone = lags.clone();
    drop(lags);
    assert_eq!(other.receive().await, Err(BroadcastError::Lagged(1)));
    assert_eq!(other.receive().await, Ok(2));
    assert_eq!(clone.receive().await, Err(BroadcastError::Lagged(2)));
    drop(clone);
    assert_eq!(sender.statistics().current_buffer_used, 1);
    assert_eq!(other.receive().await, Ok(3));
    assert_eq!(sender.statistics().current_buffer_used, 0);
}

#[trio::test]
async fn tasks_that_share_a_receiver_share_its_values() -> trio::Result<()> {
    let (sender, receiver) = broadcast(8);
    let seen = RefCell::new(Vec::new());
    nursery!(|n| {
        for _ in 0..3 {
            n.spawn(async {
                while let Ok(value) = receiver.receive().await {
                    seen.borrow_mut().push(value);
                }
            });
        }
        for value in 0..9 {
            sender.send(value)?;
            checkpoint().await;
        }
        drop(sender);
    })?;
    let mut seen = seen.into_inner();
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..9));
    Ok(())
}

#[trio::test]
async fn receiving_is_a_checkpoint_also_when_it_succeeds_or_fails_at_once() -> trio::Result<()> {
    let (sender, receiver) = broadcast(1);
    sender.send(1)?;
    assert_eq!(assert_future_checkpoints(receiver.receive()).await, Ok(1));
    sender.send(2)?;
    sender.send(3)?;
    let lagged = Err(BroadcastError::Lagged(1));
    assert_eq!(assert_future_checkpoints(receiver.receive()).await, lagged);
    receiver.receive().await?;
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            sender.send(4)
        });
        assert_eq!(assert_future_checkpoints(receiver.receive()).await, Ok(4));
    })?;
    sender.close();
    let end = Err(BroadcastError::EndOfChannel);
    assert_eq!(assert_future_checkpoints(receiver.receive()).await, end);
    receiver.close();
    let closed = Err(BroadcastError::Closed);
    assert_eq!(assert_future_checkpoints(receiver.receive()).await, closed);
    Ok(())
}

#[trio::test]
async fn what_is_cancelled_has_received_nothing() -> trio::Result<()> {
    let (sender, receiver) = broadcast(4);
    sender.send(1)?;
    let scope = CancelScope::new();
    scope.cancel();
    assert_eq!(scope.run(async { receiver.receive().await }).await, None);
    assert_eq!(receiver.receive().await, Ok(1));
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async { scope.run(async { receiver.receive().await }).await.is_some() });
        wait_all_tasks_blocked().await;
        scope.cancel();
        wait_all_tasks_blocked().await;
        sender.send(2)?;
    })?;
    assert!(scope.cancelled_caught());
    assert_eq!(receiver.receive().await, Ok(2));
    Ok(())
}

#[trio::test]
async fn what_is_dropped_before_it_is_ready_has_received_nothing() -> trio::Result<()> {
    let (sender, receiver) = broadcast(4);
    let mut woken = Box::pin(receiver.receive());
    assert!(woken.as_mut().now_or_never().is_none());
    sender.send(1)?;
    drop(woken);
    nursery!(|n| {
        // Somebody who is runnable, and to whom it gives way.
        n.spawn(checkpoint);
        let mut gives_way = Box::pin(receiver.receive());
        assert!(gives_way.as_mut().now_or_never().is_none());
        drop(gives_way);
        assert_eq!(receiver.receive().await, Ok(1));
    })?;
    Ok(())
}

#[trio::test]
async fn a_receive_that_was_unwound_and_is_polled_again_begins_anew() -> trio::Result<()> {
    let (sender, receiver) = broadcast(4);
    let mut receiving = Box::pin(receiver.receive());
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async { scope.run(async { (&mut receiving).await }).await.is_some() });
        wait_all_tasks_blocked().await;
        scope.cancel();
    })?;
    sender.send(1)?;
    assert_eq!(receiving.await, Ok(1));
    Ok(())
}

#[trio::test]
async fn the_statistics_tell_what_is_kept_open_and_waiting() -> trio::Result<()> {
    let (sender, receiver) = broadcast(2);
    let clones = (sender.clone(), receiver.clone());
    for value in 0..3 {
        sender.send(value)?;
    }
    let statistics = receiver.statistics();
    assert_eq!(statistics, sender.statistics());
    assert_eq!((statistics.current_buffer_used, statistics.max_buffer_size), (2, 2));
    assert_eq!((statistics.open_senders, statistics.open_receivers), (2, 2));
    assert_eq!((statistics.tasks_waiting_receive, statistics.values_sent), (0, 3));
    drop(clones);
    let statistics = receiver.statistics();
    assert_eq!((statistics.open_senders, statistics.open_receivers), (1, 1));
    let late = sender.subscribe();
    nursery!(|n| {
        n.spawn(outcome_of_receive, &late);
        wait_all_tasks_blocked().await;
        assert_eq!(sender.statistics().tasks_waiting_receive, 1);
        n.cancel();
    })?;
    Ok(())
}

#[trio::test]
async fn handles_and_errors_show_what_they_are() {
    let (sender, receiver) = broadcast::<u32>(2);
    receiver.close();
    assert!(format!("{sender:?}").starts_with("BroadcastSender { closed: false, channel: "));
    assert!(format!("{receiver:?}").starts_with("BroadcastReceiver { closed: true, channel: "));
    assert_eq!(BroadcastError::Lagged(1).to_string(), "this receiver has missed a value");
    assert_eq!(BroadcastError::Lagged(2).to_string(), "this receiver has missed 2 values");
    assert!(is_error::<EndOfChannel>(&BroadcastError::EndOfChannel));
    assert!(is_error::<ClosedResourceError>(&BroadcastError::Closed));
    assert!(is_error::<WouldBlock>(&TryBroadcastError::WouldBlock));
    let end = TryBroadcastError::from(BroadcastError::EndOfChannel);
    assert_eq!(end.to_string(), "nothing was received: the channel has ended");
    checkpoint().await;
}

#[test]
fn a_channel_that_would_keep_nothing_is_refused() {
    let text = panic_text(|| broadcast::<u32>(0));
    assert!(text.contains("a broadcast channel keeps at least one value"), "{text}");
}

#[test]
fn a_value_whose_clone_uses_the_channel_is_refused_in_clear_words() {
    type Place = Rc<RefCell<Option<BroadcastSender<Sends>>>>;
    struct Sends(Place);
    impl Clone for Sends {
        fn clone(&self) -> Sends {
            let sender = self.0.borrow().clone().unwrap();
            let _ = sender.send(Sends(Place::default()));
            Sends(Place::default())
        }
    }
    let (sender, one) = broadcast(2);
    let two = one.clone();
    sender.send(Sends(Rc::new(RefCell::new(Some(sender.clone()))))).ok().unwrap();
    let text = panic_text(|| one.try_receive().is_ok());
    assert!(text.contains("cloning a value must not use the channel that it is in"), "{text}");
    // It has not been received, then.
    assert_eq!((one.len(), two.len()), (1, 1));
}
