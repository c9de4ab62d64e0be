//! Worker threads: what blocks is called in them, and the task waits.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::panic::panic_any;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use tests::faults::OnDrop;
use tests::panics::panic_text;
use tests::rerun::alone;
use trio::lowlevel::{
    checkpoint, current_task, in_trio_run, in_trio_task, spawn_system_task, start_thread_soon,
    task_tree,
};
use trio::sync::CapacityLimiter;
use trio::testing::{
    active_thread_count, assert_checkpoints, assert_future_checkpoints, wait_all_tasks_blocked,
    wait_all_threads_completed,
};
use trio::thread::{
    AbandonableThread, Cancelled, WorkerThread, check_cancelled, default_thread_limiter,
    run_in_trio_thread, run_in_worker_thread,
};
use trio::{CancelScope, Outcome, nursery};

/// A function that a thread waits in until it is let go.
struct Gate {
    begun: Receiver<()>,
    /// Dropping it opens the gate.
    open: Option<Sender<()>>,
}

impl Gate {
    /// A gate, and the function that waits at it.
    fn new() -> (Gate, impl FnOnce() + Send + 'static) {
        let ((begin, begun), (open, opened)) = (channel(), channel::<()>());
        let wait = move || {
            let _ = begin.send(());
            let _ = opened.recv();
        };
        (Gate { begun, open: Some(open) }, wait)
    }

    /// Waits until a thread waits at the gate.
    fn wait_until_begun(&self) {
        self.begun.recv().unwrap();
    }

    fn open(&mut self) {
        self.open = None;
    }
}

#[trio::test]
async fn the_function_is_called_in_another_thread_outside_the_run() {
    let run = thread::current().id();
    let seen = run_in_worker_thread(|| (thread::current().id(), in_trio_run(), in_trio_task()));
    let (worker, in_run, in_task) = seen.await;
    assert_ne!(worker, run);
    assert!(!in_run && !in_task);
}

fn add(a: u32, b: &u32) -> u32 {
    a + *b
}

#[trio::test]
async fn it_takes_a_function_and_its_arguments_or_a_closure() {
    let two = 2;
    assert_eq!(run_in_worker_thread(add, 1, &two).await, 3);
    assert_eq!(run_in_worker_thread(|| add(1, &two)).await, 3);
    assert_eq!(run_in_worker_thread(Vec::<u8>::new).await, []);
}

#[trio::test]
async fn the_function_may_borrow_also_mutably_and_so_may_its_value() {
    let text = String::from("first second");
    let mut count = 0;
    let word = run_in_worker_thread(|| {
        count += 1;
        text.split(' ').next()
    })
    .await;
    assert_eq!((word, count), (Some("first"), 1));
}

#[trio::test]
async fn children_may_lend_to_threads_what_they_borrow() {
    let numbers: Vec<u64> = (0..1000).collect();
    let total = AtomicUsize::new(0);
    nursery!(|n| {
        for part in numbers.chunks(100) {
            n.spawn(run_in_worker_thread, || {
                let sum: u64 = part.iter().sum();
                total.fetch_add(usize::try_from(sum).unwrap(), Ordering::Relaxed);
            });
        }
    })
    .unwrap();
    assert_eq!(total.into_inner(), 499_500);
}

#[trio::test]
async fn a_round_trip_is_a_checkpoint() {
    assert_checkpoints(|| run_in_worker_thread(|| ())).await;
    assert_checkpoints(|| AbandonableThread::new().run(|| ())).await;
    // Also if it has to wait for its turn.
    let limiter = CapacityLimiter::new(1);
    let token = limiter.try_acquire().unwrap();
    nursery!(|n| {
        n.spawn(async { assert_checkpoints(|| waits_for(&limiter)).await });
        wait_all_tasks_blocked().await;
        drop(token);
    })
    .unwrap();
}

#[trio::task]
async fn waits_for(limiter: &CapacityLimiter) {
    WorkerThread::new().limiter(limiter).run(|| ()).await;
}

#[test]
fn a_panic_comes_back_with_its_payload() {
    for abandonable in [false, true] {
        let payload = std::panic::catch_unwind(|| {
            trio::run(move || async move {
                let job = || panic_any(7_u8);
                if abandonable {
                    converted(AbandonableThread::new().run(job)).await
                } else {
                    converted(run_in_worker_thread(job)).await
                }
            })
        });
        assert_eq!(*payload.unwrap_err().downcast::<u8>().unwrap(), 7);
    }
    let text = panic_text(|| trio::run(|| run_in_worker_thread(|| panic!("in a thread"))));
    assert_eq!(text, "in a thread");
}

