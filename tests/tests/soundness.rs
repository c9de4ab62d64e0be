//! What safe code can do to tasks and their frames, and must not break anything by: leaking, dropping
//! in mid-run, converting, and keeping handles for longer than what they are of.
#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::FutureExt;
use tests::faults::Fault;
use tests::frames::{self, Shared, drive, keep, poll_once, share};
use tests::panics::{panic_text, text};
use tests::probe::OnDrop;
use tests::rerun::{rerun, stderr};
use trio::lowlevel::{self, RunVar, checkpoint};
use trio::testing::wait_all_tasks_blocked;
use trio::{CancelScope, Nursery, Outcome, TaskHandle, nursery};

const SIGABRT: i32 = 6;

type Log = Rc<RefCell<Vec<String>>>;

/// Says in the log which task drops it.
fn noting(log: &Log, what: &'static str) -> OnDrop<impl FnMut() + use<>> {
    let log = Rc::clone(log);
    OnDrop(move || {
        let task = match lowlevel::in_trio_task() {
            true => lowlevel::current_task().name(),
            false => "no task".to_owned(),
        };
        log.borrow_mut().push(format!("{what} in {task}"));
    })
}

#[trio::task]
async fn sleeper(_what: OnDrop<impl FnMut()>) {
    trio::sleep_forever().await;
}

/// Three levels of frames, each borrowing from the one before.
#[trio::task]
async fn parent(log: Log) {
    let _first = noting(&log, "the parent's local");
    let text = String::from("the parent's text");
    let _ = nursery!(|n| {
        n.spawn(child, &log, &text);
        trio::sleep_forever().await;
    });
    drop(text);
}

#[trio::task]
async fn child(log: &Log, text: &str) {
    let _last = noting(log, "the child's local");
    let longer = format!("{text}, longer");
    let _ = nursery!(|n| {
        n.spawn(grandchild, log, &longer);
        trio::sleep_forever().await;
    });
}

#[trio::task]
async fn grandchild(log: &Log, text: &str) {
    let _reads = OnDrop(|| assert_eq!(text, "the parent's text, longer"));
    let _last = noting(log, "the grandchild's local");
    // A destructor may still use what a task has.
    let scope = CancelScope::new();
    let _cancels = OnDrop(|| {
        scope.cancel();
        lowlevel::current_task().cancel_reason();
    });
    trio::sleep_forever().await;
}

const DEEPEST_FIRST: [&str; 3] = [
    "the grandchild's local in grandchild",
    "the child's local in child",
    "the parent's local in drops",
];

// Leaking.

#[trio::test]
async fn a_handle_that_is_forgotten_neither_ends_nor_keeps_its_task() {
    let count = Cell::new(0);
    nursery!(|n| {
        let handle = n.spawn(async {
            checkpoint().await;
            count.set(1);
            Box::new(&count)
        });
        std::mem::forget(handle);
    })
    .unwrap();
    assert_eq!(count.get(), 1);
}

#[trio::test]
async fn a_task_that_holds_its_own_handle_ends_and_is_freed() {
    #[trio::task]
    async fn holds(own: Rc<RefCell<Option<TaskHandle<()>>>>) {
        checkpoint().await;
        assert!(!own.borrow().as_ref().unwrap().is_finished());
    }
    let own = Rc::new(RefCell::new(None));
    nursery!(|n| {
        let handle = n.spawn(holds, Rc::clone(&own));
        *own.borrow_mut() = Some(handle);
    })
    .unwrap();
    assert_eq!(Rc::strong_count(&own), 1);
    assert!(own.borrow().as_ref().unwrap().is_finished());
}

#[trio::test]
async fn a_value_that_holds_the_handle_of_its_own_task_is_leaked_and_no_more() {
    struct Cycle(RefCell<Option<TaskHandle<Rc<Cycle>>>>);
    #[trio::task]
    async fn give(cycle: Rc<Cycle>) -> Rc<Cycle> {
        checkpoint().await;
        cycle
    }
    let cycle = Rc::new(Cycle(RefCell::default()));
    nursery!(|n| {
        let handle = n.spawn(give, Rc::clone(&cycle));
        *cycle.0.borrow_mut() = Some(handle);
    })
    .unwrap();
    assert_eq!(Rc::strong_count(&cycle), 2);
    // Taken apart, it goes.
    let handle = cycle.0.borrow_mut().take().unwrap();
    assert!(handle.take().is_some_and(|value| Rc::ptr_eq(&value, &cycle)));
    assert_eq!(Rc::strong_count(&cycle), 1);
}

#[test]
fn the_children_of_a_leaked_frame_run_on_and_end_with_the_run() {
    let log = Log::default();
    #[trio::task]
    async fn leaks(log: Log) {
        let mut future = Box::pin(parent(log).into_future());
        poll_fn(|cx| {
            assert!(future.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        std::mem::forget(future);
        // Another use of the memory, if it were free.
        let _others: Vec<_> = (0..100).map(|n| vec![n; 100]).collect();
        wait_all_tasks_blocked().await;
        assert_eq!(lowlevel::statistics().tasks_living, 3);
    }
    trio::run(|| leaks(Rc::clone(&log)));
    // The frame that was forgotten stays as it is; those of the tasks in it are gone.
    assert_eq!(*log.borrow(), DEEPEST_FIRST[..2]);
}

#[test]
fn the_scope_of_a_leaked_frame_may_expire_and_be_cancelled() {
    #[trio::task]
    async fn leaks() {
        let scope = CancelScope::with_timeout(std::time::Duration::from_secs(1));
        let inner = scope.clone();
        let call = inner.run(trio::sleep_forever);
        let mut future = Box::pin(call.into_future());
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        std::mem::forget(future);
        trio::sleep(std::time::Duration::from_secs(2)).await;
        assert!(scope.cancel_called());
        scope.cancel();
        scope.set_deadline(Some(trio::current_time()));
    }
    trio::Builder::new().clock(trio::testing::MockClock::autojump()).run(leaks);
}

// Dropping a converted frame in mid-run.

#[trio::test(allow(useless_nursery))]
async fn a_frame_that_its_own_task_drops_takes_its_children_down_first() {
    #[trio::task]
    async fn drops(log: Log) {
        let shared = share(parent(log).into_future());
        futures::future::select(
            Box::pin(drive(Rc::clone(&shared))),
            Box::pin(wait_all_tasks_blocked()),
        )
        .await;
        drop(shared.take());
        assert_eq!(lowlevel::statistics().tasks_living, 2);
        checkpoint().await;
    }
    let log = Log::default();
    nursery!(|n| {
        n.spawn(drops, Rc::clone(&log));
    })
    .unwrap();
    assert_eq!(*log.borrow(), DEEPEST_FIRST);
}

#[trio::test]
async fn a_frame_that_another_task_drops_takes_its_children_down_first() {
    #[trio::task]
    async fn drops(shared: Shared) {
        wait_all_tasks_blocked().await;
        drop(shared.take());
        assert_eq!(lowlevel::current_task().name(), "drops");
    }
    let log = Log::default();
    let shared = share(parent(Rc::clone(&log)).into_future());
    nursery!(|n| {
        n.spawn(drive, Rc::clone(&shared));
        n.spawn(drops, shared);
        wait_all_tasks_blocked().await;
        wait_all_tasks_blocked().await;
        assert_eq!(*log.borrow(), DEEPEST_FIRST);
        n.cancel();
    })
    .unwrap();
}

#[trio::test(allow(useless_nursery))]
async fn a_frame_may_be_dropped_while_no_task_runs() {
    #[trio::task]
    async fn keeps(log: Log) {
        let shared = share(parent(log).into_future());
        assert!(poll_once(&shared).is_pending());
        wait_all_tasks_blocked().await;
        keep(&shared);
        lowlevel::current_trio_token().call_soon(frames::drop_kept).unwrap();
        wait_all_tasks_blocked().await;
    }
    let log = Log::default();
    nursery!(|n| {
        n.spawn(keeps, Rc::clone(&log));
    })
    .unwrap();
    assert_eq!(log.borrow()[..2], DEEPEST_FIRST[..2]);
    assert_eq!(log.borrow()[2], "the parent's local in no task");
}

#[trio::test]
async fn a_frame_that_unwinds_is_polled_to_its_end_by_a_foreign_future() {
    let log = Log::default();
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            let frame = share(parent(Rc::clone(&log)).into_future());
            let left = scope.run(|| drive(frame)).await;
            assert!(left.is_none());
        });
        wait_all_tasks_blocked().await;
        scope.cancel();
    })
    .unwrap();
    assert_eq!(log.borrow().len(), 3);
}

