//! A task for each connection.
//!
//! ```text
//!   nursery ─┬─ for each listener: room? ─▶ accept ─▶ spawn ─┐
//!            │         ▲                                    │
//!            │         └─ out of descriptors: 100 ms ◀──────┘
//!            └─ for each connection: the handler, and then the connection is closed
//! ```

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::time::Duration;

use crate::lowlevel::checkpoint_if_cancelled;
use crate::stream::{AsyncResource, Listener};
use crate::sync::{Permit, Semaphore};
use crate::{Call, Nursery, Outcome, TaskFn, TaskOutput, nursery, sleep, until_stop};

/// How long to wait before the next attempt, when there are no descriptors or no memory for a connection.
const OUT_OF_RESOURCES: Duration = Duration::from_millis(100);

/// How many connections are taken at once, before others are let go first.
const BATCH: usize = 8;

/// What becomes of a connection whose handler fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum HandlerErrors {
    /// It ends the server: all connections are cancelled, and the error comes out of it. What Trio does,
    /// and the default: an error that nobody expected does not pass unseen.
    #[default]
    Fatal,
    /// It ends its connection. Errors are told on standard error, and panics, which have been by then; the
    /// others go on.
    Report,
}

/// How connections are served: what [`serve_listeners`] does with other than the default settings.
///
/// ```
/// use trio::net::{HandlerErrors, Server, TcpListener, TcpStream};
///
/// # #[trio::task] async fn echo(stream: TcpStream) -> std::io::Result<()> { stream.send_all(b"").await }
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
/// # let scope = trio::CancelScope::new();
/// # scope.cancel();
/// # scope.run(async {
/// Server::new()
///     .max_connections(1000)
///     .handler_errors(HandlerErrors::Report)
///     .serve(vec![listener], echo)
///     .await
/// # }).await;
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "a server does nothing until `serve`"]
pub struct Server {
    max_connections: Option<usize>,
    handler_errors: HandlerErrors,
}

impl Server {
    /// The default settings: no limit, and a handler that fails ends the server.
    pub fn new() -> Server {
        Server::default()
    }

    /// How many connections are open at once at most. Those who come then wait in the listener's queue.
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    pub fn max_connections(mut self, most: usize) -> Server {
        assert!(most > 0, "a server that serves no connection at all would wait forever");
        self.max_connections = Some(most);
        self
    }

    /// What becomes of a connection whose handler fails.
    pub fn handler_errors(mut self, errors: HandlerErrors) -> Server {
        self.handler_errors = errors;
        self
    }

    /// Serves: see [`serve_listeners`].
    ///
    /// # Cancellation
    ///
    /// As [`serve_listeners`].
    ///
    /// # Errors
    ///
    /// As [`serve_listeners`].
    pub fn serve<L, H>(
        self,
        listeners: Vec<L>,
        handler: H,
    ) -> Call<impl Future<Output = crate::Result<()>>>
    where
        L: Listener,
        H: TaskFn<(L::Stream,)>,
        H::Output: TaskOutput,
    {
        serve(self, listeners, handler)
    }
}

/// Accepts connections at all of these listeners, and runs the handler for each in a task of its own.
///
/// The handler is a task function of one argument, the stream, which is closed when the handler ends. What
/// all connections share goes in through a closure: `|stream| chat(stream, &room)`.
///
/// It ends when a stop is requested: the listeners are closed at once, and the connections have the grace to
/// come to an end. Without that it goes on until it is cancelled. What went wrong with a connection before
/// it was accepted is nobody's concern; when there are no descriptors or no memory for one, that is told on
/// standard error, and tried again every 100 ms.
///
/// Of the connections that wait already, up to eight are accepted at once, and then others are let go first.
/// On a server that is busy one at a time is too few: with a hundred tasks that always want to run, a burst
/// of a thousand connections took three times as long. More than eight gained nothing, and let those wait
/// who came first. The benchmark `accepting` measures it.
///
/// A peer is limited by the handler, in one line where it matters: put
/// [`fail_after`](crate::fail_after) around what a connection may take as a whole, or around each
/// `receive_some` for how long it may be idle; [`Server::max_connections`] limits their number.
///
/// Its counterpart in Trio is `trio.serve_listeners`.
///
/// # Cancellation
///
/// A checkpoint. All connections are unwound, and everything is closed.
///
/// # Errors
///
/// Those of the handlers, in an [`ErrorGroup`](crate::ErrorGroup), unless [`HandlerErrors::Report`] says
/// otherwise; and the system's, of accepting.
///
/// # Panics
///
/// With a panic of a handler, as for errors.
///
/// ```
/// use std::cell::Cell;
/// use std::{io, time::Duration};
/// use trio::net::{TcpListener, TcpStream, serve_listeners};
///
/// #[trio::task]
/// async fn greet(stream: TcpStream, count: &Cell<u32>) -> io::Result<()> {
///     count.set(count.get() + 1);
///     let text = format!("you are number {}\n", count.get());
///     trio::fail_after(Duration::from_secs(10), async { stream.send_all(text.as_bytes()).await }).await?
/// }
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
/// let count = Cell::new(0);
/// # let address = listener.local_addr()?;
/// # trio::nursery!(|n| {
/// # n.spawn(async {
/// serve_listeners(vec![listener], |stream| greet(stream, &count)).await
/// # });
/// # let stream = TcpStream::connect(address).await?;
/// # stream.receive_some(&mut [0; 64]).await?;
/// # n.cancel();
/// # })?;
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub fn serve_listeners<L, H>(
    listeners: Vec<L>,
    handler: H,
) -> Call<impl Future<Output = crate::Result<()>>>
where
    L: Listener,
    H: TaskFn<(L::Stream,)>,
    H::Output: TaskOutput,
{
    Server::new().serve(listeners, handler)
}

