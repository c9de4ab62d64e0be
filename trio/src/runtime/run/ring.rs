//! A queue of pointers in a ring that grows.
//!
//! ```text
//!   places     │ e │ f │   │   │ a │ b │ c │ d │      a power of two of them
//!                        ▲       ▲
//!                      tail     head                  positions count on for ever; a place is a
//!                                                     position, masked
//! ```

use std::cell::{Cell, UnsafeCell};
use std::ptr;

const FIRST: usize = 64;

/// A queue whose positions have names: absolute, and counted on without end.
pub(super) struct Ring<T> {
    places: UnsafeCell<Box<[Cell<*const T>]>>,
    head: Cell<usize>,
    tail: Cell<usize>,
}

impl<T> Ring<T> {
    pub(super) fn new() -> Ring<T> {
        Ring {
            places: UnsafeCell::new(vec![Cell::new(ptr::null()); FIRST].into()),
            head: Cell::new(0),
            tail: Cell::new(0),
        }
    }

    /// The position of the first item.
    #[inline(always)]
    pub(super) fn head(&self) -> usize {
        self.head.get()
    }

    /// The position behind the last item.
    #[inline(always)]
    pub(super) fn tail(&self) -> usize {
        self.tail.get()
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.tail.get().wrapping_sub(self.head.get())
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.tail.get() == self.head.get()
    }

    #[inline(always)]
    fn place(&self, position: usize) -> &Cell<*const T> {
        // SAFETY: rule 5: the places are replaced by `grow` alone, when nothing refers to them. Their number
        // is a power of two, so that a masked position is one of them.
        unsafe {
            let places = &**self.places.get();
            places.get_unchecked(position & (places.len() - 1))
        }
    }

    #[inline(always)]
    pub(super) fn push(&self, item: *const T) {
        let tail = self.tail.get();
        // SAFETY: rule 5: as in `place`.
        if self.len() == unsafe { (&*self.places.get()).len() } {
            self.grow();
        }
        self.place(tail).set(item);
        self.tail.set(tail.wrapping_add(1));
    }

    /// Takes the first item out. The queue is not empty.
    #[inline(always)]
    pub(super) fn pop(&self) -> *const T {
        debug_assert!(!self.is_empty());
        let head = self.head.get();
        self.head.set(head.wrapping_add(1));
        self.place(head).get()
    }

    /// Exchanges the items at two positions.
    pub(super) fn swap(&self, one: usize, other: usize) {
        self.place(one).swap(self.place(other));
    }

    #[cold]
    #[inline(never)]
    fn grow(&self) {
        let larger = vec![Cell::new(ptr::null()); self.len() * 2];
        let mask = larger.len() - 1;
        let mut position = self.head.get();
        while position != self.tail.get() {
            larger[position & mask].set(self.place(position).get());
            position = position.wrapping_add(1);
        }
        // SAFETY: rule 5: as in `place`.
        unsafe { *self.places.get() = larger.into() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(number: usize) -> *const u8 {
        ptr::without_provenance(number)
    }

    #[test]
    fn what_goes_in_comes_out_in_order_however_full_it_gets() {
        let ring = Ring::new();
        let (mut pushed, mut popped) = (0, 0);
        for round in 0..50 {
            for _ in 0..round * 7 {
                ring.push(item(pushed));
                pushed += 1;
            }
            for _ in 0..round * 5 {
                assert_eq!(ring.pop(), item(popped));
                popped += 1;
            }
            assert_eq!(ring.len(), pushed - popped);
        }
        while !ring.is_empty() {
            assert_eq!(ring.pop(), item(popped));
            popped += 1;
        }
        assert_eq!(popped, pushed);
    }

    #[test]
    fn positions_come_round_again() {
        let ring = Ring::new();
        for cell in [&ring.head, &ring.tail] {
            cell.set(usize::MAX - 5);
        }
        for number in 0..100 {
            ring.push(item(number));
        }
        ring.swap(ring.head(), ring.tail().wrapping_sub(1));
        assert_eq!(ring.pop(), item(99));
        for number in 1..99 {
            assert_eq!(ring.pop(), item(number));
        }
        assert_eq!((ring.pop(), ring.is_empty()), (item(0), true));
    }
}
