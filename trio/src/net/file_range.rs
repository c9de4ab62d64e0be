//! A part of a file into a stream.

use std::io;
use std::os::fd::BorrowedFd;

use super::socket::file::Piece;
use crate::lowlevel::{cancel_shielded_checkpoint, checkpoint_if_cancelled};
use crate::stream::fd::ByteStream;

/// How much one operation is asked for, so that others get their turn.
const AT_ONCE: u64 = 1 << 20;

/// Sends up to `count` bytes from `offset` on: how many it were.
pub(super) async fn send(
    stream: &ByteStream<socket2::Socket>,
    file: BorrowedFd<'_>,
    offset: u64,
    count: Option<u64>,
) -> io::Result<u64> {
    checkpoint_if_cancelled().await;
    let _busy = stream.begin_sending().await?;
    let count = count.unwrap_or(u64::MAX);
    let mut sent = 0;
    let mut waited = false;
    let mut failed = None;
    while sent < count {
        let size = usize::try_from((count - sent).min(AT_ONCE)).unwrap_or(usize::MAX);
        let mut piece = Piece { file, offset: offset + sent, count: size, read: Vec::new() };
        let mut now = false;
        match stream.sending(|socket| piece.send(socket), &mut now).await {
            Ok(0) => break,
            Ok(more) => sent += more as u64,
            Err(error) => {
                failed = Some(error);
                break;
            }
        }
        if !now {
            // There is room for more: others are let go first all the same.
            crate::lowlevel::checkpoint().await;
        }
        waited = true;
    }
    if !waited {
        cancel_shielded_checkpoint().await;
    }
    failed.map_or(Ok(sent), Err)
}
