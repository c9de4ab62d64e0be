//! The operations of the network, cancelled everywhere: what comes is not lost, what was cancelled has not
//! been sent, and nothing is left open. Receiving bytes, lines and datagrams is in `injected.rs`.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::future::Future;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::rc::Rc;

use tests::network::{echo, listen, noise, receive_all, scratch, tcp_pair};
use tests::probe::{OnDrop, open_descriptors};
use tests::rerun::alone;
use trio::lowlevel::checkpoint;
use trio::net::{
    AddressQuery, Control, DatagramBatch, Domain, HostnameResolver, Message, Socket, TcpStream,
    Type, UdpSocket, UnixListener, UnixStream, open_tcp_stream, serve_listeners,
    set_hostname_resolver,
};
use trio::nursery;
use trio::stream::{BoxFuture, HalfCloseableStream, copy, pump};
use trio::testing::{CancelInjector, CancelRound, wait_all_tasks_blocked};

fn udp() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

fn datagrams() -> (Socket, Socket) {
    Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap()
}

/// Sends single zeros until there is no room.
fn fill(socket: &Socket) {
    while socket.with_socket2(|socket| socket.send(&[0])).is_ok() {}
}

/// The first bytes of the datagrams that are there.
fn take_all(socket: &Socket) -> Vec<u8> {
    let (mut all, mut buffer) = (Vec::new(), [0]);
    while socket.with_socket2(|mut socket| socket.read(&mut buffer)).is_ok() {
        all.push(buffer[0]);
    }
    all
}

/// Cancels a sending of one datagram that begins with a 7, into a socket that is full. What was cancelled
/// has sent nothing.
#[trio::task]
async fn is_sent_once_or_not_at_all<F, U>(send: F)
where
    F: Fn(Rc<Socket>) -> U,
    U: Future<Output = io::Result<usize>>,
{
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (near, far) = datagrams();
        fill(&near);
        let near = Rc::new(near);
        let (sent, came) = nursery!(|n| {
            let sending = n.spawn(async { round.run(async { send(near).await }).await });
            wait_all_tasks_blocked().await;
            let mut came = take_all(&far);
            sending.wait().await;
            came.extend(take_all(&far));
            (sending.take().unwrap().transpose()?, came)
        })
        .unwrap();
        let sevens = came.into_iter().filter(|byte| *byte == 7).count();
        assert_eq!(sevens, usize::from(sent.is_some()), "{round}");
    }
    // It has waited.
    assert!(injector.places().len() >= 4, "{:?}", injector.places());
}

#[trio::test]
async fn a_cancelled_datagram_is_not_sent() {
    is_sent_once_or_not_at_all(|socket| async move { socket.send(&[7]).await }).await;
    let send_vectored =
        |socket: Rc<Socket>| async move { socket.send_vectored(&[IoSlice::new(&[7])]).await };
    is_sent_once_or_not_at_all(send_vectored).await;
}

#[trio::test(allow(blocking_fs))]
async fn a_cancelled_message_is_not_sent() {
    let file = File::open("/dev/null").unwrap();
    let file = &file;
    is_sent_once_or_not_at_all(|socket| async move {
        let control = [Control::Descriptors(&[file.as_fd()])];
        socket.send_msg(&[IoSlice::new(&[7])], &control, None).await
    })
    .await;
}

#[trio::test]
async fn a_cancelled_batch_is_not_sent() {
    let (a, _) = udp();
    let (b, to) = udp();
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let batch: [(&[u8], SocketAddr); 3] = [(b"1", to), (b"2", to), (b"3", to)];
        let sent = round.run(async { a.send_many(&batch).await }).await;
        let sent = sent.transpose().unwrap().unwrap_or(0);
        assert_eq!(take_all(b.socket()), &b"123"[..sent], "{round}");
    }
    assert!(injector.places().len() >= 2);
}

#[trio::task]
async fn receives_batches(socket: &UdpSocket, got: &RefCell<Vec<u8>>) {
    let mut batch = DatagramBatch::new(2, 1);
    while got.borrow().len() < 6 {
        socket.recv_many(&mut batch).await.unwrap();
        got.borrow_mut().extend(batch.iter().map(|(data, _)| data[0]));
    }
}