#[trio::test]
async fn what_a_dropped_frame_had_started_elsewhere_goes_on() {
    #[trio::task]
    async fn spawns(n: Nursery<'static>, log: Log) {
        n.spawn_named("sibling", sleeper, noting(&log, "a sibling's local"));
        trio::sleep_forever().await;
    }
    #[trio::task]
    async fn opens(log: Log) {
        let _ = nursery!(|n| {
            frames::keep_nursery(n);
            let shared = share(spawns(n, log).into_future());
            poll_fn(|_| {
                assert!(poll_once(&shared).is_pending());
                Poll::Ready(())
            })
            .await;
            drop(shared);
            wait_all_tasks_blocked().await;
            assert_eq!(n.statistics().children, 1);
            n.cancel();
        });
    }
    let log = Log::default();
    opens(Rc::clone(&log)).await;
    assert_eq!(*log.borrow(), ["a sibling's local in sibling"]);
}

/// The process of that test must have been aborted, with this on standard error.
#[track_caller]
fn aborts(test: &str) -> bool {
    let Some(output) = rerun(test) else {
        return false;
    };
    assert_eq!(output.status.signal(), Some(SIGABRT), "{}", stderr(&output));
    assert!(stderr(&output).contains("a task has dropped the frame that it runs in"));
    true
}

#[test]
fn a_child_that_drops_the_frame_it_runs_in_aborts_the_process() {
    #[trio::task]
    async fn frame() {
        let _ = nursery!(|n| {
            n.spawn(async {
                checkpoint().await;
                frames::drop_kept();
            });
            trio::sleep_forever().await;
        });
    }
    #[trio::task]
    async fn main() {
        let shared = share(frame().into_future());
        assert!(poll_once(&shared).is_pending());
        keep(&shared);
        trio::sleep_forever().await;
    }
    if !aborts("a_child_that_drops_the_frame_it_runs_in_aborts_the_process") {
        trio::run(main);
    }
}

#[test]
fn a_destructor_that_drops_the_frame_it_is_dropped_with_aborts_the_process() {
    #[trio::task]
    async fn inner() {
        let _ = nursery!(|n| {
            n.spawn(sleeper, OnDrop(frames::drop_kept));
            trio::sleep_forever().await;
        });
    }
    #[trio::task]
    async fn outer() {
        let _ = nursery!(|n| {
            n.spawn(async {
                let shared = share(inner().into_future());
                assert!(poll_once(&shared).is_pending());
                wait_all_tasks_blocked().await;
                drop(shared);
            });
            trio::sleep_forever().await;
        });
    }
    #[trio::task]
    async fn main() {
        let shared = share(outer().into_future());
        assert!(poll_once(&shared).is_pending());
        keep(&shared);
        trio::sleep_forever().await;
    }
    if !aborts("a_destructor_that_drops_the_frame_it_is_dropped_with_aborts_the_process") {
        trio::run(main);
    }
}

#[test]
fn an_error_whose_text_drops_the_frame_it_failed_in_aborts_the_process() {
    #[derive(Debug)]
    struct Drops;
    impl std::fmt::Display for Drops {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            frames::drop_kept();
            f.write_str("dropped")
        }
    }
    impl std::error::Error for Drops {}
    #[trio::task]
    async fn frame() {
        let _ = nursery!(|n| {
            n.spawn(async {
                checkpoint().await;
                Err::<(), _>(Drops)
            });
            trio::sleep_forever().await;
        });
    }
    #[trio::task]
    async fn main() {
        let shared = share(frame().into_future());
        assert!(poll_once(&shared).is_pending());
        keep(&shared);
        trio::sleep_forever().await;
    }
    if !aborts("an_error_whose_text_drops_the_frame_it_failed_in_aborts_the_process") {
        trio::run(main);
    }
}

// Converting in one task, polling in another.

#[trio::test]
async fn a_frame_is_polled_by_the_task_that_polled_it_first() {
    let log = Log::default();
    let shared = share(parent(Rc::clone(&log)).into_future());
    assert!(poll_once(&shared).is_pending());
    nursery!(|n| {
        n.spawn_named("another", || {
            let shared = Rc::clone(&shared);
            async move {
                let text = panic_text(|| poll_once(&shared));
                assert!(text.contains("must be polled by the task that polled it first"), "{text}");
                assert!(text.contains("not `another`"), "{text}");
            }
        });
    })
    .unwrap();
    // Nothing has happened to it.
    assert!(poll_once(&shared).is_pending());
    assert!(log.borrow().is_empty());
}

#[trio::test]
async fn a_frame_that_was_never_polled_may_be_polled_by_any_task() {
    #[trio::task]
    async fn note(log: Log) {
        checkpoint().await;
        log.borrow_mut().push(lowlevel::current_task().name());
    }
    let log = Log::default();
    let future = note(Rc::clone(&log)).into_future();
    nursery!(|n| {
        n.spawn_named("another", || future);
    })
    .unwrap();
    assert_eq!(*log.borrow(), ["another"]);
}

#[trio::test(allow(unstructured_spawn))]
async fn no_frame_is_polled_out_of_a_task() {
    let (send, receive) = std::sync::mpsc::channel();
    let poll = move || {
        let shared = share(parent(Log::default()).into_future());
        send.send(panic_text(|| poll_once(&shared))).unwrap();
    };
    std::thread::spawn(poll.clone()).join().unwrap();
    lowlevel::current_trio_token().call_soon(poll).unwrap();
    wait_all_tasks_blocked().await;
    let texts: Vec<String> = receive.iter().collect();
    assert_eq!(texts.len(), 2);
    assert!(texts.iter().all(|text| text.contains("inside a trio task")), "{texts:?}");
}

#[trio::task(boxed)]
async fn boxed_frame(log: Log, text: &'static str) {
    let local = text.to_owned();
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            log.borrow_mut().push(local.clone());
        });
        checkpoint().await;
    })
    .unwrap();
}

