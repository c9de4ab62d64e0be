//! Structured concurrency for Rust, after Python's [Trio](https://trio.readthedocs.io).
//!
//! Tasks live in nurseries, nurseries wait for their children, cancellation is a scope, errors cannot
//! get lost, and misuse does not compile. This page is the guide; each item has the details.
//!
//! ```
//! use std::time::Duration;
//! use trio::nursery;
//!
//! #[trio::main]
//! async fn main() -> trio::Result<()> {
//!     let name = String::from("world");
//!     nursery!(|n| {
//!         n.spawn(greet, &name, 1); // a child: it borrows `name`, and runs on its own
//!         n.spawn(greet, &name, 2);
//!     })?; // both are finished here
//!     Ok(())
//! }
//!
//! #[trio::task]
//! async fn greet(name: &str, number: u32) {
//!     trio::sleep(Duration::from_millis(1)).await;
//!     println!("{number}: hello, {name}");
//! }
//! ```
//!
//! # Two ideas
//!
//! **A task's frame is never handed out.** Calling a [`#[trio::task]`](macro@task) function gives a
//! [`Call`], which is not a `Future`: it can be awaited in another task or given to a nursery, and
//! nothing else. Only the runtime ever polls, moves or drops a running frame. That is what makes it
//! sound for a child to borrow from its parent's stack although it is scheduled on its own.
//!
//! **Cancellation travels beneath the values.** A cancelled task does not get an error that it could
//! swallow. At its next cancellation point it is unwound: the frames above the cancelled scope are
//! dropped, so that destructors run, and the program goes on after the scope.
//!
//! # The language
//!
//! | you write, in a task | it is |
//! |---|---|
//! | `f(a, b).await`, `f` a task function | a call of it |
//! | `x.await`, `x` any other future | a cancellation point around it |
//! | `async { … }`, `async move { … }` | a [`Block`]: a [`Thunk`] of no arguments, to be awaited, spawned or passed on. It can use `?`, `.await` and `nursery!`, and is no `Future` |
//! | `async \|x\| { … }` | a closure that gives a [`Call`] |
//! | `\|x\| …` | a plain closure; an `async` block inside it is a plain future |
//! | [`nursery!`]`(\|n\| { … })` | a nursery, opened and joined in place: a `Result<_, ErrorGroup>` |
//! | `n.spawn(f, a, b)` | a child task: the function and its arguments, not the call |
//!
//! Every `.await` in a task is a cancellation point and a schedule point, and nothing else is. So the
//! code between two of them runs undisturbed, and a task function without any is refused.
//!
//! # Nurseries
//!
//! A child lives in the nursery that it was spawned in, and a nursery is left only when all of its
//! children are finished: however its body ends, with a value, by `?`, by a panic or unwound. So
//! children can borrow what outlives the nursery, also mutably. What is declared in the body does not.
//!
//! [`Nursery::spawn`] gives a [`TaskHandle`], which can be dropped. It can cancel its child, wait until
//! it has ended, and give the value of one that has:
//!
//! ```
//! # use trio::nursery;
//! # #[trio::task] async fn double(x: u32) -> u32 { trio::lowlevel::checkpoint().await; 2 * x }
//! # #[trio::task] async fn example() -> trio::Result<()> {
//! let (a, b) = nursery!(|n| (n.spawn(double, 1), n.spawn(double, 2)))?;
//! assert_eq!((a.take(), b.take()), (Some(2), Some(4)));
//! # Ok(()) }
//! # trio::run(example).unwrap();
//! ```
//!
//! The nursery's handle is a [`Copy`] value. It can be passed on, so that a child spawns siblings. With
//! [`Nursery::start`] a parent waits until its child says that it is ready:
//!
//! ```
//! use std::{io, net::SocketAddr};
//! use trio::{TaskStatus, net::TcpListener, nursery};
//!
//! #[trio::task]
//! async fn serve(status: TaskStatus<SocketAddr>) -> io::Result<()> {
//!     let listener = TcpListener::bind("127.0.0.1:0".parse().expect("an address"))?;
//!     status.started(listener.local_addr()?);
//!     loop {
//!         let _stream = listener.accept().await?;
//!     }
//! }
//!
//! # #[trio::task] async fn example() -> trio::Result<()> {
//! nursery!(|n| {
//!     let address = n.start(serve).await?;
//!     println!("listening on {address}");
//!     n.cancel();
//! })?;
//! # Ok(()) }
//! # trio::run(example).unwrap();
//! ```
//!
//! # Cancellation
//!
//! The unit is the [`CancelScope`]. Timeouts are scopes, and so is every nursery.
//!
//! ```
//! # use std::time::Duration;
//! # #[trio::task] async fn slow() -> u32 { trio::sleep_forever().await; 1 }
//! # #[trio::task] async fn example() {
//! let limit = Duration::from_millis(5);
//! let value: Option<u32> = trio::move_on_after(limit, async { slow().await }).await;
//! assert_eq!(value, None);
//! let value: Result<u32, trio::TooSlowError> = trio::fail_after(limit, slow).await;
//! assert!(value.is_err());
//! # }
//! # trio::run(example);
//! ```
//!
//! What can be relied on:
//!
//! - Unwinding begins at a cancellation point, which is an `.await`, and nowhere else. The operation
//!   that is unwound did not happen: nothing was received, taken or accepted. Where that cannot be, its
//!   `# Cancellation` section says so, as [`send_all`](net::TcpStream::send_all) does.
//! - A cancellation stays: as long as a scope is cancelled, each cancellation point inside it unwinds.
//! - The outermost cancelled scope absorbs it; the decision is made when scopes are left.
//! - [`shield`] keeps cancellations from outside off. [`finally`] runs a clean-up under a shield,
//!   however its body ended; with a limit it is [`finally_within`].
//! - [`cancel`](CancelScope::cancel) is sync and can be called twice, early and from anywhere in the
//!   run. The first reason is kept ([`CancelReason`]).
//! - A child that is spawned into a cancelled nursery begins all the same, and is unwound at its first
//!   cancellation point. Leaving a nursery is not one.
//! - A timeout that is given to an operation, as in `connect(address, timeout)`, is a mistake here:
//!   whoever wants one puts it around whatever it should hold for.
//!
//! ```
//! # use std::{cell::Cell, time::Duration};
//! # #[trio::task] async fn work() { trio::sleep_forever().await }
//! # #[trio::task] async fn say_goodbye(said: &Cell<bool>) { trio::lowlevel::checkpoint().await; said.set(true); }
//! # #[trio::task] async fn example() {
//! # let said = Cell::new(false);
//! trio::move_on_after(Duration::from_millis(5), async {
//!     let limit = Duration::from_secs(1);
//!     trio::finally_within(limit, work, async { say_goodbye(&said).await }).await;
//! })
//! .await;
//! assert!(said.get());
//! # }
//! # trio::run(example);
//! ```
//!
//! # Errors, panics, Ctrl-C
//!
//! A child returns a value or a `Result`. An `Err` cancels its nursery, and comes out of it in an
//! [`ErrorGroup`], always in a group, together with the others that there are by then: a tree that tells
//! for each error which task failed, where it was spawned, and what it had awaited last. Cancellations
//! are never in it. [`find`](ErrorGroup::find), [`split`](ErrorGroup::split) and
//! [`into_single`](ErrorGroup::into_single) take it apart:
//!
//! ```
//! # use trio::nursery;
//! # use std::io;
//! # #[trio::task] async fn missing() -> io::Result<()> { trio::lowlevel::checkpoint().await; Err(io::ErrorKind::NotFound.into()) }
//! # #[trio::task] async fn other() { trio::sleep_forever().await }
//! # #[trio::task] async fn example() {
//! let result = nursery!(|n| {
//!     n.spawn(missing);
//!     n.spawn(other); // is unwound, since its sibling fails
//! });
//! let group = result.expect_err("one of them fails");
//! let error = group.find::<io::Error>().expect("it is of this type");
//! assert_eq!(error.kind(), io::ErrorKind::NotFound);
//! # }
//! # trio::run(example);
//! ```
//!
//! A panic of a child cancels its siblings, waits for them, and goes on in the parent. To have an error
//! or a panic as a value, spawn with [`spawn_monitored`](Nursery::spawn_monitored) and ask for the
//! [`Outcome`].
//!
//! Ctrl-C cancels the main task. When everything has unwound, clean-up included, the process dies of
//! SIGINT as a shell expects; a second Ctrl-C ends it at once.
//! [`Builder::run_interruptible`] returns instead.
//!
//! # Stopping gracefully
//!
//! A cancellation ends everything at its next `.await`. A *request to stop*
//! ([`CancelScope::request_stop`], [`Nursery::request_stop`]) ends at once only what says that it can be
//! given up, by [`until_stop`]: waiting for the next connection, job or tick. The rest may look at
//! [`stop_requested`] or await [`wait_for_stop`], and is cancelled when its grace is over. With
//! [`Builder::grace`], or `#[trio::main(grace_seconds = 5)]`, Ctrl-C begins with such a request.
//! [Services](Nursery::spawn_service) are there to the last: they are cancelled when the other children of
//! their nursery have ended.
//!
//! # Several at once
//!
//! [`join!`], [`try_join!`] and [`race!`] run a few operations at once, [`gather()`] and [`try_gather`] any
//! number with a limit. They are nurseries: what runs in them may borrow, and nothing is left running.
//!
//! ```
//! # #[trio::task] async fn length(text: &str) -> usize { trio::lowlevel::checkpoint().await; text.len() }
//! # #[trio::task] async fn example() {
//! let (one, two) = trio::join!(length("a"), length("bc")).await;
//! assert_eq!((one, two), (1, 2));
//! # }
//! # trio::run(example);
//! ```
//!
//! # Sharing and passing things
//!
//! Children of one nursery share what their parent has, by reference; between two `.await`s nobody else
//! runs, so that a `Cell` or a `RefCell` will do. What holds across an `.await`, and what is waited for, is
//! in [`sync`]: [`Lock`](sync::Lock), [`RwLock`](sync::RwLock), [`Semaphore`](sync::Semaphore),
//! [`CapacityLimiter`](sync::CapacityLimiter), [`Event`](sync::Event), [`Condition`](sync::Condition) and
//! [`Queue`](sync::Queue). [`channel`](mod@channel) has channels with ends that are cloned and closed. All
//! hand over strictly in order, and nothing is lost when one who waits is cancelled.
//!
//! ```
//! use trio::{nursery, sync::Queue};
//!
//! #[trio::task]
//! async fn produce(jobs: &Queue<u32>) -> trio::Result<()> {
//!     for job in 0..10 {
//!         jobs.put(job).await?; // waits while two are in the queue
//!     }
//!     jobs.close();
//!     Ok(())
//! }
//!
//! # #[trio::task] async fn example() -> trio::Result<()> {
//! let jobs = Queue::new(2);
//! let mut sum = 0;
//! nursery!(|n| {
//!     n.spawn(produce, &jobs);
//!     while let Ok(job) = jobs.get().await {
//!         sum += job;
//!     }
//! })?;
//! assert_eq!(sum, 45);
//! # Ok(()) }
//! # trio::run(example).unwrap();
//! ```
//!
//! [`task_local!`] declares variables whose value belongs to a task, its children and its threads.
//!
//! # Threads and signals
//!
//! What blocks or computes for long goes into a thread, and may borrow:
//! [`run_in_worker_thread`](thread::run_in_worker_thread). From there, and from threads of others,
//! [`thread::run_in_trio_thread`] and [`thread::await_in_trio_thread`] call back in.
//! [`signal::open_signal_receiver`] makes signals something to wait for.
//!
//! # Foreign code
//!
//! Any future can be awaited in a task, and the leaves of this crate ([`sleep`], the methods of
//! streams, …) are plain futures, which work in `join!`, `select!` and `FuturesUnordered`, *inside* a
//! task. A future that needs another runtime around it does not work. A [`Call`] that borrows nothing
//! can be made a future, with [`into_future`](Call::into_future). A plain `async fn` can be spawned like
//! a task function, but cannot open nurseries, and there is no trace of its insides.
//!
//! Another event loop can host a run on its own thread: [`lowlevel::start_guest_run`] for one that takes
//! callbacks, [`Builder::guest`] for one that polls.
//!
//! Functions that take task functions bound them by [`TaskFn`], which works for arguments that are
//! borrowed; functions that take a thunk, by [`Thunk`].
//!
//! # Testing
//!
//! [`#[trio::test]`](macro@test) makes a task a test. With `clock = "mock"` time is virtual and jumps
//! ahead when every task waits, so tests of timeouts are quick, and their times exact:
//!
//! ```
//! use std::time::Duration;
//!
//! #[trio::test(clock = "mock")]
//! async fn a_day_passes_at_once() {
//!     let start = trio::current_time();
//!     trio::sleep(Duration::from_secs(86_400)).await;
//!     assert_eq!(start.elapsed(), Duration::from_secs(86_400));
//! }
//! ```
//!
//! [`testing::wait_all_tasks_blocked`] waits until the others have got as far as they get, `seed = 7`
//! shuffles the order of the tasks reproducibly, [`testing::Sequencer`] puts steps of several tasks in
//! order, and [`testing::assert_future_checkpoints`] checks that an operation of yours is a checkpoint.
//! [`testing::CancelInjector`] runs a piece of code again and again, cancelled at another moment each
//! time, and [`testing::FaultInjector`] lets system calls fail. There are
//! [streams in memory](testing::memory_stream_pair), and [suites](testing::check_two_way_stream) that check
//! a stream of your own.
//!
//! # Seeing inside
//!
//! [`lowlevel::task_tree`] gives the tree of all tasks, with each `.await` from the outermost call to
//! what the task waits for, by file and line. It is always there and costs next to nothing. A run in
//! which nothing can wake any task any more [ends with that tree](Builder::detect_deadlocks), and does
//! not hang.
//!
//! # Building on it
//!
//! [`lowlevel`] is what primitives are made of: the checkpoints, [`ParkingLot`](lowlevel::ParkingLot)
//! to wait in a queue, [`suspend`](lowlevel::suspend()) to wait for anything else, descriptors,
//! [`TrioToken`](lowlevel::TrioToken) to call in from other threads, system tasks. An event that can be
//! waited for takes this:
//!
//! ```
//! use std::cell::Cell;
//! use trio::{lowlevel::{ParkingLot, checkpoint}, nursery};
//!
//! #[derive(Default)]
//! struct Event {
//!     set: Cell<bool>,
//!     waiting: ParkingLot,
//! }
//!
//! impl Event {
//!     fn set(&self) {
//!         self.set.set(true);
//!         self.waiting.unpark_all();
//!     }
//!
//!     /// A checkpoint in any case: whoever awaits gives way to others.
//!     async fn wait(&self) {
//!         if self.set.get() {
//!             checkpoint().await;
//!         } else {
//!             self.waiting.park().await.expect("nobody breaks this lot");
//!         }
//!     }
//! }
//!
//! # #[trio::task] async fn example() {
//! let event = Event::default();
//! nursery!(|n| {
//!     n.spawn(Event::wait, &event);
//!     trio::testing::wait_all_tasks_blocked().await;
//!     event.set();
//! })
//! .expect("nothing fails");
//! # }
//! # trio::run(example);
//! ```
//!
//! # Implementation notes
//!
//! A run is one thread: tasks need not be `Send`, and a `Cell` will do where others need a lock.
//! Readiness comes from mio (epoll or kqueue), on 64-bit Unix; `docs/platforms.md` has what differs between
//! the systems. Each task is one allocation. An operation that need not wait, in a task that nobody waits
//! behind, goes on without leaving the task; what is awaited in a loop still lets the poller and the clock
//! have their turn.

