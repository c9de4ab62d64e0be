//! The inbox of a run in every interleaving of the threads that use it, under loom: the file of the
//! runtime itself, compiled with model-checked parts.

#[path = "../src/runtime/inbox.rs"]
mod inbox;

mod error {
    pub(crate) use trio::RunFinishedError;
}

/// In place of the module of this name in the runtime.
mod parts {
    use std::convert::Infallible;

    pub(crate) use loom::sync::atomic::{AtomicU8, Ordering};
    use loom::sync::{Arc, Condvar};
    pub(crate) use loom::sync::{Mutex, MutexGuard};

    /// A poller: it waits until it is woken, or comes back at once if that has happened already.
    #[derive(Clone)]
    pub(crate) struct Poller(Arc<(Mutex<bool>, Condvar)>);

    impl Poller {
        pub(crate) fn new() -> Poller {
            Poller(Arc::new((Mutex::new(false), Condvar::new())))
        }

        /// If nobody wakes it any more loom reports a deadlock.
        pub(crate) fn poll(&self) {
            let (woken, changed) = &*self.0;
            let mut woken = woken.lock().unwrap();
            while !*woken {
                woken = changed.wait(woken).unwrap();
            }
            *woken = false;
        }

        pub(crate) fn is_woken(&self) -> bool {
            *self.0.0.lock().unwrap()
        }
    }

    pub(crate) struct PollerWaker(pub(crate) Poller);

    impl PollerWaker {
        pub(crate) fn wake(&self) -> Result<(), Infallible> {
            let (woken, changed) = &*self.0.0;
            *woken.lock().unwrap() = true;
            changed.notify_one();
            Ok(())
        }
    }
}

use inbox::{Entry, Inbox};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering, fence};
use loom::thread;
use parts::{Poller, PollerWaker};

fn new() -> (Arc<Inbox>, Poller) {
    let poller = Poller::new();
    (Arc::new(Inbox::new(PollerWaker(poller.clone()))), poller)
}

/// How a run waits.
fn wait(inbox: &Inbox, poller: &Poller) {
    if inbox.fall_asleep() {
        poller.poll();
    }
    inbox.wake_up();
}

/// What a run does with its mail when it looks.
fn take_mail(inbox: &Inbox, names: &mut Vec<u64>) {
    let mut wakes = Vec::new();
    let Some(entries) = inbox.look(&mut wakes) else {
        return;
    };
    names.append(&mut wakes);
    for _ in 0..entries {
        call_next(inbox);
    }
}

fn call_next(inbox: &Inbox) {
    if let Some(entry) = inbox.take_entry() {
        (entry.call)();
    }
}

fn counting(count: &Arc<AtomicUsize>, key: Option<u64>) -> Entry {
    let count = Arc::clone(count);
    let call = Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    Entry { key, call }
}

/// Three threads in all their interleavings are too many: those of up to three preemptions.
fn check_three_threads(check: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(check);
}

#[test]
fn a_run_that_polls_learns_of_every_wake() {
    check_three_threads(|| {
        let (inbox, poller) = new();
        for name in [1, 2] {
            let inbox = Arc::clone(&inbox);
            thread::spawn(move || inbox.push_wake(name));
        }
        let mut names = Vec::new();
        while names.len() < 2 {
            wait(&inbox, &poller);
            take_mail(&inbox, &mut names);
        }
        names.sort_unstable();
        assert_eq!(names, [1, 2]);
    });
}

#[test]
fn a_run_that_looks_between_polls_misses_no_wake_either() {
    loom::model(|| {
        let (inbox, poller) = new();
        let pushing = {
            let inbox = Arc::clone(&inbox);
            thread::spawn(move || {
                inbox.push_wake(1);
                inbox.push_wake(2);
            })
        };
        let mut names = Vec::new();
        // As between two batches, when the turn is not over.
        take_mail(&inbox, &mut names);
        take_mail(&inbox, &mut names);
        while names.len() < 2 {
            wait(&inbox, &poller);
            take_mail(&inbox, &mut names);
        }
        assert_eq!(names, [1, 2]);
        pushing.join().unwrap();
    });
}

