//! Runs: how they begin, how they end, and where they can be.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tests::faults::{CountsDrop, Fault};
use tests::panics::panic_text;
use trio::lowlevel::{
    Abort, Clock, Resumer, RunVar, checkpoint, current_task, current_trio_token, in_trio_run,
    in_trio_task, spawn_system_task, statistics, suspend, task_tree,
};
use trio::testing::{MockClock, wait_all_tasks_blocked};
use trio::{CancelScope, Instant, nursery};

#[trio::task]
async fn add(a: u32, b: u32) -> u32 {
    checkpoint().await;
    a + b
}

#[trio::task]
async fn five() -> u32 {
    checkpoint().await;
    5
}

#[trio::task]
async fn length(text: &str) -> usize {
    checkpoint().await;
    text.len()
}

async fn plain() -> &'static str {
    "an ordinary async function"
}

// A1
#[test]
fn a_run_gives_the_value_of_its_main_task() {
    assert_eq!(trio::run(five), 5);
    assert_eq!(trio::run(|| add(1, 2)), 3);
    assert_eq!(trio::run(plain), "an ordinary async function");
    assert_eq!(trio::run(|| async { 7 }), 7);
}

// A1
#[test]
fn main_may_borrow_from_the_caller_of_the_run() {
    let text = String::from("borrowed");
    assert_eq!(trio::run(|| length(&text)), 8);
    let mut count = 0;
    let counter = &mut count;
    trio::run(move || async move { *counter += 1 });
    assert_eq!(count, 1);
}

// A1
#[test]
fn the_value_of_main_need_not_be_one_that_a_nursery_takes() {
    struct Plain(u32);
    let value = trio::run(|| async { Plain(4) });
    assert_eq!(value.0, 4);
}

// A2
#[test]
fn a_run_gives_the_error_of_main_as_it_is() {
    #[trio::task]
    async fn fail(error: Box<Fault>) -> Result<(), Box<Fault>> {
        checkpoint().await;
        Err(error)
    }
    let error = Box::new(Fault("the very one"));
    let address = &raw const *error;
    let returned = trio::run(|| fail(error)).unwrap_err();
    assert!(std::ptr::eq(&raw const *returned, address));
}

// A2
#[test]
fn a_panic_of_main_goes_on_in_the_caller_with_its_payload() {
    let result = std::panic::catch_unwind(|| {
        trio::run(|| async {
            checkpoint().await;
            std::panic::panic_any(42_u32);
        });
    });
    assert_eq!(result.unwrap_err().downcast_ref::<u32>(), Some(&42));
}

// A2
#[test]
fn a_thread_can_run_again_after_any_kind_of_end() {
    assert_eq!(trio::run(five), 5);
    assert_eq!(panic_text(|| trio::run(|| async { panic!("over") })), "over");
    assert_eq!(panic_text(|| trio::run(not_even_made)), "not even made");
    assert!(!in_trio_run() && !in_trio_task());
    assert_eq!(trio::run(five), 5);

    fn not_even_made() -> std::future::Ready<()> {
        panic!("not even made")
    }
}

// A3
#[test]
fn a_run_inside_a_run_is_refused() {
    let (text, value) = trio::run(|| async {
        let text = panic_text(|| trio::run(five));
        // The outer run has not noticed.
        (text, add(20, 3).into_future().await)
    });
    assert!(text.contains("from inside a run"), "{text}");
    assert!(text.contains("await the task instead"), "{text}");
    assert_eq!(value, 23);
}

// A3
#[trio::test(allow(nested_runtime))]
async fn a_run_inside_a_callback_of_the_run_is_refused() {
    let (sender, receiver) = std::sync::mpsc::channel();
    current_trio_token()
        .call_soon(move || sender.send(panic_text(|| trio::run(five))).unwrap())
        .unwrap();
    wait_all_tasks_blocked().await;
    assert!(receiver.recv().unwrap().contains("from inside a run"));
}

// A3
#[trio::test(allow(unstructured_spawn))]
async fn another_thread_may_have_a_run_of_its_own() {
    let value = std::thread::spawn(|| trio::run(five)).join().unwrap();
    assert_eq!(value, 5);
    checkpoint().await;
}

// A8
#[trio::test]
async fn the_steps_of_tasks_are_interleaved_round_by_round() {
    #[trio::task]
    async fn steps(name: char, log: &RefCell<Vec<(usize, char)>>) {
        for round in 0..3 {
            log.borrow_mut().push((round, name));
            checkpoint().await;
        }
    }
    let log = RefCell::default();
    nursery!(|n| {
        n.spawn(steps, 'a', &log);
        n.spawn(steps, 'b', &log);
    })
    .unwrap();
    let mut log = log.into_inner();
    assert!(log.is_sorted_by_key(|(round, _)| *round), "{log:?}");
    log.sort_unstable();
    assert_eq!(log, [(0, 'a'), (0, 'b'), (1, 'a'), (1, 'b'), (2, 'a'), (2, 'b')]);
}