#[trio::test]
async fn frames_that_are_boxed_may_change_places_in_mid_run() {
    let log = Log::default();
    let mut one = boxed_frame(Rc::clone(&log), "one").into_future();
    let mut other = boxed_frame(Rc::clone(&log), "other").into_future();
    poll_fn(|cx| {
        assert!(one.poll_unpin(cx).is_pending());
        assert!(other.poll_unpin(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    std::mem::swap(&mut one, &mut other);
    other.await;
    assert_eq!(log.borrow()[0], "one");
    one.await;
    assert_eq!(*log.borrow(), ["one", "other"]);
}

// Frames that outlive their scope, their task, their run.

#[trio::test]
async fn a_frame_that_outlives_its_task_still_lies_in_the_tree() {
    #[trio::task]
    async fn begins(shared: Shared) {
        assert!(poll_once(&shared).is_pending());
        checkpoint().await;
    }
    let log = Log::default();
    let shared = share(parent(Rc::clone(&log)).into_future());
    nursery!(|n| {
        n.spawn(begins, Rc::clone(&shared));
        wait_all_tasks_blocked().await;
        // Its tasks are in nobody's nursery any more, and cancelled.
        assert_eq!(lowlevel::statistics().tasks_living, 1);
        assert_eq!(*log.borrow(), DEEPEST_FIRST[..2]);
        lowlevel::task_tree();
    })
    .unwrap();
    drop(shared);
    assert_eq!(log.borrow().len(), 3);
}

fn run_that_leaves(log: &Log) -> Shared {
    #[trio::task]
    async fn begins(shared: Shared) {
        assert!(poll_once(&shared).is_pending());
        wait_all_tasks_blocked().await;
    }
    let shared = share(parent(Rc::clone(log)).into_future());
    trio::run(|| begins(Rc::clone(&shared)));
    assert_eq!(*log.borrow(), DEEPEST_FIRST[..2]);
    shared
}

#[test]
fn a_frame_that_outlives_its_run_may_be_dropped() {
    let log = Log::default();
    drop(run_that_leaves(&log));
    assert_eq!(log.borrow()[2], "the parent's local in no task");
}

#[test]
fn a_frame_that_outlives_its_run_may_be_dropped_in_another() {
    let log = Log::default();
    let shared = run_that_leaves(&log);
    trio::run(|| async { drop(shared.take()) });
    assert_eq!(log.borrow().len(), 3);
}

#[test]
fn a_frame_that_outlives_its_run_goes_with_its_thread() {
    std::thread::spawn(|| keep(&run_that_leaves(&Log::default()))).join().unwrap();
}

#[test]
fn a_frame_that_outlives_its_run_is_not_polled_again() {
    let shared = run_that_leaves(&Log::default());
    let text = panic_text(|| poll_once(&shared));
    assert!(text.contains("inside a trio task"), "{text}");
    let text = panic_text(|| trio::run(|| drive(Rc::clone(&shared))));
    assert!(text.contains("must be polled by the task that polled it first"), "{text}");
}

#[test]
fn a_frame_may_go_with_the_value_of_main() {
    let log = Log::default();
    #[trio::task]
    async fn gives(log: Log) -> Shared {
        let shared = share(parent(log).into_future());
        assert!(poll_once(&shared).is_pending());
        wait_all_tasks_blocked().await;
        shared
    }
    drop(trio::run(|| gives(Rc::clone(&log))));
    assert_eq!(log.borrow().len(), 3);
}

// Handles that outlive what they are of.

/// A run that leaks a frame, and with it a nursery that never closes.
#[trio::task]
async fn leaves_an_open_nursery() {
    #[trio::task]
    async fn opens() {
        let _ = nursery!(|n| {
            frames::keep_nursery(n);
            trio::sleep_forever().await;
        });
    }
    let mut future = Box::pin(opens().into_future());
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    std::mem::forget(future);
    checkpoint().await;
}

#[test]
fn the_handle_of_a_nursery_that_never_closed_is_of_no_use_after_the_run() {
    trio::run(leaves_an_open_nursery);
    let n = frames::kept_nursery();
    assert_eq!(format!("{n:?}"), "Nursery(closed)");
    let text = panic_text(|| n.spawn(|| async {}));
    assert!(text.contains("inside a trio run"), "{text}");
    trio::run(|| async move {
        assert_eq!(format!("{n:?}"), "Nursery(closed)");
        let text = panic_text(|| n.spawn(|| async {}));
        assert!(text.contains("this nursery is closed"), "{text}");
    });
}

#[test]
fn a_task_that_is_spawned_while_its_run_ends_is_taken_down_with_it() {
    type Handle = Rc<RefCell<Option<TaskHandle<()>>>>;
    struct Spawns(Log, Handle);
    impl Drop for Spawns {
        fn drop(&mut self) {
            let local = noting(&self.0, "a late child's local");
            let handle = frames::kept_nursery().spawn(|| sleeper(local));
            *self.1.borrow_mut() = Some(handle);
        }
    }
    static VARIABLE: RunVar<Rc<Spawns>> = RunVar::new("what spawns when it is dropped");
    let log = Log::default();
    let handle = Handle::default();
    trio::run(|| {
        VARIABLE.set(Rc::new(Spawns(Rc::clone(&log), Rc::clone(&handle))));
        leaves_an_open_nursery()
    });
    assert_eq!(log.borrow().len(), 1);
    let handle = handle.borrow_mut().take().unwrap();
    assert!(handle.is_finished());
    handle.cancel();
}

#[test]
fn a_system_task_that_is_spawned_while_its_run_ends_is_refused() {
    struct Spawns;
    impl Drop for Spawns {
        fn drop(&mut self) {
            let text = panic_text(|| lowlevel::spawn_system_task(|| async {}));
            assert!(text.contains("the run is over"), "{text}");
        }
    }
    static VARIABLE: RunVar<Rc<Spawns>> = RunVar::new("what spawns when it is dropped");
    trio::run(|| async { VARIABLE.set(Rc::new(Spawns)) });
}

#[test]
fn a_frame_that_goes_with_an_error_of_the_run_closes_its_nursery() {
    #[derive(Debug)]
    struct DropsTheFrame;
    impl std::fmt::Display for DropsTheFrame {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("it drops a frame when it is dropped")
        }
    }
    impl std::error::Error for DropsTheFrame {}
    impl Drop for DropsTheFrame {
        fn drop(&mut self) {
            frames::drop_kept();
            assert_eq!(format!("{:?}", frames::kept_nursery()), "Nursery(closed)");
        }
    }
    #[trio::task]
    async fn opens() {
        let _ = nursery!(|n| {
            frames::keep_nursery(n);
            trio::sleep_forever().await;
        });
    }
    #[trio::task]
    async fn main() {
        let shared = share(opens().into_future());
        assert!(poll_once(&shared).is_pending());
        keep(&shared);
        lowlevel::spawn_system_task(|| async { Err::<(), _>(DropsTheFrame) });
        trio::sleep_forever().await;
    }
    let text = panic_text(|| trio::run(main));
    assert!(text.contains("it drops a frame when it is dropped"), "{text}");
}

#[test]
fn the_handle_of_a_task_outlives_the_run() {
    type Handle = Rc<RefCell<Option<TaskHandle<String>>>>;
    #[trio::task]
    async fn value() -> String {
        checkpoint().await;
        "a value".to_owned()
    }
    let place = Handle::default();
    #[trio::task]
    async fn main(place: Handle) {
        nursery!(|n| {
            *place.borrow_mut() = Some(n.spawn(value));
        })
        .unwrap();
    }
    trio::run(|| main(Rc::clone(&place)));
    let handle = place.borrow_mut().take().unwrap();
    let task = handle.task();
    assert!(handle.is_finished() && handle.name() == "value");
    handle.cancel();
    // It is known in no run, so that waiting for it is over at once.
    trio::run(|| handle.wait());
    assert_eq!(handle.take().as_deref(), Some("a value"));
    drop(handle);
    assert!(task.traceback().is_empty() && task.parent().is_none() && task.waits_for().is_empty());
    assert!(task.cancel_reason().is_none());
}

#[test]
fn a_scope_outlives_the_run_in_which_it_is_entered() {
    let scope = CancelScope::new();
    #[trio::task]
    async fn enters(scope: CancelScope) {
        let inner = scope.clone();
        let mut future = Box::pin(inner.run(trio::sleep_forever).into_future());
        assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        std::mem::forget(future);
        checkpoint().await;
    }
    trio::run(|| enters(scope.clone()));
    scope.set_shield(true);
    scope.cancel();
    assert!(scope.cancel_called());
    trio::run(|| async {
        scope.set_deadline(Some(trio::current_time() + std::time::Duration::from_secs(1)));
    });
    assert!(format!("{scope:?}").contains("cancelled"));
}

#[test]
fn a_waker_outlives_its_task_its_run_and_its_thread() {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        trio::run(|| {
            poll_fn(move |cx| {
                send.send(cx.waker().clone()).unwrap();
                Poll::Ready(())
            })
        });
    })
    .join()
    .unwrap();
    let waker = receive.recv().unwrap();
    waker.wake_by_ref();
    // Runs whose tasks have the same slot are not the same.
    trio::run(move || async move {
        let other = waker.clone();
        waker.wake();
        std::thread::spawn(move || other.wake()).join().unwrap();
        checkpoint().await;
    });
}

#[trio::test(allow(useless_nursery))]
async fn every_stale_waker_of_a_slot_is_ignored() {
    let wakers = RefCell::new(Vec::new());
    for _ in 0..100 {
        nursery!(|n| {
            n.spawn(|| {
                poll_fn(|cx| {
                    wakers.borrow_mut().push(cx.waker().clone());
                    Poll::Ready(())
                })
            });
        })
        .unwrap();
    }
    let polls = Cell::new(0);
    nursery!(|n| {
        n.spawn(|| {
            poll_fn(|_| {
                polls.set(polls.get() + 1);
                Poll::<()>::Pending
            })
        });
        wait_all_tasks_blocked().await;
        wakers.borrow().iter().for_each(Waker::wake_by_ref);
        wait_all_tasks_blocked().await;
        assert_eq!(polls.get(), 1);
        n.cancel();
    })
    .unwrap();
}

// Runs inside runs.

#[trio::test(allow(unstructured_spawn))]
async fn a_run_in_another_thread_does_not_meet_this_one() {
    let task = std::thread::spawn(|| {
        trio::run(|| async {
            checkpoint().await;
            lowlevel::current_task().name()
        })
    })
    .join()
    .unwrap();
    assert_ne!(task, lowlevel::current_task().name());
    checkpoint().await;
}

#[trio::test(allow(nested_runtime))]
async fn a_run_on_the_same_thread_is_refused_and_leaves_this_one_as_it_was() {
    let text = panic_text(|| trio::run(|| async {}));
    assert!(text.contains("cannot be started from inside a run"), "{text}");
    checkpoint().await;
    lowlevel::current_task();
}

#[trio::test(allow(nested_runtime))]
async fn a_destructor_cannot_start_a_run() {
    let text = Rc::new(RefCell::new(String::new()));
    let starts = OnDrop(|| *text.borrow_mut() = panic_text(|| trio::run(|| async {})));
    trio::move_on_after(std::time::Duration::ZERO, async { sleeper(starts).await }).await;
    assert!(text.borrow().contains("cannot be started from inside a run"), "{text:?}");
}

#[test]
fn a_callback_that_starts_a_run_ends_the_one_it_is_called_in() {
    let text = panic_text(|| {
        trio::run(|| async {
            let starts = || trio::run(|| async {});
            lowlevel::current_trio_token().call_soon(starts).unwrap();
            trio::sleep_forever().await;
        });
    });
    assert!(text.contains("a function given to `call_soon` panicked"), "{text}");
    assert!(text.contains("cannot be started from inside a run"), "{text}");
}

#[test]
fn a_run_may_be_started_when_another_has_panicked() {
    panic_text(|| trio::run(|| async { panic!("the first") }));
    assert!(!lowlevel::in_trio_run() && !lowlevel::in_trio_task());
    assert_eq!(trio::run(|| async { 7 }), 7);
}

// Catching panics inside a task.

#[trio::test]
async fn a_frame_whose_panic_is_caught_inside_the_task_has_taken_its_children_down() {
    #[trio::task]
    async fn panics(log: Log) {
        let text = String::from("the parent's text");
        let mut handle = None;
        let _ = nursery!(|n| {
            handle = Some(n.spawn(child, &log, &text));
            wait_all_tasks_blocked().await;
            panic!("in the body");
        });
    }
    let log = Log::default();
    let frame = panics(Rc::clone(&log)).into_future();
    let payload = std::panic::AssertUnwindSafe(frame).catch_unwind().await.unwrap_err();
    assert_eq!(text(&*payload), "in the body");
    assert_eq!(*log.borrow(), DEEPEST_FIRST[..2]);
    checkpoint().await;
    assert_eq!(lowlevel::statistics().tasks_living, 1);
}

#[trio::test]
async fn a_thunk_that_panics_when_it_is_called_spawns_nothing() {
    nursery!(|n| {
        let text = panic_text(|| {
            n.spawn(|| -> std::future::Ready<()> { panic!("in the thunk") });
        });
        assert_eq!(text, "in the thunk");
        assert_eq!(n.statistics().children, 0);
        checkpoint().await;
    })
    .unwrap();
}

// Nurseries in odd places.

#[trio::test]
async fn a_destructor_may_open_a_nursery_and_forget_it() {
    let log = Log::default();
    nursery!(|n| {
        let inner = Rc::clone(&log);
        n.spawn(async {
            let _opens = OnDrop(move || {
                let mut future = Box::pin(parent(Rc::clone(&inner)).into_future());
                let polled = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                assert!(polled.is_pending());
                std::mem::forget(future);
            });
            checkpoint().await;
        });
        wait_all_tasks_blocked().await;
    })
    .unwrap();
    wait_all_tasks_blocked().await;
    assert_eq!(lowlevel::statistics().tasks_living, 1);
    assert_eq!(*log.borrow(), DEEPEST_FIRST[..2]);
}

#[trio::test]
async fn a_thunk_may_close_the_nursery_that_it_is_spawned_into() {
    #[trio::task]
    async fn opens() {
        let _ = nursery!(|n| {
            frames::keep_nursery(n);
            trio::sleep_forever().await;
        });
    }
    let shared = share(opens().into_future());
    assert!(poll_once(&shared).is_pending());
    keep(&shared);
    let log = Log::default();
    let local = noting(&log, "the local of what never began");
    let text = panic_text(|| {
        frames::kept_nursery().spawn(|| {
            frames::drop_kept();
            sleeper(local)
        })
    });
    assert!(text.contains("this nursery is closed"), "{text}");
    assert_eq!(log.borrow().len(), 1);
    checkpoint().await;
}

#[trio::test]
async fn a_nursery_that_goes_while_a_task_is_started_into_it_leaves_the_task_to_its_caller() {
    #[trio::task]
    async fn opens() {
        let _ = nursery!(|n| {
            frames::keep_nursery(n);
            trio::sleep_forever().await;
        });
    }
    #[trio::task]
    async fn starts(status: trio::TaskStatus<u32>) {
        wait_all_tasks_blocked().await;
        frames::drop_kept();
        status.started(7);
        checkpoint().await;
    }
    let shared = share(opens().into_future());
    assert!(poll_once(&shared).is_pending());
    keep(&shared);
    let value = frames::kept_nursery().start(starts).await.unwrap();
    assert_eq!(value, 7);
    assert_eq!(lowlevel::statistics().tasks_living, 1);
}

/// Drops the kept frame when it is woken.
#[derive(Default)]
struct DropsWhenWoken(AtomicBool);

impl Wake for DropsWhenWoken {
    fn wake(self: Arc<Self>) {
        frames::drop_kept();
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Polls a frame once, with that waker.
fn poll_with(shared: &Shared, waker: &Arc<DropsWhenWoken>) {
    let waker = Waker::from(Arc::clone(waker));
    let mut frame = shared.borrow_mut();
    let polled = frame.as_mut().unwrap().as_mut().poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
}

#[trio::task]
async fn starts_later(status: trio::TaskStatus<()>) {
    wait_all_tasks_blocked().await;
    status.started(());
    checkpoint().await;
}

/// Waits in a nursery for what is started there, once it may.
#[trio::task]
async fn waits_for_services(may: Rc<Cell<bool>>) {
    let _ = nursery!(|n| {
        frames::keep_nursery(n);
        poll_fn(|_| if may.get() { Poll::Ready(()) } else { Poll::Pending }).await;
    });
}

#[trio::task]
async fn starts_there(service: bool) {
    let n = frames::kept_nursery();
    let _ = match service {
        true => n.start_service(starts_later).await,
        false => n.start(starts_later).await,
    };
}

#[trio::test]
async fn a_start_may_be_dropped_by_the_one_whom_its_end_wakes() {
    let waker = Arc::default();
    nursery!(|n| {
        n.spawn(opens_a_nursery_for_starts);
        checkpoint().await;
        let shared = share(starts_there(false).into_future());
        poll_with(&shared, &waker);
        keep(&shared);
        wait_all_tasks_blocked().await;
        wait_all_tasks_blocked().await;
        assert!(waker.0.load(Ordering::Relaxed));
        let statistics = frames::kept_nursery().statistics();
        assert_eq!((statistics.starting, statistics.children), (0, 0));
        frames::kept_nursery().cancel();
    })
    .unwrap();
}

#[trio::task]
async fn opens_a_nursery_for_starts() {
    let _ = nursery!(|n| {
        frames::keep_nursery(n);
        trio::sleep_forever().await;
    });
}

#[trio::test]
async fn a_start_may_be_dropped_by_the_one_who_waits_for_services() {
    let (waker, may) = (Arc::default(), Rc::new(Cell::new(false)));
    let waiting = share(waits_for_services(Rc::clone(&may)).into_future());
    poll_with(&waiting, &waker);
    let starting = share(starts_there(true).into_future());
    assert!(poll_once(&starting).is_pending());
    keep(&starting);
    may.set(true);
    // From here on it waits for what is being started, with that waker.
    poll_with(&waiting, &waker);
    wait_all_tasks_blocked().await;
    wait_all_tasks_blocked().await;
    assert!(waker.0.load(Ordering::Relaxed));
    drive(waiting).await;
}

#[test]
fn a_start_in_progress_may_outlive_its_run() {
    #[trio::task]
    async fn never_starts(_status: trio::TaskStatus<()>) {
        trio::sleep_forever().await;
    }
    #[trio::task]
    async fn starts() {
        let _ = nursery!(|n| {
            let _ = n.start(never_starts).await;
        });
    }
    #[trio::task]
    async fn begins(shared: Shared) {
        assert!(poll_once(&shared).is_pending());
        checkpoint().await;
    }
    let shared = share(starts().into_future());
    trio::run(|| begins(Rc::clone(&shared)));
    drop(shared);
}

#[trio::test]
async fn a_monitored_task_that_goes_with_its_frame_has_been_cancelled() {
    type Place = Rc<RefCell<Vec<TaskHandle<()>>>>;
    #[trio::task]
    async fn monitors(place: Place) {
        let _ = nursery!(|n| {
            place.borrow_mut().push(n.spawn_monitored(sleeper, OnDrop(|| {})));
            let panics = OnDrop(|| panic!("on purpose"));
            place.borrow_mut().push(n.spawn_monitored(sleeper, panics));
            trio::sleep_forever().await;
        });
    }
    let place = Place::default();
    let shared = share(monitors(Rc::clone(&place)).into_future());
    assert!(poll_once(&shared).is_pending());
    wait_all_tasks_blocked().await;
    drop(shared);
    let [cancelled, panicked] = <[_; 2]>::try_from(place.take()).unwrap();
    assert!(matches!(cancelled.outcome().await, Outcome::Cancelled));
    assert!(matches!(panicked.outcome().await, Outcome::Panicked(_)));
}

// Frames that were got at by taking apart what the macros make.

/// What is inside of what an `async` block of a task becomes: a plain future.
macro_rules! frame_of_block {
    (($match:ident $async:ident $body:tt $($rest:tt)*)) => {
        $async $body
    };
}

#[trio::task]
async fn reads(text: &str) {
    checkpoint().await;
    assert_eq!(text, "the parent's text");
}

#[trio::test]
async fn a_block_that_was_taken_apart_has_no_nursery_when_it_is_polled_by_hand() {
    let text = String::from("the parent's text");
    let mut frame = Box::pin(frame_of_block!(async {
        let _ = nursery!(|n| {
            n.spawn(reads, &text);
            trio::sleep_forever().await;
        });
    }));
    let panic = panic_text(|| frame.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    assert!(panic.contains("a frame of a task is polled by hand"), "{panic}");
    std::mem::forget(frame);
    drop(text);
    wait_all_tasks_blocked().await;
    assert_eq!(lowlevel::statistics().tasks_living, 1);
}

#[trio::test]
async fn a_block_that_was_taken_apart_has_no_nursery_in_a_foreign_future() {
    let text = String::from("the parent's text");
    let mut frame = Box::pin(frame_of_block!(async {
        let _ = nursery!(|n| {
            n.spawn(reads, &text);
            trio::sleep_forever().await;
        });
    }));
    poll_fn(|cx| {
        let panic = panic_text(|| frame.as_mut().poll(cx));
        assert!(panic.contains("a frame of a task is polled by hand"), "{panic}");
        Poll::Ready(())
    })
    .await;
    std::mem::forget(frame);
    drop(text);
    wait_all_tasks_blocked().await;
}

/// Hides an `.await` from the task, so that what it awaits gets the very context that the task's frame is
/// polled with.
macro_rules! wait_for {
    ($future:expr) => {
        $future.await
    };
}

#[trio::test]
async fn a_block_that_was_taken_apart_has_no_nursery_where_an_await_is_hidden() {
    let text = String::from("the parent's text");
    let mut frame = Box::pin(frame_of_block!(async {
        let _ = nursery!(|n| {
            n.spawn(reads, &text);
            trio::sleep_forever().await;
        });
    }));
    wait_for!(poll_fn(|cx| {
        let panic = panic_text(|| frame.as_mut().poll(cx));
        assert!(panic.contains("a frame of a task is polled by hand"), "{panic}");
        Poll::Ready(())
    }));
    std::mem::forget(frame);
    drop(text);
    wait_all_tasks_blocked().await;
    assert_eq!(lowlevel::statistics().tasks_living, 1);
}

#[trio::task(boxed)]
async fn reads_in_a_box(text: &str) {
    let _ = nursery!(|n| {
        n.spawn(reads, text);
        trio::sleep_forever().await;
    });
}

#[trio::test]
async fn a_boxed_frame_in_a_block_that_was_taken_apart_has_no_nursery() {
    let text = String::from("the parent's text");
    let mut frame = Box::pin(frame_of_block!(async { reads_in_a_box(&text).await }));
    wait_for!(poll_fn(|cx| {
        let panic = panic_text(|| frame.as_mut().poll(cx));
        assert!(panic.contains("a frame of a task is polled by hand"), "{panic}");
        Poll::Ready(())
    }));
    std::mem::forget(frame);
    drop(text);
    wait_all_tasks_blocked().await;
}

#[trio::test]
async fn a_block_that_was_taken_apart_leaves_nothing_in_the_traceback_where_an_await_is_hidden() {
    let kept: Shared = Rc::default();
    let task = lowlevel::current_task();
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            drop(kept.take());
            assert_eq!(task.traceback().len(), 1);
            lowlevel::task_tree();
            n.cancel();
        });
        *kept.borrow_mut() = Some(Box::pin(frame_of_block!(async {
            trio::sleep_forever().await;
        })));
        wait_for!(poll_fn(|cx| match &mut *kept.borrow_mut() {
            Some(frame) => frame.as_mut().poll(cx),
            None => Poll::Ready(()),
        }));
    })
    .unwrap();
}