#[cfg(not(unix))]
compile_error!(
    "trio runs on Unix: Linux, Android, macOS, iOS, the BSDs and illumos. What Windows would take is in \
     docs/platforms.md"
);

// The macros write `::trio`, here as everywhere.
extern crate self as trio;

pub mod channel;
pub mod lint;
mod local;
pub mod net;
mod runtime;
pub mod signal;
pub mod stream;
pub mod sync;
mod sys;
pub mod testing;
pub mod thread;

pub use trio_macros::{TaskOutput, main, nursery, task, test};

pub use local::LocalKey;
pub use runtime::awaiting::Checkpoint;
pub use runtime::builder::{Builder, Interrupted, run};
pub use runtime::call::{Block, Call, IntoFuture};
pub use runtime::clock::current_time;
pub use runtime::combine::{gather, try_gather};
pub use runtime::error::{
    BrokenResourceError, BusyResourceError, ClosedResourceError, EndOfChannel, Error,
    NotStartedError, NurseryCancelled, Result, RunFinishedError, TooSlowError, WouldBlock,
    find_error, is_error,
};
pub use runtime::finally::{finally, finally_within};
pub use runtime::group::{ErrorGroup, Failure};
pub use runtime::instant::Instant;
pub use runtime::nursery::{Nursery, NurseryStatistics};
pub use runtime::output::TaskOutput;
pub use runtime::reason::{CancelReason, CancelSource};
pub use runtime::scope::{
    CancelScope, EffectiveDeadline, current_cancel_reason, current_effective_deadline,
};
pub use runtime::sleep::{Sleep, SleepForever, sleep, sleep_forever, sleep_until};
pub use runtime::start::TaskStatus;
pub use runtime::stopping::{stop_requested, until_stop, wait_for_stop};
pub use runtime::task::{Outcome, TaskHandle};
pub use runtime::thunk::{TaskFn, Thunk};
pub use runtime::timeouts::{fail_after, fail_at, move_on_after, move_on_at, shield};

