//! System calls that no crate wraps, one file per subject.

pub(crate) mod faults;
pub(crate) mod fork;
pub(crate) mod interrupt;
#[cfg_attr(
    not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "freebsd",
        target_os = "netbsd"
    )),
    path = "no_mmsg.rs"
)]
pub(crate) mod mmsg;
pub(crate) mod poll;
pub(crate) mod signals;
#[cfg_attr(target_vendor = "apple", path = "sigpipe_apple.rs")]
pub(crate) mod sigpipe;
pub(crate) mod thread_name;
pub(crate) mod timer;
pub(crate) mod uninit;

#[cfg(any(target_os = "illumos", target_os = "solaris"))]
pub(crate) use libc::___errno as errno_location;
#[cfg(any(target_os = "openbsd", target_os = "netbsd", target_os = "android"))]
pub(crate) use libc::__errno as errno_location;
#[cfg(any(target_os = "linux", target_os = "dragonfly"))]
pub(crate) use libc::__errno_location as errno_location;
#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
pub(crate) use libc::__error as errno_location;
