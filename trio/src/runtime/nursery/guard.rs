//! The guard of a nursery, in the frame of the task that opened it.

use std::cell::Cell;
use std::fmt;
use std::marker::{PhantomData, PhantomPinned};

use super::core::NurseryCore;
use super::handle::Nursery;
use crate::runtime::context;
use crate::runtime::trace::Site;

/// The guard of a nursery, hidden in the frame of the task that opened it.
#[doc(hidden)]
pub struct NurseryGuard<'scope> {
    core: NurseryCore,
    opened: Cell<bool>,
    _scope: PhantomData<Cell<&'scope ()>>,
    _pinned: PhantomPinned,
}

impl<'scope> NurseryGuard<'scope> {
    /// # Safety
    ///
    /// Called by the macros alone: bound in a task's frame before the body is made, not moved once
    /// it is opened, and joined there (rules 2 and 4).
    #[inline]
    pub unsafe fn new(site: &'static Site) -> Self {
        NurseryGuard {
            core: NurseryCore::new(site),
            opened: Cell::new(false),
            _scope: PhantomData,
            _pinned: PhantomPinned,
        }
    }

    /// Opens the nursery. The guard is at its final place, as `new` demands.
    #[inline]
    pub fn open(&self) -> Nursery<'scope> {
        self.core.scope.enter();
        self.opened.set(true);
        // SAFETY: rule 2: the guard stays where it is until it is dropped, which closes it.
        let name = context::run(|run| unsafe { self.core.open(run) });
        Nursery::new(name)
    }

    pub(crate) fn core(&self) -> &NurseryCore {
        &self.core
    }
}

impl Drop for NurseryGuard<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.opened.get() {
            self.core.close();
            if self.core.is_busy() {
                self.core.drop_children();
            }
            self.core.leave();
        }
    }
}

impl fmt::Debug for NurseryGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NurseryGuard").finish_non_exhaustive()
    }
}
