//! What the thread cache is made of. The test that checks it in every interleaving has a module of this
//! name with the same parts, but model-checked.

use std::io;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;

pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// What the system shows of a thread that has nothing to do.
pub(super) const IDLE_NAME: &str = "trio idle";

/// How long a thread stays without anything to do.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn spawn(main: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(IDLE_NAME.to_owned()).spawn(main).map(drop)
}

/// Waits to be notified, with `guard`, of `mutex`. `true`: the thread has waited long enough.
pub(super) fn wait_with_patience<'a, T>(
    condvar: &Condvar,
    _mutex: &'a Mutex<T>,
    guard: MutexGuard<'a, T>,
) -> (MutexGuard<'a, T>, bool) {
    let waited = condvar.wait_timeout(guard, PATIENCE).unwrap_or_else(PoisonError::into_inner);
    (waited.0, waited.1.timed_out())
}
