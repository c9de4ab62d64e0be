//! Every async operation is a checkpoint by itself, also where it succeeds at once.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tests::network::listen;
use tests::panics::text;
use trio::channel::channel;
use trio::lowlevel::{
    Abort, IoSource, ParkingLot, Resumer, cancel_shielded_checkpoint, checkpoint,
    checkpoint_if_cancelled, suspend, wait_readable, wait_writable,
};
use trio::net::{
    AddressQuery, HostnameResolver, TcpListener, TcpServer, TcpStream, UdpSocket, UnixDatagram,
    UnixStream, getaddrinfo, getnameinfo, happy_eyeballs, open_tcp_listeners, open_tcp_stream,
    serve_listeners, set_hostname_resolver,
};
use trio::stream::{
    AsyncResource, BoxFuture, BufferedStream, HalfCloseableStream, ReceiveStream, SendStream,
    StapledStream, Stream, copy, pipe, pump,
};
use trio::sync::{CapacityLimiter, Queue};
use trio::testing::{
    MemorySendStream, Sequencer, assert_checkpoints, assert_future_checkpoints,
    lockstep_stream_pair, memory_stream_pair, wait_all_tasks_blocked,
};
use trio::{CancelScope, Outcome, current_time, nursery};

/// The number of none.
const NO_DESCRIPTOR: i32 = 1_000_000;

async fn two_halves() {
    checkpoint_if_cancelled().await;
    cancel_shielded_checkpoint().await;
}

// T176
#[trio::test]
async fn checkpoints_are_checkpoints() {
    assert_future_checkpoints(checkpoint()).await;
    assert_future_checkpoints(two_halves()).await;
}

#[trio::task]
async fn verdict<F: Future<Output = ()>>(future: F) -> String {
    nursery!(|n| {
        let asserting = n.spawn_monitored(async { assert_future_checkpoints(future).await });
        match asserting.outcome().await {
            Outcome::Panicked(payload) => text(&*payload),
            _ => String::from("it is one"),
        }
    })
    .unwrap()
}

// T176
#[trio::test]
async fn half_a_checkpoint_is_none_and_nor_is_a_foreign_future() {
    assert_eq!(verdict(checkpoint()).await, "it is one");
    let text = verdict(checkpoint_if_cancelled()).await;
    assert!(text.ends_with("there was a cancellation point, but no schedule point"), "{text}");
    let text = verdict(cancel_shielded_checkpoint()).await;
    assert!(text.ends_with("there was a schedule point, but no cancellation point"), "{text}");
    let text = verdict(std::future::ready(())).await;
    assert!(text.ends_with("there was no checkpoint at all"), "{text}");
    assert!(text.starts_with("assert_future_checkpoints at tests/tests/checkpoint_rule.rs:"));
}

#[trio::test(clock = "mock")]
async fn waiting_for_time_is_a_checkpoint() {
    for duration in [Duration::ZERO, Duration::from_secs(1)] {
        assert_future_checkpoints(trio::sleep(duration)).await;
        assert_future_checkpoints(trio::sleep_until(current_time() + duration)).await;
    }
    assert_future_checkpoints(wait_all_tasks_blocked()).await;
}

#[trio::test(clock = "mock")]
async fn waiting_for_tasks_is_a_checkpoint() {
    nursery!(|n| {
        let child = n.spawn(checkpoint);
        assert_future_checkpoints(child.wait()).await;
        assert_future_checkpoints(child.wait()).await;
        let child = n.spawn_monitored(checkpoint);
        child.wait().await;
        assert_future_checkpoints(child.outcome()).await;
    })
    .unwrap();
}

#[trio::test(clock = "mock")]
async fn parking_and_suspending_are_checkpoints() {
    let lot = ParkingLot::new();
    let place: Cell<Option<Resumer<()>>> = Cell::new(None);
    nursery!(|n| {
        n.spawn(async {
            assert_future_checkpoints(lot.park()).await?;
            Ok::<_, trio::BrokenResourceError>(())
        });
        n.spawn(async {
            let suspended = suspend(|resumer| {
                place.set(Some(resumer));
                || Abort::Succeeded
            });
            assert_future_checkpoints(suspended).await;
        });
        wait_all_tasks_blocked().await;
        lot.unpark(1);
        place.take().unwrap().resume(());
    })
    .unwrap();
    // One that is resumed before it blocks.
    assert_future_checkpoints(suspend(|resumer: Resumer<()>| {
        resumer.resume(());
        || Abort::Succeeded
    }))
    .await;
}