/// For a plain future, in which a call cannot be awaited.
async fn converted<F: Future<Output = ()> + 'static>(call: trio::Call<F>) {
    call.into_future().await;
}

// O129
#[trio::test]
async fn a_cancelled_task_starts_no_thread() {
    let called = AtomicBool::new(false);
    let scope = CancelScope::new();
    scope.cancel();
    let result = scope.run(async {
        run_in_worker_thread(|| called.store(true, Ordering::Relaxed)).await;
    });
    assert_eq!(result.await, None);
    let scope = CancelScope::new();
    scope.cancel();
    let result = scope.run(async {
        AbandonableThread::new().run(|| unreachable!()).await;
    });
    assert_eq!(result.await, None);
    assert!(!called.into_inner());
    assert_eq!(active_thread_count(), 0);
    assert_eq!(default_thread_limiter().borrowed_tokens(), 0);
}

// O129
#[trio::test]
async fn a_task_that_is_cancelled_waits_for_its_thread_and_has_its_value() {
    let (mut gate, wait) = Gate::new();
    let scope = CancelScope::new();
    let value = Cell::new(0);
    nursery!(|n| {
        n.spawn(async {
            let inside = scope.run(async {
                let call = run_in_worker_thread(|| {
                    wait();
                    7
                });
                value.set(call.await);
                checkpoint().await;
                unreachable!();
            });
            inside.await;
        });
        wait_all_tasks_blocked().await;
        gate.wait_until_begun();
        scope.cancel();
        wait_all_tasks_blocked().await;
        assert_eq!((value.get(), active_thread_count()), (0, 1));
        gate.open();
    })
    .unwrap();
    assert_eq!(value.get(), 7);
    assert!(scope.cancelled_caught());
}

// O129
#[trio::test]
async fn an_abandoned_thread_goes_on_and_keeps_its_token_until_it_ends() {
    let (mut gate, wait) = Gate::new();
    let ended = Arc::new(AtomicBool::new(false));
    let its_ended = Arc::clone(&ended);
    let limiter = Rc::new(CapacityLimiter::new(1));
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            let thread = AbandonableThread::new().limiter(Rc::clone(&limiter));
            let call = thread.run(move || {
                wait();
                its_ended.store(true, Ordering::Relaxed);
            });
            assert_eq!(scope.run(async { call.await }).await, None);
        });
        wait_all_tasks_blocked().await;
        gate.wait_until_begun();
        scope.cancel();
    })
    .unwrap();
    assert!(!ended.load(Ordering::Relaxed));
    assert_eq!((limiter.borrowed_tokens(), active_thread_count()), (1, 1));
    gate.open();
    wait_all_threads_completed().await;
    assert!(ended.load(Ordering::Relaxed));
    assert_eq!((limiter.borrowed_tokens(), active_thread_count()), (0, 0));
}

// O129
#[trio::test]
async fn what_an_abandoned_thread_gives_is_dropped() {
    let (mut gate, wait) = Gate::new();
    let (sender, dropped) = channel();
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            let call = AbandonableThread::new().run(move || {
                wait();
                OnDrop(move || sender.send(()).unwrap())
            });
            assert!(scope.run(async { call.await }).await.is_none());
        });
        wait_all_tasks_blocked().await;
        gate.wait_until_begun();
        scope.cancel();
    })
    .unwrap();
    gate.open();
    wait_all_threads_completed().await;
    dropped.recv().unwrap();
}

// O130
#[test]
fn a_thread_that_was_abandoned_may_outlive_the_run() {
    let (mut gate, wait) = Gate::new();
    let (sender, ended) = channel();
    trio::run(|| async {
        spawn_system_task(move || async move {
            let call = AbandonableThread::new().run(move || {
                wait();
                sender.send(()).unwrap();
            });
            call.into_future().await;
        });
        wait_all_tasks_blocked().await;
        gate.wait_until_begun();
    });
    gate.open();
    ended.recv().unwrap();
}

#[trio::task]
async fn counts(limiter: &CapacityLimiter, now: &AtomicUsize, most: &AtomicUsize) {
    let job = || {
        let others = now.fetch_add(1, Ordering::SeqCst);
        most.fetch_max(others + 1, Ordering::SeqCst);
        thread::yield_now();
        now.fetch_sub(1, Ordering::SeqCst);
    };
    WorkerThread::new().limiter(limiter).run(job).await;
}

