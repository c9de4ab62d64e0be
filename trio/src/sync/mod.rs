//! Locks, events, queues: for tasks that share something, and wait for each other.

mod borrower;
mod limiter;

pub use borrower::Borrower;
pub use limiter::{CapacityLimiter, CapacityLimiterStatistics, LimiterToken};
