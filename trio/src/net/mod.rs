//! Sockets.
//!
//! Methods take `&self`, so that two children can share a stream by reference: one that reads and one
//! that writes. Two that do the same at once are an error, [`BusyResourceError`]. All results are
//! `io::Result`s; the crate's own errors are inside, to be found with
//! [`is_error`](crate::is_error).
//!
//! [`BusyResourceError`]: crate::BusyResourceError

mod factory;
mod file_range;
mod happy_eyeballs;
mod names;
mod open_tcp;
mod path_lock;
mod serve;
mod sharding;
mod socket;
mod streams;
mod tcp_listener;
mod tcp_server;
mod tcp_stream;
mod udp;
mod unix_datagram;
mod unix_listener;
mod unix_stream;

pub use factory::{SocketFactory, set_socket_factory};
pub use happy_eyeballs::{ConnectError, HAPPY_EYEBALLS_DELAY, happy_eyeballs, in_turn};
pub use names::{AddressQuery, HostnameResolver, getaddrinfo, getnameinfo, set_hostname_resolver};
pub use open_tcp::{TcpConnector, open_tcp_stream};
pub use serve::{HandlerErrors, Server, serve_listeners};
pub use sharding::serve_tcp_on_threads;
pub use socket::{
    Control, Credentials, Domain, Message, MessageFlags, Protocol, SockAddr, Socket, Type,
};
pub use tcp_listener::TcpListener;
pub use tcp_server::{TcpServer, open_tcp_listeners, serve_tcp};
pub use tcp_stream::TcpStream;
pub use udp::{DatagramBatch, UdpSocket};
pub use unix_datagram::UnixDatagram;
pub use unix_listener::UnixListener;
pub use unix_stream::UnixStream;
