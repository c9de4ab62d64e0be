//! Buffers as system calls take them.

use std::mem::MaybeUninit;

/// A buffer for a call that only ever writes bytes to it.
pub(crate) fn as_uninit(buffer: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    let (start, len) = (buffer.as_mut_ptr().cast(), buffer.len());
    // SAFETY: rule 6: the same bytes, borrowed as long; the callers pass them on to `socket2`, which lets
    // the system write to them and never takes one back to be uninitialised.
    unsafe { std::slice::from_raw_parts_mut(start, len) }
}
