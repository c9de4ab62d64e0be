//! The rules, and what becomes of one that is broken.

use std::fmt::Display;
use std::future::Future;
use std::io;
use std::time::Duration;

use crate::lowlevel::current_task;
use crate::stream::ReceiveStream;
use crate::{
    BrokenResourceError, BusyResourceError, ClosedResourceError, Thunk, is_error, move_on_after,
    task,
};

/// After this time something counts as waiting for ever.
const PATIENCE: Duration = Duration::from_secs(10);

/// A rule of the contract, in words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule(pub(super) &'static str);

impl Rule {
    pub(super) fn broken(self, how: impl Display) -> ! {
        panic!("the stream breaks the rule \u{201c}{}\u{201d}: {how}", self.0)
    }

    pub(super) fn demand(self, holds: bool, how: impl Display) {
        if !holds {
            self.broken(how);
        }
    }

    /// It must have succeeded.
    pub(super) fn done<T>(self, what: &str, result: io::Result<T>) -> T {
        result.unwrap_or_else(|error| self.broken(format_args!("`{what}` has failed: {error:?}")))
    }

    pub(super) fn closed<T>(self, what: &str, result: io::Result<T>) {
        self.failed(what, "ClosedResourceError", result, is_error::<ClosedResourceError>);
    }

    pub(super) fn gone<T>(self, what: &str, result: io::Result<T>) {
        self.failed(what, "BrokenResourceError", result, is_error::<BrokenResourceError>);
    }

    pub(super) fn busy<T>(self, what: &str, result: io::Result<T>) {
        self.failed(what, "BusyResourceError", result, is_error::<BusyResourceError>);
    }

    fn failed<T>(
        self,
        what: &str,
        name: &str,
        result: io::Result<T>,
        is: fn(&(dyn std::error::Error + 'static)) -> bool,
    ) {
        match result {
            Ok(_) => self.broken(format_args!("`{what}` has succeeded, without a `{name}`")),
            Err(error) if is(&error) => {}
            Err(error) => {
                self.broken(format_args!("`{what}` has failed, but not with a `{name}`: {error:?}"))
            }
        }
    }

    /// Awaits an operation that succeeds, and looks whether it has been a checkpoint.
    pub(super) async fn checkpoint<T>(
        self,
        what: &str,
        operation: impl Future<Output = io::Result<T>>,
    ) -> T {
        // A plain future, in which awaiting adds nothing of its own.
        let before = current_task().checkpoints();
        let value = self.done(what, operation.await);
        let after = current_task().checkpoints();
        let missing = match (after.0 != before.0, after.1 != before.1) {
            (true, true) => return value,
            (false, false) => "neither a cancellation point nor a schedule point",
            (true, false) => "a cancellation point, but no schedule point",
            (false, true) => "a schedule point, but no cancellation point",
        };
        Rule("an operation that succeeds is a checkpoint")
            .broken(format_args!("`{what}` has been {missing}"))
    }
}

/// Runs what must come to an end.
#[task(crate = "crate")]
pub(super) async fn in_time<T: Thunk>(rule: Rule, what: &str, thunk: T) -> T::Output {
    match move_on_after(PATIENCE, thunk).await {
        Some(value) => value,
        None => rule.broken(format_args!("`{what}` waits for ever")),
    }
}

/// Receives this many bytes.
pub(super) async fn receive_exactly<R: ReceiveStream>(
    rule: Rule,
    stream: &R,
    count: usize,
) -> Vec<u8> {
    let mut data = vec![0; count];
    let mut filled = 0;
    while filled < count {
        match rule.done("receive_some", stream.receive_some(&mut data[filled..]).await) {
            0 => rule.broken(format_args!("the end has come {} bytes too early", count - filled)),
            received => filled += received,
        }
    }
    data
}

/// Receives everything up to the end.
pub(super) async fn receive_all<R: ReceiveStream>(stream: &R) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match stream.receive_some(&mut buffer).await? {
            0 => return Ok(data),
            count => data.extend_from_slice(&buffer[..count]),
        }
    }
}