/// The order in which twenty tasks make their steps.
fn order(seed: Option<u64>) -> Vec<u32> {
    #[trio::task]
    async fn step(number: u32, log: &RefCell<Vec<u32>>) {
        for _ in 0..3 {
            log.borrow_mut().push(number);
            checkpoint().await;
        }
    }
    #[trio::task]
    async fn all(log: &RefCell<Vec<u32>>) {
        nursery!(|n| {
            for number in 0..20 {
                n.spawn(step, number, log);
            }
        })
        .unwrap();
    }
    let log = RefCell::default();
    let mut builder = trio::Builder::new();
    if let Some(seed) = seed {
        builder = builder.scheduler_seed(seed);
    }
    builder.run(|| all(&log));
    log.into_inner()
}

// A8
#[test]
fn a_seed_shuffles_the_batches_and_the_same_seed_does_it_again() {
    let in_order: Vec<u32> = (0..20).chain(0..20).chain(0..20).collect();
    assert_eq!(order(None), in_order);
    let seventh = order(Some(7));
    assert_ne!(seventh, in_order);
    assert_eq!(order(Some(7)), seventh);
    assert_ne!(order(Some(8)), seventh);
    for round in seventh.chunks(20) {
        let mut round = round.to_vec();
        round.sort_unstable();
        assert_eq!(round, in_order[..20]);
    }
}

// A9
#[trio::test]
async fn a_suspended_task_goes_on_with_exactly_what_it_is_resumed_with() {
    type Word = Result<u32, Fault>;
    #[trio::task]
    async fn listen(place: &Cell<Option<Resumer<Word>>>) -> Word {
        suspend(|resumer| {
            place.set(Some(resumer));
            || Abort::Succeeded
        })
        .await
    }
    let (first, second) = (Cell::new(None), Cell::new(None));
    let result = nursery!(|n| {
        let good = n.spawn_monitored(listen, &first);
        let bad = n.spawn_monitored(listen, &second);
        wait_all_tasks_blocked().await;
        first.take().unwrap().resume(Ok(17));
        second.take().unwrap().resume(Err(Fault("resumed with this")));
        (good.outcome().await, bad.outcome().await)
    });
    let (good, bad) = result.unwrap();
    assert!(matches!(good, trio::Outcome::Ok(17)), "{good:?}");
    let trio::Outcome::Err(error) = bad else { panic!("{bad:?}") };
    assert_eq!(error.downcast_ref(), Some(&Fault("resumed with this")));
}

// A9
#[trio::test]
async fn a_resumer_that_is_dropped_fails_its_task_and_not_the_run() {
    let result = nursery!(|n| {
        let task = n.spawn_monitored(async {
            suspend::<(), _, _>(|resumer| {
                drop(resumer);
                || Abort::Succeeded
            })
            .await
        });
        task.outcome().await
    });
    let trio::Outcome::Panicked(payload) = result.unwrap() else { panic!("it should panic") };
    assert!(tests::panics::text(&*payload).contains("`Resumer` of this task was dropped"));
}

// A10
#[test]
fn what_needs_a_run_says_so_outside_of_one() {
    static VAR: RunVar<u32> = RunVar::new("variable");
    let texts = [
        panic_text(trio::current_time),
        panic_text(current_trio_token),
        panic_text(statistics),
        panic_text(task_tree),
        panic_text(|| VAR.get()),
        panic_text(|| VAR.set(1)),
        panic_text(|| spawn_system_task(five)),
    ];
    for text in texts {
        assert!(text.contains("inside a trio run"), "{text}");
        assert!(text.contains("`trio::run`"), "it says what to do: {text}");
    }
}

// A10
#[test]
fn what_needs_a_task_says_so_outside_of_one() {
    let mut cx = Context::from_waker(Waker::noop());
    let texts = [
        panic_text(current_task),
        panic_text(trio::current_effective_deadline),
        panic_text(trio::current_cancel_reason),
        panic_text(|| pin!(checkpoint()).poll(&mut cx).is_ready()),
        panic_text(|| pin!(trio::sleep(Duration::ZERO)).poll(&mut cx).is_ready()),
        panic_text(|| pin!(trio::sleep_forever()).poll(&mut cx).is_ready()),
        panic_text(|| pin!(wait_all_tasks_blocked()).poll(&mut cx).is_ready()),
        panic_text(|| pin!(five().into_future()).poll(&mut cx).is_ready()),
        panic_text(|| {
            let scope = CancelScope::new().run(|| async {});
            pin!(scope.into_future()).poll(&mut cx).is_ready()
        }),
    ];
    for text in texts {
        assert!(text.contains("inside a trio task"), "{text}");
        assert!(text.contains("`trio::run`"), "it says what to do: {text}");
    }
}

