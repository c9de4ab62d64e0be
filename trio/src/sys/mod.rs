//! System calls that no crate wraps, one file per subject.

pub(crate) mod faults;
pub(crate) mod fork;
pub(crate) mod interrupt;
#[cfg(target_os = "linux")]
pub(crate) mod mmsg;
pub(crate) mod poll;
pub(crate) mod signals;
pub(crate) mod thread_name;
pub(crate) mod timer;
pub(crate) mod uninit;

#[cfg(any(target_os = "openbsd", target_os = "netbsd", target_os = "android"))]
pub(crate) use libc::__errno as errno_location;
#[cfg(any(target_os = "linux", target_os = "emscripten"))]
pub(crate) use libc::__errno_location as errno_location;
#[cfg(any(target_os = "macos", target_os = "ios", target_os = "freebsd"))]
pub(crate) use libc::__error as errno_location;
