//! The scope as the user holds it.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use super::boundary::scoped;
use super::core::{ScopeCore, Stage};
use crate::runtime::call::Call;
use crate::runtime::context;
use crate::runtime::counted::Counted;
use crate::runtime::instant::Instant;
use crate::runtime::reason::{CancelReason, CancelSource};
use crate::runtime::thunk::Thunk;
use crate::runtime::trace::Site;

static SCOPE: Site = Site::scope("cancel scope");

/// The unit of cancellation: a block of work that can be cancelled as a whole, from inside, from
/// outside, or by a deadline.
///
/// A handle: clones are the same scope. It is entered once, with [`run`](CancelScope::run), and can
/// be cancelled, shielded or given a deadline before, while and after that. Its counterpart in Trio
/// is `trio.CancelScope`.
///
/// ```
/// use trio::CancelScope;
///
/// # trio::run(|| async {
/// # #[trio::task] async fn wait(_: &CancelScope) { trio::sleep_forever().await }
/// # #[trio::task] async fn example() {
/// let scope = CancelScope::new();
/// let result = scope
///     .run(async {
///         scope.cancel();
///         trio::sleep_forever().await
///     })
///     .await;
/// assert!(result.is_none());
/// assert!(scope.cancelled_caught());
/// # }
/// # example().into_future().await });
/// ```
#[derive(Clone)]
pub struct CancelScope(Counted<ScopeCore>);

impl CancelScope {
    /// A scope without a deadline.
    pub fn new() -> CancelScope {
        CancelScope(Counted::new(ScopeCore::new()))
    }

    /// A scope that is cancelled `timeout` after it is entered.
    pub fn with_timeout(timeout: Duration) -> CancelScope {
        CancelScope(Counted::new(ScopeCore::with_timeout(timeout)))
    }

    /// A scope that is cancelled at `deadline`, which may have passed already.
    pub fn with_deadline(deadline: Instant) -> CancelScope {
        CancelScope(Counted::new(ScopeCore::with_deadline(deadline)))
    }

    /// This scope, shielded or not: see [`set_shield`](CancelScope::set_shield).
    #[must_use]
    pub fn shielded(self, shield: bool) -> CancelScope {
        self.set_shield(shield);
        self
    }

    /// This scope, stoppable or not: a stoppable one is cancelled when a stop is requested, of it or of
    /// a scope around it, and at once if one was. See [`until_stop`](crate::until_stop) for the everyday
    /// case.
    #[must_use]
    pub fn stoppable(self, stoppable: bool) -> CancelScope {
        self.0.node().set_stoppable(stoppable);
        self
    }

    pub(crate) fn from_core(core: Counted<ScopeCore>) -> CancelScope {
        CancelScope(core)
    }

    pub(crate) fn core(&self) -> &Counted<ScopeCore> {
        &self.0
    }

    /// Enters the scope and runs the thunk in it: `Some` of its value, or `None` if it was cancelled
    /// by this scope. The thunk is called at once; the scope is entered when the call is awaited.
    ///
    /// # Cancellation
    ///
    /// As in the thunk. What runs inside is unwound at its next cancellation point if this scope, or
    /// an unshielded one around it, is cancelled; the outermost of them absorbs the cancellation.
    ///
    /// # Panics
    ///
    /// When awaited, if the scope was entered before.
    pub fn run<T: Thunk>(
        &self,
        thunk: T,
    ) -> Call<impl Future<Output = Option<T::Output>> + use<T>> {
        scoped(self.0.clone(), thunk, &SCOPE, |value| value)
    }

    /// Requests cancellation. Sync; idempotent, the first reason is kept; may be called before
    /// entry, from any task of the run.
    pub fn cancel(&self) {
        self.0.cancel(CancelSource::Explicit, None);
    }

    /// [`cancel`](CancelScope::cancel) with a text that is shown as the reason.
    pub fn cancel_with_reason(&self, text: &str) {
        self.0.cancel(CancelSource::Explicit, Some(text));
    }

