//! Locks, events, queues: for tasks that share something, and wait for each other.

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
