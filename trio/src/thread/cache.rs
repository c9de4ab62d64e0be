//! The threads of the process that wait for the next job.
//!
//! ```text
//!   start ──▶ is a thread idle? ──no──▶ a new one
//!                  │ yes: that which became idle last, taken out of the list
//!                  ▼
//!               the job is put on its seat
//!
//!   a thread:  works ──▶ idle, in the list ──▶ delivers ──▶ waits at its seat ──a job──▶ works
//!                                                             │ nothing for long
//!                                                             ▼
//!                                                   is it in the list? takes itself out and ends
//!                                                   else a job is on its way: waits for that
//! ```
//!
//! A thread is in the list before it delivers, so that whoever acts on the result finds it idle. Being
//! taken out of the list is what decides whether a thread ends or works: it happens once. A test checks
//! that in every interleaving: it compiles this file once more, with other `parts`.

use std::io;
use std::ops::Deref;
use std::sync::PoisonError;

use super::parts::{Arc, Condvar, Mutex, MutexGuard, spawn, wait_with_patience};

/// A job and what becomes of its result. Neither panics.
pub(crate) trait Work: Send {
    fn work(&mut self);
    fn deliver(self: Box<Self>);
}

/// Where a thread waits for its next job.
#[derive(Default)]
struct Seat {
    place: Mutex<Place>,
    taken: Condvar,
}

#[derive(Default)]
struct Place {
    job: Option<Box<dyn Work>>,
    /// The thread has nothing else to do but to wait for it.
    waits: bool,
}

impl Seat {
    fn lock(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, job: Box<dyn Work>) {
        let mut place = self.lock();
        place.job = Some(job);
        let waits = place.waits;
        drop(place);
        if waits {
            self.taken.notify_one();
        }
    }

    /// Waits for a job, with patience or for as long as it takes.
    fn wait(&self, for_ever: bool) -> Option<Box<dyn Work>> {
        let mut place = self.lock();
        let mut over = false;
        place.waits = true;
        while place.job.is_none() && !over {
            if for_ever {
                place = self.taken.wait(place).unwrap_or_else(PoisonError::into_inner);
            } else {
                (place, over) = wait_with_patience(&self.taken, &self.place, place);
            }
        }
        place.waits = false;
        place.job.take()
    }
}

#[derive(Default)]
pub(crate) struct Cache {
    idle: Mutex<Vec<Arc<Seat>>>,
}

impl Cache {
    pub(crate) fn new() -> Cache {
        Cache::default()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Arc<Seat>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the job to an idle thread, or to a new one.
    pub(crate) fn start<C>(cache: &C, job: Box<dyn Work>) -> io::Result<()>
    where
        C: Deref<Target = Cache> + Clone + Send + 'static,
    {
        let seat = cache.idle().pop();
        match seat {
            Some(seat) => {
                seat.put(job);
                Ok(())
            }
            None => {
                let cache = cache.clone();
                spawn(move || cache.live(job))
            }
        }
    }

    /// The life of a thread.
    fn live(&self, mut job: Box<dyn Work>) {
        let seat = Arc::new(Seat::default());
        loop {
            job.work();
            self.idle().push(Arc::clone(&seat));
            job.deliver();
            job = match self.next_job(&seat) {
                Some(job) => job,
                None => return,
            };
        }
    }

    fn next_job(&self, seat: &Arc<Seat>) -> Option<Box<dyn Work>> {
        if let Some(job) = seat.wait(false) {
            return Some(job);
        }
        let mut idle = self.idle();
        if let Some(index) = idle.iter().position(|other| Arc::ptr_eq(other, seat)) {
            idle.remove(index);
            return None;
        }
        drop(idle);
        seat.wait(true)
    }
}
