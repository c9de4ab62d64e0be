//! What `#[trio::main]` makes of what main returned.
//!
//! The choice is made by autoref at the call site, from the best report to the least:
//! an error that prints (with its causes; a group as a tree), one that only has `Debug`.

use std::cell::Cell;
use std::error::Error as StdError;
use std::fmt;
use std::process::{ExitCode, Termination};

use super::builder::{Builder, Interrupted};
use super::thunk::Thunk;
use crate::sys::interrupt::die_of_interrupt;

/// Runs the main task of a program. After a Ctrl-C the process dies as a shell expects, here if main
/// was unwound; if it returned all the same, when its result is reported.
#[track_caller]
pub fn run_main<T: Thunk>(builder: Builder, thunk: T) -> MainResult<T::Output> {
    match builder.run_interruptible(thunk) {
        Ok(value) => MainResult { value: Cell::new(Some(value)), interrupted: false },
        Err(Interrupted { value: None }) => die_of_interrupt(),
        Err(Interrupted { value }) => MainResult { value: Cell::new(value), interrupted: true },
    }
}

/// The value of a main task.
pub struct MainResult<T> {
    value: Cell<Option<T>>,
    interrupted: bool,
}

impl<T> MainResult<T> {
    /// Gives the value to `report`, once, and what comes of it to the system; dies after it if the
    /// user has pressed Ctrl-C.
    fn report_with(&self, report: impl FnOnce(T) -> ExitCode) -> ExitCode {
        let code = report(self.value.take().expect("the result of main is reported once"));
        if self.interrupted { die_of_interrupt() } else { code }
    }
}

impl<T> fmt::Debug for MainResult<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MainResult")
    }
}

/// The traits that tell results apart.
pub mod main_traits {
    use super::{ExitCode, MainResult, StdError, Termination, fmt, report};

    /// `Result` whose error can be boxed: printed with its causes.
    pub trait ErrorMain {
        /// The process's exit code, after printing the error.
        fn exit_code(&self) -> ExitCode;
    }

    impl<T: Termination, E: Into<Box<dyn StdError>>> ErrorMain for &&&MainResult<Result<T, E>> {
        fn exit_code(&self) -> ExitCode {
            self.report_with(|result| match result {
                Ok(value) => value.report(),
                Err(error) => report(&*error.into()),
            })
        }
    }

    /// `Result` whose error has `Display`.
    pub trait DisplayMain {
        /// The process's exit code, after printing the error.
        fn exit_code(&self) -> ExitCode;
    }

    impl<T: Termination, E: fmt::Display> DisplayMain for &&MainResult<Result<T, E>> {
        fn exit_code(&self) -> ExitCode {
            self.report_with(|result| match result {
                Ok(value) => value.report(),
                Err(error) => {
                    eprintln!("Error: {error:#}");
                    ExitCode::FAILURE
                }
            })
        }
    }

    /// Whatever else `fn main` may return.
    pub trait PlainMain {
        /// The process's exit code.
        fn exit_code(&self) -> ExitCode;
    }

    impl<T: Termination> PlainMain for &MainResult<T> {
        fn exit_code(&self) -> ExitCode {
            self.report_with(T::report)
        }
    }

    /// What no `main` may return.
    pub trait NoMain {
        /// It.
        type Result;

        /// Refuses it.
        fn exit_code(&self) -> <Self::Result as Reported>::Instead
        where
            Self::Result: Reported,
        {
            unreachable!("no type has this")
        }
    }

    impl<T> NoMain for MainResult<T> {
        type Result = T;
    }

    /// Nothing else is.
    #[diagnostic::on_unimplemented(
        message = "`main` cannot report this type",
        label = "the system takes no `{Self}`",
        note = "return `()`, an `ExitCode`, or a `Result` of them",
        note = "rule: main_result"
    )]
    pub trait Reported {
        /// What would be reported.
        type Instead;
    }

    #[diagnostic::do_not_recommend]
    impl Reported for std::convert::Infallible {
        type Instead = ExitCode;
    }
}

/// Prints an error with what caused it, a group as a tree.
fn report(error: &(dyn StdError + 'static)) -> ExitCode {
    eprintln!("Error: {error:#}");
    if error.downcast_ref::<super::group::ErrorGroup>().is_none() {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            // Many an error says its cause itself.
            if !text.contains(&cause.to_string()) {
                eprintln!("  caused by: {cause:#}");
                text = cause.to_string();
            }
            source = cause.source();
        }
    }
    ExitCode::FAILURE
}
