//! Panics in what is left when something else has panicked or ended: the task is lost, the panic is
//! reported, and everybody else cleans up.
#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::panic::panic_any;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tests::faults::{CountsDrop, PanicsOnDrop};
use tests::frames::{poll_once, share};
use tests::panics::{panic_text, text};
use trio::lowlevel::{Clock, RunVar, checkpoint, statistics};
use trio::testing::{MockClock, wait_all_tasks_blocked};
use trio::{Instant, Outcome, nursery, sleep_forever};

/// A future that does something when it is polled, and panics when it is dropped.
struct Bomb<F>(F);

impl<T, F: FnMut() -> T + Unpin> Future for Bomb<F> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        Poll::Ready((self.0)())
    }
}

impl<F> Drop for Bomb<F> {
    fn drop(&mut self) {
        panic!("in the frame's destructor");
    }
}

fn panics_twice() -> impl Future<Output = ()> {
    Bomb(|| panic!("in the frame"))
}

fn value_that_panics() -> impl Future<Output = Rc<PanicsOnDrop>> {
    Bomb(|| Rc::new(PanicsOnDrop("in the value's destructor")))
}

#[track_caller]
fn assert_panicked<T>(outcome: Outcome<T>, expected: &str) {
    match outcome {
        Outcome::Panicked(payload) => assert_eq!(text(&*payload), expected),
        _ => panic!("it should have panicked"),
    }
}

// A destructor after a panic, after a value.

#[trio::test]
async fn a_frame_that_panics_again_when_it_is_dropped_has_its_first_panic_go_on() {
    nursery!(|n| {
        let handle = n.spawn_monitored(panics_twice);
        assert_panicked(handle.outcome().await, "in the frame");
    })
    .unwrap();
}

#[trio::test]
async fn a_frame_that_panics_when_it_is_dropped_takes_its_value_along() {
    nursery!(|n| {
        let handle = n.spawn_monitored(value_that_panics);
        assert_panicked(handle.outcome().await, "in the frame's destructor");
    })
    .unwrap();
}

#[test]
fn the_siblings_of_a_task_that_panics_twice_clean_up() {
    #[trio::task]
    async fn sibling(dropped: &Cell<usize>) {
        let _value = CountsDrop(dropped);
        trio::finally(sleep_forever, async {
            checkpoint().await;
            dropped.set(dropped.get() + 1);
        })
        .await;
    }
    #[trio::task]
    async fn main(dropped: &Cell<usize>) {
        let _ = nursery!(|n| {
            n.spawn(sibling, dropped);
            wait_all_tasks_blocked().await;
            n.spawn(panics_twice);
        });
    }
    let dropped = Cell::new(0);
    assert_eq!(panic_text(|| trio::run(|| main(&dropped))), "in the frame");
    assert_eq!(dropped.get(), 2);
}

#[test]
fn a_value_that_nobody_can_take_and_that_panics_when_it_is_dropped_is_a_panic_of_its_task() {
    #[trio::task]
    async fn gives() -> Rc<PanicsOnDrop> {
        checkpoint().await;
        Rc::new(PanicsOnDrop("in the value's destructor"))
    }
    #[trio::task(allow(useless_nursery))]
    async fn main() {
        let _ = nursery!(|n| {
            n.spawn(gives);
        });
    }
    assert_eq!(panic_text(|| trio::run(main)), "in the value's destructor");
}

#[trio::test]
async fn a_value_that_panics_when_it_is_dropped_with_its_handle_does_so_there() {
    #[trio::task]
    async fn gives() -> Rc<PanicsOnDrop> {
        checkpoint().await;
        Rc::new(PanicsOnDrop("in the value's destructor"))
    }
    nursery!(|n| {
        let handle = n.spawn(gives);
        handle.wait().await;
        assert_eq!(panic_text(|| drop(handle)), "in the value's destructor");
    })
    .unwrap();
}

