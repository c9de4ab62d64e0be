//! Futures of others in a task, and ours in the combinators of others.

use std::cell::{Cell, RefCell};
use std::future::{Future, IntoFuture, poll_fn, ready};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::channel::oneshot;
use futures::future::{Either, LocalBoxFuture, join_all, select, select_all};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tests::panics::{panic_text, text};
use tests::probe::OnDrop;
use tests::rerun::{rerun, stderr};
use trio::lowlevel::{
    Abort, ParkingLot, Resumer, cancel_shielded_checkpoint, checkpoint, checkpoint_if_cancelled,
    statistics, suspend, wait_readable,
};
use trio::testing::{assert_checkpoints, wait_all_tasks_blocked};
use trio::{CancelScope, Outcome, current_time, nursery, sleep};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A future that counts its polls and is ready at one of them; and says when it is dropped.
struct Counting {
    polls: Rc<Cell<u32>>,
    ready_at: u32,
    dropped: Rc<Cell<bool>>,
}

impl Counting {
    fn new(ready_at: u32) -> Counting {
        Counting { polls: Rc::default(), ready_at, dropped: Rc::default() }
    }

    fn polls(&self) -> Rc<Cell<u32>> {
        Rc::clone(&self.polls)
    }

    fn dropped(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.dropped)
    }
}

impl Future for Counting {
    type Output = u32;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<u32> {
        self.polls.set(self.polls.get() + 1);
        if self.polls.get() == self.ready_at {
            Poll::Ready(self.polls.get())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.dropped.set(true);
    }
}

const NEVER: u32 = u32::MAX;

#[trio::test]
async fn a_future_that_is_ready_at_once_is_a_checkpoint() {
    assert_eq!(assert_checkpoints(|| ready(3)).await, 3);
    assert_eq!(assert_checkpoints(|| async { 4 }).await, 4);
}

#[trio::test]
async fn a_future_that_is_ready_at_once_lets_others_go_first() {
    let record = RefCell::new(Vec::new());
    nursery!(|n| {
        n.spawn(async { record.borrow_mut().push("child") });
        ready(()).await;
        record.borrow_mut().push("body");
    })
    .unwrap();
    assert_eq!(record.into_inner(), ["child", "body"]);
}

#[trio::test]
async fn a_future_of_ours_inside_counts_as_the_checkpoint() {
    // One turn given up, not two.
    let turns = Cell::new(0);
    nursery!(|n| {
        n.spawn(async {
            async_fn_with_a_checkpoint().await;
            assert_eq!(turns.get(), 1);
        });
        n.spawn(async {
            turns.set(1);
            checkpoint().await;
            turns.set(2);
        });
    })
    .unwrap();
}

async fn async_fn_with_a_checkpoint() {
    checkpoint().await;
}

#[trio::test]
async fn a_pending_future_is_polled_when_it_is_woken_and_only_then() {
    let counting = Counting::new(2);
    let polls = counting.polls();
    let waker = Rc::new(Cell::new(None));
    let with_waker = {
        let (waker, mut counting) = (Rc::clone(&waker), counting);
        poll_fn(move |cx| {
            waker.set(Some(cx.waker().clone()));
            Pin::new(&mut counting).poll(cx)
        })
    };
    nursery!(|n| {
        n.spawn(|| with_waker);
        for _ in 0..10 {
            wait_all_tasks_blocked().await;
        }
        assert_eq!(polls.get(), 1);
        let waker: Waker = waker.take().unwrap();
        waker.wake_by_ref();
        waker.wake();
    })
    .unwrap();
    assert_eq!(polls.get(), 2);
}

#[trio::test]
async fn in_a_cancelled_scope_a_future_is_not_even_started() {
    let counting = Counting::new(1);
    let (polls, dropped) = (counting.polls(), counting.dropped());
    let scope = CancelScope::new();
    scope.cancel();
    assert_eq!(scope.run(async { counting.await }).await, None);
    assert_eq!(polls.get(), 0);
    assert!(dropped.get());
}

#[trio::test]
async fn a_pending_future_is_dropped_when_its_task_is_cancelled() {
    let counting = Counting::new(NEVER);
    let dropped = counting.dropped();
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async { scope.run(async { counting.await }).await.is_none() });
        wait_all_tasks_blocked().await;
        assert!(!dropped.get());
        scope.cancel();
    })
    .unwrap();
    assert!(dropped.get());
    assert!(scope.cancelled_caught());
}