#[trio::test]
async fn a_block_that_was_taken_apart_and_goes_while_it_waits_leaves_nothing_in_the_traceback() {
    let task = lowlevel::current_task();
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            assert_eq!(task.traceback().len(), 1);
            lowlevel::task_tree();
            n.cancel();
        });
        let mut frame = pin!(Some(frame_of_block!(async {
            let limit = CancelScope::new();
            limit.run(trio::sleep_forever).await
        })));
        wait_for!(poll_fn(|cx| {
            if let Some(inner) = frame.as_mut().as_pin_mut() {
                assert!(inner.poll(cx).is_pending());
            }
            frame.set(None);
            Poll::<()>::Pending
        }));
    })
    .unwrap();
}

/// An await without its `.await`.
macro_rules! entered {
    ((:: core :: future :: IntoFuture :: into_future ($($entered:tt)*) . await)) => {
        $($entered)*
    };
}

/// Whether it may be moved after it was polled.
struct Moves<T>(T);

impl<T: Unpin> Moves<T> {
    fn may_move(&self) -> bool {
        true
    }
}

trait StaysWhereItIs {
    fn may_move(&self) -> bool {
        false
    }
}

impl<T> StaysWhereItIs for Moves<T> {}

#[trio::test]
async fn an_await_that_was_taken_apart_stays_where_it_is() {
    assert!(Moves(Box::pin(0)).may_move());
    assert!(!Moves(entered!(sleeps_in_a_box().await)).may_move());
    checkpoint().await;
}

