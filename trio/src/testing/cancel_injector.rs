//! Cancelling a piece of code everywhere it can be cancelled.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::rc::Rc;

use crate::lowlevel::{
    Moment, Site, Task, cancel_shielded_checkpoint, look_at_clock, watch_cancellation,
};
use crate::{Call, CancelScope, Checkpoint, Thunk, task};

/// Runs a piece of code again and again, and cancels it in the first round at the first moment at which
/// that is possible, in the second at the second, and so on, until a round gets through.
///
/// Those moments are, for each task that runs in the piece: each cancellation point that it goes through,
/// each time that it is suspended, and each time that it was woken and has not gone on yet. What is
/// shielded from the piece's scope is left alone. A round that behaves as the one before it meets the
/// same moments, so use a virtual clock where time matters, and a fresh state where it does.
///
/// What must hold is checked after each round, with whatever the test knows: that nothing was lost, and
/// nothing done twice. If that panics, or the piece does, where the round was cancelled is printed. See
/// [`cancel_everywhere`] for the simple case. Trio's issue #77 is about it.
///
/// ```
/// use trio::testing::{CancelInjector, memory_stream_one_way_pair};
/// use trio::stream::{ReceiveStream, SendStream};
///
/// #[trio::test(clock = "mock")]
/// async fn a_cancelled_receive_loses_nothing() {
///     let mut injector = CancelInjector::new();
///     while let Some(round) = injector.next_round() {
///         let (send, receive) = memory_stream_one_way_pair();
///         send.send_all(b"x").await.unwrap();
///         send.close().await.unwrap();
///         let received = round.run(async { receive.receive_some(&mut [0]).await.unwrap() }).await;
///         let left = receive.receive_some(&mut [0; 2]).await.unwrap();
///         assert_eq!(received.unwrap_or(0) + left, 1);
///     }
/// }
/// ```
#[derive(Debug, Default)]
pub struct CancelInjector {
    last: Option<Rc<State>>,
    places: Vec<CancelPlace>,
}

impl CancelInjector {
    /// An injector that begins with the first moment.
    pub fn new() -> CancelInjector {
        CancelInjector::default()
    }

    /// The next round; `None` if the last one has got through.
    ///
    /// # Panics
    ///
    /// If the last round was not run to its end.
    #[track_caller]
    pub fn next_round(&mut self) -> Option<CancelRound> {
        if let Some(last) = &self.last {
            assert!(last.over.get(), "the last round was not run: await `round.run(…)` in each");
            let place = last.place.borrow().clone()?;
            if self.places.len() == last.number {
                self.places.push(place);
            }
        }
        let state = Rc::new(State::new(self.places.len()));
        self.last = Some(Rc::clone(&state));
        Some(CancelRound(state))
    }

    /// Where the rounds before this one were cancelled, in order.
    pub fn places(&self) -> &[CancelPlace] {
        &self.places
    }
}

/// One round of a [`CancelInjector`].
///
/// Its text says where it was cancelled. It is printed if the round is dropped by a panic.
pub struct CancelRound(Rc<State>);

impl CancelRound {
    /// Runs the piece, and cancels it when this round's moment has come: `Some` of its value, or `None` if
    /// it was unwound.
    ///
    /// # Cancellation
    ///
    /// As in the thunk.
    ///
    /// # Panics
    ///
    /// When awaited, if this round was run before.
    pub fn run<T: Thunk>(
        &self,
        thunk: T,
    ) -> Call<impl Future<Output = Option<T::Output>> + use<T>> {
        inject(Rc::clone(&self.0), thunk)
    }

    /// Where it was cancelled; `None` if it has got through, or not so far yet.
    pub fn place(&self) -> Option<CancelPlace> {
        self.0.place.borrow().clone()
    }
}

#[task(crate = "crate")]
async fn inject<T: Thunk>(state: Rc<State>, thunk: T) -> Option<T::Output> {
    assert!(!state.begun.replace(true), "this round was run before: take the `next_round`");
    // Each round begins with a turn of its own, so that all rounds find the same.
    look_at_clock();
    cancel_shielded_checkpoint().await;
    let scope = CancelScope::new();
    let watching = watch_cancellation(&scope, {
        let (state, scope) = (Rc::clone(&state), scope.clone());
        move |task, moment| state.moment(&scope, task, moment)
    });
    let result = scope.run(thunk).await;
    drop(watching);
    state.over.set(true);
    result
}

