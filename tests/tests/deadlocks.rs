//! Deadlocks: what is one ends the run, and what can still be woken is none.

use std::cell::{Cell, OnceCell, RefCell};
use std::future::{pending, poll_fn};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use futures::channel::{mpsc, oneshot};
use futures::future::{Either, select};
use futures::{FutureExt, StreamExt};
use rustix::process::{getpid, kill_process};
use tests::panics::{panic_text, text};
use tests::rerun::{rerun, stderr};
use trio::lowlevel::{
    Abort, Instrument, ParkingLot, Resumer, checkpoint, current_trio_token, spawn_system_task,
    suspend, wait_readable,
};
use trio::signal::{Signal, open_signal_receiver};
use trio::testing::{MockClock, wait_all_tasks_blocked};
use trio::{Builder, TaskHandle, TaskStatus, nursery, sleep, sleep_forever};

const MILLI: Duration = Duration::from_millis(1);

/// Waits in the lot, which others do or do not know.
async fn park(lot: &ParkingLot) {
    lot.park().await.expect("nobody breaks the lot");
}

/// The text of the run's failure, which must be a deadlock.
#[track_caller]
fn deadlock(run: impl FnOnce()) -> String {
    let text = panic_text(run);
    assert!(text.starts_with("trio: the run has failed: deadlock: every task waits"), "{text}");
    text
}

// ---- what is one -------------------------------------------------------------------------------

#[derive(Default)]
struct Lock {
    taken: Cell<bool>,
    waiting: ParkingLot,
}

impl Lock {
    async fn acquire(&self) {
        if self.taken.replace(true) {
            park(&self.waiting).await;
        } else {
            checkpoint().await;
        }
    }
}

#[trio::task]
async fn takes(first: &Lock, second: &Lock) {
    first.acquire().await;
    second.acquire().await;
}

#[trio::task]
async fn lock_cycle() {
    let (one, other) = (Lock::default(), Lock::default());
    nursery!(|n| {
        n.spawn(takes, &one, &other);
        n.spawn(takes, &other, &one);
    })
    .unwrap();
}

#[test]
fn a_cycle_of_locks_ends_with_the_task_tree() {
    let text = deadlock(|| trio::run(lock_cycle));
    assert!(text.contains("task `lock_cycle`"), "{text}");
    assert!(text.contains("waits for its children"), "{text}");
    assert_eq!(text.matches("task `takes`").count(), 2, "{text}");
    assert_eq!(text.matches("waits for a parking lot").count(), 2, "{text}");
    assert_eq!(text.matches("second.acquire().await").count(), 2, "{text}");
    assert!(text.contains("awaits `trio::sleep_forever()`"), "{text}");
}

#[test]
fn a_sleep_that_was_cancelled_in_the_step_in_which_the_task_parks_is_not_waited_for() {
    #[trio::task]
    async fn parks(limit: Duration) {
        assert!(trio::move_on_after(limit, sleep_forever).await.is_none());
        park(&ParkingLot::new()).await;
    }
    deadlock(|| trio::run(|| parks(Duration::ZERO)));
    deadlock(|| trio::run(|| parks(MILLI)));
}

#[trio::task]
async fn joins(other: &OnceCell<TaskHandle<()>>) {
    checkpoint().await;
    other.get().unwrap().wait().await;
}

#[trio::task]
async fn join_each_other() {
    let (one, other) = (OnceCell::new(), OnceCell::new());
    nursery!(|n| {
        one.set(n.spawn(joins, &other)).unwrap();
        other.set(n.spawn(joins, &one)).unwrap();
    })
    .unwrap();
}

#[test]
fn tasks_that_wait_for_each_other_are_one() {
    let text = deadlock(|| trio::run(join_each_other));
    assert_eq!(text.matches("task `joins`").count(), 2, "{text}");
}

#[trio::task]
async fn never_starts(_status: TaskStatus<()>) {
    park(&ParkingLot::new()).await;
}