#[trio::test]
async fn what_a_future_has_already_got_is_not_lost_to_a_cancellation() {
    let (sender, receiver) = oneshot::channel();
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            assert_eq!(scope.run(async { receiver.await }).await, Some(Ok(5)));
        });
        wait_all_tasks_blocked().await;
        sender.send(5).unwrap();
        scope.cancel();
    })
    .unwrap();
    assert!(!scope.cancelled_caught());
}

#[trio::test]
async fn a_shield_protects_a_future() {
    let (sender, receiver) = oneshot::channel();
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            scope
                .run(async {
                    assert_eq!(trio::shield(async { receiver.await }).await, Ok(5));
                    checkpoint().await;
                    unreachable!("the shield is left");
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        scope.cancel();
        wait_all_tasks_blocked().await;
        sender.send(5).unwrap();
    })
    .unwrap();
    assert!(scope.cancelled_caught());
}

/// Not a future, but can be made one.
struct Request(u32);

impl IntoFuture for Request {
    type Output = u32;
    type IntoFuture = std::future::Ready<u32>;

    fn into_future(self) -> Self::IntoFuture {
        ready(self.0)
    }
}

#[trio::test]
async fn whatever_can_be_made_a_future_can_be_awaited() {
    assert_eq!(Request(3).await, 3);
    let boxed: LocalBoxFuture<'_, u32> = Box::pin(ready(4));
    assert_eq!(boxed.await, 4);
    let mut pinned = std::pin::pin!(ready(5));
    assert_eq!(pinned.as_mut().await, 5);
    assert_eq!((&mut ready(6)).await, 6);
}

#[trio::test(allow(unmarked_inner_async))]
async fn a_plain_async_fn_or_a_future_can_be_spawned() {
    async fn plain(value: &Cell<u32>) {
        sleep(Duration::ZERO).await;
        value.set(value.get() + 1);
    }
    let value = Cell::new(0);
    nursery!(|n| {
        n.spawn(plain, &value);
        n.spawn(|| plain(&value));
        n.spawn(sleep, Duration::ZERO);
        n.spawn(|| ready(()));
    })
    .unwrap();
    assert_eq!(value.get(), 2);
}

#[trio::test]
async fn an_async_block_in_a_plain_closure_is_an_ordinary_future() {
    let make = |value: u32| async move {
        checkpoint().await;
        value + 1
    };
    fn is_a_future<F: Future>(future: F) -> F {
        future
    }
    assert_eq!(is_a_future(make(1)).await, 2);
}

#[trio::test(clock = "mock", allow(unmarked_inner_async))]
async fn a_plain_async_fn_that_awaits_our_leaves_is_cancelled_through_them() {
    async fn plain(lot: &ParkingLot) {
        sleep(secs(1)).await;
        lot.park().await.unwrap();
        unreachable!("nobody unparks");
    }
    let lot = ParkingLot::new();
    let start = current_time();
    assert!(trio::move_on_after(secs(3), async { plain(&lot).await }).await.is_none());
    assert_eq!(current_time() - start, secs(3));
    assert!(lot.is_empty());
}

#[trio::test(allow(unstructured_spawn))]
async fn a_future_that_is_woken_from_another_thread_goes_on() {
    let (sender, receiver) = oneshot::channel();
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        gone.recv().unwrap();
        sender.send(6).unwrap();
    });
    nursery!(|n| {
        n.spawn(async {
            assert_eq!(receiver.await, Ok(6));
        });
        wait_all_tasks_blocked().await;
        go.send(()).unwrap();
    })
    .unwrap();
    thread.join().unwrap();
}

