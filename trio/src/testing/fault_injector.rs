//! System calls that fail when the test wants them to.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::rc::Rc;

use crate::sys::faults::{self, Fault, Plan, SystemCall};

/// Makes system calls of this thread's sockets fail, or move only one byte, until it is dropped.
///
/// Calls are counted from 1, from when the injector was made, each kind on its own. A call that fails is
/// not made. Several injectors are asked one after the other.
///
/// ```
/// use std::io::ErrorKind;
/// use trio::net::{TcpListener, TcpStream};
/// use trio::testing::{FaultInjector, SystemCall};
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
/// let stream = TcpStream::connect(listener.local_addr()?).await?;
/// let faults = FaultInjector::new();
/// faults.fail(SystemCall::Write, 2, ErrorKind::ConnectionReset);
/// stream.send_all(b"this arrives").await?;
/// let error = stream.send_all(b"this does not").await.unwrap_err();
/// assert!(trio::is_error::<trio::BrokenResourceError>(&error));
/// assert_eq!(faults.count(SystemCall::Write), 2);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct FaultInjector {
    state: Rc<RefCell<State>>,
    plan: Plan,
}

#[derive(Default)]
struct State {
    counts: BTreeMap<SystemCall, usize>,
    total: usize,
    errors: BTreeMap<(SystemCall, usize), io::Error>,
    /// Of whatever kind the call is.
    any: BTreeMap<usize, io::Error>,
    short: Vec<(SystemCall, usize)>,
    always_short: Vec<SystemCall>,
    injected: usize,
}

impl State {
    fn decide(&mut self, call: SystemCall) -> Option<Fault> {
        let count = self.counts.entry(call).or_default();
        *count += 1;
        self.total += 1;
        let at = (call, *count);
        let error = self.errors.remove(&at).or_else(|| self.any.remove(&self.total));
        let fault = match error {
            Some(error) => Some(Fault::Error(error)),
            None if self.always_short.contains(&call) || self.short.contains(&at) => {
                Some(Fault::Short)
            }
            None => None,
        };
        self.injected += usize::from(fault.is_some());
        fault
    }
}

impl FaultInjector {
    /// An injector that only counts, so far.
    pub fn new() -> FaultInjector {
        let state: Rc<RefCell<State>> = Rc::default();
        let plan: Plan = Rc::new({
            let state = Rc::clone(&state);
            move |call| state.borrow_mut().decide(call)
        });
        faults::begin(Rc::clone(&plan));
        FaultInjector { state, plan }
    }

    /// The `nth` call of this kind fails with `error`.
    ///
    /// # Panics
    ///
    /// If that call was made already, and if the error is `WouldBlock`: nothing would tell that the call
    /// can be tried again.
    #[track_caller]
    pub fn fail(&self, call: SystemCall, nth: usize, error: impl Into<io::Error>) {
        self.demand_later(self.count(call), nth);
        self.state.borrow_mut().errors.insert((call, nth), demand_final(error.into()));
    }

    /// The `nth` call fails with `error`, whatever kind it is. For failing everywhere, one call after the
    /// other, until [`injected`](FaultInjector::injected) says that there were not so many.
    ///
    /// # Panics
    ///
    /// As [`fail`](FaultInjector::fail).
    #[track_caller]
    pub fn fail_any(&self, nth: usize, error: impl Into<io::Error>) {
        self.demand_later(self.state.borrow().total, nth);
        self.state.borrow_mut().any.insert(nth, demand_final(error.into()));
    }

    /// The `nth` call of this kind moves one byte, if there is more to move.
    ///
    /// # Panics
    ///
    /// If that call was made already.
    #[track_caller]
    pub fn shorten(&self, call: SystemCall, nth: usize) {
        self.demand_later(self.count(call), nth);
        self.state.borrow_mut().short.push((call, nth));
    }

    /// Every call of this kind moves one byte, if there is more to move.
    pub fn shorten_all(&self, call: SystemCall) {
        self.state.borrow_mut().always_short.push(call);
    }

    /// How many calls of this kind there were, those that were made to fail included.
    pub fn count(&self, call: SystemCall) -> usize {
        self.state.borrow().counts.get(&call).copied().unwrap_or(0)
    }

    /// How many calls were made to fail, or shortened.
    pub fn injected(&self) -> usize {
        self.state.borrow().injected
    }

    #[track_caller]
    fn demand_later(&self, so_far: usize, nth: usize) {
        assert!(
            nth > so_far,
            "there were {so_far} such calls already: number {nth} cannot be made to fail (the first \
             one is number 1)"
        );
    }
}

#[track_caller]
fn demand_final(error: io::Error) -> io::Error {
    assert!(
        error.kind() != io::ErrorKind::WouldBlock,
        "a call that would block is waited for, and nothing would tell that it can be tried again: \
         inject another error"
    );
    error
}

impl Default for FaultInjector {
    fn default() -> Self {
        FaultInjector::new()
    }
}

impl Drop for FaultInjector {
    fn drop(&mut self) {
        faults::end(&self.plan);
    }
}

impl fmt::Debug for FaultInjector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.borrow();
        f.debug_struct("FaultInjector")
            .field("counts", &state.counts)
            .field("injected", &state.injected)
            .finish_non_exhaustive()
    }
}