/// For building primitives of one's own: everything that locks, channels and streams are made of.
///
/// Its counterpart in Trio is `trio.lowlevel`.
pub mod lowlevel {
    pub use crate::runtime::clock::Clock;
    pub use crate::runtime::errand::{Errand, ErrandHost, Finished, abandonable_errand, errand};
    pub use crate::runtime::guest::{GuestRun, Host, HostCall, start_guest_run};
    pub use crate::runtime::home::HomeRef;
    pub use crate::runtime::idle::all_tasks_blocked;
    pub use crate::runtime::instrument::{Instrument, add_instrument, remove_instrument};
    pub use crate::runtime::introspect::{
        RunStatistics, Task, current_task, in_trio_run, in_trio_task, statistics,
    };
    pub use crate::runtime::locals::TaskLocals;
    pub use crate::runtime::moments::{CancellationWatch, Moment, watch_cancellation};
    pub use crate::runtime::park::{
        Park, Parked, ParkingLot, ParkingLotStatistics, add_parking_lot_breaker,
        remove_parking_lot_breaker,
    };
    pub use crate::runtime::passing_on::PassingOn;
    pub use crate::runtime::points::{
        cancel_shielded_checkpoint, checkpoint, checkpoint_if_cancelled,
    };
    pub use crate::runtime::reactor::{IoSource, notify_closing, wait_readable, wait_writable};
    pub use crate::runtime::request::{Request, TaskRequest, request, task_request};
    pub use crate::runtime::run::{Next, look_at_clock};
    pub use crate::runtime::runvar::{RunVar, RunVarToken};
    pub use crate::runtime::started::RunError;
    pub use crate::runtime::suspend::{Abort, Resumer, Suspend, suspend};
    pub use crate::runtime::system::spawn_system_task;
    pub use crate::runtime::token::{TrioToken, current_trio_token};
    pub use crate::runtime::trace::Site;
    pub use crate::runtime::tree::task_tree;
    pub use crate::runtime::watch::count_checkpoints;
    pub use crate::thread::start_thread_soon;
}

/// What the macros expand to. Not for use by hand, and not stable.
#[doc(hidden)]
pub mod __private {
    pub use crate::runtime::awaiting::{Checkpoint, Entered, NotAwaitable, Operand};
    pub use crate::runtime::call::{Block, Call};
    pub use crate::runtime::combine::{branch, join, race, try_join};
    pub use crate::runtime::error::Error;
    pub use crate::runtime::join::{BodyProbe, Join, OtherBody, UnitBody};
    pub use crate::runtime::main_result::{main_traits, run_main};
    pub use crate::runtime::nursery::{Nursery, NurseryGuard};
    pub use crate::runtime::output::{Never, Returns};
    pub use crate::runtime::thunk::{LookFunction, LookThunk, Thunk, start_traits, thunk_traits};
    pub use crate::runtime::trace::Site;
    pub use crate::runtime::unawaited;
}

/// The code of the README is compiled, and its first program run, with the examples of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