// A10
#[trio::test]
async fn a_callback_is_in_the_run_and_in_no_task() {
    let (sender, receiver) = std::sync::mpsc::channel();
    current_trio_token()
        .call_soon(move || {
            let now = trio::current_time();
            sender.send((statistics().tasks_living, now, panic_text(current_task))).unwrap();
        })
        .unwrap();
    wait_all_tasks_blocked().await;
    let (living, time, text) = receiver.recv().unwrap();
    assert_eq!(living, 1);
    assert!(time <= trio::current_time());
    assert!(text.contains("inside a trio task"), "{text}");
}

/// Says where it is when it is dropped.
struct Where<'a>(&'a Cell<Option<(bool, bool)>>);

impl Drop for Where<'_> {
    fn drop(&mut self) {
        self.0.set(Some((in_trio_run(), in_trio_task())));
    }
}

// A24
#[trio::test(allow(unstructured_spawn))]
async fn code_can_tell_whether_it_is_in_a_run_and_in_a_task() {
    let here = || (in_trio_run(), in_trio_task());
    assert_eq!(here(), (true, true));
    assert_eq!(std::thread::spawn(here).join().unwrap(), (false, false));

    let (sender, receiver) = std::sync::mpsc::channel();
    current_trio_token().call_soon(move || sender.send(here()).unwrap()).unwrap();
    wait_all_tasks_blocked().await;
    assert_eq!(receiver.recv().unwrap(), (true, false));

    let (in_abort, in_drop) = (Cell::new(None), Cell::new(None));
    nursery!(|n| {
        n.spawn(async {
            let _where = Where(&in_drop);
            let in_abort = &in_abort;
            suspend::<(), _, _>(|resumer| {
                move || {
                    let _keep = &resumer;
                    in_abort.set(Some((in_trio_run(), in_trio_task())));
                    Abort::Succeeded
                }
            })
            .await
        });
        wait_all_tasks_blocked().await;
        n.cancel();
    })
    .unwrap();
    assert_eq!(in_abort.get(), Some((true, true)));
    assert_eq!(in_drop.get(), Some((true, true)));
}

// A24
#[test]
fn a_thread_without_a_run_is_in_neither() {
    assert!(!in_trio_run());
    assert!(!in_trio_task());
}

// A20
#[trio::test]
async fn an_abort_callback_that_panics_fails_its_task_and_hangs_nothing() {
    let result = nursery!(|n| {
        let task = n.spawn_monitored(async {
            suspend::<(), _, _>(|resumer| {
                move || {
                    let _keep = &resumer;
                    panic!("cannot be aborted")
                }
            })
            .await
        });
        wait_all_tasks_blocked().await;
        task.cancel();
        task.outcome().await
    });
    let trio::Outcome::Panicked(payload) = result.unwrap() else { panic!("it should panic") };
    assert_eq!(tests::panics::text(&*payload), "cannot be aborted");
}

/// A clock that breaks when it is told to.
struct Broken {
    clock: MockClock,
    broken: Rc<Cell<bool>>,
}

impl Clock for Broken {
    fn now(&self) -> Instant {
        assert!(!self.broken.get(), "the clock is broken");
        self.clock.now()
    }

    fn time_until(&self, deadline: Instant) -> Option<Duration> {
        self.clock.time_until(deadline)
    }
}

// A20
#[test]
fn a_run_whose_loop_fails_takes_its_tasks_down_and_does_not_hang() {
    #[trio::task]
    async fn wait(dropped: &Cell<usize>) {
        let _counts = CountsDrop(dropped);
        trio::sleep(Duration::from_secs(1)).await;
    }
    #[trio::task]
    async fn main(dropped: &Cell<usize>, broken: &Cell<bool>) {
        let _counts = CountsDrop(dropped);
        nursery!(|n| {
            n.spawn(wait, dropped);
            n.spawn(wait, dropped);
            wait_all_tasks_blocked().await;
            broken.set(true);
        })
        .unwrap();
    }
    let broken = Rc::new(Cell::new(false));
    let clock = Broken { clock: MockClock::new(), broken: Rc::clone(&broken) };
    let dropped = Cell::new(0);
    let text = panic_text(|| trio::Builder::new().clock(clock).run(|| main(&dropped, &broken)));
    assert_eq!(text, "the clock is broken");
    assert_eq!(dropped.get(), 3);
    assert!(!in_trio_run() && !in_trio_task());
    assert_eq!(trio::run(five), 5);
}

