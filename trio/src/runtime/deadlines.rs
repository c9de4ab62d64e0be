//! The deadlines of a run.
//!
//! A four-way heap of `(time, timer)` in which every timer knows its place. The common case, a deadline
//! that is armed last and disarmed before any other change, is a push and a pop at the end of the array.
//!
//! ```text
//!   armed ───────────▶ an entry ──its time has come──▶ taken out
//!                         │
//!                         │ disarmed
//!                         ▼
//!           the last one? taken out : a gap ──▶ taken out when it comes first,
//!                                               or with all others when there are too many
//! ```
//!
//! A timer that is disarmed elsewhere leaves a *gap*: its time, without it. To fill the gap at once would
//! mean to move others, and to tell each of them its new place, somewhere in memory. So it costs the same
//! to disarm the first of a million, or all of them in whatever order. A gap refers to nothing; there are
//! never more than three for each timer.

use std::cell::{Cell, RefCell};
use std::ptr::{self, NonNull};

use super::instant::Instant;
use super::scope::ScopeCore;
use super::wake::WakeTarget;

const NOWHERE: usize = usize::MAX;
const WAYS: usize = 4;
/// When a gap comes first, and one entry in so many is a gap, all are taken out: that is the cheaper way.
const MANY: usize = 16;

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

    #[inline]
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
    #[inline]
    pub(crate) fn disarm(&self) {
        if self.is_armed() {
            self.leave();
        }
    }

    fn leave(&self) {
        // SAFETY: rule 5: the heap clears the places of its timers before it goes.
        let heap = unsafe { &*self.heap.get() };
        heap.remove(self);
        self.action.set(Action::Nothing);
    }
}

impl Drop for Timer {
    #[inline]
    fn drop(&mut self) {
        self.disarm();
    }
}

#[derive(Clone, Copy)]
struct Entry {
    at: Instant,
    /// `None`: a gap.
    timer: Option<NonNull<Timer>>,
}

impl Entry {
    fn put(self, entries: &mut [Entry], place: usize) {
        if let Some(timer) = self.timer {
            // SAFETY: rule 1: a timer leaves a gap before its memory goes.
            unsafe { timer.as_ref() }.place.set(place);
        }
        entries[place] = self;
    }
}

pub(crate) struct Deadlines {
    heap: RefCell<Heap>,
}

impl Deadlines {
    pub(crate) fn new() -> Deadlines {
        Deadlines { heap: RefCell::new(Heap { entries: Vec::new(), gaps: 0 }) }
    }

    pub(crate) fn len(&self) -> usize {
        let heap = self.heap.borrow();
        heap.entries.len() - heap.gaps
    }

    /// The earliest deadline.
    #[inline]
    pub(crate) fn next(&self) -> Option<Instant> {
        let mut heap = self.heap.borrow_mut();
        heap.take_gaps_before_first();
        heap.entries.first().map(|entry| entry.at)
    }

    /// Whether there is nothing that could be due.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.heap.borrow().entries.is_empty()
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
        let entries = &mut self.heap.borrow_mut().entries;
        let entry = Entry { at, timer: Some(NonNull::from(timer)) };
        entries.push(entry);
        let last = entries.len() - 1;
        sift_up(entries, last, entry);
    }

    fn remove(&self, timer: &Timer) {
        self.heap.borrow_mut().remove(timer.place.replace(NOWHERE));
    }

    /// Takes out a timer whose time has come at `now`.
    pub(crate) fn pop(&self, now: Instant) -> Option<NonNull<Timer>> {
        let mut heap = self.heap.borrow_mut();
        // No other is earlier than the first, also if that is a gap.
        if heap.entries.first()?.at > now {
            return None;
        }
        heap.take_gaps_before_first();
        let Entry { at, timer } = *heap.entries.first()?;
        if at > now {
            return None;
        }
        heap.take_first();
        heap.keep_gaps_few();
        if let Some(timer) = timer {
            // SAFETY: rule 1: as in `put`.
            unsafe { timer.as_ref() }.place.set(NOWHERE);
        }
        timer
    }
}

impl Drop for Deadlines {
    fn drop(&mut self) {
        for timer in self.heap.get_mut().entries.iter().filter_map(|entry| entry.timer) {
            // SAFETY: rule 1: as in `put`.
            unsafe { timer.as_ref() }.place.set(NOWHERE);
        }
    }
}

