//! Starting a run.

use std::fmt;
use std::panic::{Location, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use super::clock::{Clock, RunClock};
use super::context;
use super::guest;
use super::instrument::Instrument;
use super::run::{Run, Watch};
use super::started::{RunError, Started};
use super::thunk::Thunk;
use crate::sys::interrupt::die_of_interrupt;

/// Runs a main task and everything that it spawns, until all of it has ended; gives its value.
///
/// The thunk is a task function, a closure that returns a call or a future, or a block.
/// `#[trio::main]` is this for a program's `main`. If the user presses Ctrl-C everything is
/// cancelled, unwinds with its clean-up, and the process then dies of SIGINT;
/// [`Builder::run_interruptible`] returns instead. Its counterpart in Trio is `trio.run`.
///
/// # Panics
///
/// With the main task's panic; inside another run on the same thread; and if the runtime itself
/// fails.
///
/// ```
/// #[trio::task]
/// async fn add(a: u32, b: u32) -> u32 {
///     trio::lowlevel::checkpoint().await;
///     a + b
/// }
///
/// assert_eq!(trio::run(|| add(1, 2)), 3);
/// ```
#[track_caller]
pub fn run<T, R>(thunk: T) -> R
where
    // Not `-> T::Output`: what is no thunk would be reported twice.
    T: Thunk<Output = R>,
{
    Builder::new().run(thunk)
}

/// A run with other than the default settings.
///
/// ```
/// use std::time::Duration;
/// use trio::testing::MockClock;
///
/// // Virtual time: an hour passes at once.
/// trio::Builder::new().clock(MockClock::autojump()).scheduler_seed(7).run(|| async {
///     trio::sleep(Duration::from_secs(3600)).await;
/// });
/// ```
#[derive(Default)]
#[must_use = "a builder does nothing until `run`"]
pub struct Builder {
    clock: Option<Rc<dyn Clock>>,
    seed: Option<u64>,
    ignore_interrupts: bool,
    grace: Option<Duration>,
    watch: Watch,
    instruments: Vec<Rc<dyn Instrument>>,
}

/// The user has interrupted the run with Ctrl-C.
#[derive(Debug)]
pub struct Interrupted<T> {
    /// What main returned all the same, if it was not unwound.
    pub value: Option<T>,
}

impl<T> fmt::Display for Interrupted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted by Ctrl-C")
    }
}

impl<T: fmt::Debug> std::error::Error for Interrupted<T> {}

