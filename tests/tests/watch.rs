//! Watch channels: the latest value, and who wants to know of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::FutureExt;
use tests::faults::OnDrop;
use tests::panics::panic_text;
use trio::channel::{ReceiveError, SendError, WatchReceiver, watch};
use trio::lowlevel::checkpoint;
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{CancelScope, nursery};

/// What came of it, as a value: an error of the child would be one of the nursery.
#[trio::task]
async fn outcome_of_changed(receiver: &WatchReceiver<u32>) -> Option<Result<(), ReceiveError>> {
    Some(receiver.changed().await)
}

#[trio::test]
async fn the_value_can_be_looked_at_at_any_time() {
    let (sender, receiver) = watch(String::from("a"));
    assert_eq!(receiver.get(), "a");
    assert_eq!(receiver.with(String::len), 1);
    sender.send(String::from("bc")).unwrap();
    assert_eq!((sender.get(), receiver.get()), (String::from("bc"), String::from("bc")));
    assert_eq!(sender.with(|value| value.len()), 2);
    checkpoint().await;
}

#[trio::test]
async fn a_receiver_waits_for_the_next_change_and_sees_the_latest_value() -> trio::Result<()> {
    let (sender, receiver) = watch(0);
    let seen = RefCell::new(Vec::new());
    nursery!(|n| {
        n.spawn(async {
            while receiver.changed().await.is_ok() {
                seen.borrow_mut().push(receiver.get());
            }
        });
        wait_all_tasks_blocked().await;
        sender.send(1)?;
        wait_all_tasks_blocked().await;
        // While it does not run: of these it sees the last.
        sender.send(2)?;
        sender.send(3)?;
        wait_all_tasks_blocked().await;
        sender.send(4)?;
        drop(sender);
    })?;
    assert_eq!(seen.into_inner(), [1, 3, 4]);
    assert_eq!(receiver.get(), 4);
    Ok(())
}

#[trio::test]
async fn a_change_that_was_not_seen_is_there_at_once() -> trio::Result<()> {
    let (sender, receiver) = watch(0);
    assert!(!receiver.has_changed());
    sender.send(1)?;
    assert!(receiver.has_changed());
    // Looking at it is not waiting for it.
    assert_eq!(receiver.get(), 1);
    receiver.changed().await?;
    assert!(!receiver.has_changed());
    assert!(receiver.changed().now_or_never().is_none());
    Ok(())
}

#[trio::test]
async fn each_receiver_knows_for_itself_what_it_has_seen() -> trio::Result<()> {
    let (sender, one) = watch(0);
    let same = one.clone();
    sender.send(1)?;
    let late = sender.subscribe();
    one.changed().await?;
    assert!(!one.has_changed() && same.has_changed() && !late.has_changed());
    assert!(same.clone().has_changed());
    same.changed().await?;
    Ok(())
}

#[trio::test]
async fn every_task_that_waits_learns_of_a_change_also_on_a_shared_handle() -> trio::Result<()> {
    let (sender, receiver) = watch(0);
    nursery!(|n| {
        let mut handles = Vec::new();
        for _ in 0..3 {
            handles.push(n.spawn(outcome_of_changed, &receiver));
        }
        wait_all_tasks_blocked().await;
        assert_eq!(sender.statistics().tasks_waiting_receive, 3);
        sender.send(1)?;
        for handle in handles {
            handle.wait().await;
            assert_eq!(handle.take(), Some(Some(Ok(()))));
        }
    })?;
    Ok(())
}

#[trio::test]
async fn waiting_for_a_value_that_is_there_takes_no_change() -> trio::Result<()> {
    let (sender, receiver) = watch(5);
    assert_eq!(receiver.wait_for(|value| *value > 3).await, Ok(5));
    sender.send(6)?;
    assert_eq!(receiver.wait_for(|value| *value > 3).await, Ok(6));
    assert!(!receiver.has_changed());
    Ok(())
}

#[trio::test]
async fn waiting_for_a_value_passes_over_the_others() -> trio::Result<()> {
    let (sender, receiver) = watch(0);
    nursery!(|n| {
        n.spawn(async {
            assert_eq!(receiver.wait_for(|value| value % 5 == 4).await, Ok(4));
            assert!(!receiver.has_changed());
            assert_eq!(
                receiver.wait_for(|value| *value > 100).await,
                Err(ReceiveError::EndOfChannel)
            );
        });
        for value in 1..9 {
            wait_all_tasks_blocked().await;
            sender.send(value)?;
        }
        wait_all_tasks_blocked().await;
        drop(sender);
    })?;
    assert_eq!(receiver.get(), 8);
    Ok(())
}