#[trio::test(allow(busy_wait, unstructured_spawn))]
async fn many_futures_woken_from_many_threads_go_on() {
    let mut senders = Vec::new();
    let sum = Cell::new(0);
    nursery!(|n| {
        for _ in 0..100 {
            let (sender, receiver) = oneshot::channel::<u32>();
            senders.push(sender);
            n.spawn(async {
                let value = receiver.await.unwrap();
                sum.set(sum.get() + value);
            });
        }
        let mut threads = Vec::new();
        for chunk in 0..4 {
            let senders: Vec<_> = senders.drain(..25).collect();
            threads.push(std::thread::spawn(move || {
                for (number, sender) in (0..).zip(senders) {
                    sender.send(chunk * 25 + number).unwrap();
                    if number % 5 == 0 {
                        std::thread::yield_now();
                    }
                }
            }));
        }
        // Joined outside the nursery's body: the run must not be held up.
        n.spawn(async {
            for thread in threads {
                while !thread.is_finished() {
                    checkpoint().await;
                }
                thread.join().unwrap();
            }
        });
    })
    .unwrap();
    assert_eq!(sum.get(), 99 * 100 / 2);
}

// Our leaves in the combinators of others.

#[trio::test(clock = "mock")]
async fn sleeps_end_in_a_futures_unordered_each_at_its_time() {
    let start = current_time();
    let mut sleeps: FuturesUnordered<_> = [3, 1, 2]
        .into_iter()
        .map(|seconds| async move {
            sleep(secs(seconds)).await;
            seconds
        })
        .collect();
    for expected in 1..=3 {
        assert_eq!(sleeps.next().await, Some(expected));
        assert_eq!(current_time() - start, secs(expected));
    }
    assert_eq!(sleeps.next().await, None);
    assert_eq!(statistics().deadlines, 0);
}

#[trio::test]
async fn parked_futures_in_a_futures_unordered_are_unparked_in_order() {
    let lot = ParkingLot::new();
    let record = RefCell::new(Vec::new());
    nursery!(|n| {
        n.spawn(async {
            let mut parked: FuturesUnordered<_> = (0..3)
                .map(|number| {
                    let lot = &lot;
                    async move {
                        lot.park().await.unwrap();
                        number
                    }
                })
                .collect();
            while let Some(number) = parked.next().await {
                record.borrow_mut().push(number);
            }
        });
        for unparked in 0..3 {
            wait_all_tasks_blocked().await;
            assert_eq!((lot.len(), record.borrow().len()), (3 - unparked, unparked));
            lot.unpark(1);
        }
    })
    .unwrap();
    let mut record = record.into_inner();
    record.sort_unstable();
    assert_eq!(record, [0, 1, 2]);
}

fn suspended(place: &Cell<Option<Resumer<u32>>>) -> impl Future<Output = u32> {
    suspend(|resumer| {
        place.set(Some(resumer));
        || {
            drop(place.take());
            Abort::Succeeded
        }
    })
}

#[trio::test]
async fn suspensions_in_a_futures_unordered_are_resumed_one_by_one() {
    let places: [Cell<Option<Resumer<u32>>>; 3] = Default::default();
    let record = RefCell::new(Vec::new());
    nursery!(|n| {
        n.spawn(async {
            let mut waiting: FuturesUnordered<_> = places.iter().map(suspended).collect();
            while let Some(value) = waiting.next().await {
                record.borrow_mut().push(value);
            }
        });
        for number in [2, 0, 1] {
            wait_all_tasks_blocked().await;
            places[number as usize].take().unwrap().resume(number);
        }
    })
    .unwrap();
    assert_eq!(record.into_inner(), [2, 0, 1]);
}

#[trio::test]
async fn descriptors_in_a_futures_unordered_become_readable_one_by_one() {
    let pairs: Vec<_> = (0..3).map(|_| UnixStream::pair().unwrap()).collect();
    let record = RefCell::new(Vec::new());
    nursery!(|n| {
        n.spawn(async {
            let mut waiting: FuturesUnordered<_> = (0..3)
                .map(|number| {
                    let stream = &pairs[number].0;
                    async move {
                        wait_readable(stream).await.unwrap();
                        number
                    }
                })
                .collect();
            while let Some(number) = waiting.next().await {
                record.borrow_mut().push(number);
            }
        });
        for number in [1, 2, 0] {
            wait_all_tasks_blocked().await;
            (&pairs[number].1).write_all(b"x").unwrap();
        }
    })
    .unwrap();
    assert_eq!(record.into_inner(), [1, 2, 0]);
}

