//! The directory of the runs that live: their inboxes, by the number that wakers carry.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, PoisonError, RwLock};

use super::inbox::Inbox;
use super::parts::PollerWaker;
use super::waker::run_of;

static INBOXES: RwLock<Registry> = RwLock::new(Registry { inboxes: BTreeMap::new(), last: 0 });

struct Registry {
    /// There are few, mostly one: a tree finds it at once.
    inboxes: BTreeMap<u16, Arc<Inbox>>,
    last: u16,
}

/// Makes the inbox of a new run and gives the run its number. Numbers come round after 65,536 runs.
///
/// # Panics
///
/// If 65,535 runs are alive at once in the process.
pub(crate) fn register(poller: PollerWaker) -> (u16, Arc<Inbox>) {
    let inbox = Arc::new(Inbox::new(poller));
    let registry = &mut *INBOXES.write().unwrap_or_else(PoisonError::into_inner);
    assert!(registry.inboxes.len() < usize::from(u16::MAX), "too many runs are alive at once");
    loop {
        registry.last = registry.last.wrapping_add(1);
        if let Entry::Vacant(place) = registry.inboxes.entry(registry.last) {
            place.insert(Arc::clone(&inbox));
            return (registry.last, inbox);
        }
    }
}

/// Takes a run that has ended out of the directory.
pub(crate) fn unregister(run: u16) {
    let mut registry = INBOXES.write().unwrap_or_else(PoisonError::into_inner);
    registry.inboxes.remove(&run);
}

/// Wakes a task from outside its run.
#[cold]
pub(crate) fn wake(name: u64) {
    if let Some(inbox) = inbox_of(name) {
        inbox.push_wake(name);
    }
}

/// A waker of a task was cloned outside its run.
#[cold]
pub(crate) fn waker_given(name: u64) {
    if let Some(inbox) = inbox_of(name) {
        inbox.waker_given();
    }
}

fn inbox_of(name: u64) -> Option<Arc<Inbox>> {
    let registry = INBOXES.read().unwrap_or_else(PoisonError::into_inner);
    registry.inboxes.get(&run_of(name)).map(Arc::clone)
}
