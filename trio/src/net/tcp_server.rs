//! A TCP server by its port.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use super::names::{AddressQuery, getaddrinfo};
use super::serve::{HandlerErrors, Server};
use super::socket::{Domain, Protocol, Socket, Type};
use super::tcp_listener::{BACKLOG, TcpListener};
use super::tcp_stream::TcpStream;
use crate::{Call, TaskFn, TaskOutput, TaskStatus};

/// How many free ports are tried, until one is free for every family.
const FREE_PORTS: u32 = 16;

/// Listens at a port, on all addresses of this machine: a listener for each family that it has.
///
/// Port 0 takes a free one, the same for both. Its counterpart in Trio is `trio.open_tcp_listeners`.
///
/// # Cancellation
///
/// A checkpoint.
///
/// # Errors
///
/// The system's, naming the address; those that are open by then are closed.
///
/// # Panics
///
/// When awaited outside a task.
///
/// ```
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let listeners = trio::net::open_tcp_listeners(0).await?;
/// let port = listeners[0].local_addr()?.port();
/// assert!(listeners.iter().all(|it| it.local_addr().is_ok_and(|own| own.port() == port)));
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub fn open_tcp_listeners(
    port: u16,
) -> Call<impl Future<Output = io::Result<Vec<TcpListener>>> + use<>> {
    TcpServer::new(port).listen()
}

/// Serves TCP connections at a port, on all addresses of this machine, each in a task of its own.
///
/// It is [`open_tcp_listeners`] and [`serve_listeners`](super::serve_listeners), where the rest is said;
/// [`TcpServer`] has the settings. Its counterpart in Trio is `trio.serve_tcp`.
///
/// # Cancellation
///
/// As [`serve_listeners`](super::serve_listeners).
///
/// # Errors
///
/// As [`open_tcp_listeners`] and [`serve_listeners`](super::serve_listeners).
///
/// # Panics
///
/// As [`serve_listeners`](super::serve_listeners), and when awaited outside a task.
///
/// ```no_run
/// use std::io;
/// use trio::net::{TcpStream, serve_tcp};
///
/// #[trio::task]
/// async fn echo(stream: TcpStream) -> io::Result<()> {
///     let mut buffer = [0; 4096];
///     loop {
///         match stream.receive_some(&mut buffer).await? {
///             0 => return Ok(()),
///             count => stream.send_all(&buffer[..count]).await?,
///         }
///     }
/// }
///
/// #[trio::main]
/// async fn main() -> trio::Result<()> {
///     serve_tcp(echo, 7000).await
/// }
/// ```
pub fn serve_tcp<H>(handler: H, port: u16) -> Call<impl Future<Output = crate::Result<()>>>
where
    H: TaskFn<(TcpStream,)>,
    H::Output: TaskOutput,
{
    TcpServer::new(port).serve(handler)
}

/// A TCP server with other than the default settings.
///
/// ```
/// use trio::net::{HandlerErrors, TcpServer, TcpStream};
///
/// # #[trio::task] async fn echo(stream: TcpStream) -> std::io::Result<()> { stream.send_all(b"").await }
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// trio::nursery!(|n| {
///     let server = TcpServer::new(0)
///         .host("localhost")
///         .max_connections(1000)
///         .handler_errors(HandlerErrors::Report);
///     let addresses = n.start(TcpServer::start, server, echo).await?;
///     println!("listening at {addresses:?}");
///     n.cancel();
/// })?;
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a server does nothing until `serve`"]
pub struct TcpServer {
    query: AddressQuery,
    backlog: u32,
    reuse_port: bool,
    pub(super) server: Server,
}

impl TcpServer {
    /// The default settings: all addresses of this machine, no limit of connections, and a handler that
    /// fails ends the server.
    pub fn new(port: u16) -> TcpServer {
        let query = AddressQuery::to_listen(port);
        TcpServer { query, backlog: BACKLOG, reuse_port: false, server: Server::new() }
    }

    /// Listens at the addresses of this name, or at this address, alone.
    pub fn host(mut self, host: impl Into<String>) -> TcpServer {
        self.query.host = Some(host.into());
        self
    }

    /// How many connections may wait to be accepted. The system has a limit of its own; the default is as
    /// many as that allows.
    pub fn backlog(mut self, backlog: u32) -> TcpServer {
        self.backlog = backlog;
        self
    }

    /// `SO_REUSEPORT`: other sockets may listen at the same port. Linux shares the connections out among
    /// them; elsewhere the last one may get them all, and on illumos and Solaris listening fails.
    pub fn reuse_port(mut self, reuse: bool) -> TcpServer {
        self.reuse_port = reuse;
        self
    }