#[trio::test(allow(busy_wait, zero_sleep))]
async fn checkpoints_in_a_futures_unordered_all_go_on() {
    let busy = Cell::new(true);
    nursery!(|n| {
        // Something else that is always runnable, so that every checkpoint has to wait its turn.
        n.spawn(async {
            while busy.get() {
                checkpoint().await;
            }
        });
        let all: FuturesUnordered<LocalBoxFuture<'_, ()>> = FuturesUnordered::new();
        for _ in 0..3 {
            all.push(Box::pin(checkpoint()));
            all.push(Box::pin(checkpoint_if_cancelled()));
            all.push(Box::pin(cancel_shielded_checkpoint()));
            all.push(Box::pin(sleep(Duration::ZERO)));
        }
        assert_eq!(all.collect::<Vec<()>>().await.len(), 12);
        busy.set(false);
    })
    .unwrap();
}

#[trio::test(clock = "mock")]
async fn join_waits_for_the_longest() {
    let start = current_time();
    futures::join!(sleep(secs(2)), sleep(secs(5)), sleep(secs(3)), checkpoint());
    assert_eq!(current_time() - start, secs(5));
    join_all((0..100).map(|seconds| sleep(secs(seconds)))).await;
    assert_eq!(current_time() - start, secs(104));
}

#[trio::test(clock = "mock")]
async fn try_join_ends_with_the_first_error() {
    let start = current_time();
    let fails = sleep(secs(1)).map(|()| Err::<(), _>("broken"));
    let sleeps = sleep(secs(9)).map(Ok);
    assert_eq!(futures::try_join!(sleeps, fails), Err("broken"));
    assert_eq!(current_time() - start, secs(1));
    assert_eq!(statistics().deadlines, 0);
}

#[trio::test(clock = "mock", allow(raw_select))]
async fn select_takes_the_first_and_the_others_leave_nothing_behind() {
    let lot = ParkingLot::new();
    let place = Cell::new(None);
    let (a, _b) = UnixStream::pair().unwrap();
    let start = current_time();
    let ended = {
        let mut short = std::pin::pin!(sleep(secs(1)).fuse());
        let mut long = std::pin::pin!(sleep(secs(9)).fuse());
        let mut parked = std::pin::pin!(lot.park().fuse());
        let mut suspended = std::pin::pin!(suspended(&place).fuse());
        let mut readable = std::pin::pin!(wait_readable(&a).fuse());
        futures::select! {
            () = short => "short",
            () = long => "long",
            _ = parked => "parked",
            _ = suspended => "suspended",
            _ = readable => "readable",
        }
    };
    assert_eq!(ended, "short");
    assert_eq!(current_time() - start, secs(1));
    assert!(lot.is_empty());
    assert!(place.take().is_none());
    assert_eq!(statistics().deadlines, 0);
    assert_eq!(statistics().tasks_waiting_read, 0);
    checkpoint().await;
}

#[trio::test(clock = "mock")]
async fn select_all_gives_the_losers_back_and_they_go_on() {
    let start = current_time();
    let mut left: Vec<_> = [3, 1, 2].into_iter().map(|s| Box::pin(sleep(secs(s)))).collect();
    for expected in 1..=3 {
        let ((), _, others) = select_all(left).await;
        left = others;
        assert_eq!(current_time() - start, secs(expected));
    }
}

#[trio::test(clock = "mock")]
async fn the_loser_of_a_select_can_be_awaited_on_its_own() {
    let start = current_time();
    let Either::Left(((), loser)) =
        select(Box::pin(sleep(secs(1))), Box::pin(sleep(secs(4)))).await
    else {
        unreachable!("one second is shorter than four");
    };
    loser.await;
    assert_eq!(current_time() - start, secs(4));
}

#[trio::test(clock = "mock")]
async fn a_leaf_that_one_task_has_polled_can_be_awaited_by_another() {
    let start = current_time();
    let lot = ParkingLot::new();
    let mut sleeping = Box::pin(sleep(secs(2)));
    let mut parked = Box::pin(lot.park());
    assert!(sleeping.as_mut().now_or_never().is_none());
    assert!(parked.as_mut().now_or_never().is_none());
    nursery!(|n| {
        n.spawn(async {
            sleeping.await;
            assert_eq!(current_time() - start, secs(2));
            lot.unpark(1);
        });
        n.spawn(async {
            parked.await.unwrap();
            assert_eq!(current_time() - start, secs(2));
        });
    })
    .unwrap();
}

