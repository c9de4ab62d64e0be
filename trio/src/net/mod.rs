//! Sockets.
//!
//! Methods take `&self`, so that two children can share a stream by reference: one that reads and one
//! that writes. Two that do the same at once are an error, [`BusyResourceError`]. All results are
//! `io::Result`s; the crate's own errors are inside, to be found with
//! [`is_error`](crate::is_error).
//!
//! [`BusyResourceError`]: crate::BusyResourceError

mod handle;
mod streams;
mod tcp_listener;
mod tcp_stream;

pub use tcp_listener::TcpListener;
pub use tcp_stream::TcpStream;
