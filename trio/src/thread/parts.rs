//! What the thread cache is made of. The test that checks it in every interleaving has a module of this
//! name with the same parts, but model-checked.

use std::io;
use std::sync::PoisonError;
use std::thread;
use std::time::Duration;

pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::name;

/// How long a thread keeps the name of its last job.
const MOMENT: Duration = Duration::from_millis(20);

/// How long a thread stays without anything to do.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn spawn(main: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let name = name::IDLE.to_string_lossy().into_owned();
    thread::Builder::new().name(name).spawn(main).map(drop)
}

/// Waits to be notified, with `guard`, of `mutex`. `true`: the thread has waited long enough.
pub(super) fn wait_with_patience<'a, T>(
    condvar: &Condvar,
    _mutex: &'a Mutex<T>,
    mut guard: MutexGuard<'a, T>,
) -> (MutexGuard<'a, T>, bool) {
    if name::is_named() {
        let over;
        (guard, over) = wait(condvar, guard, MOMENT);
        if !over {
            return (guard, false);
        }
        name::show(None);
    }
    wait(condvar, guard, PATIENCE)
}

fn wait<'a, T>(
    condvar: &Condvar,
    guard: MutexGuard<'a, T>,
    timeout: Duration,
) -> (MutexGuard<'a, T>, bool) {
    let waited = condvar.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner);
    (waited.0, waited.1.timed_out())
}