#[trio::test(clock = "mock")]
async fn borrowing_a_token_is_a_checkpoint() {
    let limiter = CapacityLimiter::new(1);
    let token = assert_future_checkpoints(limiter.acquire()).await;
    nursery!(|n| {
        n.spawn(async { drop(assert_future_checkpoints(limiter.acquire()).await) });
        wait_all_tasks_blocked().await;
        drop(token);
    })
    .unwrap();
}

#[trio::test(clock = "mock")]
async fn a_step_is_a_checkpoint() {
    let order = Sequencer::new();
    nursery!(|n| {
        n.spawn(async { drop(assert_future_checkpoints(order.step(1)).await) });
        wait_all_tasks_blocked().await;
        drop(assert_future_checkpoints(order.step(0)).await);
    })
    .unwrap();
}

#[trio::test]
async fn waiting_for_descriptors_is_a_checkpoint() {
    let (a, b) = std::os::unix::net::UnixStream::pair().unwrap();
    a.set_nonblocking(true).unwrap();
    assert_future_checkpoints(wait_writable(&a)).await.unwrap();
    nursery!(|n| {
        n.spawn(async { assert_future_checkpoints(wait_readable(&b)).await });
        wait_all_tasks_blocked().await;
        io::Write::write_all(&mut &a, b"x")?;
    })
    .unwrap();
    assert_future_checkpoints(wait_readable(&b)).await.unwrap();
    let source = IoSource::new(std::os::fd::AsFd::as_fd(&b)).unwrap();
    assert_future_checkpoints(source.readable()).await.unwrap();
    assert_future_checkpoints(source.writable()).await.unwrap();
}

/// Every operation of a pair, where it succeeds at once and where it waits.
#[trio::task]
async fn operations_of<S: Stream, R: HalfCloseableStream>(a: &S, b: &R) {
    nursery!(|n| {
        n.spawn(async {
            assert_future_checkpoints(b.receive_some(&mut [0; 8])).await?;
            assert_future_checkpoints(b.receive_some(&mut [0; 8])).await?;
            Ok::<_, io::Error>(())
        });
        wait_all_tasks_blocked().await;
        assert_future_checkpoints(a.wait_send_all_might_not_block()).await?;
        assert_future_checkpoints(a.send_all(b"")).await?;
        assert_future_checkpoints(a.send_all(b"hello")).await?;
        assert_future_checkpoints(a.send_all(b"world")).await?;
    })
    .unwrap();
    assert_future_checkpoints(b.send_eof()).await.unwrap();
    assert_future_checkpoints(b.send_eof()).await.unwrap();
    assert_future_checkpoints(a.receive_some(&mut [0; 8])).await.unwrap();
    assert_future_checkpoints(a.close()).await.unwrap();
    assert_future_checkpoints(b.close()).await.unwrap();
    assert_future_checkpoints(b.close()).await.unwrap();
}

#[trio::test]
async fn the_operations_of_streams_are_checkpoints() {
    let (a, b) = memory_stream_pair();
    operations_of(&a, &b).await;
    let (a, b) = lockstep_stream_pair();
    operations_of(&a, &b).await;
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let a = assert_future_checkpoints(TcpStream::connect(address)).await.unwrap();
    let b = assert_future_checkpoints(listener.accept()).await.unwrap();
    operations_of(&a, &b).await;
    let stream = MemorySendStream::new();
    stream.send_all(b"x").await.unwrap();
    assert_future_checkpoints(stream.get_data(1)).await.unwrap();
    let (a, b) = UnixStream::pair().unwrap();
    operations_of(&a, &b).await;
    let (a, b) = UnixStream::pair().unwrap();
    operations_of(&BufferedStream::new(a), &BufferedStream::new(b)).await;
    let ((from, to), (back_from, back_to)) = (pipe().unwrap(), pipe().unwrap());
    operations_of(&StapledStream::new(to, back_from), &StapledStream::new(back_to, from)).await;
}

