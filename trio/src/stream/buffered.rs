//! Reading by length, by delimiter, by line.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::mem;

use super::{
    AsyncResource, ConflictDetector, Descriptor, HalfCloseableStream, ReceiveStream, SendStream,
};
use crate::lowlevel::{cancel_shielded_checkpoint, checkpoint_if_cancelled};

/// How much is received at once: as little as this at first, since it is kept while it is waited for.
const FIRST_CHUNK: usize = 1024;

/// And as much as this where that was too little.
const CHUNK: usize = 16 * 1024;

/// How much one message may have, unless it is said otherwise.
const LIMIT: usize = 1024 * 1024;

/// The other side has sent more without coming to an end than it may.
///
/// What it has sent is still in the buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitExceededError {
    limit: usize,
}

impl LimitExceededError {
    /// The limit, in bytes.
    pub fn limit(&self) -> usize {
        self.limit
    }
}

impl fmt::Display for LimitExceededError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a message is longer than {} bytes", self.limit)
    }
}

impl Error for LimitExceededError {}

impl From<LimitExceededError> for io::Error {
    fn from(error: LimitExceededError) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

/// A stream that is read by length, by delimiter or by line.
///
/// What was received and not asked for stays in its buffer. No message is longer than its limit, 1 MiB
/// unless it is said otherwise, so that a hostile peer cannot make it grow. It sends as the stream inside
/// does.
///
/// ```
/// use trio::stream::{BufferedStream, SendStream};
///
/// # #[trio::task] async fn example() -> trio::Result<()> {
/// let (near, far) = trio::testing::memory_stream_pair();
/// near.send_all(b"GET / HTTP/1.0\r\nHost: example\r\n\r\nbody").await?;
/// let far = BufferedStream::new(far);
/// assert_eq!(far.receive_line().await?.as_deref(), Some("GET / HTTP/1.0"));
/// assert_eq!(far.receive_until(b"\r\n\r\n").await?.as_deref(), Some(&b"Host: example"[..]));
/// assert_eq!(far.receive_exactly(4).await?, b"body");
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub struct BufferedStream<S> {
    stream: S,
    limit: Cell<usize>,
    buffer: RefCell<Buffer>,
    /// Whoever receives has the buffer to itself.
    receiving: ConflictDetector,
}

/// What was received and not asked for.
///
/// ```text
///   bytes:  given out │ the rest │ room
///                   taken      filled
/// ```
struct Buffer {
    /// Lent to the stream inside while something is received from it.
    bytes: Vec<u8>,
    /// How many at the beginning were given out: to move the rest up for each message would cost more
    /// than the message.
    taken: usize,
    /// How many were received, those that were given out among them.
    filled: usize,
    /// How much room is made for what comes next.
    chunk: usize,
}

impl Buffer {
    const fn new() -> Buffer {
        Buffer { bytes: Vec::new(), taken: 0, filled: 0, chunk: FIRST_CHUNK }
    }

    /// How many bytes the rest is, also while it is lent.
    fn len(&self) -> usize {
        self.filled - self.taken
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.taken..self.filled]
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let message = self.rest()[..count].to_vec();
        self.taken += count;
        message
    }

    /// Makes room for a chunk: gives all bytes, of which those from `filled` on can be received into.
    fn lend(&mut self) -> Vec<u8> {
        if self.taken > 0 {
            self.bytes.copy_within(self.taken..self.filled, 0);
            self.filled -= self.taken;
            self.taken = 0;
        }
        if self.bytes.len() < self.filled + self.chunk {
            self.bytes.resize(self.filled + self.chunk, 0);
        }
        mem::take(&mut self.bytes)
    }

    /// So many bytes have come.
    fn came(&mut self, count: usize) {
        self.filled += count;
        if count >= self.chunk {
            self.chunk = CHUNK.min(2 * self.chunk);
        }
    }
}

/// The bytes of a buffer while they are lent: they come back whatever becomes of the receiving.
struct Lent<'a> {
    buffer: &'a RefCell<Buffer>,
    bytes: Vec<u8>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.buffer.borrow_mut().bytes = mem::take(&mut self.bytes);
    }
}

