//! How the threads of the cache are called, as the system shows it.
//!
//! To change a name takes a system call. So a thread keeps that of its last job for as long as it may get
//! the next one at any moment.

use std::any::type_name;
use std::cell::Cell;
use std::ffi::CStr;
use std::fmt;

use crate::lowlevel::current_task;
use crate::sys::thread_name::{self, KEPT};

/// What is shown of a thread that has nothing to do.
pub(super) const IDLE: &CStr = c"trio idle";

/// A name, as much of it as the system keeps.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    /// With a NUL at the end.
    bytes: [u8; KEPT + 1],
    length: usize,
}

impl Name {
    /// A name that was given. `None`: the system would refuse it.
    pub(super) fn given(name: &str) -> Option<Name> {
        Name::joined(&[name])
    }

    /// "function from task". A closure is called after the function that it is in; if that is the task's,
    /// it is the task's alone.
    pub(super) fn of_job<J>() -> Option<Name> {
        let path = type_name::<J>();
        let mut path = &path[..path.find('<').filter(|at| *at > 0).unwrap_or(path.len())];
        while let Some(around) = path.strip_suffix("::{{closure}}") {
            path = around;
        }
        let function = path.rfind(':').map_or(path, |colon| &path[colon + 1..]);
        if function.len() >= KEPT {
            return Name::given(function);
        }
        let task = current_task().name();
        if function == task {
            Name::given(&task)
        } else {
            Name::joined(&[function, " from ", &task])
        }
    }

    fn joined(parts: &[&str]) -> Option<Name> {
        let mut name = Name { bytes: [0; KEPT + 1], length: 0 };
        for part in parts {
            let kept = &part[..part.floor_char_boundary(KEPT - name.length)];
            name.bytes[name.length..][..kept.len()].copy_from_slice(kept.as_bytes());
            name.length += kept.len();
            if kept.len() < part.len() {
                break;
            }
        }
        name.as_c().map(|_| name)
    }

    fn as_c(&self) -> Option<&CStr> {
        CStr::from_bytes_with_nul(&self.bytes[..=self.length]).ok()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.bytes[..self.length]))
    }
}

thread_local! {
    /// How this thread is called; `None` if it is idle.
    static SHOWN: Cell<Option<Name>> = const { Cell::new(None) };
}

/// Whether this thread, which is one of the cache, has the name of a job.
pub(super) fn is_named() -> bool {
    SHOWN.get().is_some()
}

/// Shows how this thread, which is one of the cache, is called from here on.
pub(super) fn show(name: Option<Name>) {
    if SHOWN.replace(name) != name {
        thread_name::set(name.as_ref().and_then(Name::as_c).unwrap_or(IDLE));
    }
}
