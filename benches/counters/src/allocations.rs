//! Allocations: those of this process, by an allocator that counts.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::workloads::Workload;

static COUNT: AtomicU64 = AtomicU64::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Counting;

impl Counting {
    fn count() {
        COUNT.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: all of it is the system's allocator, with the caller's arguments.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Counting::count();
        // SAFETY: by this function's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Counting::count();
        // SAFETY: by this function's contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Counting::count();
        // SAFETY: by this function's contract.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: by this function's contract.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Allocations an operation. Nothing else may run in this process meanwhile.
pub fn measure(workload: &Workload) -> f64 {
    let counted = |operations| {
        let before = COUNT.load(Ordering::Relaxed);
        (workload.work)(operations);
        COUNT.load(Ordering::Relaxed) - before
    };
    // What is allocated once in a process is allocated now.
    counted(workload.operations);
    workload.per_operation(counted(workload.operations), counted(2 * workload.operations))
}