#[trio::test]
async fn the_last_value_is_seen_before_the_end() {
    let (sender, receiver) = watch(0);
    let other = sender.clone();
    sender.send(1).unwrap();
    sender.close();
    sender.close();
    assert_eq!(receiver.changed().await, Ok(()));
    assert!(receiver.changed().now_or_never().is_none());
    drop(other);
    for _ in 0..2 {
        assert_eq!(receiver.changed().await, Err(ReceiveError::EndOfChannel));
    }
    assert_eq!(receiver.wait_for(|value| *value == 1).await, Ok(1));
    assert_eq!(receiver.get(), 1);
}

#[trio::test]
async fn one_that_waits_learns_of_the_end() -> trio::Result<()> {
    let (sender, receiver) = watch(0);
    nursery!(|n| {
        let waiting = n.spawn(outcome_of_changed, &receiver);
        wait_all_tasks_blocked().await;
        drop(sender);
        waiting.wait().await;
        assert_eq!(waiting.take(), Some(Some(Err(ReceiveError::EndOfChannel))));
    })?;
    Ok(())
}

#[trio::test]
async fn closing_a_receiver_lets_only_those_go_that_wait_on_it() -> trio::Result<()> {
    let (sender, one) = watch(0);
    let other = one.clone();
    nursery!(|n| {
        let on_one = n.spawn(outcome_of_changed, &one);
        let on_other = n.spawn(outcome_of_changed, &other);
        wait_all_tasks_blocked().await;
        one.close();
        one.close();
        on_one.wait().await;
        assert_eq!(on_one.take(), Some(Some(Err(ReceiveError::Closed))));
        assert!(!on_other.is_finished());
        sender.send(1)?;
        on_other.wait().await;
        assert_eq!(on_other.take(), Some(Some(Ok(()))));
    })?;
    assert!(one.is_closed() && one.clone().is_closed());
    assert_eq!(one.changed().await, Err(ReceiveError::Closed));
    assert_eq!(one.wait_for(|_| true).await, Err(ReceiveError::Closed));
    assert_eq!(one.get(), 1);
    Ok(())
}

#[trio::test]
async fn a_closed_sender_gives_back_what_it_was_to_send() {
    let (sender, receiver) = watch(0);
    let _other = sender.clone();
    sender.close();
    assert!(sender.is_closed() && sender.clone().is_closed());
    assert_eq!(sender.send(1), Err(SendError::Closed(1)));
    let called = Cell::new(false);
    let change = sender.send_modify(|_| called.set(true)).unwrap_err().into_value();
    assert!(sender.send_if_modified(|_| panic!("it is not called")).is_err());
    assert!(!called.get() && !receiver.has_changed());
    change(&mut 0);
    assert!(called.get());
    checkpoint().await;
}

#[trio::test]
async fn a_value_can_be_changed_in_place() -> trio::Result<()> {
    let (sender, receiver) = watch(vec![1]);
    sender.send_modify(|list| list.push(2))?;
    receiver.changed().await?;
    assert_eq!(receiver.get(), [1, 2]);
    assert!(!sender.send_if_modified(|list| list.len() > 2)?);
    assert!(!receiver.has_changed());
    assert!(sender.send_if_modified(|list| list.pop().is_some())?);
    assert!(receiver.has_changed());
    assert_eq!(receiver.get(), [1]);
    Ok(())
}

#[trio::test]
async fn a_change_that_panics_is_not_announced() {
    let (sender, receiver) = watch(0);
    let text = panic_text(|| sender.send_modify(|_| panic!("no")));
    assert_eq!(text, "no");
    assert!(!receiver.has_changed());
    sender.send(1).unwrap();
    assert!(receiver.has_changed());
    checkpoint().await;
}

#[trio::test]
async fn without_a_receiver_the_value_is_still_there_for_one_that_comes() -> trio::Result<()> {
    let (sender, receiver) = watch(0);
    drop(receiver);
    sender.send(1)?;
    let receiver = sender.subscribe();
    assert_eq!(receiver.get(), 1);
    assert!(!receiver.has_changed());
    assert!(receiver.changed().now_or_never().is_none());
    checkpoint().await;
    Ok(())
}