    /// Asks everything inside to come to an end, and cancels it if it has not after `grace`.
    ///
    /// At once it cancels the scopes inside that are [stoppable](CancelScope::stoppable), those that
    /// are opened later included; [`stop_requested`](crate::stop_requested) tells the others. What is
    /// left goes on, and may take `grace`: that is the scope's deadline from here on, unless it has an
    /// earlier one. It shows in [`deadline`](CancelScope::deadline) and in
    /// [`current_effective_deadline`](crate::current_effective_deadline), and can be moved with
    /// [`set_deadline`](CancelScope::set_deadline). Before entry the grace counts from there.
    ///
    /// Sync. A request cannot be taken back; a second one can only shorten the grace, and
    /// [`cancel`](CancelScope::cancel) ends it. A shield inside keeps the request off as it does a
    /// cancellation. Trio has no counterpart yet; its issue #147 is about it.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use trio::{CancelScope, nursery};
    /// # #[trio::task] async fn work(_: u32) { trio::lowlevel::checkpoint().await }
    /// # #[trio::task] async fn next_job() -> u32 { trio::sleep_forever().await; 1 }
    /// #[trio::task]
    /// async fn serve() {
    ///     // Only the wait for the next job ends at once; one that was begun is completed.
    ///     while let Some(job) = trio::until_stop(next_job).await {
    ///         work(job).await;
    ///     }
    /// }
    ///
    /// # #[trio::task] async fn example() -> trio::Result<()> {
    /// let scope = CancelScope::new();
    /// nursery!(|n| {
    ///     n.spawn(async { scope.run(serve).await });
    ///     trio::lowlevel::checkpoint().await;
    ///     scope.request_stop(Duration::from_secs(5));
    /// })?;
    /// assert!(!scope.cancelled_caught());
    /// # Ok(()) }
    /// # trio::run(example).unwrap();
    /// ```
    ///
    /// # Panics
    ///
    /// If the scope is entered and this is called outside its run.
    pub fn request_stop(&self, grace: Duration) {
        self.0.request_stop(grace);
    }

    /// Whether a stop was requested of this scope or, once it is entered, of one around it that no
    /// shield keeps off.
    pub fn stop_requested(&self) -> bool {
        self.0.node().is_stopping()
    }

    /// When the scope is cancelled by itself. `None`: never; also before entry of a scope with a
    /// timeout, which counts from there.
    pub fn deadline(&self) -> Option<Instant> {
        let deadline = self.0.node().deadline();
        (deadline != Instant::FAR_FUTURE).then_some(deadline)
    }

    /// Moves the deadline, or takes it away. Takes effect at once: one that has passed cancels. It
    /// does not take back a cancellation.
    pub fn set_deadline(&self, deadline: Option<Instant>) {
        self.0.set_deadline(deadline.unwrap_or(Instant::FAR_FUTURE));
    }

    /// Whether cancellations from outside are kept off.
    pub fn shield(&self) -> bool {
        self.0.node().is_shielded()
    }

    /// Keeps cancellations from outside off what runs in this scope, or lets them in again; a
    /// cancellation that is pending outside is then delivered at once. The scope itself can still
    /// be cancelled, and so can scopes inside it.
    pub fn set_shield(&self, shield: bool) {
        self.0.node().set_shielded(shield);
    }

    /// Whether cancellation of this scope was requested, or its deadline has passed. Never goes back
    /// to `false`.
    pub fn cancel_called(&self) -> bool {
        self.0.notice_deadline();
        self.0.node().is_called()
    }

    /// Whether this scope has absorbed a cancellation: whether [`run`](CancelScope::run) gave `None`.
    pub fn cancelled_caught(&self) -> bool {
        self.0.was_caught()
    }

    /// Why this scope was cancelled; `None` if it was not.
    pub fn cancel_reason(&self) -> Option<CancelReason> {
        self.0.notice_deadline();
        self.0.node().reason()
    }
}

impl Default for CancelScope {
    fn default() -> Self {
        CancelScope::new()
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.0.stage() {
            Stage::New => "unbound",
            Stage::Active => "active",
            Stage::Left => "exited",
        };
        write!(f, "CancelScope({stage}")?;
        let deadline = self.0.node().deadline();
        if self.cancel_called() {
            f.write_str(", cancelled")?;
        } else if let Some(timeout) = self.0.timeout() {
            write!(f, ", timeout {timeout:?} from entry")?;
        } else if deadline != Instant::FAR_FUTURE {
            match context::try_run(|run| run.map(|run| run.clock().now())) {
                Some(now) if deadline >= now => write!(f, ", deadline in {:?}", deadline - now)?,
                Some(now) => write!(f, ", deadline {:?} ago", now - deadline)?,
                None => write!(f, ", deadline {deadline:?}")?,
            }
        }
        if self.shield() {
            f.write_str(", shielded")?;
        }
        if self.stop_requested() {
            f.write_str(", asked to stop")?;
        }
        f.write_str(")")
    }
}
