//! From threads back into a run.

use std::cell::{Cell, RefCell};
use std::panic::panic_any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tests::faults::OnDrop;
use tests::panics::panic_text;
use tests::threads::in_thread;
use trio::lowlevel::{
    Clock, TrioToken, checkpoint, current_task, current_trio_token, in_trio_task,
    spawn_system_task, statistics, task_tree,
};
use trio::sync::CapacityLimiter;
use trio::testing::{MockClock, wait_all_tasks_blocked, wait_all_threads_completed};
use trio::thread::{
    AbandonableThread, HomeRef, NoAnswer, WorkerThread, await_in_trio_thread, check_cancelled,
    run_in_trio_thread, run_in_worker_thread,
};
use trio::{CancelScope, Instant, RunFinishedError, nursery, sleep_forever};

trio::task_local! {
    static NUMBER: u32;
}

fn is_cancelled<T>(answer: Result<T, NoAnswer>) -> bool {
    matches!(answer, Err(NoAnswer::Cancelled(_)))
}

// O127
#[trio::test]
async fn a_foreign_thread_with_a_token_calls_in_the_runs_thread() {
    let (run, token) = (thread::current().id(), current_trio_token());
    in_thread(move || {
        let text = String::from("borrowed");
        let called = token.run_in_trio_thread(|| (thread::current().id(), text.len()));
        assert_eq!(called, Ok((run, 8)));
        let in_task = token.run_in_trio_thread(in_trio_task);
        assert_eq!(in_task, Ok(false));
        let awaited = token.await_in_trio_thread(|| async {
            checkpoint().await;
            (thread::current().id(), text.len(), current_task().parent().is_none())
        });
        assert_eq!(awaited, Ok((run, 8, true)));
    })
    .await;
}

// O127
#[trio::test]
async fn a_panic_there_comes_back_to_the_foreign_thread() {
    let token = current_trio_token();
    in_thread(move || {
        assert_eq!(panic_text(|| token.run_in_trio_thread(|| panic!("there"))), "there");
        let late = || async {
            checkpoint().await;
            panic!("there, later")
        };
        assert_eq!(panic_text(|| token.await_in_trio_thread(late)), "there, later");
        #[allow(unreachable_code)]
        let at_once = || {
            panic!("at once");
            checkpoint()
        };
        assert_eq!(panic_text(|| token.await_in_trio_thread(at_once)), "at once");
    })
    .await;
    checkpoint().await;
}

// O127
#[trio::test]
async fn in_the_runs_own_thread_it_would_be_for_ever_so_it_panics() {
    let token = current_trio_token();
    let texts = [
        panic_text(|| token.run_in_trio_thread(|| ())),
        panic_text(|| token.await_in_trio_thread(checkpoint)),
        panic_text(|| run_in_trio_thread(|| ())),
        panic_text(|| await_in_trio_thread(checkpoint)),
    ];
    checkpoint().await;
    for text in texts {
        assert!(text.contains("it would block for ever: call the function, or await it"), "{text}");
    }
}

// O127
#[test]
fn a_thread_that_works_for_no_task_is_told_to_use_a_token() {
    for text in
        [panic_text(|| run_in_trio_thread(|| ())), panic_text(|| await_in_trio_thread(checkpoint))]
    {
        assert!(text.contains("call into a run with the methods of a `TrioToken`"), "{text}");
    }
}

// O127
#[test]
fn a_run_that_has_ended_is_an_error() {
    let token = trio::run(|| async { current_trio_token() });
    assert_eq!(token.run_in_trio_thread(|| unreachable!()), Err::<(), _>(RunFinishedError::new()));
    let called = AtomicBool::new(false);
    let answer = token.await_in_trio_thread(|| {
        called.store(true, Ordering::Relaxed);
        checkpoint()
    });
    assert_eq!(answer, Err(NoAnswer::RunFinished(RunFinishedError::new())));
    assert_eq!(answer.unwrap_err().to_string(), "the run has ended");
    assert!(!called.into_inner());
}

// O128
#[test]
fn what_a_foreign_thread_awaits_is_cancelled_when_main_ends() {
    let (send, receive) = channel::<TrioToken>();
    let ((begin, begun), (drops, dropped)) = (channel(), channel());
    let foreign = thread::spawn(move || {
        let token = receive.recv().unwrap();
        token.await_in_trio_thread(move || async move {
            let _drops = OnDrop(move || drops.send(()).unwrap());
            begin.send(()).unwrap();
            sleep_forever().await
        })
    });
    trio::run(|| async {
        send.send(current_trio_token()).unwrap();
        // Blocks the run, which has to go on: so in a thread of its own.
        in_thread(move || begun.recv().unwrap()).await;
    });
    assert!(is_cancelled(foreign.join().unwrap()));
    dropped.try_recv().unwrap();
}

