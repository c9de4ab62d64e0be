//! Trying several addresses, a little after each other, until one connects.
//!
//! ```text
//!   0 ms    first address   ───────────────────────── …
//!   250 ms  second address      ───────── fails
//!   400 ms  third address                └── at once ─── connects: the others are unwound
//! ```

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use crate::lowlevel::checkpoint_if_cancelled;
use crate::sync::Event;
use crate::{Call, Nursery, TaskFn, move_on_after, nursery};

/// How long one attempt is waited for before the next begins, as RFC 8305 recommends.
pub const HAPPY_EYEBALLS_DELAY: Duration = Duration::from_millis(250);

/// No attempt to connect has succeeded: every one, in the order in which they failed.
#[derive(Debug)]
pub struct ConnectError {
    attempts: Vec<(SocketAddr, io::Error)>,
}

impl ConnectError {
    /// Each address that was tried, and why it could not be connected to.
    pub fn attempts(&self) -> &[(SocketAddr, io::Error)] {
        &self.attempts
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.attempts[..] {
            [] => f.write_str("there is no address to connect to"),
            [(_, error)] => error.fmt(f),
            several => {
                f.write_str("all attempts to connect have failed")?;
                several.iter().try_for_each(|(_, error)| write!(f, "; {error}"))
            }
        }
    }
}

impl Error for ConnectError {}

impl From<ConnectError> for io::Error {
    /// Of the kind of the attempts, if they all failed alike.
    fn from(error: ConnectError) -> io::Error {
        let mut kinds = error.attempts.iter().map(|(_, error)| error.kind());
        let kind = match kinds.next() {
            None => io::ErrorKind::NotFound,
            Some(first) if kinds.all(|kind| kind == first) => first,
            Some(_) => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

/// The addresses as RFC 8305 wants them tried: the families in turn, beginning with the first one's, each
/// in the order given.
pub fn in_turn(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses = addresses.into_iter().peekable();
    let Some(first) = addresses.peek().map(SocketAddr::is_ipv6) else {
        return Vec::new();
    };
    let (own, other): (Vec<_>, Vec<_>) = addresses.partition(|address| address.is_ipv6() == first);
    let (mut own, mut other) = (own.into_iter(), other.into_iter());
    let mut all = Vec::new();
    loop {
        let before = all.len();
        all.extend(own.next());
        all.extend(other.next());
        if all.len() == before {
            return all;
        }
    }
}

/// Connects to the first of several addresses that answers: Happy Eyeballs.
///
/// The addresses are tried in the order given ([`in_turn`] makes it RFC 8305's). After each attempt
/// `delay` is waited before the next begins, or until it has failed if that is earlier. The first that
/// connects ends the others, which are closed.
///
/// [`open_tcp_stream`](super::open_tcp_stream) is this with a look-up before, and TCP to connect by.
///
/// # Cancellation
///
/// As in the attempts, all of which are unwound.
///
/// # Errors
///
/// [`ConnectError`], if no attempt has succeeded.
///
/// # Panics
///
/// When awaited outside a task; and with a panic of an attempt.
pub fn happy_eyeballs<C, S>(
    addresses: Vec<SocketAddr>,
    delay: Duration,
    connect: C,
) -> Call<impl Future<Output = Result<S, ConnectError>>>
where
    C: TaskFn<(SocketAddr,), Output = io::Result<S>>,
{
    attempts(addresses, delay, connect)
}

/// How it stands.
struct Race<S> {
    winner: RefCell<Option<S>>,
    failed: RefCell<Vec<(SocketAddr, io::Error)>>,
}

#[crate::task(crate = "crate")]
async fn attempts<C, S>(
    addresses: Vec<SocketAddr>,
    delay: Duration,
    connect: C,
) -> Result<S, ConnectError>
where
    C: TaskFn<(SocketAddr,), Output = io::Result<S>>,
{
    // Where there is no address nothing is waited for.
    checkpoint_if_cancelled().await;
    let race = Race { winner: RefCell::new(None), failed: RefCell::default() };
    let failures: Vec<Event> = addresses.iter().map(|_| Event::new()).collect();
    let joined = nursery!(|n| {
        for (address, failure) in addresses.iter().zip(&failures) {
            n.spawn(attempt, *address, &connect, &race, failure, n);
            move_on_after(delay, async { failure.wait().await }).await;
        }
    });
    // No child returns an error.
    debug_assert!(joined.is_ok());
    match race.winner.into_inner() {
        Some(winner) => Ok(winner),
        None => Err(ConnectError { attempts: race.failed.into_inner() }),
    }
}

#[crate::task(crate = "crate")]
async fn attempt<C, S>(
    address: SocketAddr,
    connect: &C,
    race: &Race<S>,
    failure: &Event,
    n: Nursery<'_>,
) where
    C: TaskFn<(SocketAddr,), Output = io::Result<S>>,
{
    match connect.call_task((address,)).await {
        Ok(connected) => {
            // One that connects in the same moment is closed.
            race.winner.borrow_mut().get_or_insert(connected);
            n.cancel();
        }
        Err(error) => {
            race.failed.borrow_mut().push((address, error));
            failure.set();
        }
    }
}