/// From here on this process gets no room for another thread's stack. `false` under a sanitizer, which
/// maps terabytes, and gets into trouble if it gets no more.
fn leave_no_room_for_threads() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let size: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
    if size > 1 << 30 {
        return false;
    }
    let room = (size + 1024) * 1024;
    let limit = rustix::process::Rlimit { current: Some(room), maximum: None };
    rustix::process::setrlimit(rustix::process::Resource::As, limit).unwrap();
    true
}

// O131
#[test]
fn that_the_system_has_no_thread_left_is_told_and_the_token_is_given_back() {
    if alone("that_the_system_has_no_thread_left_is_told_and_the_token_is_given_back") {
        #[trio::task]
        async fn main() {
            let limiter = Rc::new(CapacityLimiter::new(1));
            let (waiting, abandonable) = (
                WorkerThread::new().name("one").limiter(&limiter),
                AbandonableThread::new().name("another").limiter(Rc::clone(&limiter)),
            );
            if !leave_no_room_for_threads() {
                return;
            }
            nursery!(|n| {
                let waiting = n.spawn_monitored(async { waiting.run(|| ()).await });
                let abandonable = n.spawn_monitored(async { abandonable.run(|| ()).await });
                for (thread, name) in [(waiting, "one"), (abandonable, "another")] {
                    let Outcome::Panicked(payload) = thread.outcome().await else { panic!() };
                    let text = tests::panics::text(&*payload);
                    assert!(
                        text.starts_with(&format!("there is no thread for `{name}`")),
                        "{text}"
                    );
                }
            })
            .unwrap();
            assert_eq!((limiter.borrowed_tokens(), active_thread_count()), (0, 0));
        }
        trio::run(main);
    }
}

// O131
#[trio::test]
async fn no_more_threads_run_than_the_limiter_has_tokens() {
    const MAX: usize = 3;
    let limiter = CapacityLimiter::new(MAX);
    let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    nursery!(|n| {
        for _ in 0..2 * MAX {
            n.spawn(counts, &limiter, &now, &most);
        }
    })
    .unwrap();
    assert!((1..=MAX).contains(&most.into_inner()));
    assert_eq!(limiter.borrowed_tokens(), 0);
}

// O131
#[trio::test]
async fn the_limiter_is_used_up_and_those_who_wait_have_their_turn() {
    const MAX: usize = 2;
    let limiter = Rc::new(CapacityLimiter::new(MAX));
    let barrier = Barrier::new(MAX + 1);
    nursery!(|n| {
        for _ in 0..2 * MAX {
            let thread = WorkerThread::new().limiter(&limiter);
            n.spawn(async { thread.run(|| wait_at(&barrier)).await });
        }
        for _ in 0..2 {
            wait_all_tasks_blocked().await;
            assert_eq!(limiter.borrowed_tokens(), MAX);
            // Lets one round go.
            barrier_in_thread(&barrier).await;
        }
    })
    .unwrap();
    assert_eq!(limiter.borrowed_tokens(), 0);
}

fn wait_at(barrier: &Barrier) {
    barrier.wait();
}

#[trio::task]
async fn barrier_in_thread(barrier: &Barrier) {
    run_in_worker_thread(wait_at, barrier).await;
}

// O131
#[trio::test]
async fn threads_that_were_abandoned_count_against_the_limiter() {
    const MAX: usize = 2;
    let limiter = Rc::new(CapacityLimiter::new(MAX));
    let running = Arc::new(AtomicUsize::new(0));
    let mut gates = Vec::new();
    nursery!(|n| {
        for _ in 0..2 * MAX {
            let (gate, wait) = Gate::new();
            gates.push(gate);
            let running = Arc::clone(&running);
            let thread = AbandonableThread::new().limiter(Rc::clone(&limiter));
            let call = thread.run(move || {
                assert!(running.fetch_add(1, Ordering::SeqCst) < MAX);
                wait();
                running.fetch_sub(1, Ordering::SeqCst);
            });
            n.spawn(async move { call.await });
        }
        wait_all_tasks_blocked().await;
        gates[0].wait_until_begun();
        gates[1].wait_until_begun();
        n.cancel();
    })
    .unwrap();
    // The others never begin.
    assert_eq!((limiter.borrowed_tokens(), active_thread_count()), (MAX, MAX));
    drop(gates);
    wait_all_threads_completed().await;
    assert_eq!(limiter.borrowed_tokens(), 0);
    assert_eq!(running.load(Ordering::SeqCst), 0);
}