impl fmt::Display for CancelRound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0.place.borrow() {
            Some(place) => write!(f, "round {}, cancelled {place}", self.0.number),
            None => write!(f, "round {}, which was not cancelled", self.0.number),
        }
    }
}

impl fmt::Debug for CancelRound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CancelRound({self})")
    }
}

impl Drop for CancelRound {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("trio: this happened in {self}");
        }
    }
}

/// Where a round was cancelled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CancelPlace {
    task: String,
    state: TaskState,
    site: Option<&'static Site>,
}

/// What the task was doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum TaskState {
    AtPoint,
    Suspended,
    Woken,
}

impl CancelPlace {
    /// The name of the task that was cancelled first.
    pub fn task(&self) -> &str {
        &self.task
    }

    /// The innermost `.await` or nursery it was in; `None` if that is not known, since it has not gone
    /// through one, or has succeeded all the same.
    pub fn site(&self) -> Option<&'static Site> {
        self.site
    }
}

impl fmt::Display for CancelPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            TaskState::AtPoint => "at a cancellation point",
            TaskState::Suspended => "while suspended",
            TaskState::Woken => "when woken",
        })?;
        write!(f, " in task `{}`", self.task)?;
        match self.site {
            Some(site) => write!(f, ": `{}` at {site}", site.expression()),
            None => Ok(()),
        }
    }
}

#[derive(Debug)]
struct State {
    /// Which of the moments is the one.
    number: usize,
    passed: Cell<usize>,
    place: RefCell<Option<CancelPlace>>,
    begun: Cell<bool>,
    over: Cell<bool>,
}

impl State {
    fn new(number: usize) -> State {
        State {
            number,
            passed: Cell::new(0),
            place: RefCell::default(),
            begun: Cell::new(false),
            over: Cell::new(false),
        }
    }

    fn moment(&self, scope: &CancelScope, task: &Task, moment: Moment<'_>) {
        let state = match moment {
            Moment::Unwinding(sites) => return self.unwinds(task, sites),
            Moment::Point => TaskState::AtPoint,
            Moment::Suspended => TaskState::Suspended,
            Moment::Woken => TaskState::Woken,
        };
        if self.passed.replace(self.passed.get() + 1) == self.number {
            let site = task.traceback().last().copied();
            *self.place.borrow_mut() = Some(CancelPlace { task: task.name(), state, site });
            scope.cancel_with_reason("this is where it is cancelled in this round");
        }
    }

    /// A task that was at a point tells where that is when it unwinds.
    fn unwinds(&self, task: &Task, sites: &[&'static Site]) {
        if let Some(place) = &mut *self.place.borrow_mut()
            && (place.state, place.site) == (TaskState::AtPoint, None)
            && place.task == task.name()
        {
            place.site = sites.last().copied();
        }
    }
}

/// Runs a piece of code again and again, and cancels it at the first moment, the second, and so on, until
/// it gets through: see [`CancelInjector`]. Gives the places at which it was cancelled.
///
/// `piece` is called for each round; `check` is given what came of it (`None` if it was unwound) and the
/// round, and panics if something is not as it has to be.
///
/// # Cancellation
///
/// As in the piece.
///
/// # Panics
///
/// As the piece and the check.
///
/// ```
/// use std::cell::Cell;
/// use trio::testing::cancel_everywhere;
///
/// #[trio::task]
/// async fn move_one(from: &Cell<u32>, to: &Cell<u32>) {
///     from.set(from.get() - 1);
///     trio::shield(async { trio::lowlevel::checkpoint().await }).await;
///     to.set(to.get() + 1);
///     trio::lowlevel::checkpoint().await;
/// }
///
/// #[trio::test]
/// async fn nothing_is_lost_on_the_way() {
///     let (from, to) = (Cell::new(100), Cell::new(0));
///     cancel_everywhere(
///         async || move_one(&from, &to).await,
///         |_, round| assert_eq!(from.get() + to.get(), 100, "{round}"),
///     )
///     .await;
/// }
/// ```
#[task(crate = "crate")]
pub async fn cancel_everywhere<F, A, C>(mut piece: F, mut check: C) -> Vec<CancelPlace>
where
    F: FnMut() -> A,
    A: Checkpoint,
    C: FnMut(Option<A::Output>, &CancelRound),
{
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let outcome = round.run(&mut piece).await;
        check(outcome, &round);
    }
    injector.places
}
