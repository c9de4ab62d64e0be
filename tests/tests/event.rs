//! Something that happens once: `Event`.

use std::cell::Cell;
use std::time::Duration;

use futures::FutureExt;
use trio::CancelScope;
use trio::lowlevel::checkpoint;
use trio::nursery;
use trio::sync::Event;
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};

#[trio::task]
async fn counts_up(event: &Event, count: &Cell<u32>) {
    event.wait().await;
    count.set(count.get() + 1);
}

// M111
#[trio::test]
async fn setting_an_event_wakes_everybody_who_waits() {
    let (event, count) = (Event::new(), Cell::new(0));
    nursery!(|n| {
        for _ in 0..10 {
            n.spawn(counts_up, &event, &count);
        }
        wait_all_tasks_blocked().await;
        assert_eq!(count.get(), 0);
        assert!(!event.is_set());
        event.set();
        assert!(event.is_set());
        wait_all_tasks_blocked().await;
        assert_eq!(count.get(), 10);
    })
    .unwrap();
}

// M111
#[trio::test]
async fn waiting_for_an_event_that_is_set_is_a_checkpoint() {
    let event = Event::new();
    event.set();
    assert_future_checkpoints(event.wait()).await;
}

// M111
#[trio::test]
async fn waiting_for_an_event_that_is_not_set_is_a_checkpoint() {
    let event = Event::new();
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            event.set();
        });
        assert_future_checkpoints(event.wait()).await;
    })
    .unwrap();
}

// M111
#[trio::test]
async fn an_event_counts_who_waits_for_it() {
    let (event, count) = (Event::new(), Cell::new(0));
    nursery!(|n| {
        n.spawn(counts_up, &event, &count);
        n.spawn(counts_up, &event, &count);
        wait_all_tasks_blocked().await;
        let statistics = event.statistics();
        assert_eq!((statistics.is_set, statistics.tasks_waiting), (false, 2));
        assert_eq!(format!("{event:?}"), "Event { is_set: false, tasks_waiting: 2 }");
        event.set();
        let statistics = event.statistics();
        assert_eq!((statistics.is_set, statistics.tasks_waiting), (true, 0));
    })
    .unwrap();
}

#[trio::test]
async fn setting_an_event_again_does_nothing() {
    let event = Event::default();
    event.set();
    event.set();
    assert!(event.is_set());
    event.wait().await;
}

#[trio::test(clock = "mock")]
async fn one_who_is_cancelled_no_longer_waits() {
    let event = Event::new();
    let waited = trio::move_on_after(Duration::from_secs(1), async { event.wait().await }).await;
    assert_eq!(waited, None);
    assert_eq!(event.statistics().tasks_waiting, 0);
}

#[trio::test]
async fn a_cancellation_unwinds_also_when_the_event_is_set() {
    let event = Event::new();
    event.set();
    let scope = CancelScope::new();
    scope.cancel();
    assert!(scope.run(async { event.wait().await }).await.is_none());
}

#[trio::test]
async fn one_that_is_dropped_no_longer_waits() {
    let event = Event::new();
    {
        let mut waiting = Box::pin(event.wait());
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(event.statistics().tasks_waiting, 1);
    }
    assert_eq!(event.statistics().tasks_waiting, 0);
    checkpoint().await;
}

#[test]
fn an_event_can_be_set_outside_a_run() {
    let event = Event::new();
    event.set();
    trio::run(|| event.wait());
}
