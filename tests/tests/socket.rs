//! The low-level socket.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Seek, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::rc::Rc;
use std::time::Duration;

use futures::future::{Either, select};
use tests::network::scratch;
use trio::lowlevel::{checkpoint, statistics};
use trio::net::{
    Control, Domain, Protocol, SockAddr, Socket, SocketFactory, TcpListener, TcpStream, Type,
    UdpSocket, set_socket_factory,
};
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{BusyResourceError, CancelScope, ClosedResourceError, is_error, nursery};

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn streams() -> (Socket, Socket) {
    Socket::pair(Domain::UNIX, Type::STREAM, None).unwrap()
}

fn datagrams() -> (Socket, Socket) {
    Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap()
}

fn udp() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.bind(loopback()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

fn listening() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(loopback()).unwrap();
    socket.listen(16).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// Sends until there is no room.
fn fill(socket: &Socket) {
    while socket.with_socket2(|socket| socket.send(&[7; 4096])).is_ok() {}
}

// R154 (test_SocketType_non_blocking_paths)
#[trio::test]
async fn in_a_cancelled_scope_nothing_is_sent_received_or_accepted() {
    let (a, b) = streams();
    let (listener, address) = listening();
    let _client = std_client(address);
    b.send(b"x").await.unwrap();
    let scope = CancelScope::new();
    scope.cancel();
    let mut buffer = [0; 4];
    scope.run(async { a.send(b"y").await }).await.ok_or(()).unwrap_err();
    let scope = CancelScope::new();
    scope.cancel();
    assert!(scope.run(async { a.recv(&mut buffer).await }).await.is_none());
    let scope = CancelScope::new();
    scope.cancel();
    assert!(scope.run(async { listener.accept().await }).await.is_none());
    // All of it is still there, and nothing else.
    assert_eq!(a.recv(&mut buffer).await.unwrap(), 1);
    assert!(!b.is_readable().unwrap());
    listener.accept().await.unwrap();
}

fn std_client(address: SocketAddr) -> socket2::Socket {
    let client = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    client.connect(&address.into()).unwrap();
    client
}

// R154
#[trio::test(allow(blocking_fs))]
async fn every_operation_is_a_checkpoint_also_when_it_succeeds_or_fails_at_once() {
    let (a, b) = streams();
    let mut buffer = [0; 16];
    assert_future_checkpoints(a.send(b"abc")).await.unwrap();
    assert_future_checkpoints(a.send_vectored(&[IoSlice::new(b"d")])).await.unwrap();
    assert_future_checkpoints(a.send_msg(&[IoSlice::new(b"e")], &[], None)).await.unwrap();
    assert_future_checkpoints(b.peek(&mut buffer[..1])).await.unwrap();
    assert_future_checkpoints(b.recv(&mut buffer[..1])).await.unwrap();
    assert_future_checkpoints(b.recv_msg(&mut [IoSliceMut::new(&mut buffer[..1])], 0))
        .await
        .unwrap();
    assert_future_checkpoints(b.recv_vectored(&mut [IoSliceMut::new(&mut buffer[..1])]))
        .await
        .unwrap();
    assert_future_checkpoints(b.wait_readable()).await.unwrap();
    assert_future_checkpoints(b.wait_writable()).await.unwrap();
    let file = File::open("Cargo.toml").unwrap();
    assert_future_checkpoints(a.sendfile(&file, 0, 1)).await.unwrap();
    let (udp, address) = udp();
    assert_future_checkpoints(udp.send_to(b"f", address)).await.unwrap();
    assert_future_checkpoints(udp.peek_from(&mut buffer)).await.unwrap();
    assert_future_checkpoints(udp.recv_from(&mut buffer)).await.unwrap();
    assert_future_checkpoints(udp.connect(address)).await.unwrap();
    let (listener, address) = listening();
    let client = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    assert_future_checkpoints(client.connect(address)).await.unwrap();
    assert_future_checkpoints(listener.accept()).await.unwrap();
    a.close();
    assert_future_checkpoints(a.send(b"g")).await.unwrap_err();
    assert_future_checkpoints(a.recv(&mut buffer)).await.unwrap_err();
}

// R154
#[trio::test]
async fn one_who_waits_receives_what_comes_and_one_who_is_cancelled_nothing() {
    let (a, b) = streams();
    let (scope, got) = (CancelScope::new(), Cell::new(0));
    nursery!(|n| {
        n.spawn(async { scope.run(async { b.recv(&mut [0; 4]).await }).await });
        wait_all_tasks_blocked().await;
        scope.cancel();
        wait_all_tasks_blocked().await;
        n.spawn(async { got.set(b.recv(&mut [0; 4]).await.unwrap()) });
        wait_all_tasks_blocked().await;
        a.send(b"abc").await?;
    })
    .unwrap();
    assert!(scope.cancelled_caught());
    assert_eq!(got.get(), 3);
}

// R154 (woken, but the data was taken by somebody else)
#[trio::test]
async fn one_who_is_woken_for_nothing_waits_again() {
    let (a, b) = streams();
    let thief = b.duplicate().unwrap();
    let got = RefCell::new(Vec::new());
    nursery!(|n| {
        n.spawn(async {
            let mut buffer = [0; 4];
            let count = b.recv(&mut buffer).await.unwrap();
            got.borrow_mut().extend_from_slice(&buffer[..count]);
        });
        wait_all_tasks_blocked().await;
        // Sent and taken within one step: the waiter is woken by the poller all the same.
        a.with_socket2(|socket| socket.send(b"gone")).unwrap();
        thief.with_socket2(|mut socket| socket.read(&mut [0; 4])).unwrap();
        wait_all_tasks_blocked().await;
        assert!(got.borrow().is_empty());
        a.send(b"kept").await?;
    })
    .unwrap();
    assert_eq!(*got.borrow(), b"kept");
}

async fn send_soon(socket: &Socket, number: u8) -> std::io::Result<usize> {
    checkpoint().await;
    socket.send(&[number]).await
}

#[trio::test]
async fn a_receive_that_loses_a_race_loses_nothing() {
    let (a, b) = datagrams();
    for number in 0..20_u8 {
        let mut buffer = [0; 4];
        let first = {
            let receiving = Box::pin(b.recv(&mut buffer));
            match select(receiving, Box::pin(send_soon(&a, number))).await {
                Either::Left((received, _)) => Some(received.unwrap()),
                Either::Right(_) => None,
            }
        };
        let received = match first {
            Some(received) => received,
            None => b.recv(&mut buffer).await.unwrap(),
        };
        assert_eq!((received, buffer[0]), (1, number));
    }
}

// R155 (test_SocketType_connect_paths)
#[trio::test]
async fn a_failed_connect_names_the_address_and_closes_the_socket() {
    let closed = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    closed.bind(&loopback().into()).unwrap();
    let address = closed.local_addr().unwrap().as_socket().unwrap();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let error = socket.connect(address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(error.to_string().starts_with(&format!("cannot connect to {address}: ")), "{error}");
    assert!(socket.is_closed());

    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let error = socket.connect(SockAddr::unix("/no/such/path").unwrap()).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot connect to /no/such/path: "), "{error}");
}

// R155
#[trio::test]
async fn a_cancelled_connect_closes_the_socket() {
    let (_listener, address) = listening();
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let scope = CancelScope::new();
    scope.cancel();
    assert!(scope.run(async { socket.connect(address).await }).await.is_none());
    assert!(socket.is_closed());
    let error = socket.send(b"x").await.unwrap_err();
    assert!(is_error::<ClosedResourceError>(&error), "{error}");
}

// R155 (cancelled while it waits)
#[trio::test(allow(blocking_fs))]
async fn a_connect_that_waits_is_cancelled_and_closed() {
    // A listener that is full does not answer.
    let full = socket2::Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let path = scratch("full");
    full.bind(&SockAddr::unix(&path).unwrap()).unwrap();
    full.listen(0).unwrap();
    let address = SockAddr::unix(&path).unwrap();
    let waiting = socket2::Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    waiting.connect(&address).unwrap();

    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    let timeout = Duration::from_millis(30);
    let connect = async { socket.connect(address.clone()).await };
    assert!(trio::move_on_after(timeout, connect).await.is_none());
    assert!(socket.is_closed());

    // And one that gets room in time is connected.
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    nursery!(|n| {
        n.spawn(async { socket.connect(address.clone()).await });
        trio::sleep(Duration::from_millis(1)).await;
        full.accept()?;
    })
    .unwrap();
    assert!(socket.peer_addr().is_ok());
    std::fs::remove_file(path).unwrap();
}

#[track_caller]
fn assert_closed(error: &std::io::Error) {
    assert!(is_error::<ClosedResourceError>(error), "{error}");
}

// R156 (test_interrupted_by_close)
#[trio::test]
async fn close_wakes_those_who_wait_with_a_closed_resource_error() {
    let (a, _b) = streams();
    fill(&a);
    let (listener, _) = listening();
    nursery!(|n| {
        n.spawn(async { assert_closed(&a.send(&[0; 4096]).await.unwrap_err()) });
        n.spawn(async { assert_closed(&a.recv(&mut [0; 4]).await.unwrap_err()) });
        n.spawn(async { assert_closed(&listener.accept().await.unwrap_err()) });
        wait_all_tasks_blocked().await;
        a.close();
        listener.close();
    })
    .unwrap();
    a.close();
    let error = a.local_addr().unwrap_err();
    assert!(is_error::<ClosedResourceError>(&error), "{error}");
    assert_eq!(a.as_raw_fd(), -1);
}

// R158 (test_send_recv_variants)
#[trio::test]
async fn datagrams_keep_their_bounds_and_say_where_they_come_from() {
    let (a, from) = udp();
    let (b, to) = udp();
    assert_eq!(a.send_to(b"abc", to).await.unwrap(), 3);
    a.connect(to).await.unwrap();
    assert_eq!(a.send(b"defg").await.unwrap(), 4);
    let pieces = [IoSlice::new(b"h"), IoSlice::new(b""), IoSlice::new(b"ij")];
    assert_eq!(a.send_vectored(&pieces).await.unwrap(), 3);
    assert_eq!(a.send(b"").await.unwrap(), 0);

    let mut buffer = [0; 16];
    let (count, sender) = b.peek_from(&mut buffer).await.unwrap();
    assert_eq!((&buffer[..count], sender.as_socket()), (&b"abc"[..], Some(from)));
    let (count, sender) = b.recv_from(&mut buffer).await.unwrap();
    assert_eq!((&buffer[..count], sender.as_socket()), (&b"abc"[..], Some(from)));
    // What does not fit is lost.
    assert_eq!(b.recv(&mut buffer[..2]).await.unwrap(), 2);
    assert_eq!(&buffer[..2], b"de");
    let (first, second) = buffer.split_at_mut(1);
    let mut pieces = [IoSliceMut::new(first), IoSliceMut::new(second)];
    assert_eq!(b.recv_vectored(&mut pieces).await.unwrap(), 3);
    assert_eq!(&buffer[..3], b"hij");
    assert_eq!(b.recv(&mut buffer).await.unwrap(), 0, "an empty datagram is one");
    assert_eq!(a.peer_addr().unwrap().as_socket(), Some(to));
}

// R158
#[trio::test(allow(blocking_fs))]
async fn a_message_says_what_was_cut_off() {
    let (a, b) = datagrams();
    a.send(b"abcdef").await.unwrap();
    let mut buffer = [0; 4];
    let message = b.recv_msg(&mut [IoSliceMut::new(&mut buffer)], 0).await.unwrap();
    assert_eq!((message.bytes, message.flags.truncated), (4, true));
    let file = File::open("/dev/null").unwrap();
    let control = [Control::Descriptors(&[file.as_fd(), file.as_fd()])];
    a.send_msg(&[IoSlice::new(b"x")], &control, None).await.unwrap();
    let message = b.recv_msg(&mut [IoSliceMut::new(&mut buffer)], 0).await.unwrap();
    assert!(message.flags.control_truncated && !message.flags.truncated, "{message:?}");
}

#[trio::test]
async fn descriptors_are_passed_and_those_that_nobody_takes_are_closed() {
    let (a, b) = streams();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let control = [Control::Descriptors(&[writer.as_fd()])];
    a.send_msg(&[IoSlice::new(b"take this")], &control, None).await.unwrap();
    a.send_msg(&[IoSlice::new(b"and this")], &control, None).await.unwrap();
    drop(writer);
    let mut buffer = [0; 9];
    let mut message = b.recv_msg(&mut [IoSliceMut::new(&mut buffer)], 4).await.unwrap();
    assert_eq!(message.bytes, 9);
    let passed = message.descriptors.pop().unwrap();
    assert!(message.descriptors.is_empty());
    File::from(passed).write_all(b"through").unwrap();
    // The second one is closed with its message.
    drop(b.recv_msg(&mut [IoSliceMut::new(&mut buffer)], 4).await.unwrap());
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "through");
}

#[cfg(target_os = "linux")]
#[trio::test]
async fn credentials_are_those_of_the_sender() {
    let (a, b) = streams();
    assert!(!b.pass_credentials().unwrap());
    b.set_pass_credentials(true).unwrap();
    a.send(b"x").await.unwrap();
    let mut buffer = [0; 4];
    let message = b.recv_msg(&mut [IoSliceMut::new(&mut buffer)], 0).await.unwrap();
    let credentials = message.credentials.unwrap();
    assert_eq!(credentials.pid, std::process::id());
    assert_eq!(credentials.uid, rustix::process::getuid().as_raw());
    let control = [Control::Credentials(credentials)];
    a.send_msg(&[IoSlice::new(b"y")], &control, None).await.unwrap();
    let message = b.recv_msg(&mut [IoSliceMut::new(&mut buffer)], 0).await.unwrap();
    assert_eq!(message.credentials, Some(credentials));
}

#[trio::test(allow(blocking_fs))]
async fn a_message_goes_to_an_address_of_any_family() {
    let (udp, address) = udp();
    udp.send_msg(&[IoSlice::new(b"x")], &[], Some(&address.into())).await.unwrap();
    let mut buffer = [0; 4];
    let message = udp.recv_msg(&mut [IoSliceMut::new(&mut buffer)], 0).await.unwrap();
    assert_eq!(message.address.unwrap().as_socket(), Some(address));

    let path = scratch("message");
    let named = Socket::new(Domain::UNIX, Type::DGRAM, None).unwrap();
    named.bind(SockAddr::unix(&path).unwrap()).unwrap();
    let to = SockAddr::unix(&path).unwrap();
    named.send_msg(&[IoSlice::new(b"y")], &[], Some(&to)).await.unwrap();
    let message = named.recv_msg(&mut [IoSliceMut::new(&mut buffer)], 0).await.unwrap();
    assert_eq!(message.address.unwrap().as_pathname(), Some(path.as_path()));
    std::fs::remove_file(path).unwrap();
}

// R158 (test_unix_domain_socket)
#[cfg(target_os = "linux")]
#[trio::test]
async fn abstract_addresses_have_no_file() {
    let name = format!("\0trio-socket-{}", std::process::id());
    let address = SockAddr::unix(&name).unwrap();
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    listener.bind(address.clone()).unwrap();
    listener.listen(1).unwrap();
    let client = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
    client.connect(address).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    server.send(b"hello").await.unwrap();
    assert_eq!(client.recv(&mut [0; 16]).await.unwrap(), 5);
    let receiver = Socket::new(Domain::UNIX, Type::DGRAM, None).unwrap();
    let own = SockAddr::unix(format!("{name}-datagrams")).unwrap();
    receiver.bind(own.clone()).unwrap();
    receiver.send_msg(&[IoSlice::new(b"x")], &[], Some(&own)).await.unwrap();
    let mut buffer = [0; 4];
    let message = receiver.recv_msg(&mut [IoSliceMut::new(&mut buffer)], 0).await.unwrap();
    let from = message.address.unwrap();
    assert_eq!(from.as_abstract_namespace(), own.as_abstract_namespace());
}

// R158 (test_many_sockets)
#[trio::test]
async fn a_thousand_sockets_are_waited_for_at_once() {
    let pairs: Vec<_> = (0..400).map(|_| datagrams()).collect();
    let total = Cell::new(0);
    let receive = async |socket: &Socket, total: &Cell<usize>| {
        let count = socket.recv(&mut [0; 8]).await.unwrap();
        total.set(total.get() + count);
    };
    nursery!(|n| {
        for (a, b) in &pairs {
            n.spawn(receive, a, &total);
            n.spawn(receive, b, &total);
        }
        wait_all_tasks_blocked().await;
        assert_eq!(statistics().tasks_waiting_read, 800);
        for (a, b) in &pairs {
            a.send(b"x").await?;
            b.send(b"yz").await?;
        }
    })
    .unwrap();
    assert_eq!(total.get(), 400 * 3);
}

#[trio::test]
async fn two_who_send_to_a_stream_at_once_are_an_error_for_the_second() {
    let (a, b) = streams();
    fill(&a);
    nursery!(|n| {
        n.spawn(async { a.send(b"x").await });
        n.spawn(async { a.recv(&mut [0; 4]).await });
        wait_all_tasks_blocked().await;
        let error = a.send(b"y").await.unwrap_err();
        assert!(is_error::<BusyResourceError>(&error), "{error}");
        let error = a.recv(&mut [0; 4]).await.unwrap_err();
        assert!(is_error::<BusyResourceError>(&error), "{error}");
        b.send(b"z").await?;
        let mut buffer = vec![0; 1 << 20];
        while b.is_readable()? {
            b.recv(&mut buffer).await?;
        }
    })
    .unwrap();
}

#[trio::test]
async fn datagrams_are_received_by_many_tasks_in_turn() {
    let (a, b) = datagrams();
    let got = RefCell::new(Vec::new());
    let receive = async |number: u8, socket: &Socket, got: &RefCell<Vec<(u8, u8)>>| {
        let mut buffer = [0; 1];
        socket.recv(&mut buffer).await.unwrap();
        got.borrow_mut().push((number, buffer[0]));
    };
    nursery!(|n| {
        for number in 0..5 {
            n.spawn(receive, number, &b, &got);
            wait_all_tasks_blocked().await;
        }
        for number in 0..5 {
            a.send(&[number]).await?;
        }
    })
    .unwrap();
    assert_eq!(*got.borrow(), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)]);
}

