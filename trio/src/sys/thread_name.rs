//! The name of the current thread as the system shows it: in `top`, in a debugger.

use std::ffi::CStr;

/// How much of a name Linux keeps, in bytes.
pub(crate) const KEPT: usize = 15;

/// Gives the current thread a name, which has no more bytes than are kept.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(crate) fn set(name: &CStr) {
    // SAFETY: rule 6: the name ends with a NUL, and lives for the call.
    unsafe { libc::pthread_setname_np(libc::pthread_self(), name.as_ptr()) };
}

#[cfg(target_vendor = "apple")]
pub(crate) fn set(name: &CStr) {
    // SAFETY: rule 6: the name ends with a NUL, and lives for the call.
    unsafe { libc::pthread_setname_np(name.as_ptr()) };
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_vendor = "apple"
)))]
pub(crate) fn set(_name: &CStr) {}
