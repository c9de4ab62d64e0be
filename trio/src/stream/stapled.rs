//! Two halves as one stream.

use std::future::Future;
use std::io;

use super::{
    AsyncResource, ConflictDetector, Descriptor, HalfCloseableStream, ReceiveStream, SendStream,
    closing,
};
use crate::lowlevel::checkpoint_if_cancelled;

/// A stream made of one to send to and one to receive from, such as the two pipes of a process.
///
/// It ends what it sends by closing that half, and closes both halves, whatever the first of them says
/// to it. Its counterpart in Trio is `trio.StapledStream`.
///
/// ```
/// use trio::stream::{HalfCloseableStream, ReceiveStream, SendStream, StapledStream};
///
/// # #[trio::task] async fn example() -> std::io::Result<()> {
/// let (send, receive) = trio::testing::memory_stream_one_way_pair();
/// let echo = StapledStream::new(send, receive);
/// echo.send_all(b"hello").await?;
/// echo.send_eof().await?;
/// let mut buffer = [0; 16];
/// assert_eq!(echo.receive_some(&mut buffer).await?, 5);
/// assert_eq!(echo.receive_some(&mut buffer).await?, 0);
/// # Ok(()) }
/// # trio::run(example).unwrap();
/// ```
#[derive(Debug)]
pub struct StapledStream<S, R> {
    /// What is sent to.
    pub send: S,
    /// What is received from.
    pub receive: R,
    /// Ending is closing, which is no conflict for the half itself.
    sending: ConflictDetector,
}

impl<S, R> StapledStream<S, R> {
    /// A stream made of these halves.
    pub const fn new(send: S, receive: R) -> StapledStream<S, R> {
        StapledStream { send, receive, sending: ConflictDetector::new() }
    }
}

impl<S: AsyncResource, R: AsyncResource> AsyncResource for StapledStream<S, R> {
    fn close_forcefully(&self) {
        self.send.close_forcefully();
        self.receive.close_forcefully();
    }

    fn close(&self) -> impl Future<Output = io::Result<()>> {
        let properly = async {
            let sending = self.send.close().await;
            let receiving = self.receive.close().await;
            sending.and(receiving)
        };
        closing(properly, || self.close_forcefully())
    }
}

impl<S: SendStream, R: AsyncResource> SendStream for StapledStream<S, R> {
    async fn send_all(&self, data: &[u8]) -> io::Result<()> {
        checkpoint_if_cancelled().await;
        let _sending = self.sending.begin().await?;
        self.send.send_all(data).await
    }

    async fn wait_send_all_might_not_block(&self) -> io::Result<()> {
        checkpoint_if_cancelled().await;
        let _sending = self.sending.begin().await?;
        self.send.wait_send_all_might_not_block().await
    }
}

impl<S: AsyncResource, R: ReceiveStream> ReceiveStream for StapledStream<S, R> {
    fn receive_some(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.receive.receive_some(buffer)
    }

    fn receive_descriptor(&self) -> Option<Descriptor<'_>> {
        self.receive.receive_descriptor()
    }
}

impl<S: SendStream, R: ReceiveStream> HalfCloseableStream for StapledStream<S, R> {
    async fn send_eof(&self) -> io::Result<()> {
        checkpoint_if_cancelled().await;
        let _sending = self.sending.begin().await?;
        self.send.close().await
    }
}