#[test]
fn sending_while_the_value_is_looked_at_is_refused_in_clear_words() {
    let (sender, receiver) = watch(0);
    let text = panic_text(|| receiver.with(|_| sender.send(1).is_ok()));
    assert!(text.contains("must not send into it"), "{text}");
    let text = panic_text(|| sender.send_modify(|_| assert_eq!(receiver.get(), 0)).is_ok());
    assert!(text.contains("the value is its argument"), "{text}");
    // Looking while one looks is nothing.
    assert_eq!(receiver.with(|one| one + receiver.get()), 0);
}

#[trio::test]
async fn a_value_that_is_replaced_may_use_the_channel_when_it_is_dropped() -> trio::Result<()> {
    type Value = Option<OnDrop<Box<dyn FnMut()>>>;
    let (sender, receiver) = watch::<Value>(None);
    let (inside, noticed) = (receiver.clone(), Rc::new(Cell::new(false)));
    let flag = Rc::clone(&noticed);
    sender.send(Some(OnDrop(Box::new(move || flag.set(inside.with(Option::is_none))))))?;
    sender.send(None)?;
    assert!(noticed.get());
    receiver.changed().await?;
    Ok(())
}

#[trio::test]
async fn waiting_is_a_checkpoint_also_when_it_succeeds_or_fails_at_once() -> trio::Result<()> {
    let (sender, receiver) = watch(0);
    sender.send(1)?;
    assert_future_checkpoints(receiver.changed()).await?;
    assert_eq!(assert_future_checkpoints(receiver.wait_for(|value| *value == 1)).await, Ok(1));
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            sender.send(2)
        });
        assert_future_checkpoints(receiver.changed()).await?;
    })?;
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            sender.send(3)
        });
        assert_eq!(assert_future_checkpoints(receiver.wait_for(|value| *value == 3)).await, Ok(3));
    })?;
    sender.close();
    let end = Err(ReceiveError::EndOfChannel);
    assert_eq!(assert_future_checkpoints(receiver.changed()).await, end);
    receiver.close();
    assert_eq!(assert_future_checkpoints(receiver.changed()).await, Err(ReceiveError::Closed));
    Ok(())
}

#[trio::test]
async fn what_is_cancelled_or_dropped_has_seen_nothing() -> trio::Result<()> {
    let (sender, receiver) = watch(0);
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async { scope.run(async { receiver.changed().await }).await.is_some() });
        wait_all_tasks_blocked().await;
        scope.cancel();
        wait_all_tasks_blocked().await;
        assert_eq!(sender.statistics().tasks_waiting_receive, 0);
    })?;
    let mut woken = Box::pin(receiver.changed());
    assert!(woken.as_mut().now_or_never().is_none());
    sender.send(1)?;
    drop(woken);
    assert!(receiver.has_changed());
    nursery!(|n| {
        // Somebody who is runnable, and to whom it gives way.
        n.spawn(checkpoint);
        let mut gives_way = Box::pin(receiver.changed());
        assert!(gives_way.as_mut().now_or_never().is_none());
        drop(gives_way);
        assert!(receiver.has_changed());
        receiver.changed().await?;
    })?;
    Ok(())
}

#[trio::test]
async fn a_value_that_changes_while_others_run_is_looked_at_again() -> trio::Result<()> {
    let (sender, receiver) = watch(1);
    nursery!(|n| {
        n.spawn(async { sender.send(2) });
        let got = receiver.wait_for(|value| *value == 1).now_or_never();
        assert_eq!(got, None);
        let mut waiting = Box::pin(receiver.wait_for(|value| *value == 1));
        assert!(waiting.as_mut().now_or_never().is_none());
        checkpoint().await;
        // It is gone again.
        assert!(waiting.as_mut().now_or_never().is_none());
        sender.send(1)?;
        assert_eq!(waiting.await, Ok(1));
    })?;
    Ok(())
}

#[trio::test]
async fn the_statistics_tell_what_is_open_and_how_often_it_has_changed() {
    let (sender, receiver) = watch(0);
    let clones = (sender.clone(), receiver.clone(), sender.subscribe());
    sender.send(1).unwrap();
    let statistics = sender.statistics();
    assert_eq!(statistics, receiver.statistics());
    assert_eq!((statistics.open_senders, statistics.open_receivers), (2, 3));
    assert_eq!((statistics.tasks_waiting_receive, statistics.changes), (0, 1));
    drop(clones);
    let statistics = sender.statistics();
    assert_eq!((statistics.open_senders, statistics.open_receivers), (1, 1));
    assert!(format!("{sender:?}").starts_with("WatchSender { closed: false, channel: "));
    let shown = format!("{receiver:?}");
    assert!(shown.starts_with("WatchReceiver { closed: false, has_changed: true, "), "{shown}");
    checkpoint().await;
}