#[trio::test]
async fn a_cancelled_receive_loses_no_batch() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let ((a, _), (b, to)) = (udp(), udp());
        let got = RefCell::default();
        nursery!(|n| {
            n.spawn(async {
                for pair in [b"01", b"23", b"45"] {
                    a.send_many(&[(&pair[..1], to), (&pair[1..], to)]).await?;
                    wait_all_tasks_blocked().await;
                }
                Ok::<_, io::Error>(())
            });
            round.run(|| receives_batches(&b, &got)).await;
            receives_batches(&b, &got).await;
        })
        .unwrap();
        assert_eq!(*got.borrow(), b"012345", "{round}");
    }
    assert!(injector.places().len() > 6);
}

/// A piece that receives one message, and what came of all the same if it was cancelled.
#[trio::task]
async fn one_message(socket: &Socket, round: &CancelRound) -> io::Result<Message> {
    let mut buffer = [0; 4];
    if let Some(message) =
        round.run(async { socket.recv_msg(&mut [IoSliceMut::new(&mut buffer)], 2).await }).await
    {
        return message;
    }
    socket.recv_msg(&mut [IoSliceMut::new(&mut buffer)], 2).await
}

#[trio::test(allow(blocking_fs))]
async fn a_cancelled_receive_loses_no_message_and_no_descriptor() {
    let file = File::open("/dev/null").unwrap();
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (a, b) = datagrams();
        let message = nursery!(|n| {
            n.spawn(async {
                wait_all_tasks_blocked().await;
                let control = [Control::Descriptors(&[file.as_fd()])];
                a.send_msg(&[IoSlice::new(b"x")], &control, None).await
            });
            one_message(&b, &round).await?
        })
        .unwrap();
        assert_eq!((message.bytes, message.descriptors.len()), (1, 1), "{round}");
        assert!(!b.is_readable().unwrap(), "{round}");
    }
    assert!(injector.places().len() >= 4);
}

#[trio::test(allow(blocking_fs))]
async fn descriptors_are_passed_once_wherever_it_is_cancelled() {
    let file = File::open("/dev/null").unwrap();
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (a, b) = UnixStream::pair().unwrap();
        let fds = [file.as_fd()];
        let piece = async { a.send_with_descriptors(b"x", &fds).await };
        if round.run(piece).await.is_none() {
            a.send_with_descriptors(b"x", &fds).await.unwrap();
        }
        a.close();
        let (count, came) = b.receive_with_descriptors(&mut [0; 4], 2).await.unwrap();
        assert_eq!((count, came.len()), (1, 1), "{round}");
        assert_eq!(b.receive_some(&mut [0]).await.unwrap(), 0, "{round}");
    }
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (a, b) = UnixStream::pair().unwrap();
        nursery!(|n| {
            n.spawn(async {
                wait_all_tasks_blocked().await;
                a.send_with_descriptors(b"x", &[file.as_fd()]).await
            });
            let mut buffer = [0; 4];
            let piece = async { b.receive_with_descriptors(&mut buffer, 2).await };
            let (count, came) = match round.run(piece).await {
                Some(received) => received?,
                None => b.receive_with_descriptors(&mut [0; 4], 2).await?,
            };
            assert_eq!((count, came.len()), (1, 1), "{round}");
        })
        .unwrap();
    }
    assert!(injector.places().len() >= 4);
}

#[trio::test]
async fn a_peek_that_is_cancelled_leaves_what_there_is() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (a, b) = datagrams();
        nursery!(|n| {
            n.spawn(async {
                wait_all_tasks_blocked().await;
                a.send(&[7]).await
            });
            round.run(async { b.peek(&mut [0]).await }).await;
            b.wait_readable().await?;
        })
        .unwrap();
        assert_eq!(take_all(&b), [7], "{round}");
    }
    assert!(injector.places().len() >= 4);
}

#[trio::test]
async fn a_cancelled_accept_loses_no_connection_at_a_path() {
    let path = scratch("injected-accept");
    let listener = UnixListener::bind(&path).unwrap();
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        nursery!(|n| {
            n.spawn(async {
                wait_all_tasks_blocked().await;
                UnixStream::connect(&path).await?.send_all(b"x").await
            });
            let accepted = match round.run(async { listener.accept().await }).await {
                Some(accepted) => accepted?,
                None => listener.accept().await?,
            };
            assert_eq!(receive_all(&accepted).await?, b"x", "{round}");
        })
        .unwrap();
        assert_eq!(listener.try_accept().unwrap_err().kind(), ErrorKind::WouldBlock, "{round}");
    }
    assert!(injector.places().len() >= 4);
}

/// A file of noise.
struct Noise {
    path: PathBuf,
    file: File,
    data: Vec<u8>,
}

