//! `try_join!`: all of them, or until one has failed.

use std::future::Future;
use std::panic::Location;

use super::{Branch, joined, numbers, unwound};
use crate::runtime::call::Call;
use crate::runtime::group::ErrorGroup;
use crate::runtime::nursery::NurseryGuard;
use crate::runtime::output::TaskOutput;
use crate::runtime::points;
use crate::runtime::task::{ByOutput, flag};
use crate::runtime::trace::Site;

static TRY_JOIN: Site = Site::scope("try_join!");

macro_rules! try_join {
    ($name:ident: $($branch:ident $frame:ident),*) => {
        /// What `try_join!` of so many becomes.
        #[doc(hidden)]
        #[track_caller]
        #[allow(clippy::many_single_char_names, clippy::too_many_arguments)]
        pub fn $name<$($frame: Future<Output: TaskOutput>),*>(
            $($branch: Branch<$frame, $frame::Output>),*
        ) -> Call<
            impl Future<Output = Result<($(<$frame::Output as TaskOutput>::Value,)*), ErrorGroup>>,
        > {
            let at = Location::caller();
            let joined = joined!(TRY_JOIN, ByOutput, at, [$($branch),*]);
            // SAFETY: rule 1: the frames go into tasks, and this one into a `Call`.
            unsafe { Call::new(joined) }
        }
    };
}

numbers!(try_join);
