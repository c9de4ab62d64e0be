//! Memory for tasks and scopes: what one that has ended leaves is used by the next of about its size.
//!
//! A program has tasks of few sizes, and makes and ends many of them in quick succession: taking one from a
//! list is several times faster than the allocator, and after a burst of them the system has not to be asked
//! for the same pages again. Each thread keeps up to [`MOST`] bytes of such memory; what is more than
//! [`ENOUGH`] it gives back bit by bit whenever its run waits for the system, and all when it ends. Large
//! tasks go straight to the allocator, and so do all in a debug build, for tools that look for the use of what
//! was freed.
//!
//! ```text
//!   lists   │ ≤ 16 │ ≤ 32 │ ≤ 48 │ …            one for each class of sizes
//!                     │
//!                     ▼
//!                   free ──▶ free ──▶ null
//! ```

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};

const STEP: usize = 16;
const CLASSES: usize = 64;
const ENOUGH: usize = 1 << 20;
const MOST: usize = 32 << 20;

/// How many pieces are given back at a time.
const BIT: usize = 64;

/// The class of a layout, if it is kept at all.
const fn class(layout: Layout) -> Option<usize> {
    let class = layout.size().div_ceil(STEP);
    if class < CLASSES && layout.align() <= align_of::<u128>() && !cfg!(debug_assertions) {
        Some(class)
    } else {
        None
    }
}

/// The memory that is asked of the allocator for a class.
const fn layout_of(class: usize) -> Layout {
    match Layout::from_size_align(class * STEP, align_of::<u128>()) {
        Ok(layout) => layout,
        Err(_) => unreachable!(),
    }
}

/// The memory that is asked of the allocator for a `T`.
const fn layout_for<T>() -> Layout {
    match class(Layout::new::<T>()) {
        Some(class) => layout_of(class),
        None => Layout::new::<T>(),
    }
}

/// A piece that is not in use.
struct Free {
    next: *mut Free,
}

struct Store {
    lists: [Cell<*mut Free>; CLASSES],
    kept: Cell<usize>,
}

thread_local! {
    static STORE: Store = const { Store::new() };
}

impl Store {
    const fn new() -> Store {
        Store { lists: [const { Cell::new(ptr::null_mut()) }; CLASSES], kept: Cell::new(0) }
    }

    #[inline]
    fn take(&self, class: usize) -> Option<NonNull<u8>> {
        let list = &self.lists[class];
        let piece = NonNull::new(list.get())?;
        // SAFETY: rule 5: what is in a list is in no other use, and holds a `Free`.
        list.set(unsafe { piece.as_ref() }.next);
        self.kept.set(self.kept.get() - class * STEP);
        Some(piece.cast())
    }

    /// Whether there is place for it.
    ///
    /// # Safety
    ///
    /// The piece is of that class, and the caller gives it up.
    #[inline]
    unsafe fn put(&self, class: usize, piece: NonNull<u8>) -> bool {
        let kept = self.kept.get() + class * STEP;
        if kept > MOST {
            return false;
        }
        self.kept.set(kept);
        let list = &self.lists[class];
        let piece = piece.cast::<Free>();
        // SAFETY: rule 5: by this function's contract it is in no other use; each is large enough.
        unsafe { piece.write(Free { next: list.get() }) };
        list.set(piece.as_ptr());
        true
    }
}