impl Noise {
    fn new(name: &str, count: usize) -> Noise {
        let (path, data) = (scratch(name), noise(11, count));
        std::fs::write(&path, &data).unwrap();
        Noise { file: File::open(&path).unwrap(), path, data }
    }
}

impl Drop for Noise {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[trio::test]
async fn a_cancelled_sendfile_has_sent_nothing() {
    let noise = Noise::new("injected-sendfile", 1000);
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (a, b) = Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap();
        while a.with_socket2(|socket| socket.send(&[0; 4096])).is_ok() {}
        let (sent, came) = nursery!(|n| {
            let piece = async { a.sendfile(&noise.file, 0, 1000).await };
            let sending = n.spawn(async { round.run(piece).await });
            wait_all_tasks_blocked().await;
            let mut buffer = vec![0; 1 << 20];
            while b.is_readable()? {
                b.recv(&mut buffer).await?;
            }
            sending.wait().await;
            let came = if b.is_readable()? { b.recv(&mut buffer).await? } else { 0 };
            buffer.truncate(came);
            (sending.take().unwrap().transpose()?, buffer)
        })
        .unwrap();
        assert_eq!(came, noise.data[..sent.unwrap_or(0)], "{round}");
    }
    assert!(injector.places().len() >= 4);
}

/// What comes out of a stream is the beginning of what was put in, wherever the sending is cancelled.
#[trio::test]
async fn of_a_cancelled_file_the_beginning_is_sent_and_nothing_twice() {
    let noise = Noise::new("injected-file", 3 << 20);
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (a, b) = UnixStream::pair().unwrap();
        let came = nursery!(|n| {
            let receiving = n.spawn(async { receive_all(&b).await });
            let sent = round.run(async { a.send_file(&noise.file, 0, None).await }).await;
            a.close();
            receiving.wait().await;
            let came = receiving.take().unwrap();
            if let Some(sent) = sent {
                assert_eq!((sent?, came.len()), (3 << 20, 3 << 20));
            }
            came
        })
        .unwrap();
        assert!(noise.data.starts_with(&came), "{round}");
    }
    assert!(injector.places().len() > 4);
}

/// Sends a little, then the rest, and the end. That nobody receives it any more is no failure.
#[trio::task]
async fn sends_in_two<S: HalfCloseableStream>(stream: &S, data: &[u8]) {
    let sends = async {
        stream.send_all(&data[..10]).await?;
        wait_all_tasks_blocked().await;
        stream.send_all(&data[10..]).await?;
        stream.send_eof().await
    };
    let _: io::Result<()> = sends.await;
}

#[trio::task]
async fn tcp_and_unix() -> (TcpStream, TcpStream, UnixStream, UnixStream) {
    let (near, from) = tcp_pair().await;
    let (to, far) = UnixStream::pair().unwrap();
    (near, from, to, far)
}

#[trio::task]
async fn copies_and_is_cancelled() {
    let data = noise(12, 300_000);
    let before = open_descriptors();
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (near, from, to, far) = tcp_and_unix().await;
        nursery!(|n| {
            n.spawn(sends_in_two, &near, &data);
            let receiving = n.spawn(async { receive_all(&far).await });
            let copied = round.run(async { copy(&from, &to).await }).await;
            from.close();
            to.close();
            receiving.wait().await;
            let came = receiving.take().unwrap();
            assert!(data.starts_with(&came), "{round}");
            if let Some(copied) = copied {
                assert_eq!((copied?, came.len()), (300_000, 300_000));
            }
        })
        .unwrap();
        drop((near, from, to, far));
        assert_eq!(open_descriptors(), before, "{round}");
    }
    assert!(injector.places().len() > 10);
}

/// In a process of its own: the descriptors of other tests are none of its business.
#[test]
fn a_cancelled_copy_keeps_the_order_and_leaves_no_pipe() {
    if alone("a_cancelled_copy_keeps_the_order_and_leaves_no_pipe") {
        trio::run(copies_and_is_cancelled);
    }
}

