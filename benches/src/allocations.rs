//! How much memory is in use: an allocator that counts, if it is asked to.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering::Relaxed};

/// The system's allocator, with a count of the bytes that are in use.
#[derive(Debug)]
pub struct Counting;

static IS_ON: AtomicBool = AtomicBool::new(false);
static BYTES: AtomicIsize = AtomicIsize::new(0);

/// Notes that there are so many bytes more, or fewer. All that it costs the other workloads is one look.
fn note(bytes: isize) {
    if IS_ON.load(Relaxed) {
        BYTES.fetch_add(bytes, Relaxed);
    }
}

/// No layout is larger than `isize::MAX`.
fn signed(size: usize) -> isize {
    size.cast_signed()
}

// SAFETY: every call goes on to the system's allocator as it is, which keeps the promises of the trait.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(signed(layout.size()));
        // SAFETY: the caller's promises are those that are asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(signed(layout.size()));
        // SAFETY: the caller's promises are those that are asked for.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(-signed(layout.size()));
        // SAFETY: the caller's promises are those that are asked for.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(signed(size) - signed(layout.size()));
        // SAFETY: the caller's promises are those that are asked for.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Counts from here on: what comes to be in use, less what is given back.
#[derive(Debug)]
pub struct Count(());

impl Count {
    /// Begins. There is one at a time.
    pub fn begin() -> Count {
        BYTES.store(0, Relaxed);
        IS_ON.store(true, Relaxed);
        Count(())
    }

    /// The bytes for each of so many things, that have come since the beginning.
    pub fn for_each(self, things: u32) -> f64 {
        BYTES.load(Relaxed) as f64 / f64::from(things)
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        IS_ON.store(false, Relaxed);
    }
}
