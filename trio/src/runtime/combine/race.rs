//! `race!`: the first of them.

use std::cell::Cell;
use std::future::Future;
use std::panic::Location;

use super::{Branch, numbers, unwound};
use crate::runtime::call::Call;
use crate::runtime::error::Error;
use crate::runtime::nursery::{Nursery, NurseryGuard};
use crate::runtime::output::TaskOutput;
use crate::runtime::points;
use crate::runtime::task::{NamedAfter, flag};
use crate::runtime::trace::Site;

static RACE: Site = Site::scope("race!");

/// One of those that race. The first to have a value keeps it, and cancels the others.
async fn racing<F>(
    frame: F,
    winner: &Cell<Option<<F::Output as TaskOutput>::Value>>,
    n: Nursery<'_>,
) -> Result<(), Error>
where
    F: Future<Output: TaskOutput>,
{
    let value = frame.await.into_result()?;
    // The value of a loser that has not been unwound before its end is dropped.
    if let Some(first) = winner.replace(Some(value)) {
        winner.set(Some(first));
    } else {
        n.with(|_, core| core.decide("another one has won the race"));
    }
    Ok(())
}

macro_rules! race {
    ($name:ident: $($branch:ident $frame:ident),*) => {
        /// What `race!` of so many becomes.
        #[doc(hidden)]
        #[track_caller]
        #[allow(clippy::many_single_char_names, clippy::too_many_arguments)]
        pub fn $name<T: TaskOutput, $($frame: Future<Output = T>),*>(
            $($branch: Branch<$frame, T>),*
        ) -> Call<impl Future<Output = T::Raced>> {
            let at = Location::caller();
            let frame = async move {
                points::checkpoint_if_cancelled().await;
                let winner = Cell::new(None);
                // SAFETY: rules 2 and 4: bound in a task's frame, where it stays, before there are any
                // children, and joined in the same frame.
                let guard = unsafe { NurseryGuard::new(&RACE) };
                let n = guard.open();
                $(
                    let $branch = racing($branch.frame, &winner, n);
                    n.spawn_frame::<NamedAfter<$frame>, _>($branch, at, flag::HANDLE, None);
                )*
                // SAFETY: as above.
                let joined = unsafe { guard.join(async { Ok(()) }, None) }.await;
                match (joined, winner.take()) {
                    (Err(group), _) => T::raced(Err(group)),
                    (Ok(()), Some(value)) => T::raced(Ok(value)),
                    (Ok(()), None) => unwound().await,
                }
            };
            // SAFETY: rule 1: the frames go into tasks, and this one into a `Call`.
            unsafe { Call::new(frame) }
        }
    };
}

numbers!(race);
