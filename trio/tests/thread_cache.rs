//! The thread cache in every interleaving of its threads and those who give them jobs, under loom: the
//! file of the crate itself, compiled with model-checked parts.
//!
//! Loom wants every thread to end. So an idle thread loses its patience as soon as the others have had
//! their chance: that is the moment at which a job could get lost.

#[path = "../src/thread/cache.rs"]
mod cache;

/// In place of the module of this name in the crate.
mod parts {
    use std::io;

    pub(super) use loom::sync::{Arc, Condvar, Mutex, MutexGuard};
    use loom::thread;

    pub(super) fn spawn(main: impl FnOnce() + Send + 'static) -> io::Result<()> {
        thread::spawn(main);
        Ok(())
    }

    /// Time passes while the lock is free.
    pub(super) fn wait_with_patience<'a, T>(
        _condvar: &Condvar,
        mutex: &'a Mutex<T>,
        guard: MutexGuard<'a, T>,
    ) -> (MutexGuard<'a, T>, bool) {
        drop(guard);
        thread::yield_now();
        (mutex.lock().unwrap(), true)
    }
}

use std::ops::Deref;

use cache::{Cache, Work};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread::{self, ThreadId};

/// What holds the cache.
#[derive(Clone)]
struct Shared(Arc<Cache>);

impl Shared {
    fn new() -> Shared {
        Shared(Arc::new(Cache::new()))
    }

    fn start(&self, job: Job) {
        Cache::start(self, Box::new(job)).unwrap();
    }
}

impl Deref for Shared {
    type Target = Cache;

    fn deref(&self) -> &Cache {
        &self.0
    }
}

/// Which threads have delivered.
#[derive(Clone)]
struct Log(Arc<(Mutex<Vec<ThreadId>>, Condvar)>);

impl Log {
    fn new() -> Log {
        Log(Arc::new((Mutex::new(Vec::new()), Condvar::new())))
    }

    /// Waits for this many deliveries. If they never come loom reports a deadlock.
    fn wait_for(&self, count: usize) -> Vec<ThreadId> {
        let (log, changed) = &*self.0;
        let mut log = log.lock().unwrap();
        while log.len() < count {
            log = changed.wait(log).unwrap();
        }
        log.clone()
    }
}

struct Job {
    log: Log,
    worked: bool,
    /// Started when this one is delivered.
    next: Option<(Shared, Box<Job>)>,
}

impl Job {
    fn new(log: &Log) -> Job {
        Job { log: log.clone(), worked: false, next: None }
    }
}

impl Work for Job {
    fn work(&mut self) {
        assert!(!self.worked, "it is worked once");
        self.worked = true;
    }

    fn deliver(self: Box<Self>) {
        assert!(self.worked, "it is worked before it is delivered");
        if let Some((cache, next)) = self.next {
            cache.start(*next);
        }
        let (log, changed) = &*self.log.0;
        log.lock().unwrap().push(thread::current().id());
        changed.notify_all();
    }
}

/// All interleavings of so many threads are too many: those of up to so many preemptions.
fn check(preemptions: usize, check: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(check);
}

// L109
#[test]
fn a_job_that_comes_when_a_thread_loses_its_patience_is_not_lost() {
    check(3, || {
        let (cache, log) = (Shared::new(), Log::new());
        cache.start(Job::new(&log));
        // Its thread is working, idle, about to end, or gone.
        cache.start(Job::new(&log));
        log.wait_for(2);
    });
}

// L109
#[test]
fn of_two_who_give_a_job_to_one_idle_thread_one_gets_another() {
    check(2, || {
        let (cache, log) = (Shared::new(), Log::new());
        cache.start(Job::new(&log));
        log.wait_for(1);
        let other = {
            let (cache, log) = (cache.clone(), log.clone());
            thread::spawn(move || cache.start(Job::new(&log)))
        };
        cache.start(Job::new(&log));
        other.join().unwrap();
        log.wait_for(3);
    });
}

// L108
#[test]
fn a_job_that_is_started_on_delivery_goes_to_the_thread_that_delivers() {
    check(3, || {
        let (cache, log) = (Shared::new(), Log::new());
        let mut job = Job::new(&log);
        for _ in 0..2 {
            let next = Box::new(job);
            job = Job { next: Some((cache.clone(), next)), ..Job::new(&log) };
        }
        cache.start(job);
        let threads = log.wait_for(3);
        assert!(threads.iter().all(|thread| *thread == threads[0]));
    });
}
