//! The deadlines of a run.
//!
//! A four-way heap of `(time, timer)` in which every timer knows its place. So a timer that is
//! disarmed is taken out at once: nothing stale is kept, counted or pruned. The common case, a
//! deadline that is armed last and disarmed before any other change, is a push and a pop at the end
//! of the array.

use std::cell::{Cell, RefCell};
use std::ptr;

use super::instant::Instant;
use super::scope::ScopeCore;
use super::wake::WakeTarget;

const NOWHERE: usize = usize::MAX;
const WAYS: usize = 4;

/// What happens when a timer's time has come.
pub(crate) enum Action {
    /// The leaf that waits is woken.
    Wake(WakeTarget),
    /// The scope that the timer is part of is cancelled.
    Cancel(*const ScopeCore),
    Nothing,
}

/// A timer, in the frame or scope that it belongs to. It stays in its place while it is armed: its
/// frame is pinned, or its scope is counted.
pub(crate) struct Timer {
    place: Cell<usize>,
    heap: Cell<*const Deadlines>,
    action: Cell<Action>,
}

impl Timer {
    pub(crate) fn new() -> Timer {
        Timer {
            place: Cell::new(NOWHERE),
            heap: Cell::new(ptr::null()),
            action: Cell::new(Action::Nothing),
        }
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.place.get() != NOWHERE
    }

    /// Changes what an armed timer does.
    pub(crate) fn set_action(&self, action: Action) {
        self.action.set(action);
    }

    pub(crate) fn take_action(&self) -> Action {
        self.action.replace(Action::Nothing)
    }

    /// Takes this timer out of its heap. Does nothing if it is in none.
    pub(crate) fn disarm(&self) {
        if self.is_armed() {
            // SAFETY: rule 5: the heap clears the places of its timers before it goes.
            let heap = unsafe { &*self.heap.get() };
            heap.remove(self);
        }
        self.action.set(Action::Nothing);
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.disarm();
    }
}

#[derive(Clone, Copy)]
struct Entry {
    at: Instant,
    timer: *const Timer,
}

impl Entry {
    fn put(self, heap: &mut [Entry], place: usize) {
        // SAFETY: rule 1: a timer takes itself out before its memory goes.
        unsafe { &*self.timer }.place.set(place);
        heap[place] = self;
    }
}

pub(crate) struct Deadlines {
    heap: RefCell<Vec<Entry>>,
}

impl Deadlines {
    pub(crate) fn new() -> Deadlines {
        Deadlines { heap: RefCell::new(Vec::new()) }
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.borrow().len()
    }

    /// The earliest deadline.
    #[inline]
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.borrow().first().map(|entry| entry.at)
    }

    /// Arms `timer`, which is not armed.
    ///
    /// # Safety
    ///
    /// The timer must not move until it is disarmed or has fired, and this heap must not either.
    pub(crate) unsafe fn arm(&self, timer: &Timer, at: Instant, action: Action) {
        debug_assert!(!timer.is_armed());
        if at == Instant::FAR_FUTURE {
            return;
        }
        timer.heap.set(self);
        timer.action.set(action);
        let mut heap = self.heap.borrow_mut();
        let entry = Entry { at, timer };
        heap.push(entry);
        let last = heap.len() - 1;
        sift_up(&mut heap, last, entry);
    }

    fn remove(&self, timer: &Timer) {
        let mut heap = self.heap.borrow_mut();
        let place = timer.place.replace(NOWHERE);
        let last = heap.pop().expect("an armed timer is in the heap");
        if place < heap.len() {
            // The last entry fills the gap, wherever its time puts it.
            if place > 0 && last.at < heap[(place - 1) / WAYS].at {
                sift_up(&mut heap, place, last);
            } else {
                sift_down(&mut heap, place, last);
            }
        }
    }

    /// Takes out a timer whose time has come at `now`.
    pub(crate) fn pop(&self, now: Instant) -> Option<*const Timer> {
        let first = *self.heap.borrow().first()?;
        if first.at > now {
            return None;
        }
        // SAFETY: rule 1: as in `put`.
        self.remove(unsafe { &*first.timer });
        Some(first.timer)
    }
}

impl Drop for Deadlines {
    fn drop(&mut self) {
        for entry in self.heap.get_mut() {
            // SAFETY: rule 1: as in `put`.
            unsafe { &*entry.timer }.place.set(NOWHERE);
        }
    }
}

fn sift_up(heap: &mut [Entry], mut place: usize, entry: Entry) {
    while place > 0 {
        let parent = (place - 1) / WAYS;
        if heap[parent].at <= entry.at {
            break;
        }
        heap[parent].put(heap, place);
        place = parent;
    }
    entry.put(heap, place);
}

fn sift_down(heap: &mut [Entry], mut place: usize, entry: Entry) {
    loop {
        let first = place * WAYS + 1;
        let children = first..heap.len().min(first + WAYS);
        let Some(least) = children.min_by_key(|child| heap[*child].at) else {
            break;
        };
        if heap[least].at >= entry.at {
            break;
        }
        heap[least].put(heap, place);
        place = least;
    }
    entry.put(heap, place);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn timers_come_out_in_order_whatever_was_disarmed() {
        let heap = Deadlines::new();
        let timers: Vec<Timer> = (0..500).map(|_| Timer::new()).collect();
        let mut seed = 7_u64;
        for timer in &timers {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // SAFETY: the vector is not changed while the heap lives.
            unsafe { heap.arm(timer, at((seed >> 40) as i64), Action::Nothing) };
        }
        for timer in timers.iter().step_by(3) {
            timer.disarm();
            timer.disarm();
        }
        assert_eq!(heap.len(), 500 - 167);
        let mut last = at(0);
        while let Some(next) = heap.next() {
            assert!(next >= last);
            last = next;
            assert!(heap.pop(next).is_some_and(|t| timers.iter().any(|own| ptr::eq(own, t))));
        }
        assert!(timers.iter().all(|timer| !timer.is_armed()));
    }

    #[test]
    fn a_deadline_toggled_thousands_of_times_leaves_nothing_behind() {
        let heap = Deadlines::new();
        let timer = Timer::new();
        for round in 0..10_000 {
            // SAFETY: the timer stays where it is.
            unsafe { heap.arm(&timer, at(round), Action::Nothing) };
            assert_eq!(heap.len(), 1);
            timer.disarm();
        }
        assert_eq!(heap.len(), 0);
    }

    #[test]
    fn a_timer_outlives_its_heap() {
        let timer = Timer::new();
        let heap = Deadlines::new();
        // SAFETY: neither moves while the timer is armed; the heap clears it when it goes.
        unsafe { heap.arm(&timer, at(1), Action::Nothing) };
        drop(heap);
        assert!(!timer.is_armed());
        timer.disarm();
    }
}