// A22: a future that needs another runtime fails at its await, in the way in which it does so.
#[trio::test]
async fn a_future_that_misses_its_own_runtime_fails_where_it_is_awaited() {
    let result = nursery!(|n| {
        let stray = n.spawn_monitored(async {
            std::future::poll_fn(|_| -> Poll<()> { panic!("there is no reactor running") }).await
        });
        let sibling = n.spawn(five);
        let outcome = stray.outcome().await;
        sibling.wait().await;
        (outcome, sibling.take())
    });
    let (outcome, sibling) = result.unwrap();
    let trio::Outcome::Panicked(payload) = outcome else { panic!("it should panic") };
    assert_eq!(tests::panics::text(&*payload), "there is no reactor running");
    assert_eq!(sibling, Some(5));
}

#[test]
fn a_run_returns_only_when_every_task_has_ended() {
    let dropped = Rc::new(Cell::new(0));
    struct Counts(Rc<Cell<u32>>);
    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    trio::run(|| {
        let counts = Counts(Rc::clone(&dropped));
        async {
            spawn_system_task(move || async move {
                let _counts = counts;
                trio::sleep_forever().await
            });
            wait_all_tasks_blocked().await;
        }
    });
    assert_eq!(dropped.get(), 1);
}

#[test]
fn variables_have_one_value_per_run() {
    static LIMIT: RunVar<String> = RunVar::new("limit");
    for _ in 0..2 {
        trio::run(|| async {
            assert_eq!(LIMIT.get(), None);
            LIMIT.set("a".to_owned());
            assert_eq!(LIMIT.get().as_deref(), Some("a"));
            let token = LIMIT.replace("b".to_owned());
            assert_eq!(LIMIT.get().as_deref(), Some("b"));
            LIMIT.reset(token);
            assert_eq!(LIMIT.get().as_deref(), Some("a"));
        });
    }
}

#[test]
fn resetting_the_first_value_of_a_variable_unsets_it() {
    static VAR: RunVar<u32> = RunVar::new("variable");
    trio::run(|| async {
        let token = VAR.replace(1);
        VAR.reset(token);
        assert_eq!(VAR.get(), None);
    });
}

#[test]
fn a_variable_refuses_a_token_that_is_not_its_own() {
    static ONE: RunVar<u32> = RunVar::new("one");
    static OTHER: RunVar<u32> = RunVar::new("other");
    let escaped = trio::run(|| async {
        let token = ONE.replace(1);
        let text = panic_text(|| OTHER.reset(token));
        assert!(text.contains("of another variable than `other`"), "{text}");
        ONE.replace(2)
    });
    let text = trio::run(|| async { panic_text(|| ONE.reset(escaped)) });
    assert!(text.contains("of another run"), "{text}");
}

#[test]
fn a_variable_is_seen_by_every_task_and_dropped_with_the_run() {
    #[derive(Clone)]
    struct Value(#[allow(dead_code)] Rc<()>);
    thread_local! {
        static ALIVE: Rc<()> = Rc::new(());
    }
    static VAR: RunVar<Value> = RunVar::new("value");
    #[trio::task]
    async fn is_set() -> bool {
        checkpoint().await;
        VAR.get().is_some()
    }
    #[trio::task]
    async fn main() -> bool {
        VAR.set(Value(ALIVE.with(Rc::clone)));
        let seen = nursery!(|n| {
            let seen = n.spawn(is_set);
            seen.wait().await;
            seen.take()
        });
        seen.unwrap().unwrap()
    }
    assert!(trio::run(main));
    assert_eq!(ALIVE.with(Rc::strong_count), 1);
}

#[test]
fn a_value_of_a_variable_may_use_the_variable_when_it_is_dropped() {
    static VAR: RunVar<Rc<Looks>> = RunVar::new("looks");
    struct Looks(Rc<Cell<u32>>);
    impl Drop for Looks {
        fn drop(&mut self) {
            if in_trio_run() {
                let _ = VAR.get();
            }
            self.0.set(self.0.get() + 1);
        }
    }
    let dropped = Rc::new(Cell::new(0));
    trio::run(|| async {
        VAR.set(Rc::new(Looks(Rc::clone(&dropped))));
        VAR.set(Rc::new(Looks(Rc::clone(&dropped))));
        assert_eq!(dropped.get(), 1);
    });
    assert_eq!(dropped.get(), 2);
}
