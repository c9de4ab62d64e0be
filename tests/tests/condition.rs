//! Waiting until what a lock guards has changed: `Condition`.

use std::cell::{Cell, RefCell};
use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tests::faults::OnDrop;
use tests::panics::{panic_text, text};
use trio::lowlevel::{checkpoint, current_task};
use trio::sync::{Condition, Lock, LockGuard};
use trio::testing::{assert_checkpoints, wait_all_tasks_blocked};
use trio::{CancelScope, Outcome, nursery};

#[derive(Default)]
struct Shared {
    lock: Lock<u32>,
    changed: Condition,
    order: RefCell<Vec<u32>>,
}

#[trio::task]
async fn waits(shared: &Shared, number: u32) {
    let mut guard = shared.lock.acquire().await;
    shared.changed.wait(&mut guard).await;
    assert_eq!(shared.lock.statistics().owner, Some(current_task()));
    shared.order.borrow_mut().push(number);
    *guard += 1;
    checkpoint().await; // The next one is not let in before the lock is released.
}

// M116
#[trio::test]
async fn those_who_are_notified_go_on_one_after_the_other_in_the_order_of_waiting() {
    let shared = Shared::default();
    nursery!(|n| {
        for number in 0..4 {
            n.spawn(waits, &shared, number);
            wait_all_tasks_blocked().await;
        }
        assert_eq!(shared.changed.statistics().tasks_waiting, 4);
        assert_eq!(format!("{:?}", shared.changed), "Condition { tasks_waiting: 4 }");
        // They wait with the lock released.
        let guard = shared.lock.acquire().await;
        assert_eq!(shared.changed.notify(&guard, 2), 2);
        // Two have moved to the lock's queue.
        assert_eq!(shared.changed.statistics().tasks_waiting, 2);
        assert_eq!(shared.lock.statistics().tasks_waiting, 2);
        wait_all_tasks_blocked().await;
        assert!(shared.order.borrow().is_empty());
        drop(guard);
        wait_all_tasks_blocked().await;
        assert_eq!(*shared.order.borrow(), [0, 1]);
        let guard = shared.lock.acquire().await;
        assert_eq!(shared.changed.notify_all(&guard), 2);
        assert_eq!(shared.changed.notify_all(&guard), 0);
        drop(guard);
    })
    .unwrap();
    assert_eq!(*shared.order.borrow(), [0, 1, 2, 3]);
    assert_eq!(shared.lock.into_inner(), 4);
}

// M116
#[trio::test]
async fn those_who_are_notified_queue_behind_those_who_wait_for_the_lock() {
    let shared = Shared::default();
    nursery!(|n| {
        n.spawn(waits, &shared, 1);
        wait_all_tasks_blocked().await;
        let guard = shared.lock.acquire().await;
        n.spawn(async {
            let _guard = shared.lock.acquire().await;
            shared.order.borrow_mut().push(0);
        });
        wait_all_tasks_blocked().await;
        shared.changed.notify(&guard, 1);
        drop(guard);
    })
    .unwrap();
    assert_eq!(*shared.order.borrow(), [0, 1]);
}

// M116
#[trio::test]
async fn waiting_is_a_checkpoint() {
    let shared = Shared::default();
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            let guard = shared.lock.acquire().await;
            shared.changed.notify_all(&guard);
        });
        let mut guard = shared.lock.acquire().await;
        assert_checkpoints(async { shared.changed.wait(&mut guard).await }).await;
        assert_checkpoints(async { shared.changed.wait_while(&mut guard, |_| false).await }).await;
    })
    .unwrap();
}

