//! What an [`Inbox`](super::inbox::Inbox) is made of. The test that checks it in every interleaving
//! has a module of this name with the same parts, but model-checked.

pub(crate) use std::sync::atomic::{AtomicU8, Ordering};
pub(crate) use std::sync::{Mutex, MutexGuard};

pub(crate) use mio::Waker as PollerWaker;
