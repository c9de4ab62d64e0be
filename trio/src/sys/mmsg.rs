//! Several datagrams with one system call: Linux, FreeBSD, NetBSD.

use std::io;
use std::mem;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::ptr;

use super::sigpipe::NO_SIGNAL;
use socket2::{SockAddr, SockAddrStorage, Socket};

/// How many datagrams one call is asked for at most: as many as have room on the stack.
const MOST: usize = 32;

/// Receives up to as many datagrams as `buffer` has pieces of `size` bytes; tells of each its length and
/// where it came from.
pub(crate) fn receive(
    socket: &Socket,
    buffer: &mut [u8],
    size: usize,
    mut tell: impl FnMut(usize, Option<SocketAddr>),
) -> io::Result<usize> {
    let mut names: [SockAddrStorage; MOST] = std::array::from_fn(|_| SockAddrStorage::zeroed());
    let mut pieces = [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; MOST];
    // SAFETY: rule 6: all-zero is a valid `mmsghdr`: no name, no data, no control data.
    let mut headers: [libc::mmsghdr; MOST] = unsafe { mem::zeroed() };
    let mut count = 0;
    for (index, piece) in buffer.chunks_exact_mut(size).take(MOST).enumerate() {
        pieces[index] = libc::iovec { iov_base: piece.as_mut_ptr().cast(), iov_len: size };
        headers[index].msg_hdr.msg_name = (&raw mut names[index]).cast();
        headers[index].msg_hdr.msg_namelen = names[index].size_of();
        headers[index].msg_hdr.msg_iov = &raw mut pieces[index];
        headers[index].msg_hdr.msg_iovlen = 1;
        count += 1;
    }
    // SAFETY: rule 6: `count` headers, each with a name and a piece of the buffer that live for the call;
    // no timeout.
    let received = unsafe {
        libc::recvmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, 0, ptr::null_mut())
    };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    for (header, name) in headers.iter().zip(names).take(received) {
        // SAFETY: rule 6: the system has written an address of this length.
        let address = unsafe { SockAddr::new(name, header.msg_hdr.msg_namelen) };
        tell(header.msg_len as usize, address.as_socket());
    }
    Ok(received)
}

/// Sends datagrams, as many of them as there is room for.
pub(crate) fn send(socket: &Socket, datagrams: &[(&[u8], SocketAddr)]) -> io::Result<usize> {
    let mut names = [const { None }; MOST];
    let mut pieces = [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; MOST];
    // SAFETY: rule 6: all-zero is a valid `mmsghdr`: no name, no data, no control data.
    let mut headers: [libc::mmsghdr; MOST] = unsafe { mem::zeroed() };
    let mut count = 0;
    for (index, (data, address)) in datagrams.iter().take(MOST).enumerate() {
        let name = names[index].insert(SockAddr::from(*address));
        pieces[index] =
            libc::iovec { iov_base: data.as_ptr().cast_mut().cast(), iov_len: data.len() };
        headers[index].msg_hdr.msg_name = name.as_ptr().cast_mut().cast();
        headers[index].msg_hdr.msg_namelen = name.len();
        headers[index].msg_hdr.msg_iov = &raw mut pieces[index];
        headers[index].msg_hdr.msg_iovlen = 1;
        count += 1;
    }
    // SAFETY: rule 6: `count` headers, each with a name and data that live for the call and are only read.
    let sent =
        unsafe { libc::sendmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), count, NO_SIGNAL as _) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}