// M116
#[trio::test]
async fn one_who_is_cancelled_has_the_lock_when_it_unwinds() {
    let shared = Shared::default();
    let unwound = Cell::new(false);
    let scope = CancelScope::new();
    nursery!(|n| {
        let waiting = n.spawn(async {
            scope
                .run(async {
                    let this = current_task();
                    let mut guard = shared.lock.acquire().await;
                    let _looks = OnDrop(|| {
                        assert_eq!(shared.lock.statistics().owner, Some(this.clone()));
                        unwound.set(true);
                    });
                    shared.changed.wait(&mut guard).await;
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        let guard = shared.lock.acquire().await;
        scope.cancel();
        wait_all_tasks_blocked().await;
        // It waits for the lock, and is no longer among those who are notified.
        assert_eq!(shared.changed.statistics().tasks_waiting, 0);
        assert_eq!(shared.lock.statistics().tasks_waiting, 1);
        assert!(!unwound.get());
        drop(guard);
        waiting.wait().await;
    })
    .unwrap();
    assert!(unwound.get());
    assert!(scope.cancelled_caught());
    assert!(!shared.lock.is_locked());
}

#[trio::test(clock = "mock")]
async fn one_who_is_cancelled_while_the_lock_is_free_takes_it_at_once() {
    let shared = Shared::default();
    let mut guard = shared.lock.acquire().await;
    for _ in 0..2 {
        let limit = Duration::from_secs(1);
        let wait = async { shared.changed.wait(&mut guard).await };
        assert!(trio::move_on_after(limit, wait).await.is_none());
        // The guard is good for more.
        assert_eq!(shared.lock.statistics().owner, Some(current_task()));
        *guard += 1;
    }
    assert_eq!(*guard, 2);
}

#[trio::test]
async fn one_who_is_cancelled_already_does_not_release_the_lock() {
    let shared = Shared::default();
    let scope = CancelScope::new();
    scope.cancel();
    let mut guard = shared.lock.acquire().await;
    nursery!(|n| {
        let other = n.spawn(async {
            let _guard = shared.lock.acquire().await;
            shared.order.borrow_mut().push(2);
        });
        wait_all_tasks_blocked().await;
        assert!(scope.run(async { shared.changed.wait(&mut guard).await }).await.is_none());
        shared.order.borrow_mut().push(1);
        drop(guard);
        other.wait().await;
    })
    .unwrap();
    assert_eq!(*shared.order.borrow(), [1, 2]);
}

#[trio::test]
async fn one_who_is_notified_is_not_interrupted_any_more() {
    for cancelled_first in [false, true] {
        let shared = Shared::default();
        let scope = CancelScope::new();
        nursery!(|n| {
            n.spawn(async {
                scope
                    .run(async {
                        let mut guard = shared.lock.acquire().await;
                        shared.changed.wait(&mut guard).await;
                        *guard += 1;
                        checkpoint().await;
                        unreachable!("it is cancelled");
                    })
                    .await;
            });
            wait_all_tasks_blocked().await;
            let guard = shared.lock.acquire().await;
            if cancelled_first {
                scope.cancel();
            }
            assert_eq!(shared.changed.notify(&guard, 1), 1);
            scope.cancel();
            // It keeps its place in the queue.
            wait_all_tasks_blocked().await;
            assert_eq!(shared.lock.statistics().tasks_waiting, 1);
        })
        .unwrap();
        assert_eq!(shared.lock.into_inner(), 1, "the notification is not lost");
        assert!(scope.cancelled_caught());
    }
}

// M116
#[trio::test]
async fn one_who_was_cancelled_is_skipped() {
    let shared = Shared::default();
    nursery!(|n| {
        let first = n.spawn(waits, &shared, 1);
        wait_all_tasks_blocked().await;
        n.spawn(waits, &shared, 2);
        wait_all_tasks_blocked().await;
        first.cancel();
        wait_all_tasks_blocked().await;
        assert_eq!(shared.changed.notify(&shared.lock.acquire().await, 1), 1);
    })
    .unwrap();
    assert_eq!(*shared.order.borrow(), [2]);
}

#[trio::task]
async fn waits_for_more_than(shared: &Shared, number: u32) {
    let mut guard = shared.lock.acquire().await;
    shared.changed.wait_while(&mut guard, |value| *value <= number).await;
    shared.order.borrow_mut().push(number);
}

#[trio::test]
async fn waiting_while_something_holds_looks_again_after_each_notification() {
    let shared = Shared::default();
    nursery!(|n| {
        for number in 0..3 {
            n.spawn(waits_for_more_than, &shared, number);
        }
        for step in 1..4 {
            wait_all_tasks_blocked().await;
            let mut guard = shared.lock.acquire().await;
            *guard += 1;
            shared.changed.notify_all(&guard);
            drop(guard);
            wait_all_tasks_blocked().await;
            assert_eq!(shared.order.borrow().len(), step);
        }
    })
    .unwrap();
    assert_eq!(*shared.order.borrow(), [0, 1, 2]);
}

#[trio::test]
async fn several_conditions_can_go_with_one_lock() {
    let lock = Lock::new(Vec::new());
    let (some, none) = (Condition::new(), Condition::new());
    nursery!(|n| {
        n.spawn(async {
            for number in 0..5 {
                let mut items = lock.acquire().await;
                none.wait_while(&mut items, |items| !items.is_empty()).await;
                items.push(number);
                some.notify(&items, 1);
            }
        });
        for number in 0..5 {
            let mut items = lock.acquire().await;
            some.wait_while(&mut items, |items| items.is_empty()).await;
            assert_eq!(items.pop(), Some(number));
            none.notify(&items, 1);
        }
    })
    .unwrap();
}

#[trio::test]
async fn a_condition_goes_with_one_lock_at_a_time() {
    let (shared, other) = (Shared::default(), Lock::new(0));
    nursery!(|n| {
        n.spawn(waits, &shared, 1);
        wait_all_tasks_blocked().await;
        let guard = other.acquire().await;
        let text = panic_text(|| shared.changed.notify(&guard, 1));
        assert!(text.contains("wait for this condition with another lock"), "{text}");
        drop(guard);
        let wrong = n.spawn_monitored(async {
            let mut guard = other.acquire().await;
            shared.changed.wait(&mut guard).await;
        });
        let Outcome::Panicked(payload) = wrong.outcome().await else { panic!("it waits") };
        assert_eq!(self::text(&*payload), text);
        assert!(!other.is_locked());
        shared.changed.notify_all(&shared.lock.acquire().await);
    })
    .unwrap();
    // Where nobody waits any lock will do.
    shared.changed.notify_all(&other.acquire().await);
}

// M118
#[trio::test]
async fn those_who_wait_with_a_lock_that_breaks_hear_of_it_when_they_are_notified() {
    let shared = Shared::default();
    nursery!(|n| {
        let waiting = n.spawn_monitored(waits, &shared, 1);
        wait_all_tasks_blocked().await;
        n.spawn(async {
            let guard = shared.lock.acquire().await;
            shared.changed.notify(&guard, 1);
            mem::forget(guard);
        });
        let Outcome::Panicked(payload) = waiting.outcome().await else { panic!("it goes on") };
        assert!(text(&*payload).contains("this lock is broken"), "{}", text(&*payload));
    })
    .unwrap();
}

thread_local! {
    static ACQUIRING: RefCell<Option<LocalBoxFuture<'static, LockGuard<'static, u32>>>> =
        const { RefCell::new(None) };
    static SHARED: Cell<Option<&'static Shared>> = const { Cell::new(None) };
}

/// Goes on at once, with the lock, and notifies.
struct NotifiesWhenWoken;

impl Wake for NotifiesWhenWoken {
    fn wake(self: Arc<Self>) {
        let acquiring = ACQUIRING.take().expect("it is woken once");
        let guard = acquiring.now_or_never().expect("it has the lock");
        let shared = SHARED.get().expect("it was set");
        assert_eq!(shared.changed.notify(&guard, 1), 1);
    }
}

#[trio::test]
async fn the_lock_is_released_by_one_who_waits_already() {
    let shared: &'static Shared = Box::leak(Box::default());
    SHARED.set(Some(shared));
    nursery!(|n| {
        n.spawn(async {
            let mut guard = shared.lock.acquire().await;
            wait_all_tasks_blocked().await;
            shared.changed.wait(&mut guard).await;
            *guard += 1;
        });
        checkpoint().await;
        let mut acquiring = shared.lock.acquire().boxed_local();
        let waker = Waker::from(Arc::new(NotifiesWhenWoken));
        assert!(acquiring.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        ACQUIRING.set(Some(acquiring));
    })
    .unwrap();
    assert_eq!(*shared.lock.acquire().await, 1);
}

/// Looks at the value when it is dropped.
struct Looks<'a> {
    guard: LockGuard<'a, u32>,
    value: Rc<Cell<Option<u32>>>,
}

impl Drop for Looks<'_> {
    fn drop(&mut self) {
        self.value.set(Some(*self.guard));
    }
}

#[trio::task]
async fn waits_and_looks(shared: Rc<Shared>, value: Rc<Cell<Option<u32>>>) {
    let guard = shared.lock.acquire().await;
    let mut looks = Looks { guard, value };
    shared.changed.wait(&mut looks.guard).await;
}

#[trio::test]
async fn a_guard_whose_wait_is_dropped_half_way_does_not_give_the_value() {
    let (shared, value) = (Rc::new(Shared::default()), Rc::new(Cell::new(None)));
    // Only a converted task can be dropped so.
    let call = waits_and_looks(Rc::clone(&shared), Rc::clone(&value));
    let mut waiting = Box::pin(call.into_future());
    assert!(waiting.as_mut().now_or_never().is_none());
    assert_eq!(shared.changed.statistics().tasks_waiting, 1);
    // Somebody else has the lock.
    let guard = shared.lock.acquire().await;
    let text = panic_text(|| drop(waiting));
    assert!(text.contains("this guard does not hold its lock"), "{text}");
    assert_eq!((value.get(), shared.changed.statistics().tasks_waiting), (None, 0));
    assert!(shared.lock.is_locked());
    drop(guard);
    assert!(!shared.lock.is_locked());
}