// O132
#[trio::test]
async fn from_a_worker_thread_it_runs_in_the_task_that_waits() {
    let (task, run) = (current_task(), thread::current().id());
    let (home, word) = (HomeRef::new(&task), String::from("borrowed"));
    run_in_worker_thread(|| {
        let same = run_in_trio_thread(|| {
            thread::current().id() == run && current_task() == *home.get() && word.len() == 8
        });
        assert_eq!(same, Ok(true));
        let same = await_in_trio_thread(|| async {
            checkpoint().await;
            current_task() == *home.get() && word.len() == 8
        });
        assert_eq!(same, Ok(true));
    })
    .await;
}

// O132
#[trio::test]
async fn a_panic_there_comes_back_to_the_worker_thread() {
    run_in_worker_thread(|| {
        let payload = std::panic::catch_unwind(|| run_in_trio_thread(|| panic_any(7_u8)));
        assert_eq!(*payload.unwrap_err().downcast::<u8>().unwrap(), 7);
        let late = || async {
            checkpoint().await;
            panic!("there")
        };
        assert_eq!(panic_text(|| await_in_trio_thread(late)), "there");
    })
    .await;
}

#[trio::task]
async fn add_with_children(a: u32, b: u32) -> u32 {
    let sum = Cell::new(0);
    nursery!(|n| {
        for number in [a, b] {
            let sum = &sum;
            n.spawn(async move {
                checkpoint().await;
                sum.set(sum.get() + number);
            });
        }
    })
    .unwrap();
    sum.get()
}

// O132
#[trio::test]
async fn a_task_function_that_a_worker_thread_awaits_may_have_children() {
    let sum = run_in_worker_thread(|| await_in_trio_thread(|| add_with_children(3, 4)));
    assert_eq!(sum.await, Ok(7));
}

#[trio::task]
async fn says_how_far_it_gets(log: &RefCell<Vec<&'static str>>) {
    log.borrow_mut().push("async");
    let _drops = OnDrop(|| log.borrow_mut().push("unwound"));
    checkpoint().await;
    unreachable!();
}

// O132
#[trio::test]
async fn the_host_being_cancelled_shows_at_cancellation_points_alone() {
    let scope = CancelScope::new();
    let log = RefCell::new(Vec::new());
    let inside = scope.run(async {
        let home = HomeRef::new(&scope);
        let places = HomeRef::new(&log);
        run_in_worker_thread(|| {
            run_in_trio_thread(|| home.get().cancel()).unwrap();
            // No cancellation point: it is called.
            run_in_trio_thread(|| places.get().borrow_mut().push("sync")).unwrap();
            let unwound = await_in_trio_thread(|| says_how_far_it_gets(places.get()));
            assert!(is_cancelled(unwound));
            // Again and again, and under a shield not.
            assert!(is_cancelled(await_in_trio_thread(checkpoint)));
            assert_eq!(await_in_trio_thread(|| trio::shield(checkpoint)), Ok(()));
            assert!(check_cancelled().is_err());
            7
        })
        .await
    });
    // It happened, so that its value counts.
    assert_eq!(inside.await, Some(7));
    assert_eq!(*log.borrow(), ["sync", "async", "unwound"]);
}

// O132
#[trio::test]
async fn a_cancellation_unwinds_what_the_worker_thread_waits_for() {
    let scope = CancelScope::new();
    let ended = Cell::new(false);
    nursery!(|n| {
        n.spawn(async {
            let inside = scope.run(async {
                let answer = run_in_worker_thread(|| await_in_trio_thread(sleep_forever));
                assert!(is_cancelled(answer.await));
                ended.set(true);
                checkpoint().await;
                unreachable!()
            });
            assert_eq!(inside.await, None::<()>);
        });
        until(&|| task_tree().contains("waits for ever")).await;
        scope.cancel();
    })
    .unwrap();
    assert!(ended.get() && scope.cancelled_caught());
}

// O132
#[trio::test]
async fn threads_and_run_can_call_each_other_many_levels_deep() {
    #[trio::task]
    async fn in_the_run(level: u32) -> u32 {
        if level == 0 {
            checkpoint().await;
            return 0;
        }
        run_in_worker_thread(|| in_a_thread(level - 1)).await + 1
    }
    fn in_a_thread(level: u32) -> u32 {
        let task: fn(u32) -> std::pin::Pin<Box<dyn Future<Output = u32>>> =
            |level| Box::pin(in_the_run(level).into_future());
        await_in_trio_thread(|| task(level)).unwrap()
    }
    assert_eq!(in_the_run(10).await, 10);
}

