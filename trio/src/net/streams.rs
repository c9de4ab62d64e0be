//! The sockets as streams.

use std::future::Future;
use std::io;

use super::TcpStream;
use crate::stream::{AsyncResource, HalfCloseableStream, ReceiveStream, SendStream};

impl AsyncResource for TcpStream {
    /// [`TcpStream::close`]: the system sends what it has buffered all the same.
    fn close_forcefully(&self) {
        TcpStream::close(self);
    }
}

impl SendStream for TcpStream {
    fn send_all(&self, data: &[u8]) -> impl Future<Output = io::Result<()>> {
        TcpStream::send_all(self, data)
    }

    fn wait_send_all_might_not_block(&self) -> impl Future<Output = io::Result<()>> {
        TcpStream::wait_send_all_might_not_block(self)
    }
}

impl ReceiveStream for TcpStream {
    fn receive_some(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        TcpStream::receive_some(self, buffer)
    }
}

impl HalfCloseableStream for TcpStream {
    fn send_eof(&self) -> impl Future<Output = io::Result<()>> {
        TcpStream::send_eof(self)
    }
}
