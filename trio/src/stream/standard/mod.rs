//! The standard streams of the process.
//!
//! They are shared with other processes, such as the shell that has started this one, so that they must
//! not be made non-blocking: everybody would see it (Trio's issue #174). Threads read and write them.

mod desk;

use std::cell::Cell;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;

use self::desk::{Claim, Desk, waiting};
use super::fd::broken;
use super::{AsyncResource, ReceiveStream, SendStream};
use crate::ClosedResourceError;
use crate::lowlevel::{
    cancel_shielded_checkpoint, checkpoint, checkpoint_if_cancelled, in_trio_run,
};
use crate::sys::fork::PerProcess;
use crate::sys::poll;
use crate::sys::sigpipe::quietly;

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

static INPUT: PerProcess<Input> = PerProcess::new(Input::default);
static OUTPUT: PerProcess<Desk<io::Result<()>>> = PerProcess::new(Desk::default);
static ERRORS: PerProcess<Desk<io::Result<()>>> = PerProcess::new(Desk::default);

/// The standard input of the process, as a stream.
///
/// Other processes that share it do not notice: it stays blocking, and a thread reads it. With a
/// [`BufferedStream`](super::BufferedStream) around it, it is read by lines. What `std::io::stdin` has in
/// its buffer does not come here, so use one of the two. For a pipe that nobody else uses
/// [`FdStream`](super::FdStream) needs no thread.
///
/// All that this gives are the same stream: one task of the process can receive at a time.
///
/// ```
/// use std::io;
/// use trio::stream::{BufferedStream, stdin};
///
/// #[trio::task]
/// async fn count_lines() -> io::Result<usize> {
///     let lines = BufferedStream::new(stdin());
///     let mut count = 0;
///     while lines.receive_line().await?.is_some() {
///         count += 1;
///     }
///     Ok(count)
/// }
/// ```
pub fn stdin() -> StandardInput {
    StandardInput { closed: Cell::new(false), ended: Cell::new(false) }
}

/// The standard output of the process, as a stream.
///
/// Other processes that share it do not notice: it stays blocking, and a thread writes to it, so that a
/// reader who does not read holds up nobody but the task that sends. Nothing is buffered. What is printed
/// with `println!` goes its own way, and blocks.
///
/// All that this gives are the same stream: one task of the process can send at a time.
///
/// ```
/// use trio::stream::{SendStream, stdout};
///
/// # #[trio::task] async fn example() -> std::io::Result<()> {
/// stdout().send_all(b"hello\n").await
/// # }
/// # trio::run(example).unwrap();
/// ```
pub fn stdout() -> StandardOutput {
    StandardOutput { which: Which::Output, closed: Cell::new(false) }
}

/// The standard error of the process, as a stream: as [`stdout`].
///
/// ```
/// use trio::stream::{SendStream, stderr};
///
/// # #[trio::task] async fn example() -> std::io::Result<()> {
/// stderr().send_all(b"something is wrong\n").await
/// # }
/// # trio::run(example).unwrap();
/// ```
pub fn stderr() -> StandardOutput {
    StandardOutput { which: Which::Errors, closed: Cell::new(false) }
}

/// What [`stdin`] gives.
///
/// A receive that is cancelled leaves its thread to it: what that reads is there for the next one, also in
/// another run of this process. It is not there for another process.
#[derive(Debug)]
pub struct StandardInput {
    closed: Cell<bool>,
    /// A terminal can go on after its end; this does not.
    ended: Cell<bool>,
}

#[derive(Default)]
struct Input {
    desk: Desk<io::Result<Vec<u8>>>,
    /// What was read and not received, from the second on.
    rest: Mutex<(Vec<u8>, usize)>,
}

impl AsyncResource for StandardInput {
    /// This stream is closed, and not the descriptor, which is the process's.
    fn close_forcefully(&self) {
        self.closed.set(true);
        if in_trio_run() {
            waiting().unpark_all();
        }
    }
}

impl ReceiveStream for StandardInput {
    async fn receive_some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            checkpoint().await;
            let text = "the buffer to receive into is empty";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        checkpoint_if_cancelled().await;
        let input = INPUT.get();
        let claim = input.desk.claim();
        // Before anything is taken: who is dropped here has received nothing.
        cancel_shielded_checkpoint().await;
        let claim = claim?;
        loop {
            unless_closed(&self.closed)?;
            let count = input.take_rest(buffer);
            if count > 0 || self.ended.get() {
                return Ok(count);
            }
            match claim.take() {
                Ok(read) => {
                    let read = read.map_err(broken)?;
                    self.ended.set(read.is_empty());
                    input.keep(read);
                    continue;
                }
                Err(true) => {}
                Err(false) => claim.begin(|| read(rustix::stdio::stdin()))?,
            }
            claim.wait().await;
        }
    }
}

