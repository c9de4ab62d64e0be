//! Signals as something to wait for.

use std::cell::Cell;
use std::ffi::c_int;
use std::fmt;
use std::io;

use crate::lowlevel::{IoSource, cancel_shielded_checkpoint, checkpoint_if_cancelled};
use crate::sys::signals::{self, Listener};

/// A signal, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(c_int);

macro_rules! signals {
    ($($(#[$doc:meta])* $name:ident)*) => {
        impl Signal {
            $($(#[$doc])* pub const $name: Signal = Signal(libc::$name);)*

            fn name(self) -> Option<&'static str> {
                $(if self == Signal::$name {
                    return Some(stringify!($name));
                })*
                None
            }
        }
    };
}

signals! {
    /// The timer of `alarm` has run out.
    SIGALRM
    /// A child process has stopped or ended.
    SIGCHLD
    /// The process is continued.
    SIGCONT
    /// The terminal is gone; for a service: read the configuration again.
    SIGHUP
    /// The user has pressed Ctrl-C.
    SIGINT
    /// Something was written to a pipe that nobody reads.
    SIGPIPE
    /// The user has pressed Ctrl-\.
    SIGQUIT
    /// The process is to end.
    SIGTERM
    /// The user has pressed Ctrl-Z.
    SIGTSTP
    /// For the program's own use.
    SIGUSR1
    /// For the program's own use.
    SIGUSR2
    /// The size of the terminal has changed.
    SIGWINCH
}

impl Signal {
    /// The signal of this number, as the system has it.
    pub const fn from_raw(number: c_int) -> Signal {
        Signal(number)
    }

    /// The signal's number.
    pub const fn as_raw(self) -> c_int {
        self.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Receives these signals, instead of what they do otherwise, until the receiver is dropped.
///
/// While a receiver for `SIGINT` is open, Ctrl-C cancels nothing: what it does is up to whoever
/// receives it. Of several receivers for one signal, in whatever run, the one that was opened last
/// gets it. Its counterpart in Trio is `trio.open_signal_receiver`.
///
/// # Errors
///
/// `InvalidInput` for no signal at all, and for one that cannot be received: there is none of this
/// number, it cannot be caught, or it is a fault of the program itself (`SIGSEGV` and its like). The
/// system's, if it has no descriptors left.
///
/// # Panics
///
/// Outside a run.
///
/// ```no_run
/// use trio::signal::{Signal, open_signal_receiver};
///
/// #[trio::task]
/// async fn reload_on_hangup() -> std::io::Result<()> {
///     let mut signals = open_signal_receiver([Signal::SIGHUP])?;
///     loop {
///         let signal = signals.receive().await;
///         println!("{signal}: reading the configuration again");
///     }
/// }
/// ```
pub fn open_signal_receiver(
    signals: impl IntoIterator<Item = Signal>,
) -> io::Result<SignalReceiver> {
    let numbers: Vec<c_int> = signals.into_iter().map(Signal::as_raw).collect();
    if numbers.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no signal to receive"));
    }
    let listener = Listener::new(&numbers)?;
    let source = IoSource::new(listener.as_fd())?;
    Ok(SignalReceiver { source, listener, pending: Cell::new(0), last: Cell::new(0) })
}

/// An open receiver of signals: see [`open_signal_receiver`].
///
/// Dropping it gives the signals back what they did before. Those that have come and were not
/// received then do it.
pub struct SignalReceiver {
    // Goes first: it must not outlive the descriptor that the listener has.
    source: IoSource,
    listener: Listener,
    /// Those that have come and were not received: a bit for each.
    pending: Cell<u64>,
    /// The number of the one received last.
    last: Cell<c_int>,
}

impl SignalReceiver {
    /// Waits for the next signal. One that comes several times before it is received is received
    /// once; of several different ones each has its turn.
    ///
    /// # Cancellation
    ///
    /// A checkpoint. No signal is lost, also if the future is dropped, as a combinator does.
    ///
    /// # Panics
    ///
    /// In another run than the one that the receiver was opened in.
    pub async fn receive(&mut self) -> Signal {
        checkpoint_if_cancelled().await;
        self.source.would_block_reading();
        if self.pending() > 0 {
            // First: nothing is taken that could be lost here.
            cancel_shielded_checkpoint().await;
        }
        loop {
            if let Some(signal) = self.next_pending() {
                return signal;
            }
            let readable = self.source.readable().await;
            readable.expect("a signal receiver is used in the run that it was opened in");
            self.source.would_block_reading();
        }
    }

    /// How many different signals have come and were not received.
    pub fn pending(&self) -> usize {
        self.look();
        self.pending.get().count_ones() as usize
    }

    fn look(&self) {
        self.pending.set(self.pending.get() | self.listener.take());
    }

    /// Takes the next one in turn: that with the next higher number than the last, or else the
    /// lowest.
    fn next_pending(&self) -> Option<Signal> {
        self.look();
        let pending = self.pending.get();
        let next = (1..=64).map(|step| (self.last.get() + step - 1) % 64 + 1);
        let number = next.into_iter().find(|number| pending & signals::bit(*number) != 0)?;
        self.pending.set(pending & !signals::bit(number));
        self.last.set(number);
        Some(Signal(number))
    }
}

impl Drop for SignalReceiver {
    fn drop(&mut self) {
        self.listener.give_back(self.pending.get());
    }
}

impl fmt::Debug for SignalReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignalReceiver").field("pending", &self.pending()).finish_non_exhaustive()
    }
}
