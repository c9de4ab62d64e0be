//! Combinators: several operations at once, each a child in a nursery of the combinator's own.
//!
//! ```text
//!   join!(f(1), g(&x))  ──▶  join::of2(Branch, Branch)  ──▶  Call: opens a nursery, spawns a child for
//!                                                            each branch, joins it, collects the values
//! ```
//!
//! What is given is a call, a block or a future, not a thunk: the result of each has its own type, which
//! a function of arguments would hide. The frame goes from the operand straight into a [`Branch`], and
//! from there into a task. Everything else is the nursery's doing: the children may borrow what outlives
//! the combinator's call, and nothing is left running when it is over.

mod gather;
pub mod join;
mod macros;
pub mod race;
pub mod try_join;

pub use gather::{gather, try_gather};

use std::fmt;
use std::marker::PhantomData;

use super::awaiting::Checkpoint;
use super::context;

/// An operation on its way into a combinator.
#[doc(hidden)]
pub struct Branch<F, T> {
    frame: F,
    /// What the operation gives. A frame does not leave its thread.
    _value: PhantomData<*const T>,
}

impl<F, T> fmt::Debug for Branch<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Branch of {}", std::any::type_name::<F>())
    }
}

/// What the macros make of each operand.
#[doc(hidden)]
pub fn branch<C, F, T>(operation: C) -> Branch<F, T>
where
    // Not `-> Branch<C::Frame, C::Output>`: what is no operation would be reported again wherever it goes.
    C: Checkpoint<Frame = F, Output = T>,
{
    // SAFETY: rule 1: the frame goes straight into a `Branch`, which does not hand it out.
    Branch { frame: unsafe { operation.into_frame() }, _value: PhantomData }
}

/// Makes the functions of a combinator, one for each number of operands.
macro_rules! numbers {
    ($function:ident) => {
        $function!(of1: a A);
        $function!(of2: a A, b B);
        $function!(of3: a A, b B, c C);
        $function!(of4: a A, b B, c C, d D);
        $function!(of5: a A, b B, c C, d D, e E);
        $function!(of6: a A, b B, c C, d D, e E, f F);
        $function!(of7: a A, b B, c C, d D, e E, f F, g G);
        $function!(of8: a A, b B, c C, d D, e E, f F, g G, h H);
        $function!(of9: a A, b B, c C, d D, e E, f F, g G, h H, i I);
        $function!(of10: a A, b B, c C, d D, e E, f F, g G, h H, i I, j J);
        $function!(of11: a A, b B, c C, d D, e E, f F, g G, h H, i I, j J, k K);
        $function!(of12: a A, b B, c C, d D, e E, f F, g G, h H, i I, j J, k K, l L);
    };
}

/// The frame of a join: a nursery with a child for each branch, left when all have ended. A child is
/// without a value only if it was unwound.
macro_rules! joined {
    ($site:ident, $convert:ty, $at:ident, [$($branch:ident),*]) => {
        async move {
            points::checkpoint_if_cancelled().await;
            // SAFETY: rules 2 and 4: bound in a task's frame, where it stays, before there are any
            // children, and joined in the same frame.
            let guard = unsafe { NurseryGuard::new(&$site) };
            let n = guard.open();
            $(let $branch = n.spawn_frame::<$convert, _>($branch.frame, $at, flag::HANDLE, None);)*
            // SAFETY: as above.
            unsafe { guard.join(async { Ok(()) }, None) }.await?;
            match ($($branch.take(),)*) {
                ($(Some($branch),)*) => Ok(($($branch,)*)),
                _ => unwound().await,
            }
        }
    };
}

use {joined, numbers};

/// The call goes on unwinding, although its nursery is left without a reason to: what had cancelled its
/// children has been hidden by a shield since.
async fn unwound<T>() -> T {
    std::future::poll_fn(|_| context::unwind()).await
}