impl Builder {
    /// The default settings.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Takes the time from `clock` and not from the system.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Builder {
        self.clock = Some(Rc::new(clock));
        self
    }

    /// Shuffles every batch of runnable tasks, reproducibly for a seed, to find code that relies on
    /// an order that is not promised. Without it a batch is in the order of waking.
    pub fn scheduler_seed(mut self, seed: u64) -> Builder {
        self.seed = Some(seed);
        self
    }

    /// Leaves SIGINT alone. By default a run on the main thread takes it over, if it has its default
    /// action.
    pub fn ignore_interrupts(mut self) -> Builder {
        self.ignore_interrupts = true;
        self
    }

    /// Lets Ctrl-C ask before it cancels: main is [asked to stop](crate::CancelScope::request_stop), and has
    /// `grace` to end by itself; a second Ctrl-C cancels it at once, and a third ends the process at once.
    ///
    /// What waits in [`until_stop`](crate::until_stop) ends with the first, and
    /// [`stop_requested`](crate::stop_requested) and [`wait_for_stop`](crate::wait_for_stop) tell the rest
    /// of the program. A main that ends in time, cancelled by nobody, has done as it was asked: its value is
    /// the run's, and the process's exit status is what it makes of that. (A shell that runs a script then
    /// goes on with it. A program that is to stop the script, too, gives 130 as its status.) Otherwise it is
    /// as without a grace: everything unwinds, and the process dies of SIGINT.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// # #[trio::task] async fn one_unit_of_work() { trio::lowlevel::checkpoint().await }
    /// #[trio::task]
    /// async fn work() {
    ///     let pause = Duration::from_secs(60);
    ///     while trio::until_stop(async { trio::sleep(pause).await }).await.is_some() {
    ///         one_unit_of_work().await; // is completed
    ///     }
    /// }
    ///
    /// trio::Builder::new().grace(Duration::from_secs(5)).run(work);
    /// ```
    pub fn grace(mut self, grace: Duration) -> Builder {
        self.grace = Some(grace);
        self
    }

    /// Whether the run ends when it is in a deadlock, which it does by default; otherwise it hangs.
    ///
    /// A deadlock is certain when every task waits, no deadline is set, no task waits for a descriptor,
    /// and nobody outside can wake one: nowhere is there a [`TrioToken`](crate::lowlevel::TrioToken) of the
    /// run, and no task has ever given its `Waker` away, as futures of others do. Then everything is
    /// cancelled and unwinds, and the run fails with a panic that shows the
    /// [task tree](crate::lowlevel::task_tree): what waits for what.
    ///
    /// A task in [`sleep_forever`](crate::sleep_forever) waits for Ctrl-C, say; as long as there is one
    /// it is no deadlock. In a [`#[trio::test]`](macro@crate::test), and where virtual time jumps ahead
    /// by itself, there is nobody to press it, and it is one. A
    /// [guest run](crate::lowlevel::GuestRun) is in none, since its host can always wake a task.
    ///
    /// ```should_panic
    /// use trio::lowlevel::ParkingLot;
    ///
    /// trio::run(|| async {
    ///     let lot = ParkingLot::new();
    ///     lot.park().await // nobody else knows the lot
    /// });
    /// ```
    pub fn detect_deadlocks(mut self, detect: bool) -> Builder {
        self.watch = if detect { Watch::On } else { Watch::Off };
        self
    }

    /// The run of a test: nobody will press Ctrl-C.
    #[doc(hidden)]
    pub fn for_test(mut self) -> Builder {
        self.watch = Watch::Test;
        self
    }

    /// The run of a guest: its host can wake a task at any time.
    pub(super) fn hosted(self) -> Builder {
        self.detect_deadlocks(false)
    }

    /// Adds an instrument, from the beginning of the run on.
    pub fn instrument(mut self, instrument: Rc<dyn Instrument>) -> Builder {
        self.instruments.push(instrument);
        self
    }

    /// Runs a main task: see [`run`](crate::run).
    ///
    /// # Panics
    ///
    /// As [`run`](crate::run).
    #[track_caller]
    pub fn run<T: Thunk>(self, thunk: T) -> T::Output {
        match self.run_interruptible(thunk) {
            Ok(value) => value,
            Err(_) => die_of_interrupt(),
        }
    }

    /// Runs a main task, and returns when the user has pressed Ctrl-C and everything has unwound.
    ///
    /// # Errors
    ///
    /// [`Interrupted`], with main's value if it has one all the same. With a [`grace`](Builder::grace) only
    /// if main has not ended within it.
    ///
    /// # Panics
    ///
    /// As [`run`](crate::run), but for Ctrl-C.
    #[track_caller]
    pub fn run_interruptible<T: Thunk>(
        self,
        thunk: T,
    ) -> Result<T::Output, Interrupted<T::Output>> {
        let here = Location::caller();
        // SAFETY: rules 2 and 4: the thunk's lifetime is held until the run has been driven to its end,
        // and a panic on the way drops the run, which drops main.
        let started = unsafe { self.start(thunk, here) };
        started.drive();
        match started.end() {
            Ok(value) => Ok(value),
            Err(RunError::Interrupted(interrupted)) => Err(interrupted),
            Err(RunError::Panicked(payload)) => resume_unwind(payload),
            Err(error @ RunError::Failed(_)) => panic!("trio: {error}"),
        }
    }

    /// Sets a run up, with its main task, which is not stepped yet.
    ///
    /// # Safety
    ///
    /// As [`Started::new`].
    #[track_caller]
    pub(super) unsafe fn start<T: Thunk>(
        self,
        thunk: T,
        here: &'static Location<'static>,
    ) -> Started<T::Output> {
        guest::take_abandoned();
        assert!(
            !context::try_run(|run| run.is_some()),
            "a run cannot be started from inside a run: await the task instead, or start the run \
             in another thread"
        );
        let clock = match self.clock {
            None => RunClock::system(),
            Some(clock) => {
                clock.start();
                RunClock::Other(clock)
            }
        };
        let run = match Run::set_up(clock, self.seed, self.grace, self.watch) {
            Ok(run) => run,
            Err(error) => panic!("the system's poller could not be set up: {error}"),
        };
        if !self.ignore_interrupts
            && let Err(error) =
                run.reactor().listen_to_interrupts(1 + usize::from(self.grace.is_some()))
        {
            panic!("the handler for Ctrl-C could not be set up: {error}");
        }
        // SAFETY: by this function's contract.
        unsafe { Started::new(run, self.instruments, thunk, here) }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("seed", &self.seed)
            .field("ignore_interrupts", &self.ignore_interrupts)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
