//! Streams in memory: their hooks, their ends, and those that are connected.

use std::cell::{Cell, RefCell};
use std::future::ready;
use std::io::{self, ErrorKind};
use std::rc::Rc;

use tests::panics::panic_text;
use trio::lowlevel::checkpoint;
use trio::stream::{
    AsyncResource, BoxFuture, HalfCloseableStream, ReceiveStream, SendStream, StapledStream,
};
use trio::testing::{
    MemoryReceiveStream, MemorySendStream, assert_future_checkpoints, lockstep_stream_one_way_pair,
    memory_stream_one_way_pair, memory_stream_pair, memory_stream_pump, wait_all_tasks_blocked,
};
use trio::{
    BrokenResourceError, BusyResourceError, ClosedResourceError, WouldBlock, is_error, nursery,
};

type Log = Rc<RefCell<Vec<&'static str>>>;

/// A hook that writes down that it was called.
fn logs(log: &Log, what: &'static str) -> impl Fn() -> BoxFuture<'static, io::Result<()>> + use<> {
    let log = Rc::clone(log);
    move || {
        let log = Rc::clone(&log);
        Box::pin(async move {
            checkpoint().await;
            log.borrow_mut().push(what);
            Ok(())
        })
    }
}

// T178
#[trio::test]
async fn what_is_sent_is_there_to_be_got() {
    let stream = MemorySendStream::new();
    assert_eq!(stream.try_get_data(10), Err(WouldBlock::new()));
    assert_future_checkpoints(stream.send_all(b"12345")).await.unwrap();
    assert_eq!(stream.try_get_data(2).unwrap(), b"12");
    assert_eq!(assert_future_checkpoints(stream.get_data(1)).await.unwrap(), b"3");
    stream.send_all(b"6").await.unwrap();
    assert_eq!(stream.get_data(usize::MAX).await.unwrap(), b"456");
    assert_eq!(stream.try_get_data(10), Err(WouldBlock::new()));
    nursery!(|n| {
        let getting = n.spawn(async { stream.get_data(10).await });
        wait_all_tasks_blocked().await;
        let busy = stream.get_data(10).await.unwrap_err();
        assert!(is_error::<BusyResourceError>(&busy));
        assert!(!getting.is_finished());
        stream.close().await?;
        getting.wait().await;
        assert_eq!(getting.take(), Some(vec![]));
    })
    .unwrap();
    assert_eq!(stream.try_get_data(10).unwrap(), b"");
    assert!(is_error::<ClosedResourceError>(&stream.send_all(b"x").await.unwrap_err()));
    let error = stream.wait_send_all_might_not_block().await.unwrap_err();
    assert!(is_error::<ClosedResourceError>(&error));
}

// T178
#[trio::test]
async fn hooks_of_a_send_stream_are_called_after_the_work() {
    let stream = Rc::new(MemorySendStream::new());
    let log = Log::default();
    stream.set_send_all_hook({
        let (log, weak) = (Rc::clone(&log), Rc::downgrade(&stream));
        move || {
            let (log, stream) = (Rc::clone(&log), weak.upgrade().unwrap());
            async move {
                checkpoint().await;
                assert_eq!(stream.try_get_data(10).unwrap(), b"data");
                log.borrow_mut().push("sent");
                Ok(())
            }
        }
    });
    stream.set_wait_hook(logs(&log, "waited"));
    stream.set_close_hook({
        let log = Rc::clone(&log);
        move || log.borrow_mut().push("closed")
    });
    stream.send_all(b"data").await.unwrap();
    stream.wait_send_all_might_not_block().await.unwrap();
    assert_eq!(*log.borrow(), ["sent", "waited"]);
    stream.close().await.unwrap();
    stream.close().await.unwrap();
    stream.close_forcefully();
    drop(stream);
    assert_eq!(*log.borrow(), ["sent", "waited", "closed"]);
}

// T178
#[trio::test]
async fn what_a_hook_returns_is_what_the_operation_returns() {
    let stream = MemorySendStream::new();
    stream.set_send_all_hook(|| ready(Err(ErrorKind::TimedOut.into())));
    assert_eq!(stream.send_all(b"x").await.unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(stream.try_get_data(1).unwrap(), b"x");
    let stream = MemoryReceiveStream::new();
    stream.put_data(b"x").unwrap();
    stream.set_receive_hook(|| ready(Err(ErrorKind::TimedOut.into())));
    let mut buffer = [0];
    let error = stream.receive_some(&mut buffer).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

// T178
#[trio::test]
async fn what_is_put_is_received() {
    let stream = MemoryReceiveStream::new();
    let mut buffer = [0; 10];
    stream.put_data(b"abc").unwrap();
    let received = assert_future_checkpoints(stream.receive_some(&mut buffer[..2])).await;
    assert_eq!(received.unwrap(), 2);
    stream.put_data(b"def").unwrap();
    assert_eq!(stream.receive_some(&mut buffer[2..]).await.unwrap(), 4);
    assert_eq!(&buffer[..6], b"abcdef");
    stream.put_data(b"ghi").unwrap();
    stream.put_eof();
    stream.put_eof();
    assert!(is_error::<ClosedResourceError>(&stream.put_data(b"x").unwrap_err()));
    assert_eq!(stream.receive_some(&mut buffer).await.unwrap(), 3);
    assert_eq!(stream.receive_some(&mut buffer).await.unwrap(), 0);
    assert_eq!(stream.receive_some(&mut buffer).await.unwrap(), 0);
}

// T178
#[trio::test]
async fn the_hook_of_a_receive_stream_can_put_data() {
    let stream = Rc::new(MemoryReceiveStream::new());
    stream.set_receive_hook({
        let weak = Rc::downgrade(&stream);
        move || ready(weak.upgrade().unwrap().put_data(b"hook"))
    });
    let closed = Rc::new(Cell::new(0));
    stream.set_close_hook({
        let closed = Rc::clone(&closed);
        move || closed.set(closed.get() + 1)
    });
    let mut buffer = [0; 10];
    assert_eq!(stream.receive_some(&mut buffer).await.unwrap(), 4);
    stream.close().await.unwrap();
    stream.close_forcefully();
    drop(stream);
    assert_eq!(closed.get(), 1);
}

// T178
#[trio::test]
async fn closing_ends_a_receive_that_waits_and_forgets_what_there_was() {
    let stream = MemoryReceiveStream::new();
    nursery!(|n| {
        let receiving = n.spawn(async {
            let error = stream.receive_some(&mut [0; 10]).await.unwrap_err();
            assert!(is_error::<ClosedResourceError>(&error));
        });
        wait_all_tasks_blocked().await;
        let busy = stream.receive_some(&mut [0; 10]).await.unwrap_err();
        assert!(is_error::<BusyResourceError>(&busy));
        stream.close().await?;
        receiving.wait().await;
    })
    .unwrap();
    let stream = MemoryReceiveStream::new();
    stream.put_data(b"abc").unwrap();
    stream.close().await.unwrap();
    let error = stream.receive_some(&mut [0; 10]).await.unwrap_err();
    assert!(is_error::<ClosedResourceError>(&error));
    assert!(stream.put_data(b"x").is_err());
}

// T178
#[trio::test]
async fn a_pump_moves_as_much_as_it_is_told() {
    let (send, receive) = (MemorySendStream::new(), MemoryReceiveStream::new());
    let mut buffer = [0; 10];
    assert!(!memory_stream_pump(&send, &receive, 1).unwrap());
    send.send_all(b"async I/O").await.unwrap();
    assert!(memory_stream_pump(&send, &receive, 2).unwrap());
    assert_eq!(receive.receive_some(&mut buffer).await.unwrap(), 2);
    assert!(memory_stream_pump(&send, &receive, usize::MAX).unwrap());
    assert!(!memory_stream_pump(&send, &receive, usize::MAX).unwrap());
    assert_eq!(receive.receive_some(&mut buffer).await.unwrap(), 7);
    send.send_all(b"x").await.unwrap();
    send.close().await.unwrap();
    // The end is moved like data.
    assert!(memory_stream_pump(&send, &receive, 1).unwrap());
    assert!(memory_stream_pump(&send, &receive, 1).unwrap());
    assert!(memory_stream_pump(&send, &receive, 1).unwrap());
    assert_eq!(receive.receive_some(&mut buffer).await.unwrap(), 1);
    assert_eq!(receive.receive_some(&mut buffer).await.unwrap(), 0);
}

// T178
#[trio::test]
async fn pumping_into_a_closed_stream_breaks() {
    let (send, receive) = (MemorySendStream::new(), MemoryReceiveStream::new());
    send.send_all(b"x").await.unwrap();
    receive.close().await.unwrap();
    let error = memory_stream_pump(&send, &receive, 1).unwrap_err();
    assert!(is_error::<BrokenResourceError>(&error));
}

// T178
#[test]
fn taking_no_bytes_is_a_mistake() {
    let (send, receive) = (MemorySendStream::new(), MemoryReceiveStream::new());
    let text = "no bytes at all would mean the end: take at least one";
    assert_eq!(panic_text(|| send.try_get_data(0)), text);
    assert_eq!(panic_text(|| memory_stream_pump(&send, &receive, 0)), text);
}

// T178
#[trio::test]
async fn a_pair_moves_its_data_by_itself() {
    let (send, receive) = memory_stream_one_way_pair();
    let mut buffer = [0; 10];
    nursery!(|n| {
        let receiving = n.spawn(async { receive.receive_some(&mut [0; 10]).await });
        wait_all_tasks_blocked().await;
        assert_future_checkpoints(send.send_all(b"abc")).await?;
        receiving.wait().await;
        assert_eq!(receiving.take(), Some(3));
    })
    .unwrap();
    // What its owner has kept back goes before the end.
    send.set_send_all_hook(|| ready(Ok(())));
    send.send_all(b"kept").await.unwrap();
    send.close().await.unwrap();
    assert_eq!(receive.receive_some(&mut buffer).await.unwrap(), 4);
    assert_eq!(receive.receive_some(&mut buffer).await.unwrap(), 0);
}

#[trio::test]
async fn dropping_an_end_is_told_to_the_other() {
    let (send, receive) = memory_stream_one_way_pair();
    drop(send);
    assert_eq!(receive.receive_some(&mut [0; 10]).await.unwrap(), 0);
    let (send, receive) = memory_stream_one_way_pair();
    drop(receive);
    assert!(is_error::<BrokenResourceError>(&send.send_all(b"x").await.unwrap_err()));
    let (send, receive) = lockstep_stream_one_way_pair();
    drop(send);
    assert_eq!(receive.receive_some(&mut [0; 10]).await.unwrap(), 0);
    let (send, receive) = lockstep_stream_one_way_pair();
    drop(receive);
    assert!(is_error::<BrokenResourceError>(&send.send_all(b"x").await.unwrap_err()));
}

// T178
#[trio::test]
async fn a_pair_of_both_directions_can_end_one() {
    let (a, b) = memory_stream_pair();
    let mut buffer = [0; 10];
    a.send_all(b"there").await.unwrap();
    a.send_eof().await.unwrap();
    assert_eq!(b.receive_some(&mut buffer).await.unwrap(), 5);
    assert_eq!(b.receive_some(&mut buffer).await.unwrap(), 0);
    b.send_all(b"back").await.unwrap();
    assert_eq!(a.receive_some(&mut buffer).await.unwrap(), 4);
}

// T178
#[trio::test]
async fn in_lockstep_sending_returns_when_everything_was_received() {
    let (send, receive) = lockstep_stream_one_way_pair();
    nursery!(|n| {
        let sending = n.spawn(async { send.send_all(b"12345").await });
        wait_all_tasks_blocked().await;
        let mut buffer = [0; 3];
        assert_eq!(receive.receive_some(&mut buffer).await?, 3);
        wait_all_tasks_blocked().await;
        assert!(!sending.is_finished());
        assert_eq!(receive.receive_some(&mut buffer).await?, 2);
        sending.wait().await;
    })
    .unwrap();
}

#[trio::test]
async fn in_lockstep_a_cancelled_send_takes_back_what_nobody_received() {
    let (send, receive) = lockstep_stream_one_way_pair();
    nursery!(|n| {
        let sending = n.spawn(async { send.send_all(b"12345").await });
        wait_all_tasks_blocked().await;
        assert_eq!(receive.receive_some(&mut [0; 3]).await?, 3);
        sending.cancel();
        sending.wait().await;
        n.spawn(async { send.send_all(b"6").await });
        let mut buffer = [0; 3];
        assert_eq!(receive.receive_some(&mut buffer).await?, 1);
        assert_eq!(buffer[0], b'6');
    })
    .unwrap();
}

/// A half that writes down what is done to it.
struct Half {
    log: Log,
    name: &'static str,
    fails: bool,
}

impl AsyncResource for Half {
    fn close_forcefully(&self) {
        self.log.borrow_mut().push(self.name);
    }

    async fn close(&self) -> io::Result<()> {
        checkpoint().await;
        self.close_forcefully();
        match self.fails {
            true => Err(io::Error::other(self.name)),
            false => Ok(()),
        }
    }
}

// R164
#[trio::test]
async fn a_stapled_stream_closes_both_halves_even_if_one_fails() {
    for fails in [(false, false), (true, false), (false, true), (true, true)] {
        let log = Log::default();
        let half = |name, fails| Half { log: Rc::clone(&log), name, fails };
        let stream = StapledStream::new(half("send", fails.0), half("receive", fails.1));
        let result = stream.close().await;
        let expected = match fails {
            (true, _) => Some("send".to_owned()),
            (false, true) => Some("receive".to_owned()),
            (false, false) => None,
        };
        assert_eq!(result.err().map(|error| error.to_string()), expected);
        // Properly, and then by force, which does no harm to one that is closed.
        assert_eq!(*log.borrow(), ["send", "receive", "send", "receive"]);
    }
}

#[test]
fn streams_say_whether_they_are_closed() {
    let (send, receive) = memory_stream_one_way_pair();
    assert_eq!(format!("{send:?}"), "MemorySendStream { closed: false, .. }");
    send.close_forcefully();
    assert_eq!(format!("{send:?}"), "MemorySendStream { closed: true, .. }");
    assert_eq!(format!("{receive:?}"), "MemoryReceiveStream { closed: false, .. }");
    let (send, receive) = lockstep_stream_one_way_pair();
    receive.close_forcefully();
    assert_eq!(format!("{send:?}"), "LockstepSendStream { closed: false, .. }");
    assert_eq!(format!("{receive:?}"), "LockstepReceiveStream { closed: true, .. }");
}
