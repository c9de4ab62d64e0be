//! Streams that are read by length, by delimiter and by line.

use std::cell::Cell;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::task::Poll;
use std::time::Duration;

use proptest::prelude::*;
use tests::probe::is_ready;
use trio::stream::{
    AsyncResource, BufferedStream, HalfCloseableStream, LimitExceededError, ReceiveStream,
    SendStream,
};
use trio::testing::{
    MemoryStream, assert_future_checkpoints, check_half_closeable_stream, lockstep_stream_pair,
    memory_stream_pair, wait_all_tasks_blocked,
};
use trio::{find_error, is_error, nursery};

fn pair() -> (MemoryStream, BufferedStream<MemoryStream>) {
    let (near, far) = memory_stream_pair();
    (near, BufferedStream::new(far))
}

#[trio::test]
async fn bytes_come_by_length_and_the_rest_waits() {
    let (near, far) = pair();
    near.send_all(b"abcdefgh").await.unwrap();
    assert_eq!(assert_future_checkpoints(far.receive_exactly(3)).await.unwrap(), b"abc");
    assert_eq!(far.buffered(), 5);
    assert_eq!(assert_future_checkpoints(far.receive_exactly(2)).await.unwrap(), b"de");
    assert_eq!(assert_future_checkpoints(far.receive_exactly(0)).await.unwrap(), b"");
    let mut buffer = [0; 2];
    assert_eq!(assert_future_checkpoints(far.receive_some(&mut buffer)).await.unwrap(), 2);
    assert_eq!(&buffer, b"fg");
    let (inside, rest) = far.into_parts();
    assert_eq!(rest, b"h");
    inside.send_all(b"back").await.unwrap();
    assert_eq!(near.receive_some(&mut [0; 8]).await.unwrap(), 4);
}

#[trio::test]
async fn an_end_in_the_midst_is_an_error_and_loses_nothing() {
    let (near, far) = pair();
    near.send_all(b"abc").await.unwrap();
    near.send_eof().await.unwrap();
    let error = far.receive_exactly(4).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(error.to_string(), "4 bytes were to come, and 3 did");
    let error = far.receive_until(b"\0").await.unwrap_err();
    assert_eq!(error.to_string(), "the stream ended 3 bytes after the last delimiter");
    assert_eq!(far.receive_exactly(3).await.unwrap(), b"abc");
    assert_eq!(assert_future_checkpoints(far.receive_until(b"\0")).await.unwrap(), None);
    assert_eq!(far.receive_line().await.unwrap(), None);
}

#[trio::test]
async fn lines_end_with_or_without_a_carriage_return_and_the_last_need_not() {
    let (near, far) = pair();
    near.send_all("one\r\ntwo\n\nvier ü\nlast".as_bytes()).await.unwrap();
    near.send_eof().await.unwrap();
    for line in ["one", "two", "", "vier ü", "last"] {
        let got = assert_future_checkpoints(far.receive_line()).await.unwrap();
        assert_eq!(got.as_deref(), Some(line));
    }
    assert_eq!(far.receive_line().await.unwrap(), None);
}

#[trio::test]
async fn a_line_that_is_not_utf_8_is_an_error_and_the_next_one_is_not() {
    let (near, far) = pair();
    near.send_all(b"\xff\nfine\n").await.unwrap();
    assert_eq!(far.receive_line().await.unwrap_err().kind(), ErrorKind::InvalidData);
    assert_eq!(far.receive_line().await.unwrap().as_deref(), Some("fine"));
}

#[trio::test]
async fn a_hostile_peer_cannot_make_it_grow() {
    let (near, far) = memory_stream_pair();
    let far = BufferedStream::with_limit(far, 100);
    near.send_all(&[b'x'; 1_000_000]).await.unwrap();
    let error = far.receive_until(b"\n").await.unwrap_err();
    assert_eq!(find_error::<LimitExceededError>(&error).unwrap().limit(), 100);
    assert!(far.buffered() < 20_000, "{}", far.buffered());
    let error = far.receive_exactly(101).await.unwrap_err();
    assert!(is_error::<LimitExceededError>(&error));
    assert_eq!(far.receive_exactly(100).await.unwrap().len(), 100);
    // A message of just the limit is one; the delimiter does not count.
    let (near, far) = memory_stream_pair();
    let far = BufferedStream::with_limit(far, 4);
    near.send_all(b"abcd\r\n").await.unwrap();
    assert_eq!(far.receive_until(b"\r\n").await.unwrap().as_deref(), Some(&b"abcd"[..]));
    near.send_all(b"abcde\r\n").await.unwrap();
    assert!(is_error::<LimitExceededError>(&far.receive_until(b"\r\n").await.unwrap_err()));
    far.set_limit(5);
    assert_eq!(far.receive_until(b"\r\n").await.unwrap().as_deref(), Some(&b"abcde"[..]));
}

#[trio::test]
#[should_panic(expected = "an empty delimiter is everywhere")]
async fn an_empty_delimiter_is_refused() {
    let _ = pair().1.receive_until(b"").await;
}

