//! The task cell: one allocation that holds a task's header, its frame and, later, its result.
//!
//! ```text
//!                 spawn                    step: Pending
//!   (frame) ───────────────▶ queued ◀────────────────────────┐
//!                              │  run loop takes it           │ wake
//!                              ▼                              │
//!                           running ──── Pending, waits ──▶ suspended
//!                              │
//!       value · error · panic · unwound by cancellation
//!                              ▼
//!                            done      the frame is gone; a result that somebody can still ask
//!                                      for (a `TaskHandle`) stays until that handle goes
//! ```
//!
//! The frame is dropped in the step in which the task ends, before its nursery hears of it. The
//! memory goes with the last [`TaskRef`]: the slot table holds one while the task lives (and
//! leaves it to the run queue if the task ends while it is queued), handles and waiting primitives one
//! each. None of them leaves the thread.

mod cell;
mod handle;
mod header;
mod name;

pub(crate) use cell::{AsIs, ByOutput, Convert, NamedAfter, TaskCell};
pub use handle::{Outcome, TaskHandle};
pub(crate) use header::{Ending, Header, Payload, TaskRef, flag};
pub(crate) use name::TaskName;