#[trio::test(clock = "mock")]
async fn the_future_that_waits_can_change_its_waker() {
    let start = current_time();
    let lot = ParkingLot::new();
    // Polled with a waker of nobody's first; then the combinator's counts.
    let mut sleeping = Box::pin(sleep(secs(2)));
    let mut parked = Box::pin(lot.park());
    let mut nobody = Context::from_waker(Waker::noop());
    assert!(sleeping.as_mut().poll(&mut nobody).is_pending());
    assert!(parked.as_mut().poll(&mut nobody).is_pending());
    nursery!(|n| {
        n.spawn(async {
            sleep(secs(5)).await;
            lot.unpark(1);
        });
        let both = FuturesUnordered::<LocalBoxFuture<'_, ()>>::new();
        both.push(sleeping);
        both.push(Box::pin(parked.map(Result::unwrap)));
        let ends: Vec<_> = both.map(|()| current_time() - start).collect().await;
        assert_eq!(ends, [secs(2), secs(5)]);
    })
    .unwrap();
}

#[trio::test(clock = "mock")]
async fn streams_of_others_run_our_leaves() {
    let start = current_time();
    let ended: Vec<u64> = futures::stream::iter([4, 1, 2, 3])
        .map(|seconds| async move {
            sleep(secs(seconds)).await;
            seconds
        })
        .buffer_unordered(2)
        .collect()
        .await;
    // At most two at once: 4 beside 1, 2 and the beginning of 3.
    assert_eq!(ended, [1, 2, 4, 3]);
    assert_eq!(current_time() - start, secs(6));
}

// The same, cancelled.

#[trio::task]
async fn leaves(lot: &ParkingLot, place: &Cell<Option<Resumer<u32>>>, stream: &UnixStream) {
    let all = FuturesUnordered::<LocalBoxFuture<'_, ()>>::new();
    all.push(Box::pin(sleep(secs(100))));
    all.push(Box::pin(lot.park().map(Result::unwrap)));
    all.push(Box::pin(suspended(place).map(drop)));
    all.push(Box::pin(wait_readable(stream).map(Result::unwrap)));
    all.collect::<Vec<()>>().await;
}

#[trio::task]
async fn joined(lot: &ParkingLot, place: &Cell<Option<Resumer<u32>>>, stream: &UnixStream) {
    let _ = futures::join!(
        sleep(secs(100)),
        lot.park(),
        suspended(place),
        wait_readable(stream),
        std::future::pending::<()>(),
    );
}

#[trio::task]
async fn selected(lot: &ParkingLot, place: &Cell<Option<Resumer<u32>>>, stream: &UnixStream) {
    let waits: Vec<LocalBoxFuture<'_, ()>> = vec![
        Box::pin(sleep(secs(100))),
        Box::pin(lot.park().map(Result::unwrap)),
        Box::pin(suspended(place).map(drop)),
        Box::pin(wait_readable(stream).map(Result::unwrap)),
        Box::pin(std::future::pending()),
    ];
    select_all(waits).await;
}

macro_rules! cancelled_combinators {
    ($($test:ident: $function:ident;)*) => {$(
        #[trio::test(clock = "mock")]
        async fn $test() {
            let lot = ParkingLot::new();
            let place = Cell::new(None);
            let (a, _b) = UnixStream::pair().unwrap();
            let start = current_time();
            let limit = async {
                nursery!(|n| {
                    n.spawn(async {
                        wait_all_tasks_blocked().await;
                        assert_eq!(lot.len(), 1);
                        assert_eq!(statistics().tasks_waiting_read, 1);
                    });
                    $function(&lot, &place, &a).await;
                })
                .unwrap();
            };
            assert!(trio::move_on_after(secs(7), limit).await.is_none());
            assert_eq!(current_time() - start, secs(7));
            assert!(lot.is_empty());
            assert!(place.take().is_none());
            assert_eq!(statistics().deadlines, 0);
            assert_eq!(statistics().tasks_waiting_read, 0);
        }
    )*};
}

cancelled_combinators! {
    a_cancelled_futures_unordered_leaves_nothing_behind: leaves;
    a_cancelled_join_leaves_nothing_behind: joined;
    a_cancelled_select_leaves_nothing_behind: selected;
}