/// A receiving that waits, and a sending that ends it.
#[trio::task]
async fn waits_for<R, S>(
    receive: impl Future<Output = io::Result<R>>,
    send: impl Future<Output = io::Result<S>>,
) {
    nursery!(|n| {
        n.spawn(async { assert_future_checkpoints(receive).await.map(drop) });
        wait_all_tasks_blocked().await;
        assert_future_checkpoints(send).await?;
    })
    .unwrap();
}

#[trio::test]
async fn the_operations_of_datagrams_are_checkpoints() {
    let local = "127.0.0.1:0".parse().unwrap();
    let (a, b) = (UdpSocket::bind(local).unwrap(), UdpSocket::bind(local).unwrap());
    let (to_a, to_b) = (a.local_addr().unwrap(), b.local_addr().unwrap());
    assert_future_checkpoints(a.connect(to_b)).await.unwrap();
    assert_future_checkpoints(b.connect(to_a)).await.unwrap();
    waits_for(b.recv(&mut [0]), a.send(b"x")).await;
    waits_for(b.recv_from(&mut [0]), a.send(b"x")).await;
    waits_for(b.peek_from(&mut [0]), a.send(b"x")).await;
    // One that is there already.
    assert_future_checkpoints(b.peek_from(&mut [0])).await.unwrap();
    assert_future_checkpoints(b.recv(&mut [0])).await.unwrap();
    let (a, b) = UnixDatagram::pair().unwrap();
    waits_for(b.recv(&mut [0]), a.send(b"x")).await;
    waits_for(b.recv_from(&mut [0]), a.send(b"x")).await;
}

/// It is a checkpoint, and fails.
#[track_caller]
fn fails<T, E>(future: impl Future<Output = Result<T, E>>) -> impl Future<Output = ()> {
    let asserted = assert_future_checkpoints(future);
    async move { assert!(asserted.await.is_err()) }
}

#[trio::test]
async fn what_fails_at_once_in_queues_and_channels_is_a_checkpoint() {
    let queue = Queue::new(1);
    queue.close();
    fails(queue.put(1)).await;
    fails(queue.get()).await;
    let (sender, receiver) = channel::<u32>(1);
    receiver.close();
    fails(receiver.receive()).await;
    fails(sender.send(1)).await;
    sender.close();
    fails(sender.send(1)).await;
}

#[trio::test(clock = "mock")]
async fn what_fails_while_it_waits_in_queues_and_channels_is_a_checkpoint() {
    let (full, empty) = (Queue::new(1), Queue::<u32>::new(1));
    full.try_put(0).unwrap();
    let (sender, receiver) = channel(0);
    let (other_sender, other_receiver) = channel::<u32>(0);
    nursery!(|n| {
        n.spawn(async { fails(full.put(1)).await });
        n.spawn(async { fails(empty.get()).await });
        n.spawn(async { fails(sender.send(1)).await });
        n.spawn(async { fails(other_receiver.receive()).await });
        wait_all_tasks_blocked().await;
        full.close();
        empty.close();
        receiver.close();
        other_sender.close();
    })
    .unwrap();
}

#[trio::test]
async fn waiting_for_descriptors_in_vain_is_a_checkpoint() {
    let (a, _b) = std::os::unix::net::UnixStream::pair().unwrap();
    fails(wait_readable(&NO_DESCRIPTOR)).await;
    fails(wait_writable(&NO_DESCRIPTOR)).await;
    let source = IoSource::new(std::os::fd::AsFd::as_fd(&a)).unwrap();
    source.would_block_reading();
    nursery!(|n| {
        n.spawn(async { fails(source.readable()).await });
        wait_all_tasks_blocked().await;
        // Another one waits.
        fails(source.readable()).await;
        source.notify_closing();
    })
    .unwrap();
    fails(source.readable()).await;
    fails(source.writable()).await;
}