impl<S> BufferedStream<S> {
    /// A stream with a limit of 1 MiB.
    pub fn new(stream: S) -> BufferedStream<S> {
        BufferedStream::with_limit(stream, LIMIT)
    }

    /// A stream that refuses messages of more than `limit` bytes.
    pub fn with_limit(stream: S, limit: usize) -> BufferedStream<S> {
        BufferedStream {
            stream,
            limit: Cell::new(limit),
            buffer: RefCell::new(Buffer::new()),
            receiving: ConflictDetector::new(),
        }
    }

    /// How long a message may be, in bytes.
    pub fn limit(&self) -> usize {
        self.limit.get()
    }

    /// Changes how long a message may be, from the next operation on. Sync.
    pub fn set_limit(&self, limit: usize) {
        self.limit.set(limit);
    }

    /// How many bytes are in the buffer.
    pub fn buffered(&self) -> usize {
        self.buffer.borrow().len()
    }

    /// The stream inside. What is received from it is missing here.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The stream inside, and what was received from it and not asked for.
    pub fn into_parts(self) -> (S, Vec<u8>) {
        let buffer = self.buffer.into_inner();
        (self.stream, buffer.rest().to_vec())
    }

    fn take(&self, count: usize) -> Vec<u8> {
        self.buffer.borrow_mut().take(count)
    }
}

impl<S: ReceiveStream> BufferedStream<S> {
    /// Receives `count` bytes.
    ///
    /// # Cancellation
    ///
    /// A checkpoint; what a cancelled one has received is in the buffer, for the next.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` if the stream ends before, and [`LimitExceededError`] if `count` is above the limit;
    /// in both cases what was received stays in the buffer. And those of `receive_some`.
    pub async fn receive_exactly(&self, count: usize) -> io::Result<Vec<u8>> {
        checkpoint_if_cancelled().await;
        let _busy = self.receiving.begin().await?;
        if count > self.limit() || self.buffered() >= count {
            // Before anything is taken: who is dropped here has received nothing.
            cancel_shielded_checkpoint().await;
        }
        loop {
            if count > self.limit() {
                return Err(LimitExceededError { limit: self.limit() }.into());
            }
            if self.buffered() >= count {
                return Ok(self.take(count));
            }
            if self.fill().await? == 0 {
                let text = format!("{count} bytes were to come, and {} did", self.buffered());
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            }
        }
    }