impl Store {
    /// Gives up to so many pieces back to the allocator, as long as there are more bytes than these.
    #[cold]
    fn shrink(&self, mut pieces: usize, bytes: usize) {
        for class in (0..CLASSES).rev() {
            while pieces > 0 && self.kept.get() > bytes {
                let Some(piece) = self.take(class) else { break };
                // SAFETY: rule 5: that is how it was allocated.
                unsafe { dealloc(piece.as_ptr(), layout_of(class)) };
                pieces -= 1;
            }
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.shrink(usize::MAX, 0);
    }
}

/// A run of this thread is about to wait for the system.
#[inline]
pub(crate) fn idle() {
    let _ = STORE.try_with(|store| {
        if store.kept.get() > ENOUGH {
            store.shrink(BIT, ENOUGH);
        }
    });
}

/// Memory for a `T`, which is not of size 0.
#[inline]
pub(crate) fn allocate<T>() -> NonNull<T> {
    let class = const { class(Layout::new::<T>()) };
    let layout = const { layout_for::<T>() };
    if let Some(class) = class
        && let Ok(Some(piece)) = STORE.try_with(|store| store.take(class))
    {
        return piece.cast();
    }
    const { assert!(size_of::<T>() > 0) };
    // SAFETY: rule 5: the layout is not empty.
    match NonNull::new(unsafe { alloc(layout) }) {
        Some(piece) => piece.cast(),
        None => handle_alloc_error(layout),
    }
}

/// Gives up the memory of a `T` that was [allocated](allocate), and has been dropped.
///
/// # Safety
///
/// Nothing refers to it any more.
#[inline]
unsafe fn free<T>(piece: NonNull<T>) {
    let class = const { class(Layout::new::<T>()) };
    let layout = const { layout_for::<T>() };
    let piece = piece.cast();
    if let Some(class) = class
        // SAFETY: by this function's contract; `allocate` has the same class.
        && let Ok(true) = STORE.try_with(|store| unsafe { store.put(class, piece) })
    {
        return;
    }
    // SAFETY: rule 5: that is how it was allocated.
    unsafe { dealloc(piece.as_ptr(), layout) };
}

/// Drops a `T`, and gives up its memory, which was [allocated](allocate), whether that panics or not.
///
/// # Safety
///
/// It is there, and nothing else refers to it.
#[inline]
pub(crate) unsafe fn drop_and_free<T>(value: NonNull<T>) {
    struct Memory<T>(NonNull<T>);
    impl<T> Drop for Memory<T> {
        #[inline]
        fn drop(&mut self) {
            // SAFETY: by the caller's contract, and it has been dropped.
            unsafe { free(self.0) };
        }
    }
    let memory = Memory(value);
    // SAFETY: by this function's contract.
    unsafe { memory.0.drop_in_place() };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(class: usize) -> NonNull<u8> {
        // SAFETY: the layout is not empty.
        NonNull::new(unsafe { alloc(layout_of(class)) }).unwrap()
    }

    #[test]
    fn what_was_put_is_taken_again_by_its_class_alone() {
        let store = Store::new();
        let (small, large) = (piece(2), piece(3));
        // SAFETY: they are of these classes, and given up.
        unsafe { assert!(store.put(2, small) && store.put(3, large)) };
        assert_eq!(store.kept.get(), 5 * STEP);
        assert_eq!(store.take(1), None);
        assert_eq!(store.take(2), Some(small));
        assert_eq!(store.take(2), None);
        // SAFETY: as above.
        unsafe { assert!(store.put(2, small)) };
        assert_eq!(store.take(3), Some(large));
        // SAFETY: that is how it was allocated.
        unsafe { dealloc(large.as_ptr(), layout_of(3)) };
    }

    #[test]
    fn no_more_is_kept_than_a_thread_may_and_what_is_not_needed_goes_bit_by_bit() {
        let store = Store::new();
        for _ in 0..MOST / (32 * STEP) {
            // SAFETY: it is of this class, and given up.
            assert!(unsafe { store.put(32, piece(32)) });
        }
        let one_more = piece(1);
        // SAFETY: it is of this class, and given up if that succeeds.
        assert!(!unsafe { store.put(1, one_more) });
        // SAFETY: that is how it was allocated.
        unsafe { dealloc(one_more.as_ptr(), layout_of(1)) };
        store.shrink(BIT, ENOUGH);
        assert_eq!(store.kept.get(), MOST - BIT * 32 * STEP);
        store.shrink(usize::MAX, ENOUGH);
        assert_eq!(store.kept.get(), ENOUGH);
    }
}
