//! What the example programs share: how they talk to the person who runs them.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

/// The program's arguments, without its name. Those that are not text are passed on as far as they
/// are, and refused by whoever parses them.
pub fn arguments() -> impl Iterator<Item = String> {
    std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned())
}

/// Why a program does not begin.
#[derive(Debug)]
pub enum Stop {
    /// The user has asked how it is used.
    Help,
    /// The arguments make no sense.
    Wrong(String),
}

impl Stop {
    /// Says so, and how the program is used.
    pub fn explain(self, usage: &str) -> ExitCode {
        match self {
            Stop::Help => {
                say(usage);
                ExitCode::SUCCESS
            }
            Stop::Wrong(problem) => {
                complain(format_args!("{problem}\n\n{usage}"));
                ExitCode::from(2)
            }
        }
    }
}

impl<T: Into<String>> From<T> for Stop {
    fn from(problem: T) -> Stop {
        Stop::Wrong(problem.into())
    }
}

/// Prints a line. Nobody reading it any more is no reason to end, as it is for `println!`.
pub fn say(line: impl Display) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// Prints a line to standard error, in the same way.
pub fn complain(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// An error with what caused it, in one line.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