    /// Receives up to a delimiter, which is taken, too, but not given. `None` is the end of the stream.
    ///
    /// # Cancellation
    ///
    /// As [`receive_exactly`](BufferedStream::receive_exactly).
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` if the stream ends after something and before the delimiter, and
    /// [`LimitExceededError`] if the delimiter does not come within the limit; in both cases what was
    /// received stays in the buffer. And those of `receive_some`.
    ///
    /// # Panics
    ///
    /// If the delimiter is empty.
    pub async fn receive_until(&self, delimiter: &[u8]) -> io::Result<Option<Vec<u8>>> {
        assert!(!delimiter.is_empty(), "an empty delimiter is everywhere");
        if let Some(message) = self.up_to(delimiter).await? {
            return Ok(Some(message));
        }
        match self.buffered() {
            0 => Ok(None),
            count => {
                let text = format!("the stream ended {count} bytes after the last delimiter");
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, text))
            }
        }
    }

    /// Receives a line, without its `\n` or `\r\n`. `None` is the end of the stream; a last line need not
    /// have an end.
    ///
    /// # Cancellation
    ///
    /// As [`receive_exactly`](BufferedStream::receive_exactly).
    ///
    /// # Errors
    ///
    /// `InvalidData` if the line is not UTF-8: a [`FromUtf8Error`](std::string::FromUtf8Error) inside has
    /// its bytes; [`LimitExceededError`]; and those of `receive_some`.
    pub async fn receive_line(&self) -> io::Result<Option<String>> {
        let mut line = match self.up_to(b"\n").await? {
            Some(line) => line,
            None if self.buffered() == 0 => return Ok(None),
            None => self.take(self.buffered()),
        };
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        match String::from_utf8(line) {
            Ok(line) => Ok(Some(line)),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error)),
        }
    }

    /// Takes what comes before the delimiter, and that. `None`: the stream has ended, and what is in the
    /// buffer has no delimiter.
    async fn up_to(&self, delimiter: &[u8]) -> io::Result<Option<Vec<u8>>> {
        checkpoint_if_cancelled().await;
        let _busy = self.receiving.begin().await?;
        let mut waited = false;
        // Where the delimiter can begin: each byte is looked at once, however it comes in pieces.
        let mut from = 0;
        loop {
            let found = self.find(delimiter, from);
            from = (self.buffered() + 1).saturating_sub(delimiter.len());
            let too_long = found.unwrap_or(from) > self.limit();
            if (found.is_some() || too_long) && !waited {
                // Before anything is taken: who is dropped here has received nothing.
                cancel_shielded_checkpoint().await;
            }
            if too_long {
                return Err(LimitExceededError { limit: self.limit() }.into());
            }
            if let Some(at) = found {
                let mut message = self.take(at + delimiter.len());
                message.truncate(at);
                return Ok(Some(message));
            }
            waited = true;
            if self.fill().await? == 0 {
                return Ok(None);
            }
        }
    }

    fn find(&self, delimiter: &[u8], from: usize) -> Option<usize> {
        let buffer = self.buffer.borrow();
        let windows = buffer.rest().get(from..)?.windows(delimiter.len());
        windows.enumerate().find(|(_, window)| *window == delimiter).map(|(at, _)| from + at)
    }

    /// Receives more into the buffer: how many bytes.
    async fn fill(&self) -> io::Result<usize> {
        let bytes = self.buffer.borrow_mut().lend();
        let mut lent = Lent { buffer: &self.buffer, bytes };
        let (from, to) = {
            let buffer = self.buffer.borrow();
            (buffer.filled, buffer.filled + buffer.chunk)
        };
        let count = self.stream.receive_some(&mut lent.bytes[from..to]).await?;
        drop(lent);
        self.buffer.borrow_mut().came(count);
        Ok(count)
    }
}

impl<S: AsyncResource> AsyncResource for BufferedStream<S> {
    fn close_forcefully(&self) {
        self.stream.close_forcefully();
    }

    fn close(&self) -> impl Future<Output = io::Result<()>> {
        self.stream.close()
    }
}

impl<S: ReceiveStream> ReceiveStream for BufferedStream<S> {
    /// What is in the buffer comes first.
    async fn receive_some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.buffered() == 0 || buffer.is_empty() {
            checkpoint_if_cancelled().await;
            let _busy = self.receiving.begin().await?;
            return self.stream.receive_some(buffer).await;
        }
        checkpoint_if_cancelled().await;
        let _busy = self.receiving.begin().await?;
        // Before anything is taken: who is dropped here has received nothing.
        cancel_shielded_checkpoint().await;
        let came = self.take(self.buffered().min(buffer.len()));
        buffer[..came.len()].copy_from_slice(&came);
        Ok(came.len())
    }
}

impl<S: SendStream> SendStream for BufferedStream<S> {
    fn send_all(&self, data: &[u8]) -> impl Future<Output = io::Result<()>> {
        self.stream.send_all(data)
    }

    fn wait_send_all_might_not_block(&self) -> impl Future<Output = io::Result<()>> {
        self.stream.wait_send_all_might_not_block()
    }

    fn send_descriptor(&self) -> Option<Descriptor<'_>> {
        self.stream.send_descriptor()
    }
}

impl<S: HalfCloseableStream> HalfCloseableStream for BufferedStream<S> {
    fn send_eof(&self) -> impl Future<Output = io::Result<()>> {
        self.stream.send_eof()
    }
}

impl<S: fmt::Debug> fmt::Debug for BufferedStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BufferedStream")
            .field("stream", &self.stream)
            .field("buffered", &self.buffered())
            .field("limit", &self.limit())
            .finish()
    }
}