#[trio::task(boxed)]
async fn sleeps_in_a_box() {
    trio::sleep_forever().await;
}

#[trio::test]
async fn a_block_that_was_taken_apart_and_is_dropped_by_a_child_leaves_nothing_in_the_traceback() {
    let task = lowlevel::current_task();
    let frame = pin!(Some(frame_of_block!(async { sleeps_in_a_box().await })));
    let frame = RefCell::new(frame);
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            frame.borrow_mut().set(None);
            assert!(task.traceback().is_empty(), "it is not known any more");
            lowlevel::task_tree();
            n.cancel();
        });
        wait_for!(poll_fn(|cx| match frame.borrow_mut().as_mut().as_pin_mut() {
            Some(frame) => frame.poll(cx),
            None => Poll::Ready(()),
        }));
    })
    .unwrap();
}

#[trio::test]
async fn a_block_that_was_taken_apart_and_goes_with_a_task_leaves_nothing_in_the_traceback() {
    let task = lowlevel::current_task();
    let victim = pin!(Some(frame_of_block!(async { sleeps_in_a_box().await })));
    let victim = RefCell::new(victim);
    nursery!(|n| {
        let mut around = pin!(Some(frame_of_block!(async {
            let _ = nursery!(|inner| {
                inner.spawn(sleeper, OnDrop(|| victim.borrow_mut().set(None)));
                trio::sleep_forever().await;
            });
        })));
        n.spawn(async {
            wait_all_tasks_blocked().await;
            wait_all_tasks_blocked().await;
            assert_eq!(task.traceback().len(), 1);
            lowlevel::task_tree();
            n.cancel();
        });
        let mut step = 0;
        wait_for!(poll_fn(|cx| {
            step += 1;
            if step == 1 {
                assert!(around.as_mut().as_pin_mut().unwrap().poll(cx).is_pending());
                cx.waker().wake_by_ref();
            } else if step == 3 {
                let mut victim = victim.borrow_mut();
                assert!(victim.as_mut().as_pin_mut().unwrap().poll(cx).is_pending());
                drop(victim);
                around.set(None);
            } else {
                cx.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        }));
    })
    .unwrap();
}

#[trio::test]
async fn a_block_that_was_taken_apart_and_goes_with_the_body_leaves_nothing_in_the_traceback() {
    let task = lowlevel::current_task();
    let victim = pin!(Some(frame_of_block!(async { sleeps_in_a_box().await })));
    let victim = RefCell::new(victim);
    nursery!(|n| {
        let mut around = pin!(Some(frame_of_block!(async {
            let _ = nursery!(|inner| {
                inner.spawn(trio::sleep_forever);
                checkpoint().await;
                victim.borrow_mut().set(None);
            });
        })));
        n.spawn(async {
            wait_all_tasks_blocked().await;
            let traceback: Vec<_> = task.traceback().iter().map(|it| it.expression()).collect();
            assert_eq!(traceback, ["nursery!", "nursery!"]);
            lowlevel::task_tree();
            n.cancel();
        });
        wait_for!(poll_fn(|cx| {
            if let Some(victim) = victim.borrow_mut().as_mut().as_pin_mut() {
                assert!(victim.poll(cx).is_pending());
            }
            around.as_mut().as_pin_mut().unwrap().poll(cx)
        }));
    })
    .unwrap();
}

#[trio::test]
async fn a_block_that_was_taken_apart_is_in_the_traceback_once_however_often_it_is_polled() {
    let task = lowlevel::current_task();
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            assert_eq!(task.traceback().len(), 3);
            lowlevel::task_tree();
            n.cancel();
        });
        let mut frame = pin!(frame_of_block!(async { sleeps_in_a_box().await }));
        wait_for!(poll_fn(|cx| {
            assert!(frame.as_mut().poll(cx).is_pending());
            frame.as_mut().poll(cx)
        }));
    })
    .unwrap();
}

