//! `join!`: all of them.

use std::future::Future;
use std::panic::Location;

use super::{Branch, joined, numbers, unwound};
use crate::runtime::call::Call;
use crate::runtime::group::ErrorGroup;
use crate::runtime::nursery::NurseryGuard;
use crate::runtime::points;
use crate::runtime::task::{AsIs, flag};
use crate::runtime::trace::Site;

static JOIN: Site = Site::scope("join!");

macro_rules! join {
    ($name:ident: $($branch:ident $frame:ident),*) => {
        /// What `join!` of so many becomes.
        #[doc(hidden)]
        #[track_caller]
        #[allow(clippy::many_single_char_names, clippy::too_many_arguments)]
        pub fn $name<$($frame: Future),*>(
            $($branch: Branch<$frame, $frame::Output>),*
        ) -> Call<impl Future<Output = ($($frame::Output,)*)>> {
            let at = Location::caller();
            let joined = joined!(JOIN, AsIs, at, [$($branch),*]);
            // SAFETY: rule 1: the frames go into tasks, and this one into a `Call`.
            unsafe {
                Call::new(async move {
                    let values: Result<_, ErrorGroup> = joined.await;
                    values.expect("whatever these children return is a value")
                })
            }
        }
    };
}

numbers!(join);
