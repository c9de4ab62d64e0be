//! Counting the checkpoints of a thunk.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as PollContext, Poll};

use super::call::Call;
use super::context;
use super::task::Header;
use super::thunk::Thunk;

/// Runs the thunk; if it has a value, tells `check` how many cancellation points and how many schedule
/// points it went through.
///
/// What [`testing::assert_checkpoints`](crate::testing::assert_checkpoints) is made of.
///
/// # Cancellation
///
/// As in the thunk.
///
/// ```
/// use trio::lowlevel::{checkpoint, count_checkpoints};
///
/// # #[trio::task] async fn example() {
/// count_checkpoints(|| checkpoint(), |counts| println!("{counts:?}")).await;
/// # }
/// # trio::run(example);
/// ```
pub fn count_checkpoints<T: Thunk, C: FnOnce((u32, u32))>(
    thunk: T,
    check: C,
) -> Call<impl Future<Output = T::Output> + use<T, C>> {
    // SAFETY: rule 1: the frame is polled by `Watched` alone, in a `Call`.
    unsafe { Call::new(Watched { frame: thunk.into_frame(), check: Some(check), before: None }) }
}

struct Watched<F, C> {
    frame: F,
    check: Option<C>,
    before: Option<(u32, u32)>,
}

impl<F: Future, C: FnOnce((u32, u32))> Future for Watched<F, C> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut PollContext<'_>) -> Poll<F::Output> {
        // SAFETY: rule 1: `frame` is pinned with the whole and never moved out.
        let this = unsafe { self.get_unchecked_mut() };
        let before = *this.before.get_or_insert_with(|| context::task(Header::points));
        // SAFETY: rule 1: see above.
        let polled = unsafe { Pin::new_unchecked(&mut this.frame) }.poll(cx);
        if polled.is_ready()
            && let Some(check) = this.check.take()
        {
            let after = context::task(Header::points);
            check((after.0.wrapping_sub(before.0), after.1.wrapping_sub(before.1)));
        }
        polled
    }
}