#[trio::test(clock = "mock")]
async fn a_cancelled_combinator_that_is_awaited_again_is_cancelled_again() {
    let mut sleeps = FuturesUnordered::new();
    sleeps.push(sleep(secs(5)));
    let scope = CancelScope::new();
    scope.cancel();
    let sleeps_outside = &mut sleeps;
    assert!(scope.run(async { sleeps_outside.next().await }).await.is_none());
    // It did not happen, so it can still happen.
    let start = current_time();
    assert_eq!(sleeps.next().await, Some(()));
    assert_eq!(current_time() - start, secs(5));
}

#[trio::test(clock = "mock")]
async fn a_leaf_that_was_unwound_in_a_combinator_can_begin_anew() {
    let lot = ParkingLot::new();
    let mut parked = Box::pin(lot.park());
    let mut sleeping = Box::pin(sleep(secs(5)));
    let start = current_time();
    let both = async { futures::join!(parked.as_mut(), sleeping.as_mut()) };
    assert!(trio::move_on_after(secs(1), both).await.is_none());
    assert!(lot.is_empty());
    nursery!(|n| {
        n.spawn(async {
            parked.await.unwrap();
        });
        wait_all_tasks_blocked().await;
        assert_eq!(lot.len(), 1);
        lot.unpark(1);
        sleeping.await;
    })
    .unwrap();
    // Counted from when it is awaited: anew.
    assert_eq!(current_time() - start, secs(6));
}

#[trio::test]
async fn a_leaf_that_a_combinator_asks_and_leaves_does_not_unwind_the_task() {
    let scope = CancelScope::new();
    let reached = Cell::new(false);
    scope
        .run(async {
            checkpoint().await;
            scope.cancel();
            // Polled once and dropped: nobody hears its word.
            assert!(checkpoint().now_or_never().is_none());
            reached.set(true);
            checkpoint().await;
            unreachable!("an awaited point unwinds");
        })
        .await;
    assert!(reached.get());
    assert!(scope.cancelled_caught());
}

#[trio::test]
async fn an_operation_that_cannot_be_called_off_holds_a_join_up() {
    let resumer = Cell::new(None);
    let scope = CancelScope::new();
    let got = Cell::new(None);
    nursery!(|n| {
        n.spawn(async {
            scope
                .run(async {
                    let value = suspend(|own| {
                        resumer.set(Some(own));
                        || Abort::Failed
                    });
                    got.set(Some(async_identity(value).await));
                })
                .await;
        });
        wait_all_tasks_blocked().await;
        scope.cancel();
        wait_all_tasks_blocked().await;
        assert_eq!(got.get(), None);
        let resumer: Resumer<u32> = resumer.take().unwrap();
        resumer.resume(8);
    })
    .unwrap();
    assert_eq!(got.get(), Some(8));
}

async fn async_identity<F: Future>(future: F) -> F::Output {
    futures::join!(future).0
}

// Wakers that panic.

struct PanicsWhenWoken;

impl Wake for PanicsWhenWoken {
    fn wake(self: Arc<Self>) {
        std::panic::resume_unwind(Box::new("a waker, on purpose"));
    }
}

/// Polls with a waker that panics, once.
fn poll_with_a_panicking_waker<F: Future>(future: Pin<&mut F>) -> bool {
    let waker = Waker::from(Arc::new(PanicsWhenWoken));
    future.poll(&mut Context::from_waker(&waker)).is_ready()
}