/// Every operation of a pair whose far end is closed, and then of one that is closed itself.
#[trio::task]
async fn failures_of<S: HalfCloseableStream>(a: &S, b: S) {
    drop(b);
    // What is noticed late is not noticed at once; what comes of it does not matter here.
    for _ in 0..3 {
        let _ = assert_future_checkpoints(a.send_all(b"hello")).await;
        let _ = assert_future_checkpoints(a.wait_send_all_might_not_block()).await;
        let _ = assert_future_checkpoints(a.receive_some(&mut [0; 8])).await;
    }
    fails(a.send_all(b"hello")).await;
    fails(a.receive_some(&mut [])).await;
    a.close_forcefully();
    fails(a.send_all(b"hello")).await;
    fails(a.send_all(b"")).await;
    fails(a.wait_send_all_might_not_block()).await;
    fails(a.receive_some(&mut [0; 8])).await;
    let _ = assert_future_checkpoints(a.send_eof()).await;
    assert_future_checkpoints(a.close()).await.unwrap();
}

#[trio::test]
async fn the_failures_of_streams_are_checkpoints() {
    let (a, b) = memory_stream_pair();
    failures_of(&a, b).await;
    let (a, b) = lockstep_stream_pair();
    failures_of(&a, b).await;
    let (a, b) = UnixStream::pair().unwrap();
    failures_of(&a, b).await;
    let (a, b) = UnixStream::pair().unwrap();
    failures_of(&BufferedStream::new(a), BufferedStream::new(b)).await;
    let ((from, to), (back_from, back_to)) = (pipe().unwrap(), pipe().unwrap());
    failures_of(&StapledStream::new(to, back_from), StapledStream::new(back_to, from)).await;
}

