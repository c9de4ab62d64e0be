//! Streams in memory whose ends are connected.

use std::io;

use super::byte_queue::ByteQueue;
use super::memory_receive_stream::{Incoming, MemoryReceiveStream};
use super::memory_send_stream::MemorySendStream;
use crate::BrokenResourceError;
use crate::stream::StapledStream;

/// Both ends of two connected streams in memory.
pub type MemoryStream = StapledStream<MemorySendStream, MemoryReceiveStream>;

/// Moves up to `max` bytes, or the end, from one stream to another; whether there was something. Sync.
///
/// What the hooks of [`memory_stream_one_way_pair`] do; for those who want to say themselves how much
/// arrives when. Its counterpart in Trio is `trio.testing.memory_stream_pump`.
///
/// # Errors
///
/// [`BrokenResourceError`] if the receiving stream is closed. What was to be moved is lost.
///
/// # Panics
///
/// If `max` is 0.
///
/// ```
/// use trio::stream::SendStream;
/// use trio::testing::{MemoryReceiveStream, MemorySendStream, memory_stream_pump};
///
/// # #[trio::task] async fn example() -> std::io::Result<()> {
/// let (send, receive) = (MemorySendStream::new(), MemoryReceiveStream::new());
/// send.send_all(b"hello").await?;
/// while memory_stream_pump(&send, &receive, 1)? {}
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[track_caller]
pub fn memory_stream_pump(
    from: &MemorySendStream,
    to: &MemoryReceiveStream,
    max: usize,
) -> io::Result<bool> {
    pump(&from.outgoing(), &to.incoming(), max)
}

#[track_caller]
fn pump(from: &ByteQueue, to: &Incoming, max: usize) -> io::Result<bool> {
    let Some(data) = from.try_take(max) else {
        return Ok(false);
    };
    if data.is_empty() {
        to.end();
        return Ok(true);
    }
    to.put(&data).map_err(|_| BrokenResourceError::with_text("the receiver is closed"))?;
    Ok(true)
}

/// A stream in memory, without a limit to what it holds: what is sent can be received at once.
///
/// The hooks of the sending end are in use: they move the data. Its counterpart in Trio is
/// `trio.testing.memory_stream_one_way_pair`.
///
/// ```
/// use trio::stream::{ReceiveStream, SendStream};
/// use trio::testing::memory_stream_one_way_pair;
///
/// # #[trio::task] async fn example() -> std::io::Result<()> {
/// let (send, receive) = memory_stream_one_way_pair();
/// send.send_all(b"hello").await?;
/// let mut buffer = [0; 16];
/// assert_eq!(receive.receive_some(&mut buffer).await?, 5);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub fn memory_stream_one_way_pair() -> (MemorySendStream, MemoryReceiveStream) {
    let (send, receive) = (MemorySendStream::new(), MemoryReceiveStream::new());
    let (from, to) = (send.outgoing(), receive.incoming());
    send.set_send_all_hook(move || {
        let pumped = pump(&from, &to, usize::MAX);
        async { pumped.map(drop) }
    });
    let (from, to) = (send.outgoing(), receive.incoming());
    send.set_close_hook(move || {
        // What is left, and the end. If nobody receives any more there is nobody to tell.
        let _ = pump(&from, &to, usize::MAX).and_then(|_| pump(&from, &to, usize::MAX));
    });
    (send, receive)
}

/// Two streams in memory that are connected both ways. One ends what it sends with `send_eof`.
///
/// Its counterpart in Trio is `trio.testing.memory_stream_pair`.
///
/// ```
/// use trio::stream::{ReceiveStream, SendStream};
/// use trio::testing::memory_stream_pair;
///
/// # #[trio::task] async fn example() -> std::io::Result<()> {
/// let (client, server) = memory_stream_pair();
/// client.send_all(b"hello").await?;
/// let mut buffer = [0; 16];
/// assert_eq!(server.receive_some(&mut buffer).await?, 5);
/// server.send_all(b"bye").await?;
/// assert_eq!(client.receive_some(&mut buffer).await?, 3);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
pub fn memory_stream_pair() -> (MemoryStream, MemoryStream) {
    let (there, arrives_there) = memory_stream_one_way_pair();
    let (back, arrives_back) = memory_stream_one_way_pair();
    (StapledStream::new(there, arrives_back), StapledStream::new(back, arrives_there))
}