// O131
#[trio::test]
async fn a_task_that_is_cancelled_while_it_waits_for_its_turn_starts_no_thread() {
    let limiter = CapacityLimiter::new(0);
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            let thread = WorkerThread::new().limiter(&limiter);
            let value = scope.run(async { thread.run(|| unreachable!()).await });
            assert_eq!(value.await, None::<()>);
        });
        wait_all_tasks_blocked().await;
        assert_eq!(limiter.statistics().tasks_waiting, 1);
        // It gets the token, and is cancelled in the same moment.
        limiter.set_total_tokens(1);
        scope.cancel();
    })
    .unwrap();
    assert_eq!(limiter.available_tokens(), 1);
    assert_eq!(active_thread_count(), 0);
}

// O131
#[trio::test]
async fn a_panic_gives_the_token_back() {
    let limiter = Rc::new(CapacityLimiter::new(1));
    for abandonable in [false, true] {
        let its_limiter = Rc::clone(&limiter);
        nursery!(|n| {
            let child = n.spawn_monitored(async move {
                let fails = || panic!("in a thread");
                if abandonable {
                    AbandonableThread::new().limiter(its_limiter).run(fails).await;
                } else {
                    WorkerThread::new().limiter(&its_limiter).run(fails).await;
                }
            });
            assert!(matches!(child.outcome().await, Outcome::Panicked(_)));
        })
        .unwrap();
        assert_eq!((limiter.borrowed_tokens(), active_thread_count()), (0, 0));
    }
}

// O131
#[test]
fn the_default_limiter_has_40_tokens_and_belongs_to_the_run() {
    trio::run(|| async {
        let limiter = default_thread_limiter();
        assert_eq!(limiter.total_tokens(), 40);
        assert!(Rc::ptr_eq(&limiter, &default_thread_limiter()));
        limiter.set_total_tokens(1);
        checkpoint().await;
    });
    trio::run(|| async { assert_eq!(default_thread_limiter().total_tokens(), 40) });
}

#[trio::test]
async fn the_default_limiter_is_borrowed_from_while_the_thread_works() {
    let (mut gate, wait) = Gate::new();
    nursery!(|n| {
        n.spawn(run_in_worker_thread, wait);
        wait_all_tasks_blocked().await;
        gate.wait_until_begun();
        assert_eq!(default_thread_limiter().borrowed_tokens(), 1);
        gate.open();
    })
    .unwrap();
    assert_eq!(default_thread_limiter().borrowed_tokens(), 0);
}

/// Looks again and again whether it is cancelled.
fn until_cancelled(looking: &Sender<()>) -> Result<(), Cancelled> {
    check_cancelled()?;
    looking.send(()).unwrap();
    loop {
        check_cancelled()?;
        thread::yield_now();
    }
}

// O133
#[trio::test]
async fn a_thread_hears_that_its_task_is_cancelled() {
    let scope = CancelScope::new();
    let ending = Cell::new(None);
    let (looks, looking) = channel();
    nursery!(|n| {
        n.spawn(async {
            let inside = scope.run(async {
                ending.set(Some(run_in_worker_thread(|| until_cancelled(&looks)).await));
            });
            // What it gives is not lost, and the scope has nothing left to unwind.
            assert_eq!(inside.await, Some(()));
        });
        wait_all_tasks_blocked().await;
        looking.recv().unwrap();
        scope.cancel();
    })
    .unwrap();
    assert!(ending.take().unwrap().is_err());
}

// O133
#[trio::test]
async fn a_thread_that_is_abandoned_hears_of_it() {
    let scope = CancelScope::new();
    let (looks, looking) = channel();
    let (ends, ended) = channel();
    nursery!(|n| {
        n.spawn(async {
            let job = move || ends.send(until_cancelled(&looks)).unwrap();
            let call = AbandonableThread::new().run(job);
            assert_eq!(scope.run(async { call.await }).await, None);
        });
        wait_all_tasks_blocked().await;
        looking.recv().unwrap();
        scope.cancel();
    })
    .unwrap();
    wait_all_threads_completed().await;
    assert!(ended.recv().unwrap().is_err());
}

