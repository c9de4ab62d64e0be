//! Locks, events, queues: for tasks that share something, and wait for each other.
//!
//! | to | there is |
//! |---|---|
//! | wait until something has happened, once | [`Event`] |
//! | have a value to oneself across cancellation points | [`Lock`], [`StrictFifoLock`] |
//! | let many look at it, or one change it | [`RwLock`] |
//! | wait until it has changed | [`Condition`], with a [`Lock`] |
//! | limit how much goes on at once | [`CapacityLimiter`], which knows who has what, or [`Semaphore`] |
//! | pass items on, to whoever comes first | [`Queue`], which is bounded, or [`UnboundedQueue`] |
//!
//! All of them are shared by reference: tasks borrow them, as they borrow what else they share. They
//! are fair: what is released goes straight to the one who has waited for the longest, and nobody gets
//! in between. Each tells what it knows by `statistics`.

mod borrower;
mod condition;
mod event;
mod limiter;
mod lock;
mod owner;
mod queue;
mod queue_errors;
mod rwlock;
mod semaphore;
mod strict_fifo_lock;
mod unbounded_queue;

pub use borrower::Borrower;
pub use condition::{Condition, ConditionStatistics};
pub use event::{Event, EventStatistics};
pub use limiter::{CapacityLimiter, CapacityLimiterStatistics, LimiterToken};
pub use lock::{Lock, LockGuard, LockStatistics};
pub use queue::{Queue, QueueStatistics};
pub use queue_errors::{PutError, TryGetError, TryPutError};
pub use rwlock::{ReadGuard, RwLock, RwLockStatistics, WriteGuard};
pub use semaphore::{Permit, Semaphore, SemaphoreStatistics};
pub use strict_fifo_lock::StrictFifoLock;
pub use unbounded_queue::{UnboundedQueue, UnboundedQueueStatistics};
