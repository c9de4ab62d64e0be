//! UDP.

use std::cell::Cell;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use trio::net::{DatagramBatch, Domain, Socket, Type, UdpSocket};
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{CancelScope, ClosedResourceError, is_error, nursery};

fn bind() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[trio::test]
async fn datagrams_go_to_an_address_and_come_from_one() {
    let (a, from) = bind();
    let (b, to) = bind();
    let mut buffer = [0; 16];
    assert_future_checkpoints(a.send_to(b"hello", to)).await.unwrap();
    assert_eq!(b.peek_from(&mut buffer).await.unwrap(), (5, from));
    let received = assert_future_checkpoints(b.recv_from(&mut buffer)).await;
    assert_eq!(received.unwrap(), (5, from));
    assert_eq!(&buffer[..5], b"hello");
}

#[trio::test]
async fn a_connected_socket_hears_its_peer_alone() {
    let (a, from) = bind();
    let (b, to) = bind();
    let (stranger, _) = bind();
    a.connect(to).await.unwrap();
    b.connect(from).await.unwrap();
    assert_eq!(a.peer_addr().unwrap(), to);
    stranger.send_to(b"not for you", to).await.unwrap();
    a.send(b"for you").await.unwrap();
    let mut buffer = [0; 16];
    assert_eq!(b.recv(&mut buffer).await.unwrap(), 7);
    assert_eq!(&buffer[..7], b"for you");
}

#[trio::test]
async fn a_peer_that_is_not_there_is_an_error_of_a_later_operation() {
    let (a, _) = bind();
    let (b, to) = bind();
    drop(b);
    a.connect(to).await.unwrap();
    a.send(b"x").await.unwrap();
    let error = a.recv(&mut [0; 4]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    // It was reported, and the socket is as good as before.
    a.send(b"x").await.unwrap();
}

#[trio::test]
async fn ipv6_works_as_ipv4_does() {
    let a = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0).into()).unwrap();
    let b = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0).into()).unwrap();
    a.send_to(b"six", b.local_addr().unwrap()).await.unwrap();
    assert_eq!(b.recv_from(&mut [0; 8]).await.unwrap(), (3, a.local_addr().unwrap()));
}

#[trio::test]
async fn a_batch_receives_what_has_come_and_waits_for_the_first() {
    let (a, from) = bind();
    let (b, to) = bind();
    let numbers: Vec<[u8; 1]> = (0..40).map(|number| [number]).collect();
    let mut left: Vec<(&[u8], SocketAddr)> =
        numbers.iter().map(|number| (&number[..], to)).collect();
    let got = Cell::new(0_u8);
    nursery!(|n| {
        n.spawn(async {
            let mut batch = DatagramBatch::new(64, 4);
            assert!(batch.is_empty());
            while got.get() < 40 {
                let count = b.recv_many(&mut batch).await.unwrap();
                assert_eq!(count, batch.len());
                for (data, sender) in &batch {
                    assert_eq!((data, sender), (&[got.get()][..], from));
                    got.set(got.get() + 1);
                }
            }
        });
        wait_all_tasks_blocked().await;
        while !left.is_empty() {
            let sent = assert_future_checkpoints(a.send_many(&left)).await?;
            assert!(sent > 0);
            left.drain(..sent);
        }
    })
    .unwrap();
    assert_eq!(got.get(), 40);
    assert_eq!(a.send_many(&[]).await.unwrap(), 0);
}

#[trio::test]
async fn of_a_batch_each_datagram_is_cut_off_on_its_own() {
    let (a, from) = bind();
    let (b, to) = bind();
    a.send_many(&[(b"abcdef", to), (b"", to), (b"gh", to)]).await.unwrap();
    let mut batch = DatagramBatch::new(2, 4);
    assert_future_checkpoints(b.recv_many(&mut batch)).await.unwrap();
    let datagrams: Vec<_> = batch.iter().collect();
    assert_eq!(datagrams, [(&b"abcd"[..], from), (&b""[..], from)]);
    b.recv_many(&mut batch).await.unwrap();
    assert_eq!(batch.iter().collect::<Vec<_>>(), [(&b"gh"[..], from)]);
}

#[test]
#[should_panic(expected = "a batch has room for at least one byte of one datagram")]
fn a_batch_without_room_is_refused() {
    drop(DatagramBatch::new(4, 0));
}

#[trio::test]
async fn a_cancelled_batch_has_received_nothing() {
    let (a, from) = bind();
    let (b, to) = bind();
    let scope = CancelScope::new();
    let mut batch = DatagramBatch::new(4, 4);
    nursery!(|n| {
        n.spawn(async { scope.run(async { b.recv_many(&mut batch).await }).await });
        wait_all_tasks_blocked().await;
        scope.cancel();
    })
    .unwrap();
    a.send_to(b"x", to).await.unwrap();
    assert_eq!(b.recv_from(&mut [0; 4]).await.unwrap(), (1, from));
}

#[trio::test]
async fn multicast_reaches_those_who_have_joined() {
    let group = Ipv4Addr::new(239, 255, 77, 1);
    let (a, _) = bind();
    a.socket().set_multicast_interface_v4(&Ipv4Addr::LOCALHOST).unwrap();
    let receivers: Vec<UdpSocket> = (0..2)
        .map(|_| {
            let b = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0).into()).unwrap();
            b.join_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap();
            b
        })
        .collect();
    for b in &receivers {
        let port = b.local_addr().unwrap().port();
        a.send_to(b"all", (group, port).into()).await.unwrap();
        assert_eq!(b.recv(&mut [0; 8]).await.unwrap(), 3);
        b.socket().leave_multicast_v4(&group, &Ipv4Addr::LOCALHOST).unwrap();
    }
}

#[trio::test]
async fn what_is_no_udp_socket_is_refused() {
    let (a, _b) = Socket::pair(Domain::UNIX, Type::DGRAM, None).unwrap();
    assert_eq!(UdpSocket::from_socket(a).unwrap_err().kind(), ErrorKind::InvalidInput);
    let tcp = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    assert_eq!(UdpSocket::from_socket(tcp).unwrap_err().kind(), ErrorKind::InvalidInput);
    let udp = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    let (_b, to) = bind();
    UdpSocket::from_socket(udp).unwrap().send_to(b"x", to).await.unwrap();
}

#[trio::test]
async fn close_wakes_all_who_wait() {
    let (a, address) = bind();
    nursery!(|n| {
        for _ in 0..3 {
            n.spawn(async {
                let error = a.recv(&mut [0; 4]).await.unwrap_err();
                assert!(is_error::<ClosedResourceError>(&error), "{error}");
            });
        }
        wait_all_tasks_blocked().await;
        a.close();
    })
    .unwrap();
    assert!(is_error::<ClosedResourceError>(&a.send_to(b"x", address).await.unwrap_err()));
}