#[trio::test(allow(useless_nursery))]
async fn a_block_that_was_taken_apart_keeps_its_scope_whichever_task_polls_it() {
    type Frame = std::pin::Pin<Box<dyn Future<Output = Option<()>>>>;
    fn poll(frame: &mut Frame) -> Poll<Option<()>> {
        frame.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }
    const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);
    let mut frames: Vec<Frame> = Vec::new();
    for _ in 0..2 {
        frames.push(Box::pin(frame_of_block!(async {
            trio::move_on_after(HOUR, trio::sleep_forever).await
        })));
    }
    let (mut kept, mut leaked) = (frames.remove(0), frames.remove(0));
    nursery!(|n| {
        n.spawn(async {
            assert!(poll(&mut kept).is_pending());
            assert!(poll(&mut leaked).is_pending());
            checkpoint().await;
        });
    })
    .unwrap();
    assert_eq!(lowlevel::statistics().deadlines, 2);
    std::mem::forget(leaked);
    // What was around it is gone, with which it was cancelled.
    assert_eq!(poll(&mut kept), Poll::Ready(None));
    assert_eq!(lowlevel::statistics().deadlines, 1);
    lowlevel::task_tree();
    checkpoint().await;
}

#[trio::test]
async fn a_block_that_was_taken_apart_has_no_start_either() {
    #[trio::task]
    async fn starts(status: trio::TaskStatus<()>, text: &str) {
        checkpoint().await;
        assert_eq!(text, "the parent's text");
        status.started(());
    }
    let text = String::from("the parent's text");
    nursery!(|n| {
        let mut frame = Box::pin(frame_of_block!(async {
            let _ = n.start(starts, &text).await;
        }));
        let panic = panic_text(|| frame.as_mut().poll(&mut Context::from_waker(Waker::noop())));
        assert!(panic.contains("a frame of a task is polled by hand"), "{panic}");
        std::mem::forget(frame);
        assert_eq!(n.statistics().starting, 0);
    })
    .unwrap();
}