#[trio::task]
async fn wakes_with_panicking_wakers() {
    let (lot, place) = (ParkingLot::new(), Cell::new(None));
    let (a, b) = UnixStream::pair().unwrap();
    let mut parked = Box::pin(lot.park());
    let mut suspended = Box::pin(suspended(&place));
    let mut sleeping = Box::pin(sleep(secs(1)));
    let mut readable = Box::pin(wait_readable(&a));
    let mut blocked = Box::pin(wait_all_tasks_blocked());
    let mut turn = Box::pin(checkpoint());
    nursery!(|n| {
        n.spawn(checkpoint);
        assert!(!poll_with_a_panicking_waker(turn.as_mut()));
        assert!(!poll_with_a_panicking_waker(parked.as_mut()));
        assert!(!poll_with_a_panicking_waker(suspended.as_mut()));
        assert!(!poll_with_a_panicking_waker(sleeping.as_mut()));
        assert!(!poll_with_a_panicking_waker(readable.as_mut()));
        assert!(!poll_with_a_panicking_waker(blocked.as_mut()));
        // Those behind it in the same queue are woken all the same.
        n.spawn(async { lot.park().await });
        n.spawn(async { sleep(secs(1)).await });
        wait_all_tasks_blocked().await;
        assert_eq!(lot.unpark_all(), 2);
        place.take().unwrap().resume(1);
        (&b).write_all(b"x").unwrap();
        sleep(secs(1)).await;
    })
    .unwrap();
    // What they waited for has happened.
    assert!(turn.now_or_never().is_some());
    assert!(parked.now_or_never().is_some());
    assert_eq!(suspended.now_or_never(), Some(1));
    assert!(sleeping.now_or_never().is_some());
    assert!(readable.now_or_never().is_some());
    assert!(blocked.now_or_never().is_some());
}

#[test]
fn wakers_that_panic_are_reported_and_harm_nobody() {
    let Some(output) = rerun("wakers_that_panic_are_reported_and_harm_nobody") else {
        return trio::Builder::new()
            .clock(trio::testing::MockClock::autojump())
            .run(wakes_with_panicking_wakers);
    };
    let stderr = stderr(&output);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(
        stderr.matches("trio: a waker panicked: a waker, on purpose").count(),
        6,
        "{stderr}"
    );
}

// Task calls as ordinary futures.

#[trio::task]
async fn sleeps_and_gives(seconds: u64) -> u64 {
    sleep(secs(seconds)).await;
    seconds
}

#[trio::task]
async fn opens_a_nursery(seconds: u64, dropped: Rc<Cell<u32>>) -> u64 {
    nursery!(|n| {
        for _ in 0..2 {
            n.spawn(async {
                let _guard = OnDrop(|| dropped.set(dropped.get() + 1));
                sleep(secs(seconds)).await;
            });
        }
    })
    .unwrap();
    seconds
}

#[trio::test(clock = "mock")]
async fn converted_calls_run_in_foreign_combinators() {
    let start = current_time();
    let mut calls: FuturesUnordered<_> =
        [2, 1].into_iter().map(|seconds| sleeps_and_gives(seconds).into_future()).collect();
    assert_eq!(calls.next().await, Some(1));
    assert_eq!(calls.next().await, Some(2));
    assert_eq!(current_time() - start, secs(2));
    assert_eq!(
        futures::join!(sleeps_and_gives(1).into_future(), sleeps_and_gives(3).into_future()),
        (1, 3)
    );
    assert_eq!(current_time() - start, secs(5));
}

#[trio::test(clock = "mock")]
async fn converted_calls_with_nurseries_run_in_foreign_combinators() {
    let start = current_time();
    let dropped = Rc::new(Cell::new(0));
    let calls: FuturesUnordered<_> = [3, 1, 2]
        .into_iter()
        .map(|seconds| opens_a_nursery(seconds, Rc::clone(&dropped)).into_future())
        .collect();
    let ends: Vec<_> = calls.map(|value| (value, current_time() - start)).collect().await;
    assert_eq!(ends, [(1, secs(1)), (2, secs(2)), (3, secs(3))]);
    assert_eq!(dropped.get(), 6);
}

#[trio::test(clock = "mock")]
async fn converted_calls_are_cancelled_with_the_task_that_polls_them() {
    let dropped = Rc::new(Cell::new(0));
    let both = async {
        futures::join!(
            opens_a_nursery(5, Rc::clone(&dropped)).into_future(),
            opens_a_nursery(9, Rc::clone(&dropped)).into_future(),
        )
    };
    assert!(trio::move_on_after(secs(2), both).await.is_none());
    assert_eq!(dropped.get(), 4);
    assert_eq!(statistics().tasks_living, 1);
}

