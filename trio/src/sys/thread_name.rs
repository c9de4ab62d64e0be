//! The name of the current thread as the system shows it: in `top`, in a debugger.

use std::ffi::CString;

/// How much of a name Linux keeps, in bytes.
const KEPT: usize = 15;

/// Gives the current thread a name, or as much of it as the system keeps. A name that it refuses changes
/// nothing.
pub(crate) fn set(name: &str) {
    let kept = &name[..name.floor_char_boundary(KEPT)];
    if let Ok(name) = CString::new(kept) {
        set_c(&name);
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn set_c(name: &std::ffi::CStr) {
    // SAFETY: rule 6: the name ends with a NUL, and lives for the call.
    unsafe { libc::pthread_setname_np(libc::pthread_self(), name.as_ptr()) };
}

#[cfg(target_vendor = "apple")]
fn set_c(name: &std::ffi::CStr) {
    // SAFETY: rule 6: the name ends with a NUL, and lives for the call.
    unsafe { libc::pthread_setname_np(name.as_ptr()) };
}

#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_os = "freebsd",
    target_vendor = "apple"
)))]
fn set_c(_name: &std::ffi::CStr) {}
