//! Cancel scopes: the unit of cancellation.
//!
//! A scope is what the user holds ([`CancelScope`]: deadline, shield, reason); its node is its place in
//! the status tree while it is entered ([`ScopeCore`]); and [`Scoped`] is the boundary in the task's
//! frame, where an unwinding is absorbed or goes on.

mod boundary;
mod core;
mod current;
mod handle;

pub(crate) use boundary::{Scoped, scoped};
pub(crate) use core::ScopeCore;
pub(crate) use current::effective_deadline;
pub use current::{EffectiveDeadline, current_cancel_reason, current_effective_deadline};
pub use handle::CancelScope;