struct Heap {
    entries: Vec<Entry>,
    /// How many of them are gaps.
    gaps: usize,
}

impl Heap {
    /// Takes out the timer at `place`, or leaves a gap there.
    fn remove(&mut self, place: usize) {
        self.entries[place].timer = None;
        self.gaps += 1;
        while self.entries.pop_if(|last| last.timer.is_none()).is_some() {
            self.gaps -= 1;
        }
        self.keep_gaps_few();
    }

    fn keep_gaps_few(&mut self) {
        if self.gaps * 4 > self.entries.len() * 3 {
            self.take_gaps();
        }
    }

    /// Takes out the first entry.
    fn take_first(&mut self) {
        if let Some(last) = self.entries.pop()
            && !self.entries.is_empty()
        {
            sift_down(&mut self.entries, 0, last);
        }
    }

    /// Makes the first entry a timer.
    #[inline]
    fn take_gaps_before_first(&mut self) {
        while let Some(Entry { timer: None, .. }) = self.entries.first() {
            if self.gaps * MANY > self.entries.len() {
                self.take_gaps();
            } else {
                self.gaps -= 1;
                self.take_first();
            }
        }
    }

    /// Takes all gaps out, and makes what is left a heap again.
    #[cold]
    #[inline(never)]
    fn take_gaps(&mut self) {
        self.entries.retain(|entry| entry.timer.is_some());
        self.gaps = 0;
        let parents = self.entries.len().div_ceil(WAYS);
        for place in parents..self.entries.len() {
            self.entries[place].put(&mut self.entries, place);
        }
        for place in (0..parents).rev() {
            let entry = self.entries[place];
            sift_down(&mut self.entries, place, entry);
        }
    }
}

fn sift_up(entries: &mut [Entry], mut place: usize, entry: Entry) {
    while place > 0 {
        let parent = (place - 1) / WAYS;
        if entries[parent].at <= entry.at {
            break;
        }
        entries[parent].put(entries, place);
        place = parent;
    }
    entry.put(entries, place);
}

fn sift_down(entries: &mut [Entry], mut place: usize, entry: Entry) {
    loop {
        let first = place * WAYS + 1;
        let children = first..entries.len().min(first + WAYS);
        let Some(least) = children.min_by_key(|child| entries[*child].at) else {
            break;
        };
        if entries[least].at >= entry.at {
            break;
        }
        entries[least].put(entries, place);
        place = least;
    }
    entry.put(entries, place);
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
            assert!(
                heap.pop(next).is_some_and(|t| timers.iter().any(|own| ptr::eq(own, t.as_ptr())))
            );
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
    fn timers_that_are_armed_and_disarmed_in_any_order_are_told_apart() {
        const TIMERS: usize = 300;
        let heap = Deadlines::new();
        let timers: Vec<Timer> = (0..TIMERS).map(|_| Timer::new()).collect();
        let mut armed: Vec<Option<i64>> = vec![None; TIMERS];
        let mut seed = 3_u64;
        for _ in 0..20_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (which, time) = ((seed >> 33) as usize % TIMERS, (seed >> 52) as i64);
            match armed[which].take() {
                Some(_) => timers[which].disarm(),
                None => {
                    // SAFETY: the vector is not changed while the heap lives.
                    unsafe { heap.arm(&timers[which], at(time), Action::Nothing) };
                    armed[which] = Some(time);
                }
            }
            let earliest = armed.iter().flatten().min();
            if seed & (1 << 40) != 0 {
                assert_eq!(heap.next(), earliest.map(|time| at(*time)));
            }
            if let (0, Some(&time)) = ((seed >> 42) & 7, earliest) {
                assert!(heap.pop(at(time - 1)).is_none());
                let first = heap.pop(at(time)).unwrap();
                let which = timers.iter().position(|own| ptr::eq(own, first.as_ptr())).unwrap();
                assert_eq!(armed[which].take(), Some(time));
            }
            assert_eq!(heap.len(), armed.iter().flatten().count());
            assert!(heap.heap.borrow().entries.len() <= 4 * heap.len());
        }
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
