//! A run that steps itself in callbacks of its host.
//!
//! There is exactly one *turn* of a guest: in the host's queue, with the thread that waits, or being
//! taken.
//!
//! ```text
//!            ┌──────────── the host calls it, on its own thread ────────────┐
//!            ▼                                                              │
//!     the run is stepped ── something is runnable ──────────────▶ in the host's queue
//!            │        │                                                     ▲
//!            │        └── it waits ──▶ with the thread that waits ──────────┘
//!            ▼
//!     over: `done` is called
//! ```
//!
//! A turn that is dropped and not taken is the end of its guest: the host has given it up.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::run::GuestRun;
use super::wait::Waiter;
use crate::runtime::builder::Builder;
use crate::runtime::report;
use crate::runtime::run::Next;
use crate::runtime::started::RunError;
use crate::runtime::thunk::Thunk;
use crate::runtime::token::current_trio_token;

/// What a host is given to call, once, on its own thread.
pub type HostCall = Box<dyn FnOnce() + Send>;

/// An event loop that hosts a run: how it is asked to call something on its own thread.
///
/// ```
/// use std::sync::mpsc;
/// use trio::lowlevel::{Host, HostCall};
///
/// let (sender, calls) = mpsc::channel::<HostCall>();
/// let host = Host::new(move |call| sender.send(call).expect("the host waits for the run"));
/// ```
pub struct Host {
    from_anywhere: Box<dyn Fn(HostCall) + Send + Sync>,
    from_own_thread: Option<Box<dyn Fn(HostCall)>>,
}

impl Host {
    /// A host that is asked by `run_soon`, from its own and from another thread. It must return at
    /// once, and have the call made later, on the host's thread.
    pub fn new(run_soon: impl Fn(HostCall) + Send + Sync + 'static) -> Host {
        Host { from_anywhere: Box::new(run_soon), from_own_thread: None }
    }