impl Input {
    fn take_rest(&self, buffer: &mut [u8]) -> usize {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let (bytes, from) = &mut *rest;
        let count = buffer.len().min(bytes.len() - *from);
        buffer[..count].copy_from_slice(&bytes[*from..][..count]);
        *from += count;
        count
    }

    fn keep(&self, bytes: Vec<u8>) {
        *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = (bytes, 0);
    }
}

/// What [`stdout`] and [`stderr`] give.
///
/// A send that is cancelled leaves its thread to it, which writes the rest as soon as it can; the next one
/// comes after it. Only the end of the process puts an end to that.
#[derive(Debug)]
pub struct StandardOutput {
    which: Which,
    closed: Cell<bool>,
}

#[derive(Clone, Copy, Debug)]
enum Which {
    Output,
    Errors,
}

impl Which {
    fn desk(self) -> &'static Desk<io::Result<()>> {
        match self {
            Which::Output => OUTPUT.get(),
            Which::Errors => ERRORS.get(),
        }
    }

    fn descriptor(self) -> BorrowedFd<'static> {
        match self {
            Which::Output => rustix::stdio::stdout(),
            Which::Errors => rustix::stdio::stderr(),
        }
    }
}

impl StandardOutput {
    /// A checkpoint, whatever comes of it.
    async fn claim(&self) -> io::Result<Claim<io::Result<()>>> {
        checkpoint_if_cancelled().await;
        let claim = self.which.desk().claim();
        cancel_shielded_checkpoint().await;
        Ok(claim?)
    }

    /// Waits until the thread has written what it was given.
    async fn written(&self, claim: &Claim<io::Result<()>>) -> io::Result<()> {
        loop {
            unless_closed(&self.closed)?;
            match claim.take() {
                Ok(written) => return written.map_err(broken),
                Err(false) => return Ok(()),
                Err(true) => claim.wait().await,
            }
        }
    }
}

impl AsyncResource for StandardOutput {
    /// This stream is closed, and not the descriptor, which is the process's.
    fn close_forcefully(&self) {
        self.closed.set(true);
        if in_trio_run() {
            waiting().unpark_all();
        }
    }
}

impl SendStream for StandardOutput {
    async fn send_all(&self, data: &[u8]) -> io::Result<()> {
        let claim = self.claim().await?;
        // What a cancelled one has left, and what came of it.
        self.written(&claim).await?;
        if data.is_empty() {
            return Ok(());
        }
        let (data, to) = (data.to_vec(), self.which.descriptor());
        claim.begin(move || write_all(to, &data))?;
        self.written(&claim).await
    }

    /// It waits until nothing is being written; the system does not tell more.
    async fn wait_send_all_might_not_block(&self) -> io::Result<()> {
        let claim = self.claim().await?;
        self.written(&claim).await
    }
}

fn unless_closed(closed: &Cell<bool>) -> io::Result<()> {
    if closed.get() { Err(ClosedResourceError::new().into()) } else { Ok(()) }
}

/// Reads some bytes. In a thread.
fn read(from: BorrowedFd<'_>) -> io::Result<Vec<u8>> {
    let mut buffer = vec![0; CHUNK];
    loop {
        match rustix::io::read(from, &mut buffer[..]) {
            Ok(count) => {
                buffer.truncate(count);
                buffer.shrink_to_fit();
                return Ok(buffer);
            }
            Err(Errno::INTR) => {}
            // Somebody else has made it non-blocking.
            Err(Errno::AGAIN) => poll::wait_readable(from, None)?,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Writes all bytes. In a thread.
fn write_all(to: BorrowedFd<'_>, mut data: &[u8]) -> io::Result<()> {
    while !data.is_empty() {
        match quietly(|| rustix::io::write(to, data)) {
            Ok(count) => data = &data[count..],
            Err(Errno::INTR) => {}
            // Somebody else has made it non-blocking.
            Err(Errno::AGAIN) => poll::wait_writable(to)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
