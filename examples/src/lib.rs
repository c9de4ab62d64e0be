//! What the example programs share: how they talk to the person who runs them, and what they are told.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

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

/// An address to listen at; a port alone is one of this machine.
pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse() {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    text.parse().map_err(|_| {
        format!("`{text}` is neither a port (0 to 65535) nor an address with a port (0.0.0.0:7000)")
    })
}

/// A time, longer than none.
pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| !time.is_zero())
        .ok_or_else(|| format!("`{text}` is not a number of seconds"))
}

/// How many of something, at least one.
pub fn parse_count(text: &str, what: &str) -> Result<usize, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| format!("`{text}` is not a number of {what}"))
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
