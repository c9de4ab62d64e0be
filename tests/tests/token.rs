//! Calling into a run from elsewhere, and the tasks that belong to the run itself.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;

use tests::faults::{Fault, OnDrop};
use tests::panics::panic_text;
use trio::lowlevel::{
    TrioToken, cancel_shielded_checkpoint, checkpoint, current_task, current_trio_token,
    spawn_system_task, statistics,
};
use trio::testing::wait_all_tasks_blocked;
use trio::{CancelScope, CancelSource, ErrorGroup, RunFinishedError, nursery, sleep_forever};

type Log = Arc<Mutex<Vec<usize>>>;

// E66
#[trio::test]
async fn a_callback_is_called_later_and_never_synchronously() {
    let called = Arc::new(AtomicBool::new(false));
    let callback = Arc::clone(&called);
    let run = thread::current().id();
    current_trio_token()
        .call_soon(move || {
            assert_eq!(thread::current().id(), run);
            callback.store(true, Ordering::Relaxed);
        })
        .unwrap();
    assert!(!called.load(Ordering::Relaxed));
    wait_all_tasks_blocked().await;
    assert!(called.load(Ordering::Relaxed));
}

// E66
#[trio::test(allow(unstructured_spawn))]
async fn a_callback_from_another_thread_wakes_a_run_that_waits() {
    #[trio::task]
    async fn waits(woken: Arc<Mutex<Option<Waker>>>, done: Arc<AtomicBool>) {
        std::future::poll_fn(|cx| {
            *woken.lock().unwrap() = Some(cx.waker().clone());
            if done.load(Ordering::Relaxed) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
    let (woken, done) = (Arc::default(), Arc::new(AtomicBool::new(false)));
    let (its_waker, its_done) = (Arc::clone(&woken), Arc::clone(&done));
    let token = current_trio_token();
    nursery!(|n| {
        n.spawn(waits, woken, done);
        wait_all_tasks_blocked().await;
        thread::spawn(move || {
            token.call_soon(move || {
                its_done.store(true, Ordering::Relaxed);
                its_waker.lock().unwrap().take().unwrap().wake();
            })
        })
        .join()
        .unwrap()
        .unwrap();
    })
    .unwrap();
}

fn push(token: &TrioToken, log: &Log, number: usize) {
    let log = Arc::clone(log);
    token.call_soon(move || log.lock().unwrap().push(number)).unwrap();
}

// E66
#[trio::test]
async fn callbacks_are_called_in_the_order_of_the_calls() {
    for count in [100, 100_000] {
        let (token, log) = (current_trio_token(), Log::default());
        for number in 0..count {
            push(&token, &log, number);
        }
        assert_eq!(statistics().call_soon_queue_size, count);
        wait_all_tasks_blocked().await;
        assert_eq!(*log.lock().unwrap(), (0..count).collect::<Vec<_>>());
    }
}

// E66
#[trio::test]
async fn a_callback_may_send_another_a_thousand_deep() {
    fn send(token: TrioToken, left: usize, log: Log) {
        let next = token.clone();
        let call = move || {
            log.lock().unwrap().push(left);
            if left > 0 {
                send(next, left - 1, log);
            }
        };
        token.call_soon(call).unwrap();
    }
    let log = Log::default();
    send(current_trio_token(), 1000, Arc::clone(&log));
    wait_all_tasks_blocked().await;
    assert_eq!(log.lock().unwrap().len(), 1001);
}

// E67
#[trio::test]
async fn callbacks_of_the_same_key_are_called_once_in_the_place_of_the_first() {
    let (token, log) = (current_trio_token(), Log::default());
    for key in [3, 1, 2, 1, 3, 3] {
        let log = Arc::clone(&log);
        let call = move || log.lock().unwrap().push(usize::try_from(key).unwrap());
        token.call_soon_idempotent(key, call).unwrap();
    }
    push(&token, &log, 9);
    push(&token, &log, 9);
    assert_eq!(statistics().call_soon_queue_size, 5);
    wait_all_tasks_blocked().await;
    assert_eq!(*log.lock().unwrap(), [3, 1, 2, 9, 9]);
}

// E67
#[trio::test]
async fn the_key_of_a_callback_is_free_again_once_it_is_being_called() {
    fn send(token: &TrioToken, left: usize, log: &Log) {
        let (next, log) = (token.clone(), Arc::clone(log));
        let call = move || {
            log.lock().unwrap().push(left);
            if left > 0 {
                send(&next, left - 1, &log);
            }
        };
        token.call_soon_idempotent(0, call).unwrap();
    }
    let log = Log::default();
    send(&current_trio_token(), 3, &log);
    wait_all_tasks_blocked().await;
    assert_eq!(*log.lock().unwrap(), [3, 2, 1, 0]);
}

// E68
#[test]
fn a_callback_after_the_run_is_refused() {
    let token = trio::run(|| async { current_trio_token() });
    assert_eq!(token.call_soon(|| unreachable!()), Err(RunFinishedError::new()));
    assert_eq!(token.call_soon_idempotent(1, || unreachable!()), Err(RunFinishedError::new()));
    let other = thread::spawn(move || token.call_soon(|| unreachable!()));
    assert!(other.join().unwrap().is_err());
}

// E68
#[test]
fn a_callback_after_a_run_that_failed_is_refused() {
    let place = Rc::new(RefCell::new(None));
    let text = panic_text(|| {
        trio::run(|| async {
            *place.borrow_mut() = Some(current_trio_token());
            panic!("over")
        })
    });
    assert_eq!(text, "over");
    assert!(place.take().unwrap().call_soon(|| ()).is_err());
}

// E69
#[test]
fn a_callback_that_was_accepted_is_called_although_main_has_panicked() {
    let called = Arc::new(AtomicBool::new(false));
    let callback = Arc::clone(&called);
    let text = panic_text(|| {
        trio::run(move || async move {
            current_trio_token()
                .call_soon(move || callback.store(true, Ordering::Relaxed))
                .unwrap();
            panic!("main has crashed")
        })
    });
    assert_eq!(text, "main has crashed");
    assert!(called.load(Ordering::Relaxed));
}

// E69
#[test]
fn a_callback_that_was_accepted_last_is_called() {
    let log = Log::default();
    trio::run(|| async {
        let token = current_trio_token();
        let (inner, its_log) = (token.clone(), Arc::clone(&log));
        // Sent while the run is shutting down.
        spawn_system_task(move || async move {
            let _sends = OnDrop(|| push(&inner, &its_log, 2));
            sleep_forever().await
        });
        checkpoint().await;
        push(&token, &log, 1);
    });
    assert_eq!(*log.lock().unwrap(), [1, 2]);
}

// E70
#[test]
fn a_callback_that_panics_fails_the_run_and_the_others_are_called() {
    let log = Log::default();
    let cancelled = Cell::new(None);
    let text = panic_text(|| {
        trio::run(|| async {
            let token = current_trio_token();
            let _looks = OnDrop(|| cancelled.set(trio::current_cancel_reason()));
            push(&token, &log, 1);
            token.call_soon(|| panic!("in a callback")).unwrap();
            push(&token, &log, 2);
            sleep_forever().await
        })
    });
    assert!(text.contains("the run has failed"), "{text}");
    assert!(text.contains("`call_soon` panicked: in a callback"), "{text}");
    assert_eq!(*log.lock().unwrap(), [1, 2]);
    assert_eq!(cancelled.take().unwrap().source(), CancelSource::Shutdown);
}

// E70
#[test]
fn a_callback_that_panics_when_everything_is_over_fails_the_run_all_the_same() {
    let log = Log::default();
    let text = panic_text(|| {
        trio::run(|| async {
            let token = current_trio_token();
            let (inner, log) = (token.clone(), Arc::clone(&log));
            spawn_system_task(move || async move {
                let _sends = OnDrop(|| {
                    inner.call_soon(|| panic!("late")).unwrap();
                    push(&inner, &log, 1);
                });
                sleep_forever().await
            });
            checkpoint().await;
        })
    });
    assert!(text.contains("`call_soon` panicked: late"), "{text}");
    assert_eq!(*log.lock().unwrap(), [1]);
}

// E71
#[trio::test(allow(busy_wait))]
async fn callbacks_that_send_themselves_again_do_not_starve_the_tasks() {
    fn again(token: TrioToken, stop: Arc<AtomicBool>, calls: Arc<AtomicUsize>) {
        let next = token.clone();
        let call = move || {
            calls.fetch_add(1, Ordering::Relaxed);
            if !stop.load(Ordering::Relaxed) {
                again(next, stop, calls);
            }
        };
        let _ = token.call_soon(call);
    }
    let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..3 {
        again(current_trio_token(), Arc::clone(&stop), Arc::clone(&calls));
    }
    // Tasks make progress, and so do the callbacks.
    while calls.load(Ordering::Relaxed) < 100 {
        checkpoint().await;
    }
    stop.store(true, Ordering::Relaxed);
}

// E71
#[test]
fn callbacks_that_send_themselves_again_do_not_keep_the_run_from_ending() {
    fn again(token: TrioToken) {
        let next = token.clone();
        let _ = token.call_soon(move || again(next));
    }
    trio::run(|| async {
        again(current_trio_token());
        for _ in 0..100 {
            checkpoint().await;
        }
    });
}

// E72
#[test]
fn a_thread_that_hammers_the_run_neither_stops_it_nor_loses_what_was_accepted() {
    let called = Arc::new(AtomicUsize::new(0));
    let (send_token, receive_token) = channel::<TrioToken>();
    let counter = Arc::clone(&called);
    let hammer = thread::spawn(move || {
        let token = receive_token.recv().unwrap();
        let mut accepted = 0;
        loop {
            let counter = Arc::clone(&counter);
            let call = move || {
                counter.fetch_add(1, Ordering::Relaxed);
            };
            match token.call_soon(call) {
                Ok(()) => accepted += 1,
                Err(_) => return accepted,
            }
        }
    });
    trio::run(|| async {
        send_token.send(current_trio_token()).unwrap();
        while called.load(Ordering::Relaxed) < 10_000 {
            checkpoint().await;
        }
    });
    let accepted: usize = hammer.join().unwrap();
    assert!(accepted >= 10_000);
    assert_eq!(called.load(Ordering::Relaxed), accepted);
}

// E73
#[test]
fn every_run_has_a_token_of_its_own() {
    let tokens = || trio::run(|| async { (current_trio_token(), current_trio_token()) });
    let (first, again) = tokens();
    let (second, _) = tokens();
    assert_eq!(first, again);
    assert_ne!(first, second);
}

// E74
#[test]
fn a_system_task_has_no_parent_and_is_cancelled_when_main_has_ended() {
    let reason = Rc::new(Cell::new(None));
    trio::run(|| async {
        let place = Rc::clone(&reason);
        let task = spawn_system_task(move || async move {
            let _looks = OnDrop(|| place.set(trio::current_cancel_reason()));
            sleep_forever().await
        });
        assert!(task.parent().is_none());
        assert!(current_task().parent().is_none());
        wait_all_tasks_blocked().await;
        assert!(!task.is_finished());
        assert_eq!(statistics().tasks_living, 2);
    });
    assert_eq!(reason.take().unwrap().source(), CancelSource::Shutdown);
}

// E74
#[trio::test]
async fn a_system_task_is_in_no_scope_of_the_one_who_spawned_it() {
    let begun = Rc::new(Cell::new(false));
    let scope = CancelScope::new();
    let place = Rc::clone(&begun);
    scope
        .run(async {
            scope.cancel();
            spawn_system_task(move || async move {
                wait_all_tasks_blocked().await;
                place.set(true);
            });
        })
        .await;
    wait_all_tasks_blocked().await;
    wait_all_tasks_blocked().await;
    assert!(begun.get());
}

// E74
#[test]
fn system_tasks_are_cancelled_after_main_has_cleaned_up() {
    let log = Log::default();
    trio::run(|| async {
        let its_log = Arc::clone(&log);
        spawn_system_task(move || async move {
            let _last = OnDrop(|| its_log.lock().unwrap().push(2));
            sleep_forever().await
        });
        checkpoint().await;
        let _first = OnDrop(|| log.lock().unwrap().push(1));
        checkpoint().await;
    });
    assert_eq!(*log.lock().unwrap(), [1, 2]);
}

#[trio::task]
async fn fails(text: &'static str) -> Result<(), Fault> {
    cancel_shielded_checkpoint().await;
    Err(Fault(text))
}

#[trio::task]
async fn panics(text: &'static str) {
    checkpoint().await;
    panic!("{text}");
}

// E74
#[test]
fn a_system_task_that_fails_cancels_main_and_fails_the_run() {
    let reason = Cell::new(None);
    let text = panic_text(|| {
        trio::run(|| async {
            let _looks = OnDrop(|| reason.set(trio::current_cancel_reason()));
            spawn_system_task(|| fails("must not"));
            sleep_forever().await
        })
    });
    assert!(text.contains("the run has failed"), "{text}");
    assert!(text.contains("system task `fails`"), "{text}");
    assert!(text.contains("must not"), "{text}");
    let reason = reason.take().unwrap();
    assert_eq!(reason.source(), CancelSource::Shutdown);
    assert_eq!(reason.text(), Some("a system task failed"));
}

// E74
#[test]
fn a_system_task_that_panics_fails_the_run() {
    let text = panic_text(|| {
        trio::run(|| async {
            spawn_system_task(|| panics("must not, either"));
            sleep_forever().await
        })
    });
    assert!(text.contains("system task"), "{text}");
    assert!(text.contains("must not, either"), "{text}");
}

// E74
#[test]
fn a_system_task_may_fail_with_a_group() {
    #[trio::task]
    async fn group() -> Result<(), ErrorGroup> {
        nursery!(|n| {
            n.spawn(fails, "one");
            n.spawn(fails, "two");
        })
    }
    let text = panic_text(|| {
        trio::run(|| async {
            spawn_system_task(group);
            sleep_forever().await
        })
    });
    assert!(text.contains("system task `group`"), "{text}");
    assert!(text.contains("one"), "{text}");
}

// E74
#[test]
fn no_failure_of_several_system_tasks_is_lost() {
    let text = panic_text(|| {
        trio::run(|| async {
            spawn_system_task(|| fails("the first"));
            spawn_system_task(|| fails("the second"));
            sleep_forever().await
        })
    });
    assert!(text.contains("the first"), "{text}");
    assert!(text.contains("the second"), "{text}");
}

// E74
#[test]
fn a_system_task_that_fails_while_the_run_ends_fails_it_all_the_same() {
    #[trio::task]
    async fn fails_at_the_end() -> Result<(), Fault> {
        let shielded = CancelScope::new().shielded(true);
        shielded.run(async { checkpoint().await }).await;
        Err(Fault("at the end"))
    }
    let text = panic_text(|| {
        trio::run(|| async {
            spawn_system_task(fails_at_the_end);
        });
    });
    assert!(text.contains("at the end"), "{text}");
}

/// Is ready once a thread has been asked to make it so.
struct FromAnotherThread(Sender<Waker>, Arc<AtomicBool>);

impl FromAnotherThread {
    fn new() -> FromAnotherThread {
        let (send, receive) = channel::<Waker>();
        let done = Arc::new(AtomicBool::new(false));
        let its_done = Arc::clone(&done);
        thread::spawn(move || {
            while let Ok(waker) = receive.recv() {
                its_done.store(true, Ordering::Release);
                waker.wake();
            }
        });
        FromAnotherThread(send, done)
    }
}

impl Future for FromAnotherThread {
    type Output = ();

    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<()> {
        if self.1.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        self.0.send(cx.waker().clone()).unwrap();
        Poll::Pending
    }
}

// E69, E74
#[test]
fn a_system_task_of_the_last_callback_can_still_be_woken_by_a_thread() {
    #[trio::task]
    async fn late(ended: Arc<AtomicBool>) {
        trio::shield(FromAnotherThread::new).await;
        ended.store(true, Ordering::Relaxed);
    }
    let ended = Arc::new(AtomicBool::new(false));
    let its_ended = Arc::clone(&ended);
    trio::run(|| async {
        let token = current_trio_token();
        spawn_system_task(move || async move {
            let _sends = OnDrop(|| {
                let ended = Arc::clone(&its_ended);
                token.call_soon(move || drop(spawn_system_task(|| late(ended)))).unwrap();
            });
            sleep_forever().await
        });
        checkpoint().await;
    });
    assert!(ended.load(Ordering::Relaxed));
}