#[trio::test]
async fn datagrams_are_sent_by_many_tasks_in_turn_and_one_who_leaves_is_passed_over() {
    let (a, b) = datagrams();
    fill(&a);
    let scope = CancelScope::new();
    let send = async |number: u8, socket: &Socket| {
        socket.send(&[number]).await.unwrap();
    };
    nursery!(|n| {
        for number in 0..4 {
            if number == 1 {
                n.spawn(async { scope.run(async { send(1, &a).await }).await });
            } else {
                n.spawn(send, number, &a);
            }
            wait_all_tasks_blocked().await;
        }
        scope.cancel();
        wait_all_tasks_blocked().await;
        let mut sent = Vec::new();
        let mut buffer = [0; 4096];
        while sent.len() < 3 {
            if b.recv(&mut buffer).await? == 1 {
                sent.push(buffer[0]);
            }
        }
        assert_eq!(sent, [0, 2, 3]);
    })
    .unwrap();
}

#[trio::test(allow(blocking_fs))]
async fn a_file_is_sent_from_an_offset_and_its_position_stays() {
    let (a, b) = streams();
    let path = scratch("file");
    std::fs::write(&path, b"0123456789").unwrap();
    let mut file = File::open(&path).unwrap();
    assert_eq!(a.sendfile(&file, 3, 4).await.unwrap(), 4);
    assert_eq!(file.stream_position().unwrap(), 0);
    assert_eq!(a.sendfile(&file, 8, 100).await.unwrap(), 2);
    assert_eq!(a.sendfile(&file, 10, 100).await.unwrap(), 0, "the end of the file");
    assert_eq!(a.sendfile(&file, 99, 1).await.unwrap(), 0, "beyond it");
    let mut buffer = [0; 16];
    let count = b.recv(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..count], b"345689");
    std::fs::remove_file(path).unwrap();
}

