//! Waiting in a parking lot for something that is tried again with every turn.

use std::future::{Future, poll_fn};
use std::mem;
use std::pin::pin;
use std::task::{Poll, ready};

use crate::lowlevel::{ParkingLot, checkpoint_if_cancelled};

/// Parks until `attempt`, which the caller has just made in vain, has an outcome.
///
/// Nothing but the lot says who waits: a future that was unwound, and is polled again after all, makes
/// its attempt before it parks anew. What is handed over with the turn is for a guard of the caller's
/// to look after, which has to outlive this future: only then is it certain that nothing more comes.
///
/// ```text
///            ┌────────────── in vain ──────────────┐
///            ▼                                     │
///   ──▶ park, wait ──── unparked ─────────▶ attempt ──▶ (ready: the outcome)
///            │                                     ▲
///            └ unwound ─ polled again, not cancelled ┘
/// ```
///
/// # Cancellation
///
/// A checkpoint. One who has a turn makes the attempt before looking for a cancellation.
pub(super) async fn wait_in<R>(
    lot: &ParkingLot,
    note: u64,
    mut attempt: impl FnMut() -> Option<R>,
) -> R {
    let mut park = pin!(lot.park_with(note));
    let mut tried = true;
    poll_fn(move |cx| {
        loop {
            if !park.is_parked() && !mem::take(&mut tried) {
                if !park.is_unparked() {
                    ready!(pin!(checkpoint_if_cancelled()).poll(cx));
                }
                if let Some(outcome) = attempt() {
                    return Poll::Ready(outcome);
                }
            }
            ready!(park.as_mut().poll(cx)).expect("nobody breaks this lot");
        }
    })
    .await
}
