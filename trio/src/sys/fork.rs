//! Values of this process that a forked child does not inherit: they are made anew there.
//!
//! In a forked child only the thread that forked lives. Whatever the others had, a lock or a place in a
//! list, they have for ever.

use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// How many forks lie between this process and the one that first asked.
static FORKS: AtomicUsize = AtomicUsize::new(0);

extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

fn watch_forks() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        // SAFETY: rule 6: the handler touches an atomic only, as one must that is called in a forked
        // child. If there is no memory for it forks are not noticed, and nothing else is wrong.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

struct Made<T> {
    forks: usize,
    value: T,
}

/// A value that is made at its first use in each process. What a child has inherited is leaked.
pub(crate) struct PerProcess<T: 'static> {
    made: AtomicPtr<Made<T>>,
    make: fn() -> T,
}

impl<T: Send + Sync> PerProcess<T> {
    pub(crate) const fn new(make: fn() -> T) -> PerProcess<T> {
        PerProcess { made: AtomicPtr::new(ptr::null_mut()), make }
    }

    pub(crate) fn get(&'static self) -> &'static T {
        watch_forks();
        let forks = FORKS.load(Ordering::Relaxed);
        let found = self.made.load(Ordering::Acquire);
        // SAFETY: this rests on no rule: what was published is never freed.
        if let Some(made) = unsafe { found.as_ref() }
            && made.forks == forks
        {
            return &made.value;
        }
        let new = Box::into_raw(Box::new(Made { forks, value: (self.make)() }));
        let published = self.made.compare_exchange(found, new, Ordering::AcqRel, Ordering::Acquire);
        let made = match published {
            Ok(_) => new,
            Err(other) => {
                // SAFETY: this rests on no rule: the box from above, which nobody has seen.
                drop(unsafe { Box::from_raw(new) });
                other
            }
        };
        // SAFETY: this rests on no rule: see above.
        unsafe { &(*made).value }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::lowlevel::start_thread_soon;

    static NUMBER: PerProcess<AtomicUsize> = PerProcess::new(AtomicUsize::default);

    /// Calls `check` in a forked child, and tells whether it was true.
    fn in_forked_child(check: fn() -> bool) -> bool {
        // SAFETY: rule 6: the child ends without returning into the test; the C library's allocator
        // works in it.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        if child == 0 {
            let ok = std::panic::catch_unwind(check).unwrap_or(false);
            // SAFETY: rule 6: ends the process at once.
            unsafe { libc::_exit(i32::from(!ok)) };
        }
        let mut status = 0;
        // SAFETY: rule 6: waits for the child from above; `status` lives for the call.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!(waited, child);
        libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0
    }

    #[test]
    fn a_forked_child_has_a_value_of_its_own() {
        NUMBER.get().store(7, Ordering::Relaxed);
        assert_eq!(NUMBER.get().load(Ordering::Relaxed), 7);
        assert!(in_forked_child(|| NUMBER.get().swap(8, Ordering::Relaxed) == 0));
        assert_eq!(NUMBER.get().load(Ordering::Relaxed), 7);
    }

    fn id_of_a_thread() -> std::thread::ThreadId {
        let (sender, receiver) = channel();
        start_thread_soon(|| std::thread::current().id(), move |id| drop(sender.send(id))).unwrap();
        receiver.recv().unwrap().unwrap()
    }

    // L110
    #[test]
    fn after_a_fork_the_childs_threads_are_its_own_and_work() {
        // An idle thread, which the child does not have.
        id_of_a_thread();
        assert!(in_forked_child(|| {
            id_of_a_thread();
            true
        }));
        id_of_a_thread();
    }
}