#[trio::task]
async fn goes_to_and_fro(limiter: &CapacityLimiter, rounds: &Cell<u32>) {
    for _ in 0..50 {
        let thread = WorkerThread::new().limiter(limiter);
        thread.run(|| await_in_trio_thread(checkpoint)).await.unwrap();
        rounds.set(rounds.get() + 1);
    }
}

// O132
#[trio::test]
async fn tasks_that_go_to_and_fro_through_threads_do_not_block_each_other() {
    let (limiter, rounds) = (CapacityLimiter::new(3), Cell::new(0));
    nursery!(|n| {
        for _ in 0..4 {
            n.spawn(goes_to_and_fro, &limiter, &rounds);
        }
    })
    .unwrap();
    assert_eq!(rounds.get(), 200);
}

/// Waits, in the run, until `condition` holds.
#[trio::task(allow(busy_wait))]
async fn until(condition: &dyn Fn() -> bool) {
    while !condition() {
        checkpoint().await;
    }
}

// O132
#[trio::test]
async fn a_thread_that_was_abandoned_calls_outside_its_task() {
    let ((go, may_go), (send, receive)) = (channel::<()>(), channel());
    let begun = Arc::new(AtomicBool::new(false));
    let its_begun = Arc::clone(&begun);
    let task = current_task().id();
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            let call = AbandonableThread::new().run(move || {
                its_begun.store(true, Ordering::Relaxed);
                let _ = may_go.recv();
                let sync = run_in_trio_thread(in_trio_task);
                let task = await_in_trio_thread(|| async {
                    checkpoint().await;
                    (current_task().id(), current_task().parent().is_none())
                });
                send.send((sync, task)).unwrap();
            });
            assert_eq!(scope.run(async { call.await }).await, None);
        });
        until(&|| begun.load(Ordering::Relaxed)).await;
        scope.cancel();
    })
    .unwrap();
    drop(go);
    wait_all_threads_completed().await;
    let (sync, called) = receive.recv().unwrap();
    assert_eq!(sync, Ok(false));
    let (id, no_parent) = called.unwrap();
    assert!(id != task && no_parent);
}

#[trio::task]
async fn shielded(job: impl FnOnce() + Send) {
    trio::shield(async { run_in_worker_thread(job).await }).await;
}

// O134
#[test]
fn during_the_shutdown_a_host_serves_and_system_tasks_do_not_begin() {
    let (go, may_go) = channel::<()>();
    let (send, receive) = channel();
    trio::run(|| async {
        let token = current_trio_token();
        spawn_system_task(move || {
            shielded(move || {
                // It is dropped when main has ended.
                let _ = may_go.recv();
                let host = (run_in_trio_thread(|| 7), await_in_trio_thread(checkpoint));
                let mut called = false;
                let outside = token.await_in_trio_thread(|| {
                    called = true;
                    checkpoint()
                });
                send.send((host, outside, called)).unwrap();
            })
        });
        spawn_system_task(move || async move {
            let _go = go;
            sleep_forever().await
        });
        wait_all_tasks_blocked().await;
    });
    let (host, outside, called) = receive.recv().unwrap();
    assert_eq!(host, (Ok(7), Ok(())));
    assert_eq!((outside, called), (Err(NoAnswer::RunFinished(RunFinishedError::new())), false));
}

// O134
#[test]
fn a_thread_that_outlives_the_run_hears_that_it_has_ended() {
    let (go, may_go) = channel::<()>();
    let (send, receive) = channel();
    trio::run(|| async {
        spawn_system_task(move || async move {
            let job = move || {
                let _ = may_go.recv();
                let sync = run_in_trio_thread(|| unreachable!());
                let task = await_in_trio_thread(checkpoint);
                send.send((sync, task)).unwrap();
            };
            AbandonableThread::new().run(job).into_future().await;
        });
        wait_all_tasks_blocked().await;
    });
    drop(go);
    let over = NoAnswer::RunFinished(RunFinishedError::new());
    assert_eq!(receive.recv().unwrap(), (Err::<(), _>(over), Err(over)));
}

// O132, O127
#[trio::test]
async fn task_local_values_of_the_thread_hold_in_what_it_calls() {
    let inside = async {
        let token = current_trio_token();
        run_in_worker_thread(|| {
            let both = || {
                let sync = run_in_trio_thread(|| NUMBER.get()).unwrap();
                let later = || async {
                    checkpoint().await;
                    NUMBER.get()
                };
                (sync, await_in_trio_thread(later).unwrap())
            };
            assert_eq!(both(), (Some(1), Some(1)));
            assert_eq!(NUMBER.scope_sync(2, both), (Some(2), Some(2)));
            let outside = NUMBER.scope_sync(3, || token.run_in_trio_thread(|| NUMBER.get()));
            assert_eq!(outside, Ok(Some(3)));
        })
        .await;
        assert_eq!(NUMBER.get(), Some(1));
    };
    NUMBER.scope(1, inside).await;
}