/// What those get who come second, where sending this much takes a while.
#[trio::task]
async fn conflicts_of<S: HalfCloseableStream>(a: &S, much: &[u8]) {
    nursery!(|n| {
        let receiving = n.spawn(async { a.receive_some(&mut [0]).await });
        let sending = n.spawn(async { a.send_all(much).await });
        wait_all_tasks_blocked().await;
        fails(a.receive_some(&mut [0])).await;
        fails(a.send_all(b"x")).await;
        fails(a.wait_send_all_might_not_block()).await;
        fails(a.send_eof()).await;
        receiving.cancel();
        sending.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn two_who_use_a_stream_at_once_go_through_a_checkpoint() {
    let much = vec![0; 1 << 24];
    let (a, _b) = UnixStream::pair().unwrap();
    conflicts_of(&a, &much).await;
    let (a, _b) = UnixStream::pair().unwrap();
    conflicts_of(&BufferedStream::new(a), &much).await;
    let ((_from, to), (back_from, _back_to)) = (pipe().unwrap(), pipe().unwrap());
    conflicts_of(&StapledStream::new(to, back_from), &much).await;
    let (a, _b) = lockstep_stream_pair();
    conflicts_of(&a, &much).await;
    let (a, b) = UnixStream::pair().unwrap();
    let b = BufferedStream::new(b);
    nursery!(|n| {
        let receiving = n.spawn(async { b.receive_exactly(2).await });
        wait_all_tasks_blocked().await;
        fails(b.receive_exactly(0)).await;
        fails(b.receive_until(b"\n")).await;
        fails(b.receive_line()).await;
        a.send_all(b"x").await?;
        wait_all_tasks_blocked().await;
        // Also where something is in the buffer.
        fails(b.receive_some(&mut [0])).await;
        receiving.cancel();
    })
    .unwrap();
    let memory = MemorySendStream::new();
    nursery!(|n| {
        let getting = n.spawn(async { memory.get_data(1).await });
        wait_all_tasks_blocked().await;
        fails(memory.get_data(1)).await;
        getting.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn sockets_that_are_closed_or_find_nobody_go_through_a_checkpoint() {
    let nowhere = "/nowhere/at/all";
    fails(UnixStream::connect(nowhere)).await;
    let datagrams = UnixDatagram::unbound().unwrap();
    fails(datagrams.connect(nowhere)).await;
    fails(datagrams.send_to(b"x", nowhere)).await;
    let local = "127.0.0.1:0".parse().unwrap();
    let listener = TcpListener::bind(local).unwrap();
    let address = listener.local_addr().unwrap();
    nursery!(|n| {
        n.spawn(async { fails(listener.accept()).await });
        wait_all_tasks_blocked().await;
        listener.close();
    })
    .unwrap();
    fails(listener.accept()).await;
    fails(TcpStream::connect(address)).await;
    let udp = UdpSocket::bind(local).unwrap();
    udp.close();
    fails(udp.send_to(b"x", address)).await;
    fails(udp.recv_from(&mut [0])).await;
    fails(udp.connect(address)).await;
    let (file, _) = std::io::pipe().unwrap();
    let (a, b) = UnixStream::pair().unwrap();
    drop(b);
    fails(a.send_file(&file, 0, Some(1))).await;
    a.close();
    fails(a.send_file(&file, 0, Some(1))).await;
}

/// Knows all names at once.
struct AtOnce(SocketAddr);

impl HostnameResolver for AtOnce {
    fn getaddrinfo<'a>(
        &'a self,
        _: &'a AddressQuery,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(std::future::ready(Ok(vec![self.0])))
    }

    fn getnameinfo(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<(String, String)>> {
        Box::pin(std::future::ready(Ok(("host".to_owned(), "service".to_owned()))))
    }
}

#[trio::test]
async fn looking_up_listening_and_opening_are_checkpoints() {
    let (listener, address) = listen();
    assert_checkpoints(|| getaddrinfo(("127.0.0.1", 1))).await.unwrap();
    assert_checkpoints(|| getaddrinfo(("", 1))).await.unwrap_err();
    assert_checkpoints(|| getnameinfo(address)).await.unwrap();
    set_hostname_resolver(Some(Rc::new(AtOnce(address))));
    assert_checkpoints(|| getaddrinfo(("somewhere", 1))).await.unwrap();
    assert_checkpoints(|| getnameinfo(address)).await.unwrap();
    assert_checkpoints(|| open_tcp_stream("somewhere", 1)).await.unwrap();
    assert_checkpoints(|| open_tcp_listeners(0)).await.unwrap();
    assert_checkpoints(|| TcpServer::new(1).host("somewhere").listen()).await.unwrap_err();
    drop(listener);
    assert_checkpoints(|| open_tcp_stream("somewhere", 1)).await.unwrap_err();
    let connect = async |_: SocketAddr| Ok::<(), io::Error>(());
    assert_checkpoints(|| happy_eyeballs(Vec::new(), Duration::ZERO, connect)).await.unwrap_err();
    assert_checkpoints(|| happy_eyeballs(vec![address], Duration::ZERO, connect)).await.unwrap();
}

#[trio::task]
async fn nothing(_: TcpStream) {
    checkpoint().await;
}

#[trio::test]
async fn serving_nobody_is_a_checkpoint() {
    assert_checkpoints(|| serve_listeners(Vec::<TcpListener>::new(), nothing)).await.unwrap();
    let scope = CancelScope::new();
    scope.request_stop(Duration::from_secs(10));
    let stopped = scope
        .run(async { assert_checkpoints(|| serve_listeners(vec![listen().0], nothing)).await });
    stopped.await.unwrap().unwrap();
}

#[trio::test]
async fn copying_and_pumping_are_checkpoints() {
    let ((a, b), (c, d)) = (memory_stream_pair(), memory_stream_pair());
    a.send_eof().await.unwrap();
    assert_eq!(assert_future_checkpoints(copy(&b, &c)).await.unwrap(), 0);
    d.send_eof().await.unwrap();
    assert_eq!(assert_checkpoints(|| pump(&b, &c)).await.unwrap(), (0, 0));
    b.close_forcefully();
    fails(copy(&b, &c)).await;
}

#[trio::test(clock = "mock")]
async fn being_turned_away_from_a_broken_lot_is_a_checkpoint() {
    let lot = ParkingLot::new();
    lot.break_lot("the test");
    fails(lot.park()).await;
}