#[trio::task]
async fn start_never_started() {
    nursery!(|n| n.start(never_starts).await.unwrap()).unwrap();
}

#[test]
fn a_start_that_never_comes_is_one() {
    let text = deadlock(|| trio::run(start_never_started));
    assert!(text.contains("waits for a task to call `started`"), "{text}");
}

/// A channel of no capacity: who receives leaves its resumer.
#[derive(Default)]
struct Rendezvous(RefCell<Option<Resumer<u32>>>);

#[trio::task]
async fn receives(channel: &Rendezvous) -> u32 {
    suspend(|resumer| {
        *channel.0.borrow_mut() = Some(resumer);
        || {
            channel.0.take();
            Abort::Succeeded
        }
    })
    .await
}

#[trio::task]
async fn nobody_sends() {
    let (one, other) = (Rendezvous::default(), Rendezvous::default());
    nursery!(|n| {
        n.spawn(receives, &one);
        receives(&other).await;
    })
    .unwrap();
}

#[test]
fn receiving_what_nobody_sends_is_one() {
    let text = deadlock(|| trio::run(nobody_sends));
    assert_eq!(text.matches("waits for a resumer").count(), 2, "{text}");
}

#[trio::task]
async fn cleans_up(log: &RefCell<Vec<&'static str>>) {
    trio::finally(lock_cycle, async {
        sleep(MILLI).await;
        log.borrow_mut().push("cleaned up");
    })
    .await;
    unreachable!("the run is cancelled");
}

#[test]
fn everything_unwinds_with_its_clean_up() {
    let log = RefCell::default();
    deadlock(|| trio::run(|| cleans_up(&log)));
    assert_eq!(log.into_inner(), ["cleaned up"]);
}

#[trio::task]
async fn cannot_be_cancelled() {
    nursery!(|n| {
        n.spawn(async { trio::shield(sleep_forever).await });
        suspend::<(), _, _>(|resumer| {
            move || {
                let _keep = &resumer;
                Abort::Failed
            }
        })
        .await;
    })
    .unwrap();
}

#[test]
fn what_cannot_be_cancelled_is_taken_down() {
    if let Some(output) = rerun("what_cannot_be_cancelled_is_taken_down") {
        let text = stderr(&output);
        assert!(output.status.success(), "{text}");
        assert!(
            text.contains("after a deadlock everything was cancelled, and still waits"),
            "{text}"
        );
        return;
    }
    deadlock(|| Builder::new().clock(MockClock::autojump()).run(cannot_be_cancelled));
    // So is a system task, when main has ended.
    let text = deadlock(|| {
        trio::run(|| async {
            spawn_system_task(|| trio::shield(|| async { park(&ParkingLot::new()).await }));
            checkpoint().await;
        });
    });
    assert!(!text.contains("task `block in what_cannot"), "main is not in the tree: {text}");
}

#[trio::test]
#[should_panic(expected = "deadlock: every task waits")]
async fn a_test_that_waits_for_nothing_fails() {
    lock_cycle().await;
}

#[trio::test]
#[should_panic(expected = "deadlock: every task waits")]
async fn a_test_does_not_wait_for_ctrl_c() {
    nursery!(|n| {
        n.spawn(sleep_forever);
        sleep_forever().await;
    })
    .unwrap();
}

#[trio::test]
#[should_panic(expected = "deadlock: every task waits")]
async fn a_test_does_not_wait_for_a_future_that_waits_for_nothing() {
    pending::<()>().await;
}

#[trio::test(clock = "mock")]
#[should_panic(expected = "deadlock: every task waits")]
async fn virtual_time_with_nothing_to_jump_to_is_one() {
    sleep(MILLI).await;
    sleep_forever().await;
}

#[test]
fn a_clock_that_nobody_moves_is_one() {
    let text = deadlock(|| Builder::new().clock(MockClock::new()).run(|| sleep(MILLI)));
    assert!(text.contains("waits for a time"), "{text}");
}

