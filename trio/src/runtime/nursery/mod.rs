//! Nurseries: where tasks live, and how they are waited for.
//!
//! `nursery!(|n| { body })` in a task becomes a guard in the task's frame, a `Copy` handle `n`, and a
//! join that polls the body and then waits:
//!
//! ```text
//!        guard.open()                     body is over          no child, no pending start
//!   New ─────────────▶ Open (body) ──▶ Open (waiting) ─────────────────────────────▶ Closed
//!                        │                  ▲
//!                        └── value, `Err`, unwound, panic ──┘
//! ```
//!
//! The guard stands in the frame *before* the body and is joined *after* it: so borrowck refuses to
//! let a child borrow from the body, and lets it borrow from whatever outlives the nursery (rule 2).
//! While it waits for services alone it cancels them: see `services.rs`.
//!
//! A nursery is left only when its children are finished (rule 4). If the frame goes without having
//! been joined, the guard's `Drop` takes the children down first, iteratively.

mod core;
mod guard;
mod handle;
mod names;
mod services;

pub(crate) use core::NurseryCore;
pub use guard::NurseryGuard;
pub use handle::{Nursery, NurseryStatistics};
pub(crate) use names::Nurseries;