// O133
#[trio::test]
async fn a_thread_of_a_shielded_task_is_not_cancelled() {
    let (mut gate, wait) = Gate::new();
    let scope = CancelScope::new();
    nursery!(|n| {
        n.spawn(async {
            let inside = scope.run(async {
                let call = run_in_worker_thread(|| {
                    wait();
                    check_cancelled()
                });
                let checked = trio::shield(async { call.await }).await;
                assert_eq!(checked, Ok(()));
            });
            inside.await;
        });
        wait_all_tasks_blocked().await;
        gate.wait_until_begun();
        scope.cancel();
        wait_all_tasks_blocked().await;
        gate.open();
    })
    .unwrap();
}

// O133
#[trio::test]
async fn other_threads_cannot_ask_whether_they_are_cancelled() {
    let text = panic_text(check_cancelled);
    assert!(text.contains("this is for other threads than that of a run"), "{text}");
    let ask = || panic_text(check_cancelled);
    let text = run_in_worker_thread(|| thread::scope(|s| s.spawn(ask).join().unwrap())).await;
    assert!(text.contains("was not started by `run_in_worker_thread`"), "{text}");
}

/// The name of a thread, as the system has it.
fn name_at(path: &str) -> String {
    std::fs::read_to_string(path).unwrap().trim_end_matches('\n').to_owned()
}

fn own_name() -> String {
    name_at("/proc/thread-self/comm")
}

// O135
#[trio::test]
async fn a_thread_is_called_after_the_function_and_the_task() {
    let name = Rc::new(RefCell::new(String::new()));
    let place = Rc::clone(&name);
    nursery!(|n| {
        n.spawn_named(
            "x",
            async move { *place.borrow_mut() = run_in_worker_thread(own_name).await },
        );
    })
    .unwrap();
    assert_eq!(*name.borrow(), "own_name from x");
}

// O135
#[trio::test]
async fn a_thread_can_be_given_a_name_of_which_15_bytes_are_shown() {
    let given = |name: &str| WorkerThread::new().name(name).run(own_name);
    assert_eq!(given("short").await, "short");
    assert_eq!(given("exactly 15 char").await, "exactly 15 char");
    assert_eq!(given("rather more than 15 bytes").await, "rather more tha");
    // No character is cut in two.
    assert_eq!(given("14 bytes, and ü").await, "14 bytes, and ");
    // A name that the system refuses is none.
    assert_eq!(given("with a \0").await, "trio idle");
    assert_eq!(AbandonableThread::new().name("left").run(own_name).await, "left");
    assert_eq!(current_task().name(), "a_thread_can_be_given_a_name_of_which_15_bytes_are_shown");
}

// O135
#[trio::test]
async fn a_thread_does_not_go_by_the_name_of_an_earlier_job() {
    for _ in 0..3 {
        assert_eq!(WorkerThread::new().name("one").run(own_name).await, "one");
        assert_eq!(WorkerThread::new().name("one").run(own_name).await, "one");
        assert_eq!(WorkerThread::new().name("another").run(own_name).await, "another");
        let (sender, named) = channel();
        start_thread_soon(own_name, move |name| sender.send(name.unwrap()).unwrap()).unwrap();
        assert_eq!(named.recv().unwrap(), "trio idle");
    }
    checkpoint().await;
}

// O135
#[trio::test(allow(busy_wait))]
async fn after_the_job_the_thread_has_its_own_name_again() {
    let path = WorkerThread::new().name("busy").run(|| {
        let thread = std::fs::read_link("/proc/thread-self").unwrap();
        format!("/proc/{}/comm", thread.display())
    });
    let path = path.await;
    // Other tests may use it meanwhile.
    while name_at(&path) != "trio idle" {
        checkpoint().await;
    }
}

// O136
#[trio::test(allow(busy_wait))]
async fn the_threads_that_work_are_counted_and_can_be_waited_for() {
    wait_all_threads_completed().await;
    assert_future_checkpoints(wait_all_threads_completed()).await;
    assert_eq!(active_thread_count(), 0);
    let ((mut first, wait_first), (mut second, wait_second)) = (Gate::new(), Gate::new());
    let (waited, both) = (Cell::new(false), Cell::new(0));
    nursery!(|n| {
        n.spawn(run_in_worker_thread, wait_first);
        n.spawn(async { AbandonableThread::new().run(wait_second).await });
        wait_all_tasks_blocked().await;
        both.set(active_thread_count());
        n.spawn(async {
            wait_all_threads_completed().await;
            waited.set(true);
        });
        first.wait_until_begun();
        second.wait_until_begun();
        first.open();
        while active_thread_count() > 1 {
            checkpoint().await;
        }
        assert!(!waited.get());
        second.open();
    })
    .unwrap();
    assert!(waited.get());
    assert_eq!((both.get(), active_thread_count()), (2, 0));
}

