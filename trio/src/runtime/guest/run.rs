//! A run that its host steps.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::time::{Duration, Instant};

use crate::runtime::builder::Builder;
use crate::runtime::report;
use crate::runtime::run::Next;
use crate::runtime::started::{RunError, Started};
use crate::runtime::thunk::Thunk;

/// A run that is hosted by an event loop with a poll of its own: made by [`Builder::guest`].
///
/// The host waits until the run's descriptor is readable, at most for the time that the last step has
/// said, and steps it again. The descriptor can be part of whatever the host polls. A step lets the
/// tasks go on for a short while, a fraction of a millisecond unless one of them computes for longer.
///
/// From its making to its end the guest is the run of this thread. Code of the host may do between
/// steps whatever needs no task: set what tasks wait for, cancel, move deadlines, use the token, spawn
/// system tasks; what that wakes makes the descriptor readable. Another run cannot be started on the
/// thread meanwhile.
///
/// A guest that is dropped before its end says so on standard error. Its tasks are taken down: their
/// frames are dropped, but asynchronous clean-up, as in [`finally`](crate::finally()), does not run.
///
/// Its counterpart in Trio is the guest mode of `trio.lowlevel.start_guest_run`, for hosts that take
/// callbacks: [`start_guest_run`](crate::lowlevel::start_guest_run()).
///
/// ```
/// use std::time::Duration;
/// use trio::lowlevel::Next;
///
/// /// A stand-in for the host's own: waits for one descriptor only.
/// fn poll(guest: &impl std::os::fd::AsRawFd, timeout: Option<Duration>) {
///     # let fd = guest.as_raw_fd();
///     # let mut fds = [libc::pollfd { fd, events: libc::POLLIN, revents: 0 }];
///     # let millis = timeout.map_or(-1, |timeout| timeout.as_millis() as i32 + 1);
///     # unsafe { libc::poll(fds.as_mut_ptr(), 1, millis) };
///     // …
/// }
///
/// let mut guest = trio::Builder::new().guest(|| async {
///     trio::sleep(Duration::from_millis(2)).await;
///     7
/// });
/// while let Next::Poll(timeout) = guest.step() {
///     poll(&guest, timeout);
/// }
/// assert_eq!(guest.finish().unwrap(), 7);
/// ```
#[must_use = "a guest run does nothing until it is stepped"]
pub struct GuestRun<T> {
    stage: Stage<T>,
    descriptor: OwnedFd,
}

enum Stage<T> {
    Running {
        started: Started<T>,
        /// When the wait began that the host is in, and how long it is to be at most.
        wait: Option<(Instant, Option<Duration>)>,
    },
    Over(Result<T, RunError<T>>),
}

impl Builder {
    /// Sets a run up for a host that steps it: see [`GuestRun`]. When this returns the run can be
    /// called into, but none of its tasks has begun.
    ///
    /// As [`run`](Builder::run) does, it takes SIGINT over where that has its default action, unless
    /// [`ignore_interrupts`](Builder::ignore_interrupts) is set; who hosts it learns of a Ctrl-C by
    /// [`RunError::Interrupted`].
    ///
    /// # Panics
    ///
    /// Inside a run, and if the system's poller cannot be set up.
    #[track_caller]
    pub fn guest<T>(self, thunk: T) -> GuestRun<T::Output>
    where
        T: Thunk,
        T::Frame: 'static,
    {
        // SAFETY: rules 2 and 4: the frame borrows nothing, so that a guest that is leaked with it does
        // no harm.
        let started = unsafe { self.hosted().start(thunk, Location::caller()) };
        let descriptor = match started.run().reactor().descriptor() {
            Ok(descriptor) => descriptor,
            Err(error) => panic!("the descriptor of the system's poller cannot be shared: {error}"),
        };
        GuestRun { stage: Stage::Running { started, wait: None }, descriptor }
    }
}