#[crate::task(crate = "crate")]
async fn serve<L, H>(server: Server, listeners: Vec<L>, handler: H) -> crate::Result<()>
where
    L: Listener,
    H: TaskFn<(L::Stream,)>,
    H::Output: TaskOutput,
{
    // Where there is no listener nothing is waited for.
    checkpoint_if_cancelled().await;
    let room = server.max_connections.map(Semaphore::new);
    let serving = Serving { errors: server.handler_errors, room: room.as_ref(), handler: &handler };
    nursery!(|n| {
        for listener in listeners {
            n.spawn(accept_all, listener, serving, n);
        }
    })?;
    Ok(())
}

/// What all connections of a server share.
struct Serving<'a, H> {
    errors: HandlerErrors,
    room: Option<&'a Semaphore>,
    handler: &'a H,
}

impl<H> Clone for Serving<'_, H> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H> Copy for Serving<'_, H> {}

#[crate::task(crate = "crate")]
async fn accept_all<'a, L, H>(
    listener: L,
    serving: Serving<'a, H>,
    n: Nursery<'a>,
) -> io::Result<()>
where
    L: Listener,
    L::Stream: 'a,
    H: TaskFn<(L::Stream,)>,
    H::Output: TaskOutput,
{
    let listener = ClosedAtTheEnd(listener);
    loop {
        let permit = match serving.room {
            None => None,
            Some(room) => match until_stop(async { room.acquire().await }).await {
                Some(permit) => Some(permit),
                None => return Ok(()),
            },
        };
        let mut next = match until_stop(async { listener.0.accept().await }).await {
            Some(accepted) => Some((permit, accepted)),
            None => return Ok(()),
        };
        let mut taken = 0;
        while let Some((permit, accepted)) = next {
            match accepted {
                Ok(stream) => match serving.errors {
                    HandlerErrors::Fatal => drop(n.spawn(handle, stream, serving.handler, permit)),
                    HandlerErrors::Report => drop(n.spawn(report, stream, serving.handler, permit)),
                },
                Err(error) if is_out_of_resources(&error) => {
                    eprintln!("trio: cannot accept a connection now, trying again: {error}");
                    until_stop(async { sleep(OUT_OF_RESOURCES).await }).await;
                    break;
                }
                Err(error) => return Err(error),
            }
            taken += 1;
            next = if taken < BATCH { waiting(&listener.0, serving.room) } else { None };
        }
    }
}

/// A connection that waits already, if there is room for it.
fn waiting<'a, L: Listener>(
    listener: &L,
    room: Option<&'a Semaphore>,
) -> Option<(Option<Permit<'a>>, io::Result<L::Stream>)> {
    let permit = room.map(Semaphore::try_acquire).transpose().ok()?;
    match listener.try_accept() {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        accepted => Some((permit, accepted)),
    }
}

/// Runs the handler; the connection has its place in the server until it is done.
#[crate::task(crate = "crate")]
async fn handle<S, H>(stream: S, handler: &H, _place: Option<Permit<'_>>) -> crate::Result<()>
where
    H: TaskFn<(S,)>,
    H::Output: TaskOutput,
{
    handler.call_task((stream,)).await.into_result()?;
    Ok(())
}

/// [`handle`] that tells of failures: apart from it, so that each has a frame no larger than it needs.
#[crate::task(crate = "crate")]
async fn report<S, H>(stream: S, handler: &H, _place: Option<Permit<'_>>) -> crate::Result<()>
where
    H: TaskFn<(S,)>,
    H::Output: TaskOutput,
{
    nursery!(|n| {
        let connection = n.spawn_monitored(async move { handler.call_task((stream,)).await });
        match connection.outcome().await {
            Outcome::Err(error) => eprintln!("trio: a connection has failed: {}", Chain(&*error)),
            Outcome::Panicked(_) | Outcome::Ok(_) | Outcome::Cancelled => {}
        }
    })?;
    Ok(())
}

/// Whether there are no descriptors, or no memory, for a connection.
fn is_out_of_resources(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS))
}

/// Nobody connects to a server that has stopped.
struct ClosedAtTheEnd<L: AsyncResource>(L);

impl<L: AsyncResource> Drop for ClosedAtTheEnd<L> {
    fn drop(&mut self) {
        self.0.close_forcefully();
    }
}

/// An error with its causes, in one line.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            write!(f, ": {error}")?;
            next = error.source();
        }
        Ok(())
    }
}