#[test]
fn a_run_whose_host_waits_for_the_poller_misses_no_wake() {
    loom::model(|| {
        let (inbox, poller) = new();
        let pushing = {
            let inbox = Arc::clone(&inbox);
            thread::spawn(move || {
                inbox.push_wake(1);
                inbox.push_wake(2);
            })
        };
        let mut names = Vec::new();
        while names.len() < 2 {
            if !inbox.fall_asleep() {
                inbox.wake_poller();
            }
            poller.poll();
            inbox.wake_up();
            take_mail(&inbox, &mut names);
        }
        assert_eq!(names, [1, 2]);
        pushing.join().unwrap();
    });
}

#[test]
fn a_run_that_is_awake_is_not_woken() {
    loom::model(|| {
        let (inbox, poller) = new();
        inbox.push_wake(1);
        assert!(!poller.is_woken());
        assert!(!inbox.fall_asleep());
        inbox.wake_up();
        take_mail(&inbox, &mut Vec::new());
        assert!(inbox.fall_asleep());
        inbox.push_wake(2);
        inbox.push_wake(3);
        assert!(poller.is_woken());
    });
}

#[test]
fn what_is_accepted_is_called_and_what_is_refused_is_not() {
    loom::model(|| {
        let (inbox, _poller) = new();
        let called = Arc::new(AtomicUsize::new(0));
        let pushing = {
            let (inbox, called) = (Arc::clone(&inbox), Arc::clone(&called));
            thread::spawn(move || {
                (0..2).filter(|_| inbox.push_entry(counting(&called, None)).is_ok()).count()
            })
        };
        // As at the end of a run: it looks once more, and closes.
        take_mail(&inbox, &mut Vec::new());
        inbox.close();
        while inbox.entries() > 0 {
            call_next(&inbox);
        }
        let accepted = pushing.join().unwrap();
        assert_eq!(called.load(Ordering::Relaxed), accepted);
        assert_eq!(inbox.entries(), 0);
    });
}

#[test]
fn after_an_idempotent_push_the_function_is_called_once_more_and_sees_what_was_done_before() {
    check_three_threads(|| {
        let (inbox, poller) = new();
        let work = Arc::new(AtomicUsize::new(0));
        // Of the run's own thread.
        let seen = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        for _ in 0..2 {
            let (inbox, work, seen) = (Arc::clone(&inbox), Arc::clone(&work), seen.clone());
            thread::spawn(move || {
                work.fetch_add(1, Ordering::Relaxed);
                let call = Box::new(move || {
                    seen.store(work.load(Ordering::Relaxed), Ordering::Relaxed);
                });
                inbox.push_entry(Entry { key: Some(7), call }).unwrap();
            });
        }
        while seen.load(Ordering::Relaxed) < 2 {
            wait(&inbox, &poller);
            take_mail(&inbox, &mut Vec::new());
        }
    });
}

#[test]
fn a_run_that_finds_itself_alone_with_its_inbox_knows_what_was_sent() {
    loom::model(|| {
        let (inbox, _poller) = new();
        let called = Arc::new(AtomicUsize::new(0));
        let sending = {
            let (inbox, entry) = (Arc::clone(&inbox), counting(&called, None));
            thread::spawn(move || {
                inbox.push_entry(entry).unwrap();
                drop(inbox);
            })
        };
        // As the run does when it asks itself whether anything can still come.
        if Arc::strong_count(&inbox) == 1 {
            fence(Ordering::Acquire);
            assert!(!inbox.is_quiet());
        }
        sending.join().unwrap();
        take_mail(&inbox, &mut Vec::new());
        assert!(inbox.is_quiet());
        inbox.waker_given();
        assert!(!inbox.is_quiet());
    });
}