#[trio::test]
async fn a_block_that_was_taken_apart_leaves_nothing_in_the_traceback() {
    {
        let mut frame = Box::pin(frame_of_block!(async {
            trio::move_on_after(std::time::Duration::from_secs(9), async {
                trio::sleep_forever().await;
            })
            .await;
        }));
        let polled = frame.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    let task = lowlevel::current_task();
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            let traceback: Vec<_> = task.traceback().iter().map(|it| it.expression()).collect();
            assert_eq!(traceback, ["nursery!"]);
            lowlevel::task_tree();
        });
        for _ in 0..3 {
            checkpoint().await;
        }
    })
    .unwrap();
}

/// A module that poses as the runtime, to the macros.
mod fake {
    pub mod __private {
        pub use trio::__private::{
            BodyProbe, Error, LookFunction, NotAwaitable, NurseryGuard, Operand, OtherBody, Site,
            UnitBody, start_traits,
        };

        pub struct Call<F>(pub F);

        impl<F> Call<F> {
            pub fn new(frame: F) -> Call<F> {
                Call(frame)
            }
        }
    }
}

#[trio::task(crate = "crate::fake")]
async fn given_to_another_runtime(text: &str) {
    let _ = nursery!(|n| {
        n.spawn(reads, text);
        trio::sleep_forever().await;
    });
}

#[trio::test]
async fn a_frame_that_was_given_to_another_runtime_has_no_nursery() {
    let text = String::from("the parent's text");
    let mut frame = Box::pin(given_to_another_runtime(&text).0);
    let panic = panic_text(|| frame.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    assert!(panic.contains("a frame of a task is polled by hand"), "{panic}");
    std::mem::forget(frame);
    drop(text);
    checkpoint().await;
}

// Tasks that end in the queue.

/// Ends in the step in which it has woken itself.
async fn ends_awake(log: Log) {
    let _local = noting(&log, "a local");
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::Ready(())
    })
    .await;
}

#[trio::test]
async fn a_task_may_end_while_it_is_queued() {
    let log = Log::default();
    nursery!(|n| {
        for _ in 0..100 {
            let handle = n.spawn(ends_awake, Rc::clone(&log));
            handle.wait().await;
            // Its place in the queue is the last that keeps its memory.
            drop(handle);
            checkpoint().await;
        }
    })
    .unwrap();
    assert_eq!(log.borrow().len(), 100);
}

#[test]
fn a_run_may_be_dropped_while_tasks_that_have_ended_are_queued() {
    let log = Log::default();
    let inside = Rc::clone(&log);
    let mut guest = trio::Builder::new().guest(move || async move {
        for _ in 0..100 {
            lowlevel::spawn_system_task({
                let log = Rc::clone(&inside);
                move || ends_awake(log)
            });
        }
        loop {
            checkpoint().await;
        }
    });
    while log.borrow().len() < 100 {
        guest.step();
    }
    drop(guest);
}

#[test]
fn a_destructor_may_spawn_into_the_run_whose_queue_it_is_in() {
    let log = Log::default();
    let inside = Rc::clone(&log);
    let mut guest = trio::Builder::new().guest(move || async move {
        let spawned = Rc::clone(&inside);
        let _spawns = OnDrop(move || {
            // It is refused, or taken down with the others.
            let log = Rc::clone(&spawned);
            let spawn = || lowlevel::spawn_system_task(move || ends_awake(log));
            drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(spawn)));
        });
        lowlevel::spawn_system_task(move || ends_awake(inside));
        trio::sleep_forever().await;
    });
    guest.step();
    drop(guest);
    assert!(!log.borrow().is_empty());
}

// Instruments.

#[test]
fn an_instrument_that_was_added_by_a_task_may_drop_the_frame_of_that_task_after_its_step() {
    struct Drops;
    impl lowlevel::Instrument for Drops {
        fn task_scheduled(&self, _: &lowlevel::Task) {
            frames::drop_kept();
        }
    }
    #[trio::task]
    async fn adds(log: Log) {
        let _local = noting(&log, "the child's local");
        checkpoint().await;
        lowlevel::add_instrument(Rc::new(Drops));
        lowlevel::spawn_system_task(trio::sleep_forever);
        trio::sleep_forever().await;
    }
    #[trio::task]
    async fn frame(log: Log) {
        let _ = nursery!(|n| {
            n.spawn(adds, log);
            trio::sleep_forever().await;
        });
    }
    #[trio::task]
    async fn main(log: Log) {
        let shared = share(frame(log).into_future());
        assert!(poll_once(&shared).is_pending());
        keep(&shared);
        wait_all_tasks_blocked().await;
    }
    let log = Log::default();
    trio::run(|| main(Rc::clone(&log)));
    assert_eq!(*log.borrow(), ["the child's local in adds"]);
}