#[test]
fn it_is_told_from_an_interrupt_and_from_what_main_might_have_said() {
    // The failure comes out, whatever main makes of the cancellation.
    let result = catch_unwind(AssertUnwindSafe(|| Builder::new().run_interruptible(lock_cycle)));
    assert!(text(&*result.unwrap_err()).contains("deadlock"));
    assert_eq!(trio::run(|| async { 5 }), 5);
}

// ---- what is none ------------------------------------------------------------------------------

/// Tells another thread whenever the run is about to wait without an end.
struct Tells(Sender<()>);

impl Instrument for Tells {
    fn before_io_wait(&self, timeout: Option<Duration>) {
        if timeout.is_none() {
            let _ = self.0.send(());
        }
    }
}

/// Runs `main`, which gets the ear of a thread for whether the run waits.
fn run_told<R>(main: impl AsyncFnOnce(Receiver<()>) -> R) -> R {
    let (sender, waits) = channel();
    Builder::new().for_test().instrument(Rc::new(Tells(sender))).run(|| main(waits))
}

/// As it depends on who is first.
const ROUNDS: usize = 50;

#[test]
fn a_token_in_another_thread_can_wake() {
    for _ in 0..ROUNDS {
        run_told(async |waits| {
            let token = current_trio_token();
            let done = Arc::new(Mutex::new(None::<Waker>));
            let its_done = Arc::clone(&done);
            let thread = thread::spawn(move || {
                waits.recv().unwrap();
                let end = move || {
                    RESUMER.with(|place| place.take().unwrap().resume(()));
                    drop(its_done);
                };
                token.call_soon(end).unwrap();
            });
            suspend(|resumer| {
                RESUMER.with(|place| place.set(Some(resumer)));
                || Abort::Succeeded
            })
            .await;
            thread.join().unwrap();
            assert_eq!(Arc::strong_count(&done), 1);
        });
    }
}

thread_local! {
    static RESUMER: Cell<Option<Resumer<()>>> = const { Cell::new(None) };
}

#[test]
fn a_token_that_is_gone_cannot() {
    let text = deadlock(|| {
        trio::run(|| async {
            let token = current_trio_token();
            thread::spawn(move || token.call_soon(|| ()).unwrap()).join().unwrap();
            park(&ParkingLot::new()).await;
        });
    });
    assert!(text.contains("waits for a parking lot"), "{text}");
}

#[test]
fn a_waker_in_another_thread_can_wake() {
    for _ in 0..ROUNDS {
        run_told(async |waits| {
            let (sender, receiver) = oneshot::channel();
            let thread = thread::spawn(move || {
                waits.recv().unwrap();
                sender.send(5).unwrap();
            });
            assert_eq!(receiver.await, Ok(5));
            thread.join().unwrap();
        });
    }
}

#[test]
fn a_waker_that_was_given_away_in_an_earlier_wait_can_wake() {
    // The channel knows the waker by the second wait, and does not clone it again; and the last word is
    // that of a leaf of ours.
    run_told(async |waits| {
        let (sender, mut receiver) = mpsc::unbounded();
        let thread = thread::spawn(move || {
            for number in 0..ROUNDS {
                waits.recv().unwrap();
                sender.unbounded_send(number).unwrap();
            }
        });
        let lot = ParkingLot::new();
        for number in 0..ROUNDS {
            let parked = Box::pin(park(&lot));
            match select(receiver.next(), parked).await {
                Either::Left((received, _)) => assert_eq!(received, Some(number)),
                Either::Right(_) => unreachable!("nobody unparks it"),
            }
        }
        thread.join().unwrap();
    });
}

#[test]
fn a_waker_that_another_thread_has_taken_from_a_poll_can_wake() {
    for _ in 0..ROUNDS {
        run_told(async |waits| {
            let mut waits = Some(waits);
            let mut thread = None;
            poll_fn(|cx| {
                let Some(waits) = waits.take() else {
                    return Poll::Ready(());
                };
                let waker = cx.waker();
                let clone = thread::scope(|s| s.spawn(|| waker.clone()).join().unwrap());
                thread = Some(thread::spawn(move || {
                    waits.recv().unwrap();
                    clone.wake();
                }));
                Poll::Pending
            })
            .await;
            thread.unwrap().join().unwrap();
        });
    }
}

