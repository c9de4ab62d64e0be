//! Starting a run.

use std::fmt;
use std::panic::{Location, resume_unwind};
use std::rc::Rc;
use std::time::Duration;

use super::clock::{Clock, RunClock};
use super::context;
use super::instrument::Instrument;
use super::report;
use super::run::{Entered, Next, Run};
use super::task::{AsIs, Payload, TaskCell, TaskHandle, flag};
use super::thunk::Thunk;
use crate::sys::interrupt::{Interrupts, die_of_interrupt};

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
        let run = match Run::new(clock, self.seed, self.grace) {
            Ok(run) => run,
            Err(error) => panic!("the system's poller could not be set up: {error}"),
        };
        if !self.ignore_interrupts
            && let Err(error) =
                run.reactor().listen_to_interrupts(1 + usize::from(self.grace.is_some()))
        {
            panic!("the handler for Ctrl-C could not be set up: {error}");
        }
        // As long as the run lives it is found by what is dropped on this thread: a frame that was
        // converted and closes its nursery, say.
        let entered = Entered::enter(&run);
        for instrument in self.instruments {
            run.instruments().add(instrument);
        }
        run.begin();
        let main = spawn_main(&run, thunk, here);
        drive(&run);
        run.conclude();
        let value = main.take();
        let failure = run.take_failure();
        let panicked = run.main().take_panic();
        let interrupted = run.was_interrupted();
        let would_ask = run.would_ask();
        let unwound = run.main().had_cancelled_child();
        let interrupts = run.reactor().take_interrupts();
        drop(main);
        drop(entered);
        drop(run);
        // A Ctrl-C that came too late to cancel anything is not forgotten. To one that only asks main is
        // the answer.
        let late = interrupts.map_or(0, Interrupts::finish);
        let interrupted = interrupted || late > usize::from(would_ask);
        finish(value, failure, panicked, interrupted, unwound)
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

fn spawn_main<T: Thunk>(
    run: &Run,
    thunk: T,
    spawned: &'static Location<'static>,
) -> TaskHandle<T::Output> {
    // SAFETY: rules 2 and 4: the run, and with it main, ends before whatever the thunk borrows
    // goes: `run_interruptible` holds the thunk's lifetime until it has driven the run to its end,
    // and a panic on the way drops the run, which drops main.
    let task = unsafe { TaskCell::<_, AsIs>::allocate(thunk.into_frame(), spawned) };
    task.set(flag::HANDLE);
    task.inherit_locals();
    run.adopt(task.clone(), run.main());
    TaskHandle::new(task)
}

fn drive(run: &Run) {
    loop {
        match run.step() {
            Next::Poll(timeout) => run.poll(timeout),
            Next::Over => return,
        }
    }
}

fn finish<V>(
    value: Option<V>,
    failure: Option<(String, Option<Payload>)>,
    panicked: Option<Payload>,
    interrupted: bool,
    unwound: bool,
) -> Result<V, Interrupted<V>> {
    if let Some((what, payload)) = failure {
        let cause = payload.map(|payload| {
            let text = report::text_of(&*payload).to_owned();
            report::discard(payload);
            text
        });
        match cause {
            Some(cause) => panic!("trio: the run has failed: {what}: {cause}"),
            None => panic!("trio: the run has failed: {what}"),
        }
    }
    if let Some(payload) = panicked {
        resume_unwind(payload);
    }
    if interrupted {
        return Err(Interrupted { value });
    }
    match value {
        Some(value) => Ok(value),
        None if unwound => {
            super::internal_error("the main task was unwound by no known cancellation")
        }
        None => super::internal_error("the main task has ended without a result"),
    }
}