#[trio::test(clock = "mock")]
async fn a_converted_call_that_loses_a_race_takes_its_children_with_it() {
    let start = current_time();
    let dropped = Rc::new(Cell::new(0));
    let call = Box::pin(opens_a_nursery(9, Rc::clone(&dropped)).into_future());
    let ended = select(call, Box::pin(sleep(secs(1)))).await;
    assert_eq!(dropped.get(), 0);
    assert_eq!(statistics().tasks_living, 3);
    drop(ended);
    assert_eq!(dropped.get(), 2);
    assert_eq!(statistics().tasks_living, 1);
    checkpoint().await;
    assert_eq!(current_time() - start, secs(1));
}

#[test]
fn a_converted_call_that_is_forgotten_in_mid_run_does_not_keep_the_run() {
    let dropped = Rc::new(Cell::new(0));
    trio::run(|| forgets_a_call(Rc::clone(&dropped)));
    assert_eq!(dropped.get(), 2);
}

#[trio::task]
async fn forgets_a_call(dropped: Rc<Cell<u32>>) {
    let mut call = Box::pin(opens_a_nursery(3600, Rc::clone(&dropped)).into_future());
    assert!(call.as_mut().now_or_never().is_none());
    std::mem::forget(call);
    wait_all_tasks_blocked().await;
    assert_eq!(dropped.get(), 0);
}

#[trio::test]
async fn a_converted_call_that_another_task_polls_panics() {
    let mut call = Box::pin(sleeps_and_gives(1).into_future());
    assert!(call.as_mut().now_or_never().is_none());
    let outcome = nursery!(|n| {
        let other = n.spawn_monitored(async { call.await });
        other.outcome().await
    });
    let Outcome::Panicked(payload) = outcome.unwrap() else {
        panic!("the other task must not get through");
    };
    let text = text(&*payload);
    assert!(text.contains("must be polled by the task that polled it first"), "{text}");
    assert!(text.contains("a_converted_call_that_another_task_polls_panics"), "{text}");
}

#[test]
fn a_converted_call_cannot_be_polled_outside_a_task() {
    let text = panic_text(|| sleeps_and_gives(1).into_future().now_or_never());
    assert!(text.contains("inside a trio task"), "{text}");
}

#[test]
fn a_converted_call_can_be_dropped_anywhere() {
    let dropped = Rc::new(Cell::new(0));
    drop(opens_a_nursery(1, Rc::clone(&dropped)).into_future());
    let slot = RefCell::new(None);
    trio::run(|| keeps_a_call(&slot, Rc::clone(&dropped)));
    // Its children went with the run; the frame goes now.
    assert_eq!(dropped.get(), 2);
    drop(slot.take());
    assert_eq!(dropped.get(), 2);
}

#[trio::task]
async fn keeps_a_call(slot: &RefCell<Option<LocalBoxFuture<'static, u64>>>, count: Rc<Cell<u32>>) {
    let mut call: LocalBoxFuture<'static, u64> =
        Box::pin(opens_a_nursery(3600, count).into_future());
    assert!(call.as_mut().now_or_never().is_none());
    wait_all_tasks_blocked().await;
    slot.replace(Some(call));
}

type Slot = Rc<RefCell<Option<LocalBoxFuture<'static, ()>>>>;

#[trio::task(allow(useless_nursery))]
async fn holds_its_own_frame(slot: Slot) {
    nursery!(|n| {
        n.spawn(async {
            checkpoint().await;
            // The frame that this task runs in.
            drop(slot.take());
        });
    })
    .unwrap();
}

#[trio::task]
async fn drops_a_frame_from_within() {
    let slot = Slot::default();
    let frame = Box::pin(holds_its_own_frame(Rc::clone(&slot)).into_future());
    slot.replace(Some(frame));
    poll_fn(|cx| {
        let mut frame = slot.take().expect("nobody has dropped it yet");
        assert!(frame.as_mut().poll(cx).is_pending());
        slot.replace(Some(frame));
        Poll::Ready(())
    })
    .await;
    wait_all_tasks_blocked().await;
}

#[test]
fn a_child_that_drops_the_frame_it_runs_in_aborts_the_process() {
    use std::os::unix::process::ExitStatusExt;

    let Some(output) = rerun("a_child_that_drops_the_frame_it_runs_in_aborts_the_process") else {
        return trio::run(drops_a_frame_from_within);
    };
    assert_eq!(output.status.signal(), Some(6), "{}", stderr(&output));
}