#[test]
fn the_wakers_of_a_task_that_has_ended_cannot() {
    let text = deadlock(|| trio::run(waits_after_a_child_has_given_its_waker));
    assert!(text.contains("waits for a parking lot"), "{text}");
}

#[trio::task]
async fn waits_after_a_child_has_given_its_waker() {
    let kept = Cell::new(None);
    nursery!(|n| {
        let gives = n.spawn(poll_fn, |cx: &mut std::task::Context<'_>| {
            kept.set(Some(cx.waker().clone()));
            Poll::Ready(())
        });
        gives.wait().await;
    })
    .unwrap();
    park(&ParkingLot::new()).await;
}

#[test]
fn a_descriptor_can_wake() {
    for _ in 0..ROUNDS {
        run_told(async |waits| {
            let (near, mut far) = UnixStream::pair().unwrap();
            let thread = thread::spawn(move || {
                waits.recv().unwrap();
                far.write_all(b"x").unwrap();
                far
            });
            wait_readable(&near).await.unwrap();
            drop(thread.join().unwrap());
        });
    }
}

#[test]
fn a_signal_that_is_received_can_wake() {
    run_told(async |waits| {
        let mut signals = open_signal_receiver([Signal::SIGUSR1]).unwrap();
        let thread = thread::spawn(move || {
            waits.recv().unwrap();
            kill_process(getpid(), rustix::process::Signal::USR1).unwrap();
        });
        assert_eq!(signals.receive().await, Signal::SIGUSR1);
        thread.join().unwrap();
    });
}

#[trio::test]
async fn a_deadline_can_wake() {
    sleep(MILLI).await;
    assert!(trio::move_on_after(MILLI, sleep_forever).await.is_none());
    let lot = ParkingLot::new();
    assert!(trio::move_on_after(MILLI, async { park(&lot).await }).await.is_none());
}

#[trio::test]
async fn who_waits_for_quiet_can_wake() {
    let lot = ParkingLot::new();
    nursery!(|n| {
        n.spawn(park, &lot);
        wait_all_tasks_blocked().await;
        lot.unpark_all();
    })
    .unwrap();
}

/// Wakes who waits when the run is about to wait itself.
struct Wakes(Rc<ParkingLot>);

impl Instrument for Wakes {
    fn before_io_wait(&self, _timeout: Option<Duration>) {
        self.0.unpark_all();
    }
}

#[test]
fn an_instrument_can_wake() {
    let lot = Rc::new(ParkingLot::new());
    let instrument = Rc::new(Wakes(Rc::clone(&lot)));
    Builder::new().for_test().instrument(instrument).run(|| async { park(&lot).await });
}

#[test]
fn a_thread_that_hands_its_token_on_can_wake() {
    // At every moment somebody has one, or has just used it.
    for _ in 0..ROUNDS {
        run_told(async |waits| {
            let token = current_trio_token();
            let thread = thread::spawn(move || {
                let (next, last) = (token.clone(), token);
                waits.recv().unwrap();
                thread::spawn(move || {
                    let end = || RESUMER.with(|place| place.take().unwrap().resume(()));
                    next.call_soon(end).unwrap();
                })
                .join()
                .unwrap();
                drop(last);
            });
            suspend(|resumer| {
                RESUMER.with(|place| place.set(Some(resumer)));
                || Abort::Succeeded
            })
            .await;
            thread.join().unwrap();
        });
    }
}

#[trio::test]
async fn a_future_that_is_woken_at_once_is_none() {
    for _ in 0..ROUNDS {
        let mut polls = 0;
        poll_fn(|cx| {
            cx.waker().wake_by_ref();
            polls += 1;
            if polls == 3 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        // A combinator that polls with a waker of its own.
        checkpoint().boxed_local().shared().await;
    }
}