    /// How many connections are open at once at most: see [`Server::max_connections`].
    ///
    /// # Panics
    ///
    /// If it is 0.
    #[track_caller]
    pub fn max_connections(mut self, most: usize) -> TcpServer {
        self.server = self.server.max_connections(most);
        self
    }

    /// What becomes of a connection whose handler fails.
    pub fn handler_errors(mut self, errors: HandlerErrors) -> TcpServer {
        self.server = self.server.handler_errors(errors);
        self
    }

    /// Listens: see [`open_tcp_listeners`].
    ///
    /// # Cancellation
    ///
    /// As [`open_tcp_listeners`].
    ///
    /// # Errors
    ///
    /// As [`open_tcp_listeners`], and those of [`getaddrinfo`] for the host.
    pub fn listen(&self) -> Call<impl Future<Output = io::Result<Vec<TcpListener>>> + use<>> {
        listen(self.clone())
    }

    /// Serves: see [`serve_tcp`].
    ///
    /// # Cancellation
    ///
    /// As [`serve_tcp`].
    ///
    /// # Errors
    ///
    /// As [`serve_tcp`].
    pub fn serve<H>(self, handler: H) -> Call<impl Future<Output = crate::Result<()>>>
    where
        H: TaskFn<(TcpStream,)>,
        H::Output: TaskOutput,
    {
        serve(self, handler)
    }

    /// [`serve`](TcpServer::serve) that tells the addresses as soon as it listens: for
    /// `n.start(TcpServer::start, server, handler)`.
    ///
    /// # Cancellation
    ///
    /// As [`serve_tcp`].
    ///
    /// # Errors
    ///
    /// As [`serve_tcp`].
    pub fn start<H>(
        status: TaskStatus<Vec<SocketAddr>>,
        server: TcpServer,
        handler: H,
    ) -> Call<impl Future<Output = crate::Result<()>>>
    where
        H: TaskFn<(TcpStream,)>,
        H::Output: TaskOutput,
    {
        start(status, server, handler)
    }
}

#[crate::task(crate = "crate")]
async fn serve<H>(server: TcpServer, handler: H) -> crate::Result<()>
where
    H: TaskFn<(TcpStream,)>,
    H::Output: TaskOutput,
{
    let listeners = server.listen().await?;
    server.server.serve(listeners, handler).await
}

#[crate::task(crate = "crate")]
async fn start<H>(
    status: TaskStatus<Vec<SocketAddr>>,
    server: TcpServer,
    handler: H,
) -> crate::Result<()>
where
    H: TaskFn<(TcpStream,)>,
    H::Output: TaskOutput,
{
    let listeners = server.listen().await?;
    let addresses = listeners.iter().map(TcpListener::local_addr);
    status.started(addresses.collect::<io::Result<_>>()?);
    server.server.serve(listeners, handler).await
}

#[crate::task(crate = "crate")]
async fn listen(server: TcpServer) -> io::Result<Vec<TcpListener>> {
    let addresses = getaddrinfo(server.query.clone()).await?;
    for _ in 1..FREE_PORTS {
        match listen_at_all(&server, &addresses) {
            // The port was free for one family and is another's for the next.
            Err(error) if server.query.port == 0 && error.kind() == io::ErrorKind::AddrInUse => {}
            result => return result,
        }
    }
    listen_at_all(&server, &addresses)
}

fn listen_at_all(server: &TcpServer, addresses: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut missing = None;
    for mut address in addresses.iter().copied() {
        // A free port is the same for all.
        if server.query.port == 0
            && let Some(first) = listeners.first()
        {
            address.set_port(first.local_addr()?.port());
        }
        match listen_at(server, address) {
            Ok(listener) => listeners.push(listener),
            // A machine need not have both.
            Err(error) if is_missing_family(&error) => missing = Some(named(address, &error)),
            Err(error) => return Err(named(address, &error)),
        }
    }
    match missing {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

pub(super) fn listen_at(server: &TcpServer, address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if server.reuse_port {
        share_port(&socket)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(address)?;
    // Some systems take a larger one for what is left of it in 16 bits.
    socket.listen(server.backlog.min(BACKLOG))?;
    TcpListener::from_socket(socket)
}

#[cfg(not(any(target_os = "illumos", target_os = "solaris")))]
fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(any(target_os = "illumos", target_os = "solaris"))]
fn share_port(_: &Socket) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn is_missing_family(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL))
}

fn named(address: SocketAddr, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot listen at {address}: {error}"))
}
