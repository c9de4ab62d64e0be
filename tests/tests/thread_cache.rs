//! Jobs in threads without a run, and the threads that wait for the next one.

use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier, Weak};
use std::thread::{self, ThreadId};

use tests::faults::PanicsOnDrop;
use tests::panics::text;
use tests::rerun::{alone, rerun, stderr};
use trio::lowlevel::start_thread_soon;

/// Has `job` called in a thread, and waits for what comes of it.
fn outcome<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> thread::Result<T> {
    let (sender, receiver) = channel();
    start_thread_soon(job, move |result| sender.send(result).unwrap()).unwrap();
    receiver.recv().unwrap()
}

// L107
#[test]
fn what_comes_of_a_job_is_delivered() {
    assert_eq!(outcome(|| 7).unwrap(), 7);
    let payload = outcome(|| panic!("in a job")).unwrap_err();
    assert_eq!(text(&*payload), "in a job");
    let payload = outcome(|| panic_any(7_u8)).unwrap_err();
    assert_eq!(*payload.downcast::<u8>().unwrap(), 7);
}

// L107
#[test]
fn a_job_is_called_and_delivered_in_one_other_thread() {
    let (sender, receiver) = channel();
    let deliver = move |worked: thread::Result<ThreadId>| {
        sender.send((worked.unwrap(), thread::current().id())).unwrap();
    };
    start_thread_soon(|| thread::current().id(), deliver).unwrap();
    let (worked, delivered) = receiver.recv().unwrap();
    assert_eq!(worked, delivered);
    assert_ne!(worked, thread::current().id());
}

// L107
#[test]
fn the_job_and_its_result_are_gone_when_they_are_delivered() {
    let value = Arc::new(());
    let watched: Weak<()> = Arc::downgrade(&value);
    let job = {
        let value = Arc::clone(&value);
        move || drop(value)
    };
    let (sender, receiver) = channel();
    let deliver = move |result: thread::Result<()>| {
        result.unwrap();
        sender.send(watched.strong_count()).unwrap();
    };
    start_thread_soon(job, deliver).unwrap();
    assert_eq!(receiver.recv().unwrap(), 1);
}

/// Starts a job whose delivery starts the next one, and notes the threads.
fn chain(left: usize, threads: Vec<ThreadId>, done: Sender<Vec<ThreadId>>) {
    let deliver = move |result: thread::Result<ThreadId>| {
        let mut threads = threads;
        threads.push(result.unwrap());
        match left {
            0 => done.send(threads).unwrap(),
            _ => chain(left - 1, threads, done),
        }
    };
    start_thread_soon(|| thread::current().id(), deliver).unwrap();
}

// L108
#[test]
fn a_job_that_is_started_on_delivery_has_the_same_thread() {
    // In a process of its own: other tests take idle threads.
    if alone("a_job_that_is_started_on_delivery_has_the_same_thread") {
        let (sender, receiver) = channel();
        chain(5, Vec::new(), sender);
        let threads = receiver.recv().unwrap();
        assert_eq!(threads.len(), 6);
        assert!(threads.iter().all(|thread| *thread == threads[0]));
    }
}

// L108
#[test]
fn the_thread_that_has_worked_last_works_next() {
    if alone("the_thread_that_has_worked_last_works_next") {
        // Three threads, which become idle in a known order.
        let ids: Vec<ThreadId> = {
            let barrier = Arc::new(Barrier::new(4));
            let (ids, goes): (Vec<_>, Vec<_>) = (0..3)
                .map(|_| {
                    let ((id, given_id), (go, may_go)) = (channel(), channel::<()>());
                    let barrier = Arc::clone(&barrier);
                    let (over, is_over) = channel();
                    let job = move || {
                        id.send(thread::current().id()).unwrap();
                        barrier.wait();
                        let _ = may_go.recv();
                    };
                    start_thread_soon(job, move |_| over.send(()).unwrap()).unwrap();
                    (given_id, (go, is_over))
                })
                .unzip();
            barrier.wait();
            for (go, is_over) in goes {
                drop(go);
                is_over.recv().unwrap();
            }
            ids.into_iter().map(|id| id.recv().unwrap()).collect()
        };
        assert_eq!(outcome(|| thread::current().id()).unwrap(), ids[2]);
        assert_eq!(outcome(|| thread::current().id()).unwrap(), ids[2]);
    }
}

// L110
#[test]
fn a_delivery_that_panics_is_reported_and_its_thread_goes_on() {
    const NAME: &str = "a_delivery_that_panics_is_reported_and_its_thread_goes_on";
    if let Some(output) = rerun(NAME) {
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(stderr(&output).contains("in a delivery"), "{}", stderr(&output));
        return;
    }
    let thread_whose_delivery = |fails: fn()| {
        let (sender, receiver) = channel();
        let deliver = move |result: thread::Result<ThreadId>| {
            sender.send(result.unwrap()).unwrap();
            fails();
        };
        start_thread_soon(|| thread::current().id(), deliver).unwrap();
        receiver.recv().unwrap()
    };
    let first = thread_whose_delivery(|| panic!("in a delivery"));
    // With a payload whose destructor panics, too.
    let second = thread_whose_delivery(|| panic_any(PanicsOnDrop("in a payload")));
    let third = outcome(|| thread::current().id()).unwrap();
    assert!(first == second && second == third);
}

// L109
#[test]
fn many_who_start_jobs_at_once_lose_none() {
    const JOBS: usize = 200;
    let (called, delivered) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (sender, receiver) = channel();
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for _ in 0..JOBS {
                    let (called, delivered) = (Arc::clone(&called), Arc::clone(&delivered));
                    let sender = sender.clone();
                    let job = move || called.fetch_add(1, Ordering::Relaxed);
                    let deliver = move |_| {
                        delivered.fetch_add(1, Ordering::Relaxed);
                        sender.send(()).unwrap();
                    };
                    start_thread_soon(job, deliver).unwrap();
                }
            });
        }
    });
    drop(sender);
    assert_eq!(receiver.iter().count(), 4 * JOBS);
    assert_eq!(called.load(Ordering::Relaxed), 4 * JOBS);
    assert_eq!(delivered.load(Ordering::Relaxed), 4 * JOBS);
}
