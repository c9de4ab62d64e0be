//! The bytes between the two ends of a stream in memory.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;

use crate::ClosedResourceError;
use crate::lowlevel::ParkingLot;

/// Bytes without a limit, and then perhaps an end. One task takes at a time.
#[derive(Default)]
pub(super) struct ByteQueue {
    data: RefCell<VecDeque<u8>>,
    ended: Cell<bool>,
    taking: ParkingLot,
}

impl ByteQueue {
    pub(super) fn put(&self, data: &[u8]) -> io::Result<()> {
        if self.ended.get() {
            return Err(ClosedResourceError::new().into());
        }
        self.data.borrow_mut().extend(data);
        self.taking.unpark_all();
        Ok(())
    }

    /// There will be no more. Idempotent.
    pub(super) fn end(&self) {
        self.ended.set(true);
        self.taking.unpark_all();
    }

    /// Nobody wants what there is.
    pub(super) fn end_and_wipe(&self) {
        self.data.borrow_mut().clear();
        self.end();
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.get()
    }

    /// Takes up to `max` bytes; none is the end. `None`: there is nothing yet.
    #[track_caller]
    pub(super) fn try_take(&self, max: usize) -> Option<Vec<u8>> {
        assert!(max > 0, "no bytes at all would mean the end: take at least one");
        let mut data = self.data.borrow_mut();
        if data.is_empty() && !self.ended.get() {
            return None;
        }
        let count = max.min(data.len());
        Some(data.drain(..count).collect())
    }

    /// Waits until there is something, or the end. A cancellation point if it has to wait.
    pub(super) async fn wait(&self) {
        while self.data.borrow().is_empty() && !self.ended.get() {
            self.taking.park().await.expect("nobody breaks this lot");
        }
    }
}
