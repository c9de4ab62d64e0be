//! A number of tokens, each borrowed by somebody.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;

use slab::Slab;

use super::Borrower;
use crate::WouldBlock;
use crate::lowlevel::{
    ParkingLot, cancel_shielded_checkpoint, checkpoint_if_cancelled, current_task,
};

/// What a borrower has.
///
/// ```text
///            acquire, none is free             a token is handed over
///   (none) ─────────────────────────▶ Waiting ───────────────────────▶ Guarded
///     │ ▲                                │                              │ ▲ │
///     │ └──── cancelled, dropped ────────┘                              │ │ │ keep
///     │                           acquire, one is free                  │ │ ▼
///     └─────────────────────────────────────────────────────────────────┼─┘ Kept
///     ▲                                                                 │    │
///     └──── the guard is dropped ───────────────────────────────────────┘    │
///     └──── release_on_behalf_of ────────────────────────────────────────────┘
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    /// A token, which a guard gives back, or a future that has not been polled since.
    Guarded,
    /// A token, which `release_on_behalf_of` gives back.
    Kept,
}

/// A number of tokens that limits how much goes on at once: how many threads, how many requests.
///
/// In contrast to a `Semaphore` it knows its borrowers, each of which has at most one token, and the
/// number of tokens can be changed at any time. Tokens go to those who have waited for the longest.
///
/// Its counterpart in Trio is `trio.CapacityLimiter`.
///
/// ```
/// use trio::sync::CapacityLimiter;
///
/// # #[trio::task] async fn fetch(_url: &str) { trio::lowlevel::checkpoint().await; }
/// #[trio::task]
/// async fn fetch_politely(url: &str, limiter: &CapacityLimiter) {
///     let _token = limiter.acquire().await;
///     fetch(url).await;
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let limiter = CapacityLimiter::new(2);
/// trio::nursery!(|n| {
///     for url in ["a", "b", "c", "d"] {
///         n.spawn(fetch_politely, url, &limiter);
///     }
/// })?;
/// assert_eq!(limiter.borrowed_tokens(), 0);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct CapacityLimiter {
    total: Cell<usize>,
    borrowed: Cell<usize>,
    borrowers: RefCell<HashMap<Borrower, State>>,
    /// Those who are parked: a place here is a waiter's note.
    waiting: RefCell<Slab<Borrower>>,
    lot: ParkingLot,
}

impl CapacityLimiter {
    /// The total of a limiter that does not limit, but still knows its borrowers.
    pub const UNLIMITED: usize = usize::MAX;

    /// A limiter with `total` tokens; with none, everybody waits until there are some.
    pub fn new(total: usize) -> CapacityLimiter {
        CapacityLimiter {
            total: Cell::new(total),
            borrowed: Cell::new(0),
            borrowers: RefCell::default(),
            waiting: RefCell::default(),
            lot: ParkingLot::new(),
        }
    }

    /// How many tokens there are.
    pub fn total_tokens(&self) -> usize {
        self.total.get()
    }

    /// Changes how many tokens there are. Sync.
    ///
    /// If there are more, those who wait get them, in order. If there are fewer, nobody loses what
    /// they have; nobody gets one before enough of them are given back.
    pub fn set_total_tokens(&self, total: usize) {
        self.total.set(total);
        self.hand_over();
    }

    /// How many tokens are borrowed. It can be more than there are, after that was changed.
    pub fn borrowed_tokens(&self) -> usize {
        self.borrowed.get()
    }

    /// How many tokens could be borrowed now; [`UNLIMITED`](CapacityLimiter::UNLIMITED) if any number.
    pub fn available_tokens(&self) -> usize {
        match self.total.get() {
            CapacityLimiter::UNLIMITED => CapacityLimiter::UNLIMITED,
            total => total.saturating_sub(self.borrowed.get()),
        }
    }

