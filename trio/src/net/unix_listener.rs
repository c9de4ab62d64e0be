//! Listening for connections from processes of this machine.
//!
//! ```text
//!   bind(path) ── something there? ──no──────────────────────────▶ bind, listen
//!                    │ a socket that nobody listens at
//!                    ├──────────▶ bind and listen at a name beside it, rename it over the old one
//!                    │ anything else
//!                    └──────────▶ AddrInUse
//!   close, drop ──── still this socket's file? ──yes──▶ remove it
//! ```
//!
//! Either is done under a lock ([`PathLock`]). A socket that is bound and does not listen yet looks as if
//! nobody did, and of two who replace one file the second would replace the first.

use std::cell::RefCell;
use std::fmt;
use std::fs;
use std::future::Future;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::path_lock::PathLock;
use super::socket::{Domain, SockAddr, Socket, Type};
use super::tcp_listener::{BACKLOG, is_of_the_connection};
use super::unix_datagram::{sock_addr, unix};
use super::unix_stream::UnixStream;
use crate::stream::{AsyncResource, Listener};

/// A socket that listens for Unix streams. Dropping it closes it.
///
/// Trio has no counterpart yet; its issue #279 is about one.
///
/// ```
/// use trio::net::{UnixListener, UnixStream};
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// # let path = std::env::temp_dir().join(format!("trio-example-{}", std::process::id()));
/// let listener = UnixListener::bind(&path)?;
/// trio::nursery!(|n| {
///     n.spawn(async { UnixStream::connect(&path).await?.send_all(b"hello").await });
///     let stream = listener.accept().await?;
///     let mut buffer = [0; 16];
///     assert_eq!(stream.receive_some(&mut buffer).await?, 5);
/// })?;
/// drop(listener);
/// assert!(!path.try_exists()?);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct UnixListener {
    socket: Socket,
    /// The path as it was given; the system knows the one that was renamed.
    path: Option<PathBuf>,
    file: RefCell<Option<SocketFile>>,
}

/// The file that is to be removed.
struct SocketFile {
    path: PathBuf,
    id: (u64, u64),
}

impl UnixListener {
    /// Listens at a path. Sync.
    ///
    /// A socket file that a process has left behind, and that nobody listens at any more, is replaced, so
    /// that at every moment the path is there for those who connect. Of several processes that replace it
    /// at once one has it, and the others get the error; for that a lock is taken, a file beside it that is
    /// gone afterwards. The file is removed when the listener is closed or dropped, unless it is another
    /// one's by then.
    ///
    /// # Errors
    ///
    /// `AddrInUse` if somebody listens there, or if the file is no socket; and the system's.
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixListener> {
        let path = path.as_ref();
        let address = SockAddr::unix(path)?;
        let Ok(_lock) = PathLock::of(path) else {
            return Err(io::ErrorKind::AddrInUse.into());
        };
        let (socket, id) = match listening(&address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_stale(path)? => {
                replacing(path)?
            }
            other => (other?, id_of(path)),
        };
        let file = id.ok().map(|id| SocketFile { path: path.to_owned(), id });
        Ok(UnixListener { socket, path: Some(path.to_owned()), file: RefCell::new(file) })
    }

    /// Listens at an address of the standard library, which can be abstract. Sync. No file is replaced,
    /// and none removed.
    ///
    /// # Errors
    ///
    /// The system's.
    ///
    /// # Panics
    ///
    /// Outside a run.
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixListener> {
        let socket = listening(&sock_addr(address)?)?;
        Ok(UnixListener { socket, path: None, file: RefCell::new(None) })
    }

    /// Leaves the file where it is when the listener is closed: for one whose descriptor is handed on.
    pub fn keep_file(&self) {
        self.file.take();
    }

    /// Waits for a connection.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; a cancelled one has accepted nothing.
    ///
    /// # Errors
    ///
    /// [`BusyResourceError`](crate::BusyResourceError) if another task is accepting,
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the listener is closed, and the
    /// system's when it is out of descriptors or memory.
    pub async fn accept(&self) -> io::Result<UnixStream> {
        let (socket, _) = self.socket.accept_one(is_of_the_connection).await?;
        Ok(UnixStream::over(socket.into_handle()))
    }

    /// Takes a connection that waits already. Sync.
    ///
    /// # Errors
    ///
    /// As [`accept`](UnixListener::accept); of the kind `WouldBlock` if none waits.
    pub fn try_accept(&self) -> io::Result<UnixStream> {
        loop {
            match self.socket.try_accept() {
                Err(error) if is_of_the_connection(&error) => {}
                Err(error) => return Err(error),
                Ok((socket, _)) => return Ok(UnixStream::over(socket.into_handle())),
            }
        }
    }

    /// The address that is listened at.
    ///
    /// # Errors
    ///
    /// [`ClosedResourceError`](crate::ClosedResourceError) once the listener is closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let address = self.socket.local_addr()?;
        match &self.path {
            Some(path) => SocketAddr::from_pathname(path),
            None => unix(&address),
        }
    }

    /// Closes the listener, and removes its file. Sync and idempotent; a task that is accepting gets a
    /// [`ClosedResourceError`](crate::ClosedResourceError).
    pub fn close(&self) {
        if let Some(file) = self.file.take()
            && let Ok(_lock) = PathLock::of(&file.path)
            && id_of(&file.path).is_ok_and(|id| id == file.id)
        {
            // Whoever else has removed it meanwhile has done the same.
            let _ = fs::remove_file(&file.path);
        }
        self.socket.close();
    }
}

impl Drop for UnixListener {
    fn drop(&mut self) {
        self.close();
    }
}

fn listening(address: &SockAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(address.clone())?;
    socket.listen(BACKLOG)?;
    Ok(socket)
}

/// Listens in place of a socket whose file is there: the new one's file is known before anybody else can
/// replace it in turn.
fn replacing(path: &Path) -> io::Result<(Socket, io::Result<(u64, u64)>)> {
    let beside = name_beside(path);
    let socket = listening(&SockAddr::unix(&beside)?)?;
    let id = id_of(&beside);
    if let Err(error) = fs::rename(&beside, path) {
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    Ok((socket, id))
}

/// Whether it is a socket's file that nobody listens at.
fn is_stale(path: &Path) -> io::Result<bool> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Ok(false);
    }
    let probe = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    probe.set_nonblocking(true)?;
    let connected = probe.connect(&SockAddr::unix(path)?);
    Ok(connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused))
}

fn id_of(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

/// A name in the same folder that nobody else has.
fn name_beside(path: &Path) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".{}.{number}", std::process::id()))
}

impl AsyncResource for UnixListener {
    fn close_forcefully(&self) {
        UnixListener::close(self);
    }
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    fn accept(&self) -> impl Future<Output = io::Result<UnixStream>> {
        UnixListener::accept(self)
    }

    fn try_accept(&self) -> io::Result<UnixStream> {
        UnixListener::try_accept(self)
    }
}

impl AsRawFd for UnixListener {
    /// The descriptor; -1 once the listener is closed.
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl fmt::Debug for UnixListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnixListener").field("local_addr", &self.local_addr().ok()).finish()
    }
}
