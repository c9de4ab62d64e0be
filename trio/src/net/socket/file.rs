//! From a file into a socket.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use super::Socket;
use crate::sys::sigpipe::NO_SIGNAL;

/// How much is read at once where the system does not send from the file by itself.
const CHUNK: usize = 64 * 1024;

impl Socket {
    /// Sends up to `count` bytes of a file, from `offset` on: how many it were. 0 is the end of the file.
    ///
    /// The system does it without copying where it can; where it refuses, as for files that live in no
    /// page cache, the data is read and sent. The position of the file has no part in it, nor does it
    /// move. Reading a file can hold up the thread, as any use of a file does.
    ///
    /// # Cancellation
    ///
    /// As [`send`](Socket::send).
    ///
    /// # Errors
    ///
    /// As [`send`](Socket::send), and those of reading the file.
    ///
    /// ```
    /// use trio::net::{Domain, Socket, Type};
    ///
    /// # #[trio::task] async fn example() -> trio::Result<()> {
    /// let (a, b) = Socket::pair(Domain::UNIX, Type::STREAM, None)?;
    /// let file = std::fs::File::open("Cargo.toml")?;
    /// let sent = a.sendfile(&file, 1, 7).await?;
    /// let mut buffer = [0; 64];
    /// let count = b.recv(&mut buffer).await?;
    /// assert_eq!(&buffer[..count], &b"package"[..sent]);
    /// # Ok(()) }
    /// # trio::run(example).unwrap();
    /// ```
    pub async fn sendfile(&self, file: impl AsFd, offset: u64, count: usize) -> io::Result<usize> {
        let mut piece = Piece { file: file.as_fd(), offset, count, read: Vec::new() };
        self.sending(|socket| piece.send(socket)).await
    }
}

/// A piece of a file that is to be sent by one operation, which may be tried again.
pub(in crate::net) struct Piece<'a> {
    pub(in crate::net) file: BorrowedFd<'a>,
    pub(in crate::net) offset: u64,
    pub(in crate::net) count: usize,
    /// What was read, where the system does not send by itself.
    pub(in crate::net) read: Vec<u8>,
}

impl Piece<'_> {
    pub(in crate::net) fn send(&mut self, socket: &socket2::Socket) -> io::Result<usize> {
        if self.read.is_empty() {
            match from_file(socket, self.file, self.offset, self.count) {
                Err(error) if is_refused(&error) => {}
                result => return result,
            }
            self.read.resize(self.count.min(CHUNK), 0);
            let count = rustix::io::pread(self.file, &mut self.read[..], self.offset)?;
            self.read.truncate(count);
        }
        if self.read.is_empty() {
            return Ok(0);
        }
        socket.send_with_flags(&self.read, NO_SIGNAL)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn from_file(
    socket: &socket2::Socket,
    file: impl AsFd,
    mut offset: u64,
    count: usize,
) -> io::Result<usize> {
    Ok(crate::sys::sigpipe::quietly(|| {
        rustix::fs::sendfile(socket, file, Some(&mut offset), count)
    })?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn from_file(_: &socket2::Socket, _: impl AsFd, _: u64, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Whether the system cannot do it for this file or socket, though both may be in order.
fn is_refused(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported
        || matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS | libc::EOPNOTSUPP))
}
