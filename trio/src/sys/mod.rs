//! System calls that no crate wraps, one file per subject.

pub(crate) mod interrupt;
pub(crate) mod timer;
