//! Wakers: used from anywhere, at any time, also when what they woke is gone.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Poll, Waker};
use std::thread;

use tests::probe::OnDrop;
use trio::lowlevel::{checkpoint, current_trio_token, spawn_system_task, statistics};
use trio::nursery;
use trio::testing::wait_all_tasks_blocked;

/// The waker of whoever polls.
fn waker() -> impl Future<Output = Waker> {
    poll_fn(|cx| Poll::Ready(cx.waker().clone()))
}

/// Leaves its waker in `place`, and ends.
async fn leaves_its_waker(place: &Cell<Option<Waker>>) {
    place.set(Some(waker().await));
}

/// Counts its polls, leaves its waker in `place`, and is ready at none of them.
fn counts_polls<'a>(
    polls: &'a Cell<u32>,
    place: &'a Cell<Option<Waker>>,
) -> impl Future<Output = ()> + 'a {
    poll_fn(|cx| {
        polls.set(polls.get() + 1);
        place.set(Some(cx.waker().clone()));
        Poll::Pending
    })
}

/// Uses a waker in every way there is.
fn use_up(waker: Waker) {
    waker.wake_by_ref();
    let clone = waker.clone();
    assert!(clone.will_wake(&waker));
    drop(waker);
    clone.wake_by_ref();
    clone.wake();
}

