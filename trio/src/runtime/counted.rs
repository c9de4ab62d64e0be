//! A value that several have, on one thread, in memory that others have left.
//!
//! It is what `Rc` is without weak references. The scope of every nursery is such a value, because handles
//! can keep it, and few do; and so is what a parking lot is.

use std::cell::Cell;
use std::ops::Deref;
use std::ptr::{self, NonNull};

use super::memory;

struct Place<T> {
    count: Cell<usize>,
    value: T,
}

/// One of those who have it. The last to go drops it.
pub(crate) struct Counted<T>(NonNull<Place<T>>);

impl<T> Counted<T> {
    #[inline]
    pub(crate) fn new(value: T) -> Counted<T> {
        let place = memory::allocate::<Place<T>>();
        // SAFETY: rule 5: just allocated, for this.
        unsafe { place.write(Place { count: Cell::new(1), value }) };
        Counted(place)
    }

    #[inline]
    fn place(&self) -> &Place<T> {
        // SAFETY: rule 5: counted, so it is there.
        unsafe { self.0.as_ref() }
    }

    #[inline]
    pub(crate) fn is_same(&self, other: &Counted<T>) -> bool {
        ptr::eq(self.place(), other.place())
    }
}

impl<T> Clone for Counted<T> {
    #[inline]
    fn clone(&self) -> Counted<T> {
        let count = &self.place().count;
        // Handles that are forgotten stay counted.
        count.set(count.get().checked_add(1).expect("too many handles were leaked"));
        Counted(self.0)
    }
}

impl<T> Deref for Counted<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.place().value
    }
}

impl<T> AsRef<T> for Counted<T> {
    #[inline]
    fn as_ref(&self) -> &T {
        self
    }
}

impl<T> Drop for Counted<T> {
    #[inline]
    fn drop(&mut self) {
        let count = &self.place().count;
        count.set(count.get() - 1);
        if count.get() == 0 {
            // SAFETY: rule 5: this was the last one; the memory is that of `new`.
            unsafe { memory::drop_and_free(self.0) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Noted<'a>(&'a Cell<u32>);

    impl Drop for Noted<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn the_last_one_drops_it() {
        let dropped = Cell::new(0);
        let one = Counted::new(Noted(&dropped));
        let other = one.clone();
        assert!(one.is_same(&other) && !one.is_same(&Counted::new(Noted(&dropped))));
        assert_eq!(dropped.replace(0), 1);
        drop(one);
        assert_eq!(dropped.get(), 0);
        drop(other);
        assert_eq!(dropped.get(), 1);
    }
}