#[trio::test]
async fn a_home_reference_is_followed_at_home_alone() {
    let value = Cell::new(1);
    let home = HomeRef::new(&value);
    assert!(home.is_home());
    assert_eq!(home.get().get(), 1);
    run_in_worker_thread(|| {
        assert!(!home.is_home());
        let text = panic_text(|| home.get());
        assert!(text.contains("inside `run_in_trio_thread`"), "{text}");
        run_in_trio_thread(|| home.get().set(2)).unwrap();
    })
    .await;
    assert_eq!(value.get(), 2);
}

/// Many threads call into a run while tasks come and go; everything that was accepted has its answer.
#[test]
fn many_foreign_threads_stress_a_run_and_none_is_left_without_an_answer() {
    const THREADS: usize = 8;
    let tokens: Mutex<Vec<Sender<TrioToken>>> = Mutex::default();
    let (called, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let answered = thread::scope(|threads| {
        let foreign: Vec<_> = (0..THREADS)
            .map(|number| {
                let (send, receive) = channel::<TrioToken>();
                tokens.lock().unwrap().push(send);
                let called = &called;
                threads.spawn(move || {
                    let token = receive.recv().unwrap();
                    let mut answered = 0;
                    loop {
                        let count = || called.fetch_add(1, Ordering::Relaxed);
                        let answer = if number % 2 == 0 {
                            token.run_in_trio_thread(count).map_err(NoAnswer::from)
                        } else {
                            token.await_in_trio_thread(|| async {
                                checkpoint().await;
                                count()
                            })
                        };
                        match answer {
                            Ok(_) => answered += 1,
                            Err(_) => return answered,
                        }
                    }
                })
            })
            .collect();
        trio::run(|| stressed(&tokens, &called, &stop));
        foreign.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
    });
    assert!(answered >= 2000);
    assert_eq!(called.into_inner(), answered);
}

#[trio::task(allow(busy_wait))]
async fn stressed(tokens: &Mutex<Vec<Sender<TrioToken>>>, called: &AtomicUsize, stop: &AtomicBool) {
    for send in tokens.lock().unwrap().drain(..) {
        send.send(current_trio_token()).unwrap();
    }
    nursery!(|n| {
        for _ in 0..4 {
            n.spawn(async {
                // Until the others have had enough: threads of our own, which call back.
                while !stop.load(Ordering::Relaxed) {
                    let there_and_back = || run_in_trio_thread(in_trio_task);
                    assert_eq!(run_in_worker_thread(there_and_back).await, Ok(true));
                }
            });
        }
        until(&|| called.load(Ordering::Relaxed) >= 2000).await;
        stop.store(true, Ordering::Relaxed);
    })
    .unwrap();
}

/// A clock that panics when the run asks how long it may sleep.
struct Breaks(MockClock);

impl Clock for Breaks {
    fn now(&self) -> Instant {
        Clock::now(&self.0)
    }

    fn time_until(&self, _deadline: Instant) -> Option<Duration> {
        panic!("the clock is broken")
    }
}

#[test]
fn a_run_that_is_torn_down_keeps_nobody_waiting_and_waits_for_what_borrows() {
    let (send, receive) = channel::<TrioToken>();
    let foreign = thread::spawn(move || {
        let token = receive.recv().unwrap();
        token.run_in_trio_thread(|| unreachable!())
    });
    let (lent, heard) = (AtomicBool::new(false), AtomicBool::new(false));
    let text = panic_text(|| {
        trio::Builder::new().clock(Breaks(MockClock::new())).run(|| torn_down(send, &lent, &heard))
    });
    assert_eq!(text, "the clock is broken");
    assert!(lent.into_inner() && heard.into_inner());
    assert_eq!(foreign.join().unwrap(), Err::<(), _>(RunFinishedError::new()));
}

#[trio::task]
async fn torn_down(send: Sender<TrioToken>, lent: &AtomicBool, heard: &AtomicBool) {
    let mine = OnDrop(|| assert!(heard.load(Ordering::SeqCst), "it is still lent"));
    nursery!(|n| {
        n.spawn(run_in_worker_thread, || {
            let _lent = &mine;
            lent.store(true, Ordering::SeqCst);
            // It waits for the run, which does not go on.
            assert!(is_cancelled(await_in_trio_thread(sleep_forever)));
            heard.store(true, Ordering::SeqCst);
        });
        until(&|| lent.load(Ordering::SeqCst)).await;
        send.send(current_trio_token()).unwrap();
        // Without a cancellation point: what is sent is not called any more.
        while statistics().call_soon_queue_size == 0 {
            thread::yield_now();
        }
        trio::sleep(Duration::from_secs(1)).await;
    })
    .unwrap();
}
