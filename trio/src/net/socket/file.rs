//! From a file into a socket.

use std::io;
use std::os::fd::AsFd;

use super::Socket;

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
        let file = file.as_fd();
        let mut chunk = Vec::new();
        self.sending(|socket| {
            if chunk.is_empty() {
                match from_file(socket, file, offset, count) {
                    Err(error) if is_refused(&error) => {}
                    result => return result,
                }
                chunk.resize(count.min(CHUNK), 0);
                let read = rustix::io::pread(file, &mut chunk[..], offset)?;
                chunk.truncate(read);
            }
            if chunk.is_empty() {
                return Ok(0);
            }
            socket.send_with_flags(&chunk, super::transfer::NO_SIGNAL)
        })
        .await
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn from_file(
    socket: &socket2::Socket,
    file: impl AsFd,
    mut offset: u64,
    count: usize,
) -> io::Result<usize> {
    Ok(rustix::fs::sendfile(socket, file, Some(&mut offset), count)?)
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