impl<T> GuestRun<T> {
    /// Lets the tasks go on for a while, and says how long the host may wait until the next step, if
    /// the descriptor does not become readable before. Stepping earlier does no harm. After the run's
    /// end it does nothing.
    ///
    /// A panic of the run's loop does not come out of it: it ends the run, with [`RunError::Failed`].
    pub fn step(&mut self) -> Next {
        let Stage::Running { started, wait } = &mut self.stage else {
            return Next::Over;
        };
        let pass = AssertUnwindSafe(|| {
            let next = pass(started, wait);
            if let Next::Poll(timeout) = next {
                begin_wait(started, wait, timeout);
            }
            next
        });
        match catch_unwind(pass) {
            Ok(Next::Poll(timeout)) => return Next::Poll(timeout),
            Ok(Next::Over) => self.end(Started::end),
            Err(payload) => {
                let what = format!("its loop panicked: {}", report::text_of(&*payload));
                report::discard(payload);
                self.end(|started| {
                    drop(started);
                    Err(RunError::Failed(what))
                });
            }
        }
        Next::Over
    }

    /// The value of the main task, when [`step`](GuestRun::step) has said that the run is over.
    ///
    /// # Errors
    ///
    /// If there is none, why: [`RunError`].
    ///
    /// # Panics
    ///
    /// If the run is not over.
    pub fn finish(mut self) -> Result<T, RunError<T>> {
        match std::mem::replace(&mut self.stage, Stage::Over(Err(nothing_left()))) {
            Stage::Over(result) => result,
            running @ Stage::Running { .. } => {
                self.stage = running;
                panic!("the guest run is not over: step it until it says `Next::Over`")
            }
        }
    }

    /// Takes the run to its end, in which it is the run of this thread no more.
    fn end(&mut self, end: impl FnOnce(Started<T>) -> Result<T, RunError<T>>) {
        let stage = std::mem::replace(&mut self.stage, Stage::Over(Err(nothing_left())));
        if let Stage::Running { started, .. } = stage {
            self.stage = Stage::Over(end(started));
        }
    }

    pub(super) fn descriptor(&self) -> io::Result<OwnedFd> {
        self.descriptor.try_clone()
    }

    /// The host cannot wait for the run.
    pub(super) fn fail(&self, what: String) {
        if let Stage::Running { started, .. } = &self.stage {
            started.run().fail(what, None);
        }
    }
}

fn nothing_left<T>() -> RunError<T> {
    RunError::Failed("its result was taken".to_owned())
}

/// Ends the host's wait, if it is over, and makes one pass.
fn pass<T>(started: &Started<T>, wait: &mut Option<(Instant, Option<Duration>)>) -> Next {
    let run = started.run();
    let found = run.look(Some(Duration::ZERO));
    if let Some((began, timeout)) = *wait {
        if !found {
            // Whoever waits for quiet must not be told that the time is over when it is not.
            match timeout.map(|timeout| timeout.saturating_sub(began.elapsed())) {
                None => return Next::Poll(None),
                Some(left) if !left.is_zero() => return Next::Poll(Some(left)),
                Some(_) => {}
            }
        }
        *wait = None;
        run.end_wait(timeout);
    }
    run.step()
}

fn begin_wait<T>(
    started: &Started<T>,
    wait: &mut Option<(Instant, Option<Duration>)>,
    timeout: Option<Duration>,
) {
    if wait.is_none() {
        *wait = Some((Instant::now(), timeout));
        if !started.run().begin_wait(timeout) {
            // The host does not know: it finds the descriptor readable.
            started.run().inbox().wake_poller();
        }
    }
}

impl<T> AsFd for GuestRun<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl<T> AsRawFd for GuestRun<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }
}

impl<T> fmt::Debug for GuestRun<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuestRun")
            .field("over", &matches!(self.stage, Stage::Over(_)))
            .finish_non_exhaustive()
    }
}

impl<T> Drop for GuestRun<T> {
    fn drop(&mut self) {
        if let Stage::Running { started, .. } = &self.stage {
            report::say(format_args!(
                "a guest run was dropped before it was over: its tasks are taken down without their \
                 asynchronous clean-up ({} of them)",
                started.run().tasks_living()
            ));
        }
    }
}
