//! Several datagrams, one after the other, where no system call takes them all.

use std::io;
use std::net::SocketAddr;

use socket2::Socket;

use super::sigpipe::NO_SIGNAL;
use super::uninit::as_uninit;

/// Receives as many datagrams as have come, and as `buffer` has pieces of `size` bytes; tells of each its
/// length and where it came from.
pub(crate) fn receive(
    socket: &Socket,
    buffer: &mut [u8],
    size: usize,
    mut tell: impl FnMut(usize, Option<SocketAddr>),
) -> io::Result<usize> {
    let mut received = 0;
    for piece in buffer.chunks_exact_mut(size) {
        match socket.recv_from(as_uninit(piece)) {
            Ok((length, address)) => tell(length, address.as_socket()),
            Err(error) if received == 0 => return Err(error),
            Err(_) => break,
        }
        received += 1;
    }
    Ok(received)
}

/// Sends datagrams, as many of them as there is room for.
pub(crate) fn send(socket: &Socket, datagrams: &[(&[u8], SocketAddr)]) -> io::Result<usize> {
    for (sent, (data, address)) in datagrams.iter().enumerate() {
        match socket.send_to_with_flags(data, &(*address).into(), NO_SIGNAL) {
            Ok(_) => {}
            Err(error) if sent == 0 => return Err(error),
            Err(_) => return Ok(sent),
        }
    }
    Ok(datagrams.len())
}