#[test]
fn an_instrument_may_drop_a_frame_while_a_cancellation_spreads_through_it() {
    struct Drops;
    impl lowlevel::Instrument for Drops {
        fn task_scheduled(&self, task: &lowlevel::Task) {
            if task.name() == "grandchild" && task.cancel_reason().is_some() {
                frames::drop_kept();
            }
        }
    }
    #[trio::task]
    async fn main(log: Log) {
        nursery!(|n| {
            n.spawn(trio::sleep_forever);
            let shared = share(parent(Rc::clone(&log)).into_future());
            assert!(poll_once(&shared).is_pending());
            n.spawn(trio::sleep_forever);
            wait_all_tasks_blocked().await;
            keep(&shared);
            lowlevel::add_instrument(Rc::new(Drops));
            n.cancel();
            assert!(log.borrow().is_empty());
            trio::sleep_forever().await;
        })
        .unwrap();
    }
    let log = Log::default();
    trio::run(|| main(Rc::clone(&log)));
    assert_eq!(log.borrow()[..2], DEEPEST_FIRST[..2]);
    assert_eq!(log.borrow().len(), 3);
}

/// Drops the kept frame at one of the hooks, for the task of this name.
struct DropsAt(&'static str, &'static str);

impl DropsAt {
    fn hook(&self, hook: &str, task: &lowlevel::Task) {
        if (hook, &*task.name()) == (self.0, self.1) {
            frames::drop_kept();
        }
    }
}

impl lowlevel::Instrument for DropsAt {
    fn task_spawned(&self, task: &lowlevel::Task) {
        self.hook("spawned", task);
    }
    fn before_task_step(&self, task: &lowlevel::Task) {
        self.hook("before", task);
    }
    fn after_task_step(&self, task: &lowlevel::Task) {
        self.hook("after", task);
    }
    fn task_exited(&self, task: &lowlevel::Task) {
        self.hook("exited", task);
    }
}

/// A frame with two children, one of which ends at once.
#[trio::task]
async fn frame(log: Log) {
    let _first = noting(&log, "the parent's local");
    let _ = nursery!(|n| {
        n.spawn(suspends, &log);
        n.spawn(ends, &log);
        trio::sleep_forever().await;
    });
}

#[trio::task]
async fn suspends(log: &Log) {
    let _local = noting(log, "the child's local");
    trio::sleep_forever().await;
}

#[trio::task(allow(never_awaits))]
async fn ends(log: &Log) -> String {
    let _local = noting(log, "the other child's local");
    "a value".to_owned()
}

/// Drops that frame at a hook.
fn drop_at(hook: &'static str, task: &'static str) -> Log {
    #[trio::task]
    async fn main(log: Log, instrument: DropsAt) {
        let shared = share(frame(log).into_future());
        assert!(poll_once(&shared).is_pending());
        lowlevel::add_instrument(Rc::new(instrument));
        keep(&shared);
        wait_all_tasks_blocked().await;
        assert_eq!(lowlevel::statistics().tasks_living, 1);
    }
    let log = Log::default();
    trio::run(|| main(Rc::clone(&log), DropsAt(hook, task)));
    log
}

#[test]
fn an_instrument_may_drop_the_frame_of_a_task_that_is_about_to_be_stepped() {
    // Neither child has begun.
    assert_eq!(*drop_at("before", "suspends").borrow(), ["the parent's local in no task"]);
}

#[test]
fn an_instrument_may_drop_the_frame_of_a_task_that_was_stepped() {
    assert_eq!(
        *drop_at("after", "suspends").borrow(),
        ["the child's local in suspends", "the parent's local in no task"]
    );
}

#[test]
fn an_instrument_may_drop_the_frame_of_a_task_that_has_exited() {
    assert_eq!(
        *drop_at("exited", "ends").borrow(),
        [
            "the other child's local in ends",
            "the child's local in suspends",
            "the parent's local in no task"
        ]
    );
}

#[test]
fn an_instrument_that_drops_the_frame_of_a_task_that_is_just_ending_aborts_the_process() {
    if !aborts(
        "an_instrument_that_drops_the_frame_of_a_task_that_is_just_ending_aborts_the_process",
    ) {
        drop_at("after", "ends");
    }
}

#[test]
fn an_instrument_that_drops_the_handle_of_a_task_that_is_just_ending_loses_no_error() {
    type Place = Rc<RefCell<Option<TaskHandle<()>>>>;
    struct Drops(Place);
    impl lowlevel::Instrument for Drops {
        fn after_task_step(&self, task: &lowlevel::Task) {
            if task.name() == "fails" {
                drop(self.0.take());
                assert!(task.is_finished());
            }
        }
    }
    #[trio::task]
    async fn fails() -> Result<(), Fault> {
        checkpoint().await;
        Err(Fault("an error, on purpose"))
    }
    #[trio::task]
    async fn main(place: Place) {
        nursery!(|n| {
            *place.borrow_mut() = Some(n.spawn_monitored(fails));
        })
        .unwrap();
    }
    let name = "an_instrument_that_drops_the_handle_of_a_task_that_is_just_ending_loses_no_error";
    match rerun(name) {
        None => {
            let place = Place::default();
            let instrument = Rc::new(Drops(Rc::clone(&place)));
            trio::Builder::new().instrument(instrument).run(|| main(place));
        }
        Some(output) => {
            assert!(output.status.success(), "{}", stderr(&output));
            let said = "nobody asked how task `fails` ended: an error, on purpose";
            assert!(stderr(&output).contains(said), "{}", stderr(&output));
        }
    }
}

// Recursion.

#[trio::task]
async fn in_boxes(depth: u32, deepest: &Cell<u32>) -> trio::Result<()> {
    nursery!(|n| {
        if depth > 0 {
            n.spawn(checkpoint);
            Box::pin(in_boxes(depth - 1, deepest)).await?;
        } else {
            deepest.set(deepest.get() + 1);
            trio::sleep_forever().await;
        }
    })?;
    Ok(())
}

#[trio::task(boxed)]
async fn boxed(depth: u32, deepest: &Cell<u32>) -> trio::Result<()> {
    nursery!(|n| {
        if depth > 0 {
            n.spawn(checkpoint);
            boxed(depth - 1, deepest).await?;
        } else {
            deepest.set(deepest.get() + 1);
            trio::sleep_forever().await;
        }
    })?;
    Ok(())
}

#[trio::test]
async fn a_function_that_calls_itself_in_a_box_can_have_nurseries() {
    let deepest = Cell::new(0);
    nursery!(|n| {
        n.spawn(in_boxes, 5, &deepest);
        n.spawn(boxed, 5, &deepest);
        wait_all_tasks_blocked().await;
        assert_eq!(deepest.get(), 2);
        n.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn frames_in_boxes_that_are_cancelled_leave_the_tracebacks_of_others_alone() {
    let deepest = Cell::new(0);
    nursery!(|n| {
        let waits = n.spawn(in_boxes, 2, &deepest).task();
        let cancelled = [n.spawn(in_boxes, 5, &deepest), n.spawn(boxed, 5, &deepest)];
        wait_all_tasks_blocked().await;
        let before = waits.traceback().len();
        assert!(before >= 6, "{before}");
        cancelled.iter().for_each(TaskHandle::cancel);
        wait_all_tasks_blocked().await;
        assert!(cancelled.iter().all(TaskHandle::is_finished));
        assert_eq!(waits.traceback().len(), before);
        n.cancel();
    })
    .unwrap();
}
