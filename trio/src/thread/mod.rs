//! Threads: for what blocks, and back from there into the run.
//!
//! What blocks stops the whole run, so it is called in a *worker thread*:
//!
//! ```
//! use std::fs;
//! use trio::thread::run_in_worker_thread;
//!
//! # #[trio::task] async fn example() -> std::io::Result<()> {
//! # let path = "Cargo.toml";
//! let text = run_in_worker_thread(fs::read_to_string, path).await?;
//! let words = run_in_worker_thread(|| text.split_whitespace().count()).await; // borrows
//! # assert!(words > 0);
//! # Ok(()) }
//! # trio::run(example).unwrap();
//! ```
//!
//! The task waits for the thread, also when it is cancelled. So the function may borrow from the task,
//! as a child in a nursery may, and nothing is left running. There are three ways to end early:
//!
//! - The function asks, with [`check_cancelled`].
//! - It waits for something inside the run, with [`await_in_trio_thread`], which is unwound.
//! - It is abandoned: see [`AbandonableThread`].
//!
//! From a worker thread [`run_in_trio_thread`] and [`await_in_trio_thread`] call back into the run, and
//! wait for what comes of it. That runs as a part of the task that waits for the thread, in its scopes.
//! Other threads use a [`TrioToken`](crate::lowlevel::TrioToken): it has methods of the same names.
//!
//! How many worker threads there are at once is limited: see [`default_thread_limiter`]. They are kept
//! for the next use, so that a round trip takes microseconds.
//!
//! `task_local!` values that hold for the task hold in its worker threads. To a clock that jumps when
//! every task is blocked, as [`MockClock::autojump`](crate::testing::MockClock::autojump) does, a task
//! that waits for a thread is blocked.

mod cache;
mod callback;
mod error;
mod job;
mod name;
mod parts;
mod start;
mod threads;
mod worker;

pub use callback::{await_in_trio_thread, check_cancelled, run_in_trio_thread};
pub use error::{Cancelled, NoAnswer};
pub use job::Job;
pub use start::start_thread_soon;
pub(crate) use threads::Threads;
pub use threads::default_thread_limiter;
pub use worker::{AbandonableThread, WorkerThread, run_in_worker_thread};

pub use crate::lowlevel::HomeRef;
