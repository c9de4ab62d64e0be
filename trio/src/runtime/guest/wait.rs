//! The thread that waits for the system in the place of a hosted run.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::hosted::Turn;
use crate::runtime::report;
use crate::runtime::token::TrioToken;
use crate::sys::poll::wait_readable;

/// A wait, and the turn that the run has when it is over.
struct Wait {
    timeout: Option<Duration>,
    turn: Turn,
}

/// The waiting thread, as seen from the host's. It ends when this is dropped.
pub(super) struct Waiter {
    waits: Option<Sender<Wait>>,
    token: TrioToken,
}

impl Waiter {
    /// Starts the thread. It keeps `token` so that what ends its wait is there as long as itself.
    pub(super) fn new(descriptor: OwnedFd, token: TrioToken) -> io::Result<Waiter> {
        let (waits, receiver) = channel();
        let kept = token.clone();
        thread::Builder::new().name("trio guest wait".to_owned()).spawn(move || {
            wait_in_turn(&descriptor, &receiver);
            drop(kept);
        })?;
        Ok(Waiter { waits: Some(waits), token })
    }

    /// Waits for the run's descriptor; then the host is asked to give the run its turn.
    pub(super) fn wait(&self, timeout: Option<Duration>, turn: Turn) {
        if let Some(waits) = &self.waits {
            waits.send(Wait { timeout, turn }).expect("the thread waits as long as this lives");
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.waits = None;
        self.token.rouse();
    }
}

fn wait_in_turn(descriptor: &OwnedFd, waits: &Receiver<Wait>) {
    for Wait { timeout, mut turn } in waits {
        if let Err(error) = wait_readable(descriptor.as_fd(), timeout) {
            turn.fail(error);
        }
        // A host that panics here has given the guest up, and not this thread its end.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| turn.ask())) {
            report::panicked("the host of a guest run", &*payload);
            report::discard(payload);
        }
    }
}
