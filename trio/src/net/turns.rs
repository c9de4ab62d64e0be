//! Taking turns.

use std::cell::Cell;

use crate::WouldBlock;
use crate::lowlevel::{ParkingLot, cancel_shielded_checkpoint, checkpoint_if_cancelled};

pub(super) struct Semaphore {
    free: Cell<bool>,
    lot: ParkingLot,
}

pub(super) struct SemaphorePermit<'a>(&'a Semaphore);

impl Semaphore {
    pub(super) fn new(_: usize) -> Semaphore {
        Semaphore { free: Cell::new(true), lot: ParkingLot::new() }
    }
    pub(super) fn try_acquire(&self) -> Result<SemaphorePermit<'_>, WouldBlock> {
        if self.free.replace(false) { Ok(SemaphorePermit(self)) } else { Err(WouldBlock::new()) }
    }
    pub(super) async fn acquire(&self) -> SemaphorePermit<'_> {
        checkpoint_if_cancelled().await;
        if let Ok(p) = self.try_acquire() {
            cancel_shielded_checkpoint().await;
            return p;
        }
        self.lot.park().await.unwrap();
        SemaphorePermit(self)
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        if self.0.lot.unpark(1) == 0 {
            self.0.free.set(true);
        }
    }
}