#[trio::test]
async fn a_body_that_panics_twice_is_cleaned_up_after() {
    let cleaned_up = Cell::new(0);
    nursery!(|n| {
        for thunk in [0, 1] {
            let cleaned_up = &cleaned_up;
            let handle = n.spawn_monitored(async move {
                let cleanup = async {
                    checkpoint().await;
                    cleaned_up.set(cleaned_up.get() + 1);
                };
                match thunk {
                    0 => trio::finally(panics_twice, cleanup).await,
                    _ => drop(trio::finally(value_that_panics, cleanup).await),
                }
            });
            let expected = ["in the frame", "in the frame's destructor"][thunk];
            assert_panicked(handle.outcome().await, expected);
        }
    })
    .unwrap();
    assert_eq!(cleaned_up.get(), 2);
}

// What a panic carries.

#[test]
fn a_payload_that_panics_when_it_is_dropped_does_not_disturb_the_one_that_goes_on() {
    #[trio::task]
    async fn first() {
        checkpoint().await;
        panic!("the first");
    }
    #[trio::task]
    async fn second() {
        checkpoint().await;
        panic_any(PanicsOnDrop("in the payload's destructor"));
    }
    #[trio::task]
    async fn main() {
        let _ = nursery!(|n| {
            n.spawn(first);
            n.spawn(second);
        });
    }
    assert_eq!(panic_text(|| trio::run(main)), "the first");
}

// What becomes an error.

#[trio::test]
async fn an_error_that_panics_when_it_is_converted_is_a_panic_of_its_task() {
    struct Unspeakable;
    impl From<Unspeakable> for trio::Error {
        fn from(_: Unspeakable) -> trio::Error {
            panic!("in the conversion");
        }
    }
    #[trio::task]
    async fn fails() -> Result<(), Unspeakable> {
        checkpoint().await;
        Err(Unspeakable)
    }
    nursery!(|n| {
        let handle = n.spawn_monitored(fails);
        assert_panicked(handle.outcome().await, "in the conversion");
    })
    .unwrap();
}

/// An error that panics in whatever is asked of it.
struct Rotten;

impl fmt::Debug for Rotten {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("in the error's `Debug`");
    }
}

impl fmt::Display for Rotten {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("in the error's `Display`");
    }
}

impl std::error::Error for Rotten {}

impl Drop for Rotten {
    fn drop(&mut self) {
        panic!("in the error's destructor");
    }
}

#[trio::task]
async fn fails_rottenly() -> Result<(), Rotten> {
    checkpoint().await;
    Err(Rotten)
}

#[trio::test]
async fn an_error_of_a_frame_that_is_dropped_may_panic_as_it_likes() {
    #[trio::task]
    async fn waits_for_a_child() {
        let _ = nursery!(|n| {
            n.spawn(fails_rottenly);
            trio::shield(sleep_forever).await;
        });
    }
    let shared = share(waits_for_a_child().into_future());
    assert!(poll_once(&shared).is_pending());
    wait_all_tasks_blocked().await;
    assert_eq!(statistics().tasks_living, 1);
    drop(shared.take());
    checkpoint().await;
}

// Frames that are dropped in mid-run.

#[trio::test]
async fn a_destructor_that_panics_while_a_frame_is_dropped_does_not_keep_the_others() {
    #[trio::task]
    async fn child<T>(_local: T) {
        sleep_forever().await;
    }
    #[trio::task]
    async fn parent(dropped: Rc<Cell<usize>>) {
        let _ = nursery!(|n| {
            n.spawn(child, CountsDrop(&dropped));
            n.spawn(child, PanicsOnDrop("in a child's destructor"));
            n.spawn(child, CountsDrop(&dropped));
            sleep_forever().await;
        });
    }
    let dropped = Rc::new(Cell::new(0));
    let shared = share(parent(Rc::clone(&dropped)).into_future());
    assert!(poll_once(&shared).is_pending());
    wait_all_tasks_blocked().await;
    drop(shared.take());
    assert_eq!(dropped.get(), 2);
    assert_eq!(statistics().tasks_living, 1);
}