// O136
#[trio::test]
async fn waiting_for_the_threads_can_be_cancelled() {
    let (mut gate, wait) = Gate::new();
    nursery!(|n| {
        n.spawn(run_in_worker_thread, wait);
        wait_all_tasks_blocked().await;
        let waits = async { wait_all_threads_completed().await };
        assert_eq!(trio::move_on_after(Duration::ZERO, waits).await, None);
        gate.open();
    })
    .unwrap();
}

trio::task_local! {
    static NUMBER: u32;
}

#[trio::test]
async fn task_local_values_hold_in_the_thread_and_only_for_the_job() {
    assert_eq!(run_in_worker_thread(|| NUMBER.get()).await, None);
    let inside = async {
        assert_eq!(run_in_worker_thread(|| NUMBER.get()).await, Some(7));
        let changed = || NUMBER.scope_sync(8, || NUMBER.get());
        assert_eq!(run_in_worker_thread(changed).await, Some(8));
        assert_eq!(AbandonableThread::new().run(|| NUMBER.get()).await, Some(7));
        assert_eq!(NUMBER.get(), Some(7));
    };
    NUMBER.scope(7, inside).await;
    assert_eq!(run_in_worker_thread(|| NUMBER.get()).await, None);
}

/// Drops a future of a worker thread that works, and gives what the thread has seen by then.
#[trio::task]
async fn drop_while_it_works() -> Vec<&'static str> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let its_log = Arc::clone(&log);
    let (begin, begun) = channel();
    let call = run_in_worker_thread(move || {
        begin.send(()).unwrap();
        // It can only be told: the task does not serve it any more.
        while check_cancelled().is_ok() {
            thread::yield_now();
        }
        its_log.lock().unwrap().push("heard");
        assert!(run_in_trio_thread(|| ()).is_err());
        its_log.lock().unwrap().push("refused");
    });
    let mut future = Box::pin(call.into_future());
    std::future::poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    begun.recv().unwrap();
    drop(future);
    Arc::into_inner(log).expect("the job is gone").into_inner().unwrap()
}

#[trio::test]
async fn a_future_that_is_dropped_blocks_until_its_thread_is_done() {
    assert_eq!(drop_while_it_works().await, ["heard", "refused"]);
}

/// Must not be dropped before the thread is done with it.
struct Lent(Arc<AtomicBool>);

impl Drop for Lent {
    fn drop(&mut self) {
        assert!(self.0.load(Ordering::SeqCst), "it is still lent");
    }
}

#[trio::task]
async fn lend(lent: Lent) {
    run_in_worker_thread(|| {
        while check_cancelled().is_ok() {
            thread::yield_now();
        }
        lent.0.store(true, Ordering::SeqCst);
    })
    .await;
}

#[test]
fn a_panic_around_the_task_waits_for_the_thread_before_what_that_borrows_goes() {
    let done = Arc::new(AtomicBool::new(false));
    let lent = Lent(Arc::clone(&done));
    let text = panic_text(move || {
        trio::run(|| async move {
            let mut future = Box::pin(lend(lent).into_future());
            std::future::poll_fn(|cx| -> Poll<()> {
                assert!(future.as_mut().poll(cx).is_pending());
                panic!("in the midst of it")
            })
            .await;
        })
    });
    assert_eq!(text, "in the midst of it");
    assert!(done.load(Ordering::SeqCst));
}

#[trio::test]
async fn a_task_that_waits_for_a_thread_says_so() {
    let (mut gate, wait) = Gate::new();
    let mut tree = String::new();
    nursery!(|n| {
        n.spawn(run_in_worker_thread, wait);
        wait_all_tasks_blocked().await;
        tree = task_tree();
        gate.open();
    })
    .unwrap();
    assert!(tree.contains("task `in_worker_thread"), "{tree}");
    assert!(tree.contains("waits for another thread"), "{tree}");
    assert!(tree.contains("errand(job, send).await"), "{tree}");
}
