//! Tasks whose end breaks a lot.

use super::ParkingLot;
use crate::runtime::introspect::Task;
use crate::runtime::task::flag;

/// Breaks `lot` when `task` ends, naming it. Registering twice needs removing twice.
///
/// Its counterpart in Trio is `trio.lowlevel.add_parking_lot_breaker`.
///
/// # Panics
///
/// If the task has ended.
pub fn add_parking_lot_breaker(task: &Task, lot: &ParkingLot) {
    let task = task.header();
    assert!(
        !task.has(flag::DONE),
        "task `{}` has ended: it cannot break a parking lot any more",
        task.name()
    );
    task.with_extra(|extra| extra.breaks.push(lot.share()));
}

/// Takes back one [`add_parking_lot_breaker`].
///
/// # Panics
///
/// If the task is not registered as a breaker of this lot.
pub fn remove_parking_lot_breaker(task: &Task, lot: &ParkingLot) {
    let found = task.header().with_extra(|extra| {
        // Usually it is the last: locks are nested.
        extra.breaks.pop_if(|last| last.is_same(lot)).or_else(|| {
            let at = extra.breaks.iter().position(|own| own.is_same(lot))?;
            Some(extra.breaks.swap_remove(at))
        })
    });
    assert!(found.is_some(), "the task is not registered as a breaker of this parking lot");
}
