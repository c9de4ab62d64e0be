//! What the integration tests share, one module for each kind of help.

pub mod channel_locks;
pub mod faults;
pub mod frames;
pub mod network;
pub mod panics;
pub mod probe;
pub mod rerun;
pub mod schedules;
pub mod source;
pub mod threads;