// Parts of the run that users provide.

/// Virtual time that does not get past a second.
#[derive(Clone)]
struct BrokenClock(MockClock);

impl Clock for BrokenClock {
    fn now(&self) -> Instant {
        assert!(self.0.elapsed() < Duration::from_secs(1), "in the clock");
        self.0.now()
    }
    fn time_until(&self, deadline: Instant) -> Option<Duration> {
        self.0.time_until(deadline)
    }
    fn autojump_threshold(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }
    fn jump_to(&self, deadline: Instant) {
        self.0.jump_to(deadline);
    }
}

#[test]
fn a_clock_that_panics_takes_the_run_down_with_every_task_in_it() {
    #[trio::task]
    async fn sleeper<T>(_local: T) {
        trio::sleep(Duration::from_secs(2)).await;
    }
    #[trio::task]
    async fn main(dropped: &Cell<usize>) {
        let text = String::from("borrowed by the children");
        nursery!(|n| {
            n.spawn(sleeper, (&text, CountsDrop(dropped)));
            n.spawn(sleeper, (&text, PanicsOnDrop("in a child's destructor")));
            n.spawn(sleeper, (&text, CountsDrop(dropped)));
        })
        .unwrap();
    }
    let dropped = Cell::new(0);
    let clock = BrokenClock(MockClock::new());
    let run = || trio::Builder::new().clock(clock).run(|| main(&dropped));
    assert_eq!(panic_text(run), "in the clock");
    assert_eq!(dropped.get(), 2);
    assert!(!trio::lowlevel::in_trio_run() && !trio::lowlevel::in_trio_task());
    assert_eq!(trio::run(|| async { 7 }), 7);
}

#[test]
fn a_clock_that_panics_when_a_task_asks_it_makes_the_task_panic() {
    #[trio::task]
    async fn in_time() {
        trio::move_on_after(Duration::from_secs(1), sleep_forever).await;
    }
    #[trio::task]
    async fn main(clock: MockClock) {
        nursery!(|_n| {
            clock.jump(Duration::from_secs(1));
            // Entering a scope with a timeout, and sleeping, look at the clock.
            let frame = share(in_time().into_future());
            assert_eq!(panic_text(|| poll_once(&frame)), "in the clock");
            drop(frame);
            let frame = share(trio::sleep(Duration::from_secs(1)));
            assert_eq!(panic_text(|| poll_once(&frame)), "in the clock");
            // The run will, too.
            panic!("in time");
        })
        .unwrap();
    }
    let clock = MockClock::new();
    let run = trio::Builder::new().clock(BrokenClock(clock.clone()));
    assert_eq!(panic_text(|| run.run(|| main(clock))), "in time");
}

#[test]
fn a_run_variable_that_panics_when_it_is_dropped_keeps_nothing_else() {
    static BOMB: RunVar<Rc<PanicsOnDrop>> = RunVar::new("bomb");
    static OTHER: RunVar<Rc<Counts>> = RunVar::new("other");
    #[derive(Debug)]
    struct Counts(Rc<RefCell<u32>>);
    impl Drop for Counts {
        fn drop(&mut self) {
            *self.0.borrow_mut() += 1;
        }
    }
    #[trio::task]
    async fn leaks() {
        let mut future = Box::pin(holds().into_future());
        assert!(
            future.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_pending()
        );
        std::mem::forget(future);
        checkpoint().await;
    }
    #[trio::task(allow(useless_nursery))]
    async fn holds() {
        let _ = nursery!(|n| {
            n.spawn(sleep_forever);
        });
    }
    let count = Rc::new(RefCell::new(0));
    trio::run(|| {
        BOMB.set(Rc::new(PanicsOnDrop("in the variable's destructor")));
        OTHER.set(Rc::new(Counts(Rc::clone(&count))));
        leaks()
    });
    assert_eq!(*count.borrow(), 1);
}
