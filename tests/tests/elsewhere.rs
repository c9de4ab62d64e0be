//! Futures that are awaited in one place and then in another: what was begun in a cancel scope, and
//! outlives it. And parts of a future that are cancelled together.
#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures::FutureExt;
use futures::future::LocalBoxFuture;
use tests::panics::text;
use tests::probe::is_ready;
use trio::lowlevel::{Abort, Resumer, checkpoint, suspend};
use trio::testing::wait_all_tasks_blocked;
use trio::{CancelScope, current_time, move_on_after, nursery, sleep, sleep_forever};

type Later = LocalBoxFuture<'static, ()>;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

// Unwound in one scope, and awaited again outside of it.

/// Awaits a future until a timeout unwinds it, and then once more, which must be refused.
#[trio::task]
async fn awaited_again(mut future: Later) {
    let inside = &mut future;
    assert!(move_on_after(secs(1), async { inside.await }).await.is_none());
    let again = AssertUnwindSafe(future).catch_unwind().await;
    let text = text(&*again.expect_err("nothing around it is cancelled"));
    assert!(text.contains("is awaited again outside of the scope that was cancelled"), "{text}");
}

#[trio::test(clock = "mock")]
async fn a_scope_that_was_unwound_does_not_go_on_elsewhere() {
    let call = CancelScope::new().run(sleep_forever);
    awaited_again(Box::pin(call.into_future().map(drop))).await;
}

#[trio::test(clock = "mock")]
async fn a_nursery_that_was_unwound_does_not_go_on_elsewhere() {
    #[trio::task]
    async fn opens() {
        let _ = nursery!(|n| {
            n.spawn(sleep_forever);
            sleep_forever().await;
        });
    }
    awaited_again(Box::pin(opens().into_future())).await;
}

#[trio::test(clock = "mock")]
async fn a_start_that_was_unwound_does_not_go_on_elsewhere() {
    #[trio::task]
    async fn never(_status: trio::TaskStatus<()>) {
        sleep_forever().await;
    }
    nursery!(|n| {
        let start = n.start(never).into_future();
        awaited_again(Box::pin(start.map(drop))).await;
    })
    .unwrap();
}

#[trio::test(clock = "mock")]
async fn a_cleanup_is_not_done_twice_elsewhere() {
    let count = Rc::new(Cell::new(0));
    let counts = Rc::clone(&count);
    let cleanup = || async move { counts.set(counts.get() + 1) };
    awaited_again(Box::pin(trio::finally(sleep_forever, cleanup).into_future())).await;
    assert_eq!(count.get(), 1);
}

/// A suspension that keeps its resumer here.
fn suspended(place: &Rc<Cell<Option<Resumer<()>>>>, answer: Abort) -> Later {
    let place = Rc::clone(place);
    Box::pin(suspend(move |resumer| {
        place.set(Some(resumer));
        move || answer
    }))
}

#[trio::test(clock = "mock")]
async fn a_suspension_that_was_called_off_does_not_go_on_elsewhere() {
    awaited_again(suspended(&Rc::default(), Abort::Succeeded)).await;
}

#[trio::test(clock = "mock")]
async fn a_suspension_that_was_called_off_late_does_not_go_on_elsewhere() {
    let place = Rc::default();
    let handle = nursery!(|n| {
        let handle = n.spawn(awaited_again, suspended(&place, Abort::Failed));
        sleep(secs(2)).await;
        place.take().expect("it still waits").resume_cancelled();
        handle
    });
    assert!(handle.unwrap().take().is_some(), "it has not been unwound");
}

#[trio::test(clock = "mock")]
async fn what_has_no_scope_of_its_own_goes_on_elsewhere() {
    #[trio::task]
    async fn sleeps(begun: Rc<Cell<u32>>) {
        begun.set(begun.get() + 1);
        sleep(secs(5)).await;
    }
    let begun = Rc::default();
    let start = current_time();
    let mut future = Box::pin(sleeps(Rc::clone(&begun)).into_future());
    let inside = &mut future;
    assert!(move_on_after(secs(1), async { inside.await }).await.is_none());
    future.await;
    // The operation that was unwound is begun anew, and nothing before it.
    assert_eq!(current_time() - start, secs(6));
    assert_eq!(begun.get(), 1);
}

// Begun in a scope that was left, and awaited outside of it. C54

/// Polls a future once inside a scope that is left with a value.
#[trio::task]
async fn begun_in_a_scope(future: &mut Later) {
    let begin = poll_fn(|cx| {
        assert!(!is_ready(cx, &mut *future));
        Poll::Ready(())
    });
    CancelScope::new().run(async { begin.await }).await.expect("it is not cancelled");
}

#[trio::test(clock = "mock")]
async fn a_shield_that_outlives_the_scope_around_it_is_not_cancelled() {
    let start = current_time();
    let call = trio::shield(|| sleep(secs(3)));
    let mut future: Later = Box::pin(call.into_future());
    begun_in_a_scope(&mut future).await;
    future.await;
    assert_eq!(current_time() - start, secs(3));
}

#[trio::test(clock = "mock")]
async fn a_cleanup_that_outlives_the_scope_around_it_is_not_cancelled() {
    let cleaned_up = Rc::new(Cell::new(false));
    let cleans_up = Rc::clone(&cleaned_up);
    let call = trio::finally(checkpoint, || async move {
        sleep(secs(3)).await;
        cleans_up.set(true);
    });
    let mut future: Later = Box::pin(call.into_future());
    let inside = &mut future;
    let scope = CancelScope::new();
    scope
        .run(async {
            futures::future::select(inside, Box::pin(wait_all_tasks_blocked())).await;
        })
        .await;
    assert!(!cleaned_up.get());
    future.await;
    assert!(cleaned_up.get());
}