#[trio::task]
async fn pumps_and_is_cancelled() {
    let (up, down) = (noise(13, 200_000), noise(14, 100_000));
    let before = open_descriptors();
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (near, from, to, far) = tcp_and_unix().await;
        nursery!(|n| {
            n.spawn(sends_in_two, &near, &up);
            n.spawn(sends_in_two, &far, &down);
            // Those who are closed with something in their hands reset the connection.
            let there = n.spawn(async { receive_all(&far).await.unwrap_or_default() });
            let back = n.spawn(async { receive_all(&near).await.unwrap_or_default() });
            let pumped = round.run(async { pump(&from, &to).await }).await;
            from.close();
            to.close();
            there.wait().await;
            back.wait().await;
            let came = (there.take().unwrap(), back.take().unwrap());
            assert!(up.starts_with(&came.0) && down.starts_with(&came.1), "{round}");
            if let Some(pumped) = pumped {
                assert_eq!(pumped?, (200_000, 100_000));
                assert!(came == (up.clone(), down.clone()));
            }
        })
        .unwrap();
        drop((near, from, to, far));
        assert_eq!(open_descriptors(), before, "{round}");
    }
    assert!(injector.places().len() > 20);
}

/// In a process of its own: the descriptors of other tests are none of its business.
#[test]
fn a_cancelled_pump_unwinds_both_directions_and_leaves_no_pipe() {
    if alone("a_cancelled_pump_unwinds_both_directions_and_leaves_no_pipe") {
        trio::run(pumps_and_is_cancelled);
    }
}

/// Knows two addresses of everything: one that refuses, and one that does not.
struct Two(SocketAddr, SocketAddr);

impl HostnameResolver for Two {
    fn getaddrinfo<'a>(
        &'a self,
        _: &'a AddressQuery,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async {
            checkpoint().await;
            Ok(vec![self.0, self.1])
        })
    }

    fn getnameinfo(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<(String, String)>> {
        unreachable!("nobody asks for it")
    }
}

#[trio::task]
async fn opens_and_is_cancelled() {
    let (listener, address) = listen();
    let refusing = listen().1;
    set_hostname_resolver(Some(Rc::new(Two(refusing, address))));
    let before = open_descriptors();
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let opened = round.run(async { open_tcp_stream("somewhere", 1).await }).await;
        drop(opened.map(Result::unwrap));
        // What was connected and is closed.
        while listener.try_accept().is_ok() {}
        assert_eq!(open_descriptors(), before, "{round}");
    }
    assert!(injector.places().len() > 10);
}

// R162 (test_cancel)
/// In a process of its own: the descriptors of other tests are none of its business.
#[test]
fn all_attempts_of_a_cancelled_open_are_closed() {
    if alone("all_attempts_of_a_cancelled_open_are_closed") {
        trio::run(opens_and_is_cancelled);
    }
}

/// Three clients, each of which says something and waits until it is answered or closed.
#[trio::task]
async fn three_clients(address: SocketAddr) {
    nursery!(|n| {
        for number in 0..3 {
            n.spawn(async move {
                let exchange = async {
                    let stream = TcpStream::connect(address).await?;
                    stream.send_all(&[number]).await?;
                    stream.send_eof().await?;
                    receive_all(&stream).await
                };
                // Those of a server that is gone are refused or reset.
                let answer: io::Result<Vec<u8>> = exchange.await;
                assert!(answer.is_err() || answer.is_ok_and(|it| it.is_empty() || it == [number]));
            });
        }
    })
    .unwrap();
}

#[trio::task]
async fn serves_and_is_cancelled() {
    // What is made once for a process.
    drop(listen());
    let before = open_descriptors();
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (listener, address) = listen();
        let (begun, ended) = (Cell::new(0), Cell::new(0));
        let handle = async |stream: TcpStream| {
            begun.set(begun.get() + 1);
            let _ended = OnDrop(|| ended.set(ended.get() + 1));
            echo(stream).await
        };
        let piece = async {
            nursery!(|n| {
                let serving = n.spawn(async { serve_listeners(vec![listener], handle).await });
                while ended.get() < 3 {
                    wait_all_tasks_blocked().await;
                }
                serving.cancel();
            })
        };
        nursery!(|n| {
            n.spawn(three_clients, address);
            if let Some(served) = round.run(piece).await {
                served?;
                assert_eq!(ended.get(), 3);
            }
        })
        .unwrap();
        assert_eq!(begun.get(), ended.get(), "{round}");
        assert_eq!(open_descriptors(), before, "{round}");
    }
    assert!(injector.places().len() > 20);
}

// R161
/// In a process of its own: the descriptors of other tests are none of its business.
#[test]
fn a_cancelled_server_closes_its_listener_and_all_connections() {
    if alone("a_cancelled_server_closes_its_listener_and_all_connections") {
        trio::run(serves_and_is_cancelled);
    }
}