#[trio::test]
async fn a_task_that_is_woken_many_times_before_its_turn_is_polled_once() {
    let (polls, place) = (Cell::new(0), Cell::new(None));
    nursery!(|n| {
        n.spawn(counts_polls, &polls, &place);
        wait_all_tasks_blocked().await;
        let waker: Waker = place.take().unwrap();
        for _ in 0..10 {
            waker.wake_by_ref();
        }
        assert_eq!((polls.get(), statistics().tasks_runnable), (1, 1));
        wait_all_tasks_blocked().await;
        assert_eq!(polls.get(), 2);
        n.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn a_task_that_wakes_itself_is_polled_again_after_the_others() {
    let record = RefCell::new(Vec::new());
    nursery!(|n| {
        n.spawn(async {
            let mut polls = 0;
            poll_fn(|cx| {
                record.borrow_mut().push("itself");
                cx.waker().wake_by_ref();
                polls += 1;
                if polls == 3 { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        });
        n.spawn(async {
            for _ in 0..2 {
                record.borrow_mut().push("other");
                checkpoint().await;
            }
        });
    })
    .unwrap();
    assert_eq!(record.into_inner(), ["itself", "other", "itself", "other", "itself"]);
}

#[trio::test]
async fn wakers_of_one_task_are_the_same_and_those_of_two_are_not() {
    let own = waker().await;
    assert!(own.will_wake(&waker().await));
    assert!(own.will_wake(&own.clone()));
    let place = Cell::new(None);
    nursery!(|n| {
        n.spawn(leaves_its_waker, &place).wait().await;
        assert!(!own.will_wake(&place.take().unwrap()));
    })
    .unwrap();
}

#[trio::test(allow(unstructured_spawn))]
async fn a_waker_may_outlive_its_task() {
    let place = Cell::new(None);
    nursery!(|n| {
        n.spawn(leaves_its_waker, &place).wait().await;
        let waker = place.take().unwrap();
        use_up(waker.clone());
        thread::spawn(move || use_up(waker)).join().unwrap();
    })
    .unwrap();
}

#[trio::test(allow(unstructured_spawn))]
async fn the_waker_of_a_task_that_has_ended_does_not_wake_the_next_in_its_place() {
    let (polls, place) = (Cell::new(0), Cell::new(None));
    nursery!(|n| {
        n.spawn(leaves_its_waker, &place).wait().await;
        let waker = place.take().unwrap();
        // One of them has the place of the one that has ended.
        for _ in 0..10 {
            n.spawn(counts_polls, &polls, &place);
        }
        wait_all_tasks_blocked().await;
        assert_eq!(polls.get(), 10);
        use_up(waker.clone());
        thread::spawn(move || use_up(waker)).join().unwrap();
        wait_all_tasks_blocked().await;
        assert_eq!(polls.get(), 10);
        n.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn the_waker_of_a_cancelled_task_does_nothing() {
    let (polls, place) = (Cell::new(0), Cell::new(None));
    nursery!(|n| {
        let task = n.spawn(counts_polls, &polls, &place);
        wait_all_tasks_blocked().await;
        let waker: Waker = place.take().unwrap();
        task.cancel();
        waker.wake_by_ref();
        task.wait().await;
        let before = polls.get();
        use_up(waker);
        wait_all_tasks_blocked().await;
        assert_eq!(polls.get(), before);
    })
    .unwrap();
}

#[test]
fn a_waker_may_outlive_its_run() {
    let waker = trio::run(waker);
    use_up(waker.clone());
    thread::spawn(move || use_up(waker)).join().unwrap();
}

#[test]
fn the_waker_of_a_run_that_is_over_does_not_wake_the_same_place_in_the_next() {
    let old = trio::run(waker);
    trio::run(|| is_not_woken_by(&old));
}

#[trio::task]
async fn is_not_woken_by(old: &Waker) {
    let (polls, place) = (Cell::new(0), Cell::new(None));
    nursery!(|n| {
        n.spawn(async {
            wait_all_tasks_blocked().await;
            old.wake_by_ref();
            wait_all_tasks_blocked().await;
            assert_eq!(polls.get(), 1);
            n.cancel();
        });
        // The main task has the place that the other main task had.
        counts_polls(&polls, &place).await;
    })
    .unwrap();
}

#[test]
fn a_waker_may_outlive_its_thread() {
    let waker = thread::spawn(|| trio::run(waker)).join().unwrap();
    use_up(waker.clone());
    trio::run(|| async move { use_up(waker) });
}

#[test]
fn a_waker_may_be_used_while_its_thread_ends() {
    struct Kept(Cell<Option<Waker>>);
    impl Drop for Kept {
        fn drop(&mut self) {
            use_up(self.0.take().unwrap());
        }
    }
    // One is destroyed before what the runtime keeps for the thread, one after it.
    thread_local!(static BEFORE: Kept = const { Kept(Cell::new(None)) });
    thread_local!(static AFTER: Kept = const { Kept(Cell::new(None)) });
    thread::spawn(|| {
        BEFORE.with(|kept| kept.0.set(Some(Waker::noop().clone())));
        let waker = trio::run(waker);
        BEFORE.with(|kept| kept.0.set(Some(waker.clone())));
        AFTER.with(|kept| kept.0.set(Some(waker)));
    })
    .join()
    .unwrap();
}

#[test]
fn a_waker_may_be_used_while_its_run_is_taken_down() {
    let failed = std::panic::catch_unwind(|| trio::run(|| wakes_from_destructors(None)));
    assert!(failed.is_err());
    let token = trio::run(|| wakes_from_destructors(Some(())));
    assert!(token.call_soon(|| {}).is_err());
}

#[trio::task]
async fn wakes_from_destructors(fine: Option<()>) -> trio::lowlevel::TrioToken {
    nursery!(|n| {
        for _ in 0..3 {
            n.spawn(async {
                let waker = waker().await;
                let _guard = OnDrop(|| use_up(waker.clone()));
                pending::<()>().await;
            });
        }
        wait_all_tasks_blocked().await;
        if fine.is_none() {
            std::panic::resume_unwind(Box::new("on purpose"));
        }
        n.cancel();
    })
    .unwrap();
    current_trio_token()
}

#[test]
fn a_run_wakes_the_tasks_of_a_run_in_another_thread() {
    let (to_other, from_here) = mpsc::channel::<Waker>();
    let woken = AtomicBool::new(false);
    thread::scope(|scope| {
        let woken = &woken;
        scope.spawn(move || {
            trio::run(|| {
                let mut polls = 0;
                poll_fn(move |cx| {
                    polls += 1;
                    if polls == 1 {
                        to_other.send(cx.waker().clone()).unwrap();
                        return Poll::Pending;
                    }
                    woken.store(true, Ordering::Relaxed);
                    Poll::Ready(())
                })
            });
        });
        let waker = from_here.recv().unwrap();
        // The same place in another run: it must not be taken for a task of this one.
        trio::run(|| async move { waker.wake() });
    });
    assert!(woken.into_inner());
}

/// Hands wakers to a thread that uses them over and over, until the sender is gone.
fn hammer(wakers: mpsc::Receiver<Waker>) {
    let mut known: Vec<Waker> = Vec::new();
    loop {
        match wakers.try_recv() {
            Ok(waker) => known.push(waker),
            Err(mpsc::TryRecvError::Empty) => {}
            Err(mpsc::TryRecvError::Disconnected) => return,
        }
        known.iter().for_each(Waker::wake_by_ref);
        if known.len() > 50 {
            known.drain(..25);
        }
        thread::yield_now();
    }
}

#[trio::task]
async fn short_lived(wakers: &mpsc::Sender<Waker>, turns: u32) {
    wakers.send(waker().await).unwrap();
    for _ in 0..turns {
        checkpoint().await;
    }
}

#[trio::task]
async fn many_short_lived(wakers: &mpsc::Sender<Waker>) {
    nursery!(|n| {
        for turns in 0..20 {
            n.spawn(short_lived, wakers, turns % 4);
        }
    })
    .unwrap();
}

#[test]
fn threads_that_go_on_waking_do_not_disturb_runs_that_come_and_go() {
    thread::scope(|scope| {
        for _ in 0..2 {
            let (sender, receiver) = mpsc::channel();
            scope.spawn(move || hammer(receiver));
            scope.spawn(move || {
                for _ in 0..100 {
                    trio::run(|| many_short_lived(&sender));
                }
            });
        }
    });
}

/// Is woken by another thread, again and again, and loses no waking.
#[trio::task(allow(unstructured_spawn))]
async fn ping_pong(rounds: u32) {
    let (to_thread, wakers) = mpsc::channel::<(Waker, Arc<AtomicBool>)>();
    let thread = thread::spawn(move || {
        for (waker, flag) in wakers {
            flag.store(true, Ordering::Release);
            waker.wake();
        }
    });
    for _ in 0..rounds {
        let flag = Arc::new(AtomicBool::new(false));
        let mut sent = false;
        poll_fn(|cx| {
            if flag.load(Ordering::Acquire) {
                return Poll::Ready(());
            }
            if !sent {
                sent = true;
                to_thread.send((cx.waker().clone(), flag.clone())).unwrap();
            }
            Poll::Pending
        })
        .await;
    }
    drop(to_thread);
    thread.join().unwrap();
}

#[trio::test]
async fn no_waking_from_another_thread_is_lost() {
    nursery!(|n| {
        for _ in 0..4 {
            n.spawn(ping_pong, 500);
        }
    })
    .unwrap();
}

/// Is ready at its second poll; another thread wakes it for that.
fn woken_by_a_thread() -> impl Future<Output = ()> {
    let mut polled = false;
    poll_fn(move |cx| {
        if polled {
            return Poll::Ready(());
        }
        polled = true;
        let waker = cx.waker().clone();
        thread::spawn(|| waker.wake());
        Poll::Pending
    })
}

#[trio::task]
async fn outlives_main(has_ended: &'static AtomicBool) {
    trio::shield(woken_by_a_thread).await;
    has_ended.store(true, Ordering::Relaxed);
}

#[test]
fn a_task_that_is_started_at_the_very_end_is_woken_from_other_threads_like_any_other() {
    static HAS_ENDED: AtomicBool = AtomicBool::new(false);
    trio::run(|| async {
        let token = current_trio_token();
        // Called when main has ended.
        token.call_soon(|| drop(spawn_system_task(|| outlives_main(&HAS_ENDED)))).unwrap();
    });
    assert!(HAS_ENDED.load(Ordering::Relaxed));
}
