//! What a child task may return.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use super::error::Error;
use super::group::ErrorGroup;

/// The output of a task that a nursery runs: a plain value, or a `Result` whose error fails the task.
///
/// It stands for `Result<T, E>` with any `E: Into<trio::Error>`, and for the types of the standard
/// library. A type of your own gets it with `#[derive(trio::TaskOutput)]`.
#[diagnostic::on_unimplemented(
    message = "a task cannot return `{Self}`",
    label = "the output of a task in a nursery",
    note = "a task returns a plain value or a `Result<_, E>` with `E: Into<trio::Error>`",
    note = "for a type of your own write `#[derive(trio::TaskOutput)]` above it; \
            for a task that never returns, `()` or `std::convert::Infallible` instead of `!`"
)]
pub trait TaskOutput {
    /// What the task's handle gives.
    type Value;

    /// Tells a value from a failure.
    ///
    /// # Errors
    ///
    /// The error that fails the task and its nursery.
    fn into_result(self) -> Result<Self::Value, Error>;

    /// What a [`race!`](crate::race!) of tasks with this output gives: the output itself, or, where it is
    /// a `Result`, one whose error is an [`ErrorGroup`].
    type Raced;

    /// Makes it of the winner's value, or of the errors that there are.
    fn raced(result: Result<Self::Value, ErrorGroup>) -> Self::Raced;
}

impl<T, E: Into<Error>> TaskOutput for Result<T, E> {
    type Value = T;

    fn into_result(self) -> Result<T, Error> {
        self.map_err(Into::into)
    }

    type Raced = Result<T, ErrorGroup>;

    fn raced(result: Result<T, ErrorGroup>) -> Result<T, ErrorGroup> {
        result
    }
}

macro_rules! plain {
    ($([$($generics:tt)*] $type:ty,)*) => {$(
        impl<$($generics)*> TaskOutput for $type {
            type Value = Self;

            fn into_result(self) -> Result<Self, Error> {
                Ok(self)
            }

            type Raced = Self;

            fn raced(result: Result<Self, ErrorGroup>) -> Self {
                result.expect("a plain value is no error")
            }
        }
    )*};
}

/// What a function pointer returns.
#[doc(hidden)]
pub trait Returns {
    /// The type.
    type Value;
}

impl<T> Returns for fn() -> T {
    type Value = T;
}

/// `!` under a name that stable Rust can write.
#[doc(hidden)]
pub type Never = <fn() -> ! as Returns>::Value;

plain! {
    [] (), [] std::convert::Infallible,
    [] bool, [] char, [] String, [] std::time::Duration, [] super::instant::Instant,
    [] u8, [] u16, [] u32, [] u64, [] u128, [] usize,
    [] i8, [] i16, [] i32, [] i64, [] i128, [] isize,
    [] f32, [] f64,
    [] std::path::PathBuf, [] std::ffi::OsString, [] std::net::SocketAddr, [] std::net::IpAddr,
    [] std::process::ExitCode, [] std::process::ExitStatus, [] std::process::Output,
    ['a, T: ?Sized] &'a T, ['a, T: ?Sized] &'a mut T,
    [T: ?Sized] Box<T>, [T: ?Sized] Rc<T>, [T: ?Sized] Arc<T>, [T] Option<T>,
    [T] Vec<T>, [T] VecDeque<T>, [T, const N: usize] [T; N],
    [K, V, S] HashMap<K, V, S>, [K, V] BTreeMap<K, V>, [T, S] HashSet<T, S>, [T] BTreeSet<T>,
    [T] std::cell::Cell<T>, [T] std::cell::RefCell<T>, [T: ?Sized] std::marker::PhantomData<T>,
    [A] (A,), [A, B] (A, B), [A, B, C] (A, B, C), [A, B, C, D] (A, B, C, D),
    [A, B, C, D, E] (A, B, C, D, E), [A, B, C, D, E, F] (A, B, C, D, E, F),
    [A, B, C, D, E, F, G] (A, B, C, D, E, F, G), [A, B, C, D, E, F, G, H] (A, B, C, D, E, F, G, H),
}