#[cfg(target_os = "linux")]
#[trio::test(allow(blocking_fs))]
async fn a_file_that_the_system_will_not_send_is_read_and_sent() {
    let (a, b) = streams();
    // Its content is made as it is read.
    let file = File::open("/proc/self/status").unwrap();
    let refused =
        a.with_socket2(|socket| Ok(rustix::fs::sendfile(socket, &file, Some(&mut 5), 1)?));
    let sent = a.sendfile(&file, 6, 8).await.unwrap();
    assert_eq!(sent, 8, "the system itself said {refused:?}");
    let mut buffer = [0; 32];
    b.recv(&mut buffer).await.unwrap();
    let text = std::fs::read("/proc/self/status").unwrap();
    assert!(buffer.starts_with(&text[6..14]) || buffer[1..].starts_with(&text[6..14]));
}

#[trio::test]
async fn the_end_is_zero_bytes_and_shutting_down_is_remembered() {
    let (a, b) = streams();
    assert!(!a.did_shutdown_write());
    a.shutdown(Shutdown::Read).unwrap();
    assert!(!a.did_shutdown_write());
    a.shutdown(Shutdown::Write).unwrap();
    assert!(a.did_shutdown_write());
    for _ in 0..2 {
        assert_eq!(b.recv(&mut [0; 4]).await.unwrap(), 0);
    }
    assert!(b.is_readable().unwrap());
    let error = a.send(b"x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

#[trio::test(allow(blocking_fs))]
async fn sockets_come_from_the_standard_library_and_go_back() {
    let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let socket = Socket::from_fd(ours).unwrap();
    socket.send(b"hello").await.unwrap();
    let mut buffer = [0; 5];
    theirs.read_exact(&mut buffer).unwrap();
    let fd = socket.into_fd().unwrap();
    let ours = std::os::unix::net::UnixStream::from(fd);
    theirs.write_all(b"back").unwrap();
    ours.set_nonblocking(false).unwrap();
    assert_eq!((&ours).read(&mut buffer).unwrap(), 4);
    let file = File::open("/dev/null").unwrap();
    assert_eq!(Socket::from_fd(file).unwrap_err().raw_os_error(), Some(88), "it is no socket");
}

#[trio::test]
async fn duplicates_share_everything_but_being_closed() {
    let (a, b) = streams();
    let again = a.duplicate().unwrap();
    a.close();
    again.send(b"x").await.unwrap();
    assert_eq!(b.recv(&mut [0; 4]).await.unwrap(), 1);
    assert!(a.duplicate().is_err());
}

#[trio::test]
async fn connections_are_taken_one_after_the_other_without_waiting() {
    let (listener, address) = listening();
    assert_eq!(listener.try_accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    let clients = [std_client(address), std_client(address)];
    for client in &clients {
        let (_, peer) = listener.accept().await.unwrap();
        assert_eq!(peer.as_socket(), client.local_addr().unwrap().as_socket());
    }
    assert_eq!(listener.try_accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    let _client = std_client(address);
    listener.wait_readable().await.unwrap();
    listener.try_accept().unwrap();
}

#[trio::test]
async fn options_are_read_as_they_were_set() {
    let (socket, _) = udp();
    let (listener, _) = listening();
    socket.set_broadcast(true).unwrap();
    assert!(socket.broadcast().unwrap());
    socket.set_ttl_v4(7).unwrap();
    assert_eq!(socket.ttl_v4().unwrap(), 7);
    socket.set_recv_buffer_size(10_000).unwrap();
    assert!(socket.recv_buffer_size().unwrap() >= 10_000);
    listener.set_keepalive(true).unwrap();
    assert!(listener.keepalive().unwrap());
    listener.set_linger(Some(Duration::from_secs(3))).unwrap();
    assert_eq!(listener.linger().unwrap(), Some(Duration::from_secs(3)));
    listener.set_nodelay(true).unwrap();
    assert!(listener.nodelay().unwrap());
    assert_eq!(listener.kind().unwrap(), Type::STREAM);
    assert!(listener.take_error().unwrap().is_none());
    // One that the kind of socket does not have is the system's error.
    assert!(socket.nodelay().is_err());
    socket.close();
    let error = socket.set_broadcast(true).unwrap_err();
    assert!(is_error::<ClosedResourceError>(&error), "{error}");
    checkpoint().await;
}

#[trio::test]
async fn a_socket_tells_its_addresses() {
    let (socket, address) = udp();
    let text = format!("{socket:?}");
    assert!(text.contains(&format!("local_addr: Some(\"{address}\")")), "{text}");
    assert!(text.contains("peer_addr: None"), "{text}");
    checkpoint().await;
}

#[cfg(target_os = "linux")]
#[trio::test]
async fn a_type_with_flags_is_the_type() {
    let listener = Socket::new(Domain::IPV4, Type::STREAM.cloexec(), None).unwrap();
    listener.bind(loopback()).unwrap();
    listener.listen(1).unwrap();
    // Datagrams would be received in turn.
    nursery!(|n| {
        n.spawn(async { listener.accept().await.map(drop) });
        wait_all_tasks_blocked().await;
        let error = listener.accept().await.unwrap_err();
        assert!(is_error::<BusyResourceError>(&error), "{error}");
        let client = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        client.connect(listener.local_addr()?).await?;
    })
    .unwrap();
}

/// Makes sockets that broadcast, and none of streams.
#[derive(Default)]
struct Broadcasts(Cell<usize>);

impl SocketFactory for Broadcasts {
    fn socket(
        &self,
        domain: Domain,
        ty: Type,
        protocol: Option<Protocol>,
    ) -> std::io::Result<Socket> {
        self.0.set(self.0.get() + 1);
        if ty == Type::STREAM {
            return Err(std::io::Error::other("no streams here"));
        }
        let socket = Socket::from_system(domain, ty, protocol)?;
        socket.set_broadcast(true)?;
        Ok(socket)
    }
}

// R157 (test_custom_socket_factory)
#[trio::test]
async fn a_run_can_have_a_socket_factory_of_its_own() {
    let factory = Rc::new(Broadcasts::default());
    assert!(set_socket_factory(Some(Rc::clone(&factory) as Rc<dyn SocketFactory>)).is_none());
    let udp = UdpSocket::bind(loopback()).unwrap();
    assert!(udp.socket().broadcast().unwrap());
    let error = TcpStream::connect(udp.local_addr().unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "no streams here");
    assert_eq!(factory.0.get(), 2);
    // Pairs do not come from it, nor does what is taken over.
    streams();
    assert!(set_socket_factory(None).is_some());
    TcpListener::bind(loopback()).unwrap();
    assert_eq!(factory.0.get(), 2);
}

#[test]
fn another_run_has_no_factory() {
    trio::run(|| async { set_socket_factory(Some(Rc::new(Broadcasts::default()))) });
    trio::run(|| async { assert!(TcpListener::bind(loopback()).is_ok()) });
}