    /// Borrows a token for the current task; waits for one if none is available.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has borrowed nothing. Its counterpart in Trio is
    /// `CapacityLimiter.acquire`.
    ///
    /// # Panics
    ///
    /// If the task already has a token or waits for one, and outside a task.
    pub async fn acquire(&self) -> LimiterToken<'_> {
        self.acquire_on_behalf_of(&current_task()).await
    }

    /// Borrows a token for the current task, if one is available.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`] if none is.
    ///
    /// # Panics
    ///
    /// As [`acquire`](CapacityLimiter::acquire).
    #[track_caller]
    pub fn try_acquire(&self) -> Result<LimiterToken<'_>, WouldBlock> {
        self.try_acquire_on_behalf_of(&current_task())
    }

    /// [`acquire`](CapacityLimiter::acquire) for somebody else: another task, or a
    /// [`Borrower`] of one's own making.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has borrowed nothing. Its counterpart in Trio is
    /// `CapacityLimiter.acquire_on_behalf_of`.
    ///
    /// # Panics
    ///
    /// If the borrower already has a token or waits for one, and outside a task.
    pub async fn acquire_on_behalf_of(&self, borrower: impl Into<Borrower>) -> LimiterToken<'_> {
        let borrower = borrower.into();
        checkpoint_if_cancelled().await;
        if let Ok(token) = self.try_acquire_on_behalf_of(borrower) {
            cancel_shielded_checkpoint().await;
            return token;
        }
        self.borrowers.borrow_mut().insert(borrower, State::Waiting);
        let place = self.waiting.borrow_mut().insert(borrower);
        // Before the parking, so that it goes last: it looks whether the token has come.
        let token = LimiterToken { limiter: self, borrower, place };
        self.lot.park_with(place as u64).await.expect("nobody breaks this lot");
        token
    }

    /// [`try_acquire`](CapacityLimiter::try_acquire) for somebody else.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`] if no token is available.
    ///
    /// # Panics
    ///
    /// If the borrower already has a token or waits for one.
    #[track_caller]
    pub fn try_acquire_on_behalf_of(
        &self,
        borrower: impl Into<Borrower>,
    ) -> Result<LimiterToken<'_>, WouldBlock> {
        let borrower = borrower.into();
        let mut borrowers = self.borrowers.borrow_mut();
        match borrowers.get(&borrower) {
            None => {}
            Some(State::Waiting) => {
                panic!("{borrower:?} already waits for a token of this limiter")
            }
            Some(_) => panic!("{borrower:?} already has a token of this limiter"),
        }
        if self.available_tokens() == 0 || !self.lot.is_empty() {
            return Err(WouldBlock::new());
        }
        borrowers.insert(borrower, State::Guarded);
        self.borrowed.set(self.borrowed.get() + 1);
        Ok(LimiterToken { limiter: self, borrower, place: 0 })
    }

    /// Gives a token back that was [kept](LimiterToken::keep). Sync.
    ///
    /// # Panics
    ///
    /// If the borrower has no token, or has one in a guard, which gives it back.
    #[track_caller]
    pub fn release_on_behalf_of(&self, borrower: impl Into<Borrower>) {
        let borrower = borrower.into();
        let state = self.borrowers.borrow().get(&borrower).copied();
        match state {
            Some(State::Kept) => self.give_back(borrower),
            Some(State::Guarded) => {
                panic!("the token of {borrower:?} is in a guard: drop that, or `keep` it first")
            }
            Some(State::Waiting) | None => panic!("{borrower:?} has no token of this limiter"),
        }
    }

    /// A snapshot of the limiter.
    pub fn statistics(&self) -> CapacityLimiterStatistics {
        let borrowers = self.borrowers.borrow();
        let having = borrowers.iter().filter(|(_, state)| **state != State::Waiting);
        let mut borrowers: Vec<Borrower> = having.map(|(borrower, _)| *borrower).collect();
        borrowers.sort_unstable();
        CapacityLimiterStatistics {
            borrowed_tokens: self.borrowed_tokens(),
            total_tokens: self.total_tokens(),
            borrowers,
            tasks_waiting: self.lot.len(),
        }
    }

    fn give_back(&self, borrower: Borrower) {
        self.borrowers.borrow_mut().remove(&borrower);
        self.borrowed.set(self.borrowed.get() - 1);
        self.hand_over();
    }

    /// Gives the tokens that are available to those who have waited for the longest.
    fn hand_over(&self) {
        while self.available_tokens() > 0
            && let Some(first) = self.lot.first()
        {
            let borrower = self.waiting.borrow_mut().remove(first.note as usize);
            self.borrowers.borrow_mut().insert(borrower, State::Guarded);
            self.borrowed.set(self.borrowed.get() + 1);
            // Last: a foreign waker may call in here.
            self.lot.unpark(1);
        }
    }
}

impl fmt::Debug for CapacityLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CapacityLimiter")
            .field("borrowed_tokens", &self.borrowed_tokens())
            .field("total_tokens", &self.total_tokens())
            .field("tasks_waiting", &self.lot.len())
            .finish()
    }
}

/// A borrowed token of a [`CapacityLimiter`]: given back when it is dropped.
#[must_use = "a token that is dropped is given back at once"]
pub struct LimiterToken<'a> {
    limiter: &'a CapacityLimiter,
    borrower: Borrower,
    /// Where it waits, if it does.
    place: usize,
}

impl LimiterToken<'_> {
    /// Who has borrowed it.
    pub fn borrower(&self) -> Borrower {
        self.borrower
    }

    /// Lets the borrower keep the token without this guard, until
    /// [`release_on_behalf_of`](CapacityLimiter::release_on_behalf_of) gives it back. For what is given
    /// back elsewhere, or after this frame is gone.
    pub fn keep(self) {
        self.limiter.borrowers.borrow_mut().insert(self.borrower, State::Kept);
    }
}

impl Drop for LimiterToken<'_> {
    fn drop(&mut self) {
        let state = self.limiter.borrowers.borrow().get(&self.borrower).copied();
        match state {
            // It was never given out: the future that waits for it goes.
            Some(State::Waiting) => {
                self.limiter.waiting.borrow_mut().remove(self.place);
                self.limiter.borrowers.borrow_mut().remove(&self.borrower);
            }
            Some(State::Guarded) => self.limiter.give_back(self.borrower),
            Some(State::Kept) | None => {}
        }
    }
}

impl fmt::Debug for LimiterToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LimiterToken({:?})", self.borrower)
    }
}

/// What [`CapacityLimiter::statistics`] tells.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct CapacityLimiterStatistics {
    /// How many tokens are borrowed.
    pub borrowed_tokens: usize,
    /// How many tokens there are.
    pub total_tokens: usize,
    /// Who has borrowed one, sorted.
    pub borrowers: Vec<Borrower>,
    /// How many tasks wait for one.
    pub tasks_waiting: usize,
}