#[trio::test(clock = "mock")]
async fn what_a_cancelled_one_has_received_is_there_for_the_next() {
    let (near, far) = pair();
    near.send_all(b"half a li").await.unwrap();
    let limit = Duration::from_secs(1);
    assert!(trio::move_on_after(limit, || far.receive_line()).await.is_none());
    near.send_all(b"ne\n").await.unwrap();
    assert_eq!(far.receive_line().await.unwrap().as_deref(), Some("half a line"));
}

#[trio::test]
async fn what_is_there_is_counted_while_more_is_waited_for() {
    let (near, far) = pair();
    near.send_all(b"half").await.unwrap();
    nursery!(|n| {
        let reading = n.spawn(async { far.receive_line().await });
        wait_all_tasks_blocked().await;
        assert_eq!(far.buffered(), 4);
        reading.cancel();
        reading.wait().await;
        assert_eq!(far.buffered(), 4);
        near.send_all(b" and half").await?;
        assert_eq!(far.receive_exactly(13).await?, b"half and half");
    })
    .unwrap();
}

#[trio::test]
async fn who_waits_has_no_buffer_in_its_frame() {
    let (near, far) = pair();
    let (line, bytes) = (far.receive_line(), far.receive_exactly(100_000));
    assert!(size_of_val(&line) < 1000 && size_of_val(&bytes) < 1000);
    drop((line, bytes));
    // However much comes at once.
    near.send_all(&[b'x'; 100_000]).await.unwrap();
    assert_eq!(far.receive_exactly(100_000).await.unwrap(), [b'x'; 100_000]);
}

/// Comes to its end where it should not, as a connection under TLS can.
struct Truncated(Cell<bool>);

impl AsyncResource for Truncated {
    fn close_forcefully(&self) {}
}

impl ReceiveStream for Truncated {
    async fn receive_some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        trio::lowlevel::checkpoint().await;
        if self.0.replace(true) {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "cut off"));
        }
        buffer[..4].copy_from_slice(b"half");
        Ok(4)
    }
}

#[trio::test]
async fn an_error_of_the_stream_inside_is_no_end_of_a_line() {
    let stream = BufferedStream::new(Truncated(Cell::new(false)));
    let error = stream.receive_line().await.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::UnexpectedEof, "cut off"));
    assert_eq!(stream.buffered(), 4);
}

#[trio::test]
async fn one_that_is_dropped_before_its_turn_has_taken_nothing() {
    let (near, far) = pair();
    near.send_all(b"hello\n").await.unwrap();
    near.send_eof().await.unwrap();
    assert_eq!(far.receive_exactly(1).await.unwrap(), b"h");
    nursery!(|n| {
        // Somebody else can run, so that it has to wait for its turn.
        n.spawn(trio::lowlevel::checkpoint);
        let mut buffer = [0; 4];
        poll_fn(|cx| {
            assert!(!is_ready(cx, far.receive_exactly(2)));
            assert!(!is_ready(cx, far.receive_until(b"\n")));
            assert!(!is_ready(cx, far.receive_some(&mut buffer)));
            Poll::Ready(())
        })
        .await;
    })
    .unwrap();
    assert_eq!(far.receive_line().await.unwrap().as_deref(), Some("ello"));
}

// U181
#[trio::test(clock = "mock")]
async fn buffered_streams_keep_the_rules() {
    let make = async || {
        let (a, b) = lockstep_stream_pair();
        (BufferedStream::new(a), BufferedStream::new(b))
    };
    check_half_closeable_stream(make, make).await;
}

#[trio::task]
async fn send_pieces(stream: &MemoryStream, pieces: &[Vec<u8>]) -> io::Result<()> {
    for piece in pieces {
        stream.send_all(piece).await?;
        trio::lowlevel::checkpoint().await;
    }
    stream.send_eof().await
}

proptest! {
    #[test]
    fn messages_are_found_however_they_come_in_pieces(
        pieces in prop::collection::vec("[ab#\n]{0,6}", 0..12),
        delimiter in prop::sample::select(vec!["\n", "#", "##", "a#a", "ab"]),
    ) {
        let whole: String = pieces.concat();
        let pieces: Vec<Vec<u8>> = pieces.into_iter().map(String::into_bytes).collect();
        let mut expected: Vec<&str> = whole.split(delimiter).collect();
        let rest = expected.pop().unwrap();
        let (got, left) = trio::run(|| messages(&pieces, delimiter.as_bytes()));
        prop_assert_eq!(got, expected);
        prop_assert_eq!(left, rest);
    }
}

#[trio::task]
async fn messages(pieces: &[Vec<u8>], delimiter: &[u8]) -> (Vec<String>, String) {
    let (near, far) = pair();
    let mut all = Vec::new();
    nursery!(|n| {
        n.spawn(send_pieces, &near, pieces);
        while let Ok(Some(message)) = far.receive_until(delimiter).await {
            all.push(String::from_utf8(message)?);
        }
    })
    .unwrap();
    (all, String::from_utf8(far.into_parts().1).unwrap())
}
