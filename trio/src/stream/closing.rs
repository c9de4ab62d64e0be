//! Closing, whatever comes between.

use std::future::Future;
use std::io;

/// Runs `properly`, and then `forcefully` in any case: also if the future is unwound or dropped, even
/// without having been polled. What [`AsyncResource::close`](super::AsyncResource::close) is written
/// with.
///
/// # Cancellation
///
/// As in `properly`.
///
/// ```
/// use std::cell::Cell;
/// use std::future::Future;
/// use std::io;
/// use trio::stream::{AsyncResource, closing};
///
/// struct Session {
///     open: Cell<bool>,
/// }
///
/// impl Session {
///     async fn say_goodbye(&self) -> io::Result<()> {
///         trio::lowlevel::checkpoint().await;
///         Ok(())
///     }
/// }
///
/// impl AsyncResource for Session {
///     fn close_forcefully(&self) {
///         self.open.set(false);
///     }
///
///     fn close(&self) -> impl Future<Output = io::Result<()>> {
///         closing(self.say_goodbye(), || self.close_forcefully())
///     }
/// }
///
/// # #[trio::task] async fn example() {
/// let session = Session { open: Cell::new(true) };
/// let scope = trio::CancelScope::new();
/// scope.cancel();
/// scope.run(async { session.close().await }).await;
/// assert!(!session.open.get());
/// # }
/// # trio::run(example);
/// ```
pub fn closing<F, C>(properly: F, forcefully: C) -> impl Future<Output = io::Result<()>> + use<F, C>
where
    F: Future<Output = io::Result<()>>,
    C: FnOnce(),
{
    let at_the_end = AtTheEnd(Some(forcefully));
    async move {
        let result = properly.await;
        drop(at_the_end);
        result
    }
}

struct AtTheEnd<C: FnOnce()>(Option<C>);

impl<C: FnOnce()> Drop for AtTheEnd<C> {
    fn drop(&mut self) {
        if let Some(forcefully) = self.0.take() {
            forcefully();
        }
    }
}