    /// Asks by another function when that is done on the host's own thread, where there may be a
    /// quicker way.
    pub fn run_soon_on_own_thread(mut self, run_soon: impl Fn(HostCall) + 'static) -> Host {
        self.from_own_thread = Some(Box::new(run_soon));
        self
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

/// Starts a run as the guest of the event loop of this thread, which `run_soon` asks to call something
/// soon; when the run is over `done` is given what has come of it, on this thread.
///
/// Only the waiting is done elsewhere, by a thread of the guest's own; everything else happens in the
/// callbacks that the host calls. When this returns the run can be called into, but none of its tasks
/// has begun. What code of the host may do meanwhile is said at
/// [`GuestRun`](crate::lowlevel::GuestRun); that is for hosts that poll descriptors themselves. Other
/// settings than the default ones: [`Builder::start_guest_run`].
///
/// If the host drops a callback, the run is given up: it says so on standard error, and its tasks are
/// taken down without their asynchronous clean-up. `done` is not called then.
///
/// Its counterpart in Trio is `trio.lowlevel.start_guest_run`.
///
/// # Panics
///
/// Inside a run, and if the system's poller or the thread cannot be set up.
///
/// ```
/// use std::{cell::Cell, rc::Rc, sync::mpsc, time::Duration};
/// use trio::lowlevel::{HostCall, start_guest_run};
///
/// let (sender, calls) = mpsc::channel::<HostCall>();
/// let answer = Rc::new(Cell::new(None));
/// let told = Rc::clone(&answer);
/// start_guest_run(
///     || async {
///         trio::sleep(Duration::from_millis(2)).await;
///         42
///     },
///     move |call| sender.send(call).expect("the host waits for the run"),
///     move |result| told.set(Some(result.unwrap())),
/// );
/// while answer.get().is_none() {
///     // The host's loop: it has other things to do, too.
///     let call = calls.recv().unwrap();
///     call();
/// }
/// assert_eq!(answer.get(), Some(42));
/// ```
#[track_caller]
pub fn start_guest_run<T>(
    thunk: T,
    run_soon: impl Fn(HostCall) + Send + Sync + 'static,
    done: impl FnOnce(Result<T::Output, RunError<T::Output>>) + 'static,
) where
    T: Thunk,
    T::Frame: 'static,
    T::Output: 'static,
{
    Builder::new().start_guest_run(thunk, Host::new(run_soon), done);
}

impl Builder {
    /// Starts a run as the guest of `host`: see
    /// [`start_guest_run`](crate::lowlevel::start_guest_run()).
    ///
    /// # Panics
    ///
    /// As there.
    #[track_caller]
    pub fn start_guest_run<T>(
        self,
        thunk: T,
        host: Host,
        done: impl FnOnce(Result<T::Output, RunError<T::Output>>) + 'static,
    ) where
        T: Thunk,
        T::Frame: 'static,
        T::Output: 'static,
    {
        static NUMBERS: AtomicU64 = AtomicU64::new(0);
        let run = self.guest(thunk);
        let descriptor = match run.descriptor() {
            Ok(descriptor) => descriptor,
            Err(error) => panic!("the descriptor of the system's poller cannot be shared: {error}"),
        };
        let waiter = match Waiter::new(descriptor, current_trio_token()) {
            Ok(waiter) => waiter,
            Err(error) => {
                panic!("the thread that waits for the guest run cannot be started: {error}")
            }
        };
        let link = Arc::new(Link {
            guest: NUMBERS.fetch_add(1, Ordering::Relaxed),
            thread: thread::current().id(),
            run_soon: host.from_anywhere,
            abandoned: AtomicBool::new(false),
            gone: AtomicBool::new(false),
        });
        let guest = Hosted {
            link: Arc::clone(&link),
            run: Some(Box::new(Guest { run, done })),
            waiter,
            run_soon_here: host.from_own_thread.map(Rc::from),
        };
        let here = guest.run_soon_here.clone();
        HOSTED.with(|hosted| hosted.replace(Some(guest)));
        Turn::new(link).ask_here(here.as_deref());
    }
}

thread_local! {
    /// The guest of this thread.
    static HOSTED: RefCell<Option<Hosted>> = const { RefCell::new(None) };
}

/// A guest, in the hands of its host's thread.
struct Hosted {
    link: Arc<Link>,
    /// `None` while it is being stepped.
    run: Option<Box<dyn Stepped>>,
    waiter: Waiter,
    run_soon_here: Option<Rc<dyn Fn(HostCall)>>,
}

/// What can be known of a guest on any thread.
struct Link {
    guest: u64,
    thread: ThreadId,
    run_soon: Box<dyn Fn(HostCall) + Send + Sync>,
    /// Its turn was dropped on another thread.
    abandoned: AtomicBool,
    /// It has ended, or was taken down.
    gone: AtomicBool,
}

impl Drop for Hosted {
    fn drop(&mut self) {
        self.link.gone.store(true, Ordering::Release);
    }
}

/// A guest whose type does not matter.
trait Stepped {
    fn step(&mut self) -> Next;
    fn fail(&self, what: String);
    fn tell(self: Box<Self>);
}

struct Guest<T, D> {
    run: GuestRun<T>,
    done: D,
}

impl<T, D: FnOnce(Result<T, RunError<T>>)> Stepped for Guest<T, D> {
    fn step(&mut self) -> Next {
        self.run.step()
    }

    fn fail(&self, what: String) {
        self.run.fail(what);
    }

    fn tell(self: Box<Self>) {
        let Guest { run, done } = *self;
        done(run.finish());
    }
}

/// The right, and the duty, to step a guest.
pub(super) struct Turn {
    /// `None`: it was taken.
    link: Option<Arc<Link>>,
    /// The wait before it went wrong.
    failure: Option<io::Error>,
}

impl Turn {
    fn new(link: Arc<Link>) -> Turn {
        Turn { link: Some(link), failure: None }
    }

    pub(super) fn fail(&mut self, error: io::Error) {
        self.failure = Some(error);
    }

    /// Asks the host to have this turn taken, from any thread.
    pub(super) fn ask(self) {
        let link = self.link.clone();
        if let Some(link) = link.filter(|link| !link.gone.load(Ordering::Acquire)) {
            (link.run_soon)(Box::new(move || self.take()));
        }
    }

    /// Asks the host, on its own thread.
    fn ask_here(self, run_soon_here: Option<&dyn Fn(HostCall)>) {
        match run_soon_here {
            Some(run_soon) => run_soon(Box::new(move || self.take())),
            None => self.ask(),
        }
    }

    /// Steps the guest.
    fn take(mut self) {
        let here = thread::current().id();
        assert!(
            self.link.as_ref().is_none_or(|link| link.thread == here),
            "a callback of a guest run was called on another thread than the host's"
        );
        let Some(link) = self.link.take() else {
            return;
        };
        // A guest that is gone has no turn.
        let Some(mut run) = with_guest(&link, |hosted| hosted.run.take()).flatten() else {
            return;
        };
        if let Some(error) = self.failure.take() {
            run.fail(format!("the system cannot be waited for: {error}"));
        }
        let next = run.step();
        // It is put back before anybody is asked for anything: a host may drop its callback at once.
        match next {
            Next::Over => {
                let guest = HOSTED.with(|hosted| hosted.take());
                drop(guest);
                run.tell();
            }
            Next::Poll(Some(Duration::ZERO)) => {
                let here = with_guest(&link, |hosted| {
                    hosted.run = Some(run);
                    hosted.run_soon_here.clone()
                });
                Turn::new(link).ask_here(here.flatten().as_deref());
            }
            Next::Poll(timeout) => {
                let turn = Turn::new(Arc::clone(&link));
                with_guest(&link, |hosted| {
                    hosted.run = Some(run);
                    hosted.waiter.wait(timeout, turn);
                });
            }
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            abandon(&link);
        }
    }
}

/// Gives access to the guest of this thread, if it is still that one. No code of others runs in `f`.
fn with_guest<R>(link: &Link, f: impl FnOnce(&mut Hosted) -> R) -> Option<R> {
    let access = HOSTED.try_with(|hosted| {
        let mut hosted = hosted.borrow_mut();
        hosted.as_mut().filter(|hosted| hosted.link.guest == link.guest).map(f)
    });
    access.ok().flatten()
}

/// The host has given a guest up.
fn abandon(link: &Link) {
    if link.gone.load(Ordering::Acquire) {
        return;
    }
    if link.thread != thread::current().id() {
        // It cannot be touched from here: it goes with its thread, or when that begins another run.
        report::say(format_args!("a guest run was given up by its host"));
        link.abandoned.store(true, Ordering::Release);
        return;
    }
    let is_there = with_guest(link, |_| ()).is_some();
    if is_there && let Ok(guest) = HOSTED.try_with(|hosted| hosted.take()) {
        drop(guest);
    }
}

/// Takes down a guest of this thread that was given up elsewhere: it must not be in the way of another
/// run.
pub(crate) fn take_abandoned() {
    let guest = HOSTED.try_with(|hosted| {
        hosted.borrow_mut().take_if(|hosted| hosted.link.abandoned.load(Ordering::Acquire))
    });
    drop(guest);
}