// Parts of one future that are cancelled together: C50, and that whatever cannot be interrupted is not.

/// Says when it is dropped.
struct Notes(Rc<RefCell<Vec<&'static str>>>, &'static str);

impl Drop for Notes {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1);
    }
}

macro_rules! joined_with_a_sleep {
    ($($first:ident, $last:ident: $part:expr;)*) => {$(
        #[trio::test(clock = "mock")]
        async fn $first() {
            let (start, done) = (current_time(), Rc::default());
            let both = async { futures::join!($part(Rc::clone(&done)), sleep(secs(100))) };
            assert!(move_on_after(secs(1), both).await.is_none());
            assert_eq!(*done.borrow(), ["done"]);
            assert_eq!(current_time() - start, secs(4));
        }

        #[trio::test(clock = "mock")]
        async fn $last() {
            let (start, done) = (current_time(), Rc::default());
            let both = async { futures::join!(sleep(secs(100)), $part(Rc::clone(&done))) };
            assert!(move_on_after(secs(1), both).await.is_none());
            assert_eq!(*done.borrow(), ["done"]);
            assert_eq!(current_time() - start, secs(4));
        }
    )*};
}

type Done = Rc<RefCell<Vec<&'static str>>>;

fn cleans_up(done: Done) -> Later {
    let cleanup = || async move {
        sleep(secs(3)).await;
        done.borrow_mut().push("done");
    };
    Box::pin(trio::finally(sleep_forever, cleanup).into_future())
}

fn is_shielded(done: Done) -> Later {
    let work = || async move {
        sleep(secs(4)).await;
        done.borrow_mut().push("done");
    };
    Box::pin(trio::shield(work).into_future())
}

fn has_children_that_clean_up(done: Done) -> Later {
    #[trio::task(allow(useless_nursery))]
    async fn opens(done: Done) {
        let _ = nursery!(|n| {
            n.spawn(cleans_up, done);
        });
    }
    Box::pin(opens(done).into_future())
}

joined_with_a_sleep! {
    a_join_finishes_a_cleanup_before_it_unwinds, a_join_finishes_a_cleanup_that_comes_last: cleans_up;
    a_join_keeps_a_shield_before_it_unwinds, a_join_keeps_a_shield_that_comes_last: is_shielded;
    a_join_waits_for_children_before_it_unwinds,
        a_join_waits_for_children_that_come_last: has_children_that_clean_up;
}

#[trio::test(clock = "mock")]
async fn a_join_finishes_what_cannot_be_called_off_before_it_unwinds() {
    let place = Rc::default();
    let scope = CancelScope::new();
    let ended = Cell::new(false);
    nursery!(|n| {
        n.spawn(async {
            let both = async {
                futures::join!(suspended(&place, Abort::Failed), sleep(secs(100)));
            };
            assert!(scope.run(both).await.is_none());
            ended.set(true);
        });
        wait_all_tasks_blocked().await;
        scope.cancel();
        wait_all_tasks_blocked().await;
        assert!(!ended.get());
        place.take().expect("it still waits").resume(());
    })
    .unwrap();
    assert!(ended.get());
}

async fn gives_a_shield_up(notes: Notes) {
    let shielded = trio::shield(|| async move {
        let _notes = notes;
        sleep(secs(50)).await;
    });
    let shielded = Box::pin(shielded.into_future());
    // It is polled, and dropped.
    futures::future::select(shielded, std::future::ready(())).await;
    sleep(secs(100)).await;
}

#[trio::test(clock = "mock")]
async fn a_shield_that_was_given_up_does_not_hold_the_rest_up() {
    let (start, done) = (current_time(), Done::default());
    let scope = CancelScope::new();
    let mut inner = Box::pin(gives_a_shield_up(Notes(Rc::clone(&done), "dropped")));
    let future = poll_fn(|cx| {
        scope.cancel();
        inner.as_mut().poll(cx)
    });
    assert!(scope.run(async { future.await }).await.is_none());
    assert_eq!(*done.borrow(), ["dropped"]);
    assert_eq!(current_time(), start);
}

// Macros of others hide an `.await`, so that what they await is polled as it is. It is a cancellation
// point all the same.

macro_rules! hidden_awaits {
    ($($test:ident: $await:expr;)*) => {$(
        #[trio::test(clock = "mock")]
        async fn $test() {
            let start = current_time();
            assert!(move_on_after(secs(1), async { $await; }).await.is_none());
            // At every kind of boundary.
            let cleaned_up = Cell::new(false);
            let body = async { $await; };
            let cleanup = async { cleaned_up.set(true) };
            assert!(move_on_after(secs(1), async {
                trio::finally(body, cleanup).await;
            }).await.is_none());
            assert!(cleaned_up.get());
            nursery!(|n| {
                n.spawn(async { $await; });
                n.spawn(async {
                    sleep(secs(1)).await;
                    n.cancel();
                });
                $await;
            })
            .unwrap();
            assert_eq!(current_time() - start, secs(3));
        }
    )*};
}

macro_rules! wait_for {
    ($future:expr) => {
        $future.await
    };
}

hidden_awaits! {
    a_future_whose_await_is_hidden_is_cancelled: wait_for!(pending::<()>());
    a_join_of_futures_of_others_is_cancelled: futures::join!(pending::<()>(), pending::<()>());
    a_join_of_operations_is_cancelled: futures::join!(sleep_forever(), sleep(secs(100)));
    a_join_of_both_kinds_is_cancelled: futures::join!(sleep_forever(), pending::<()>());
}
