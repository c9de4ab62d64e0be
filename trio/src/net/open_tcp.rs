//! Connecting by name.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::happy_eyeballs::{HAPPY_EYEBALLS_DELAY, happy_eyeballs, in_turn};
use super::names::getaddrinfo;
use super::socket::{Domain, Protocol, Socket, Type};
use super::tcp_stream::TcpStream;
use crate::Call;

/// Connects to a host by its name, or its number, and a port.
///
/// The addresses of the host are tried by Happy Eyeballs (RFC 8305): the families in turn, 250 ms after
/// each other or as soon as one has failed; the first to connect wins, and the others are closed. There is
/// no timeout: put one around it, as around anything else. Its counterpart in Trio is
/// `trio.open_tcp_stream`.
///
/// # Cancellation
///
/// A checkpoint; all attempts are closed.
///
/// # Errors
///
/// Those of [`getaddrinfo`], and a [`ConnectError`](super::ConnectError) with every attempt, inside an
/// `io::Error`.
///
/// # Panics
///
/// When awaited outside a task.
///
/// ```
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// # let listener = trio::net::TcpListener::bind("127.0.0.1:0".parse()?)?;
/// # let port = listener.local_addr()?.port();
/// let stream = trio::net::open_tcp_stream("localhost", port).await?;
/// stream.send_all(b"hello").await?;
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub fn open_tcp_stream(
    host: &str,
    port: u16,
) -> Call<impl Future<Output = io::Result<TcpStream>> + use<>> {
    TcpConnector::new().connect(host, port)
}

/// [`open_tcp_stream`] with other than the default settings.
///
/// ```
/// use std::net::Ipv4Addr;
/// use trio::net::TcpConnector;
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// # let listener = trio::net::TcpListener::bind("127.0.0.1:0".parse()?)?;
/// # let port = listener.local_addr()?.port();
/// let from = Ipv4Addr::LOCALHOST.into();
/// let stream = TcpConnector::new().local_address(from).connect("localhost", port).await?;
/// assert_eq!(stream.local_addr()?.ip(), from);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[derive(Clone, Debug)]
#[must_use = "a connector does nothing until `connect`"]
pub struct TcpConnector {
    delay: Duration,
    local: Option<IpAddr>,
}

impl Default for TcpConnector {
    fn default() -> Self {
        TcpConnector::new()
    }
}

impl TcpConnector {
    /// The default settings.
    pub fn new() -> TcpConnector {
        TcpConnector { delay: HAPPY_EYEBALLS_DELAY, local: None }
    }

    /// How long an attempt is waited for before the next begins.
    pub fn happy_eyeballs_delay(mut self, delay: Duration) -> TcpConnector {
        self.delay = delay;
        self
    }

    /// Connects from this address of this machine, and so only to addresses of its family.
    pub fn local_address(mut self, address: IpAddr) -> TcpConnector {
        self.local = Some(address);
        self
    }

    /// Connects: see [`open_tcp_stream`].
    ///
    /// # Cancellation
    ///
    /// As [`open_tcp_stream`].
    ///
    /// # Errors
    ///
    /// As [`open_tcp_stream`].
    ///
    /// # Panics
    ///
    /// As [`open_tcp_stream`].
    pub fn connect(
        self,
        host: &str,
        port: u16,
    ) -> Call<impl Future<Output = io::Result<TcpStream>> + use<>> {
        open(self, host.to_owned(), port)
    }
}

#[crate::task(crate = "crate")]
async fn open(connector: TcpConnector, host: String, port: u16) -> io::Result<TcpStream> {
    let TcpConnector { delay, local } = connector;
    let mut addresses = getaddrinfo((&host[..], port)).await?;
    if let Some(local) = local {
        addresses.retain(|address| address.is_ipv6() == local.is_ipv6());
    }
    let connect = async |address: SocketAddr| connect_from(local, address).await;
    Ok(happy_eyeballs(in_turn(addresses), delay, connect).await?)
}

async fn connect_from(local: Option<IpAddr>, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if let Some(local) = local {
        socket.bind(SocketAddr::new(local, 0)).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot connect from {local}: {error}"))
        })?;
    }
    socket.connect(address).await?;
    TcpStream::from_socket(socket)
}
