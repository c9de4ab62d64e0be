//! TCP streams and listeners.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsRawFd;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{Either, select};
use socket2::{Domain, SockRef, Socket, Type};
use tests::network::{clog, listen, noise, receive_all, tcp_pair};
use tests::rerun::{rerun, stderr};
use tests::threads::in_thread;
use trio::lowlevel::{checkpoint, statistics};
use trio::net::{TcpListener, TcpStream};
use trio::testing::{FaultInjector, SystemCall, assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{
    BrokenResourceError, BusyResourceError, CancelScope, ClosedResourceError, find_error, is_error,
    nursery,
};

/// A socket that has an address, but does not listen.
fn bind() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}

/// One end of a connection; the other one is the standard library's.
#[trio::task]
async fn pair_with_std() -> (TcpStream, std::net::TcpStream) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = in_thread(move || listener.accept().unwrap().0);
    let stream = TcpStream::connect(address).await.unwrap();
    (stream, accepted.await)
}

#[trio::test]
async fn a_connection_carries_bytes_both_ways() {
    let (a, b) = tcp_pair().await;
    assert_eq!(a.local_addr().unwrap(), b.peer_addr());
    assert_eq!(b.local_addr().unwrap(), a.peer_addr());
    let mut buffer = [0; 16];
    a.send_all(b"hello").await.unwrap();
    assert_eq!(b.receive_some(&mut buffer).await.unwrap(), 5);
    assert_eq!(&buffer[..5], b"hello");
    b.send_all(b"bye").await.unwrap();
    assert_eq!(a.receive_some(&mut buffer).await.unwrap(), 3);
    assert_eq!(&buffer[..3], b"bye");
}

#[trio::test]
async fn every_operation_is_a_checkpoint() {
    let (listener, address) = listen();
    let mut a = None;
    let b = nursery!(|n| {
        n.spawn(async {
            a = Some(assert_future_checkpoints(TcpStream::connect(address)).await?);
            Ok::<_, io::Error>(())
        });
        assert_future_checkpoints(listener.accept()).await?
    })
    .unwrap();
    let a = a.unwrap();
    let mut buffer = [0; 16];
    // What can be done at once.
    assert_future_checkpoints(a.wait_send_all_might_not_block()).await.unwrap();
    assert_future_checkpoints(a.send_all(b"hello")).await.unwrap();
    assert_future_checkpoints(a.send_all(b"")).await.unwrap();
    assert_future_checkpoints(b.receive_some(&mut buffer)).await.unwrap();
    assert_future_checkpoints(a.send_eof()).await.unwrap();
    assert_future_checkpoints(a.send_eof()).await.unwrap();
    assert_eq!(assert_future_checkpoints(b.receive_some(&mut buffer)).await.unwrap(), 0);
    // What has to wait.
    clog(&b).await;
    nursery!(|n| {
        let waiting =
            n.spawn(async { assert_future_checkpoints(b.wait_send_all_might_not_block()).await });
        wait_all_tasks_blocked().await;
        while !waiting.is_finished() {
            assert_future_checkpoints(a.receive_some(&mut buffer)).await?;
        }
        clog(&b).await;
        let sending = n.spawn(async { assert_future_checkpoints(b.send_all(&[0; 100_000])).await });
        wait_all_tasks_blocked().await;
        n.spawn(async {
            receive_all(&a).await?;
            Ok::<_, io::Error>(())
        });
        sending.wait().await;
        b.close();
    })
    .unwrap();
}

#[trio::test(allow(blocking_net))]
async fn an_accept_that_is_ready_is_a_checkpoint() {
    let (listener, address) = listen();
    let _client = std::net::TcpStream::connect(address).unwrap();
    assert_future_checkpoints(listener.accept()).await.unwrap();
}

#[trio::test]
async fn in_a_cancelled_scope_nothing_is_done() {
    let (listener, address) = listen();
    let (a, b) = tcp_pair().await;
    a.send_all(b"x").await.unwrap();
    let mut buffer = [0; 16];
    let cancelled = || {
        let scope = CancelScope::new();
        scope.cancel();
        scope
    };
    assert!(cancelled().run(async { TcpStream::connect(address).await }).await.is_none());
    assert!(cancelled().run(async { a.send_all(b"y").await }).await.is_none());
    assert!(cancelled().run(async { b.receive_some(&mut buffer).await }).await.is_none());
    assert!(cancelled().run(async { a.send_eof().await }).await.is_none());
    assert!(cancelled().run(async { listener.accept().await }).await.is_none());
    assert!(cancelled().run(async { a.wait_send_all_might_not_block().await }).await.is_none());
    // Nobody has connected, and exactly one byte is there.
    nursery!(|n| {
        let accepting = n.spawn(async { drop(listener.accept().await) });
        wait_all_tasks_blocked().await;
        assert!(!accepting.is_finished());
        n.cancel();
    })
    .unwrap();
    a.send_eof().await.unwrap();
    assert_eq!(receive_all(&b).await.unwrap(), b"x");
}

#[trio::test]
async fn connecting_where_nobody_listens_is_refused_by_name() {
    // Bound, so that nobody else listens there, but not listening.
    let (_socket, address) = bind();
    let error = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

// R159 (test_SocketStream_basics)
#[trio::test]
async fn both_ends_send_small_pieces_at_once() {
    let (a, b) = tcp_pair().await;
    for stream in [&a, &b] {
        assert!(stream.with_socket2(socket2::Socket::tcp_nodelay).unwrap());
    }
    a.set_nodelay(false).unwrap();
    assert!(!a.with_socket2(socket2::Socket::tcp_nodelay).unwrap());
}

// R159, R160 (test_SocketStream_basics, test_SocketListener)
#[trio::test]
async fn what_is_no_connection_or_no_listener_is_refused() {
    use trio::net::{Domain, Socket, Type};

    let kinds = [(Domain::UNIX, Type::STREAM), (Domain::UNIX, Type::DGRAM)];
    for (domain, ty) in kinds {
        let (a, b) = Socket::pair(domain, ty, None).unwrap();
        assert_eq!(TcpStream::from_socket(a).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(TcpListener::from_socket(b).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    let (local, tcp) = ("127.0.0.1:0".parse::<SocketAddr>().unwrap(), Type::STREAM);
    let unconnected = Socket::new(Domain::IPV4, tcp, None).unwrap();
    assert_eq!(TcpStream::from_socket(unconnected).unwrap_err().kind(), ErrorKind::NotConnected);
    let bound = Socket::new(Domain::IPV4, tcp, None).unwrap();
    bound.bind(local).unwrap();
    assert_eq!(TcpListener::from_socket(bound).unwrap_err().kind(), ErrorKind::InvalidInput);
    let udp = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    udp.bind(local).unwrap();
    assert_eq!(TcpListener::from_socket(udp).unwrap_err().kind(), ErrorKind::InvalidInput);
    // And what is one is taken.
    let listener = Socket::new(Domain::IPV4, tcp, None).unwrap();
    listener.bind(local).unwrap();
    listener.listen(1).unwrap();
    let listener = TcpListener::from_socket(listener).unwrap();
    let socket = Socket::new(Domain::IPV4, tcp, None).unwrap();
    socket.connect(listener.local_addr().unwrap()).await.unwrap();
    TcpStream::from_socket(socket).unwrap().send_all(b"x").await.unwrap();
    assert_eq!(listener.accept().await.unwrap().receive_some(&mut [0]).await.unwrap(), 1);
}

#[trio::test]
async fn a_connection_goes_to_whichever_duplicate_of_a_listener_accepts_it() {
    let (first, address) = listen();
    let second = first.duplicate().unwrap();
    let _a = TcpStream::connect(address).await.unwrap();
    second.accept().await.unwrap();
    assert_eq!(first.try_accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    first.close();
    let _b = TcpStream::connect(address).await.unwrap();
    second.accept().await.unwrap();
}

// R159 (test_SocketStream_send_all)
#[trio::test]
async fn ten_megabytes_go_both_ways_at_once() {
    const SIZE: usize = 10 * 1024 * 1024;
    let (a, b) = tcp_pair().await;
    let (from_a, from_b) = (noise(1, SIZE), noise(2, SIZE));
    nursery!(|n| {
        for (stream, data) in [(&a, &from_a), (&b, &from_b)] {
            n.spawn(async move {
                stream.send_all(data).await?;
                stream.send_eof().await
            });
        }
        let at_a = n.spawn(receive_all, &a);
        let at_b = n.spawn(receive_all, &b);
        at_a.wait().await;
        at_b.wait().await;
        assert!(at_a.take().unwrap() == from_b);
        assert!(at_b.take().unwrap() == from_a);
    })
    .unwrap();
}

#[trio::test]
async fn many_connections_at_once_are_told_apart() {
    let (listener, address) = listen();
    nursery!(|n| {
        let clients = n.spawn(async {
            nursery!(|n| {
                for number in 0..100_u8 {
                    n.spawn(async move {
                        let stream = TcpStream::connect(address).await?;
                        stream.send_all(&[number; 10]).await?;
                        stream.send_eof().await?;
                        assert_eq!(receive_all(&stream).await?, [number; 20]);
                        Ok::<_, io::Error>(())
                    });
                }
            })
        });
        n.spawn(async {
            nursery!(|n| {
                for _ in 0..100 {
                    let stream = listener.accept().await?;
                    n.spawn(async move {
                        let data = receive_all(&stream).await?;
                        stream.send_all(&data).await?;
                        stream.send_all(&data).await
                    });
                }
            })
        });
        clients.wait().await;
    })
    .unwrap();
}

// R159 (test_socket_stream_works_when_peer_has_already_closed)
#[trio::test]
async fn the_end_of_the_other_side_is_zero_bytes_time_and_again() {
    let (a, b) = tcp_pair().await;
    a.send_all(b"last words").await.unwrap();
    drop(a);
    let mut buffer = [0; 4];
    let mut received = Vec::new();
    loop {
        let count = b.receive_some(&mut buffer).await.unwrap();
        if count == 0 {
            break;
        }
        received.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(received, b"last words");
    for _ in 0..3 {
        assert_eq!(b.receive_some(&mut buffer).await.unwrap(), 0);
    }
}

#[trio::test]
async fn the_end_wakes_one_who_waits_to_receive() {
    let (a, b) = tcp_pair().await;
    nursery!(|n| {
        n.spawn(async {
            assert_eq!(b.receive_some(&mut [0; 4]).await.unwrap(), 0);
        });
        wait_all_tasks_blocked().await;
        drop(a);
    })
    .unwrap();
}

#[trio::test]
async fn after_send_eof_it_can_still_be_received_but_not_sent() {
    let (a, b) = tcp_pair().await;
    a.send_all(b"question").await.unwrap();
    a.send_eof().await.unwrap();
    assert_eq!(receive_all(&b).await.unwrap(), b"question");
    b.send_all(b"answer").await.unwrap();
    b.send_eof().await.unwrap();
    assert_eq!(receive_all(&a).await.unwrap(), b"answer");
    assert!(is_error::<ClosedResourceError>(&a.send_all(b"more").await.unwrap_err()));
    let error = a.wait_send_all_might_not_block().await.unwrap_err();
    assert!(is_error::<ClosedResourceError>(&error));
    a.send_eof().await.unwrap();
}

#[trio::test]
async fn an_empty_buffer_cannot_be_received_into() {
    let (a, _b) = tcp_pair().await;
    let error = assert_future_checkpoints(a.receive_some(&mut [])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[trio::test]
async fn close_wakes_those_who_wait_with_a_closed_resource_error() {
    let (a, _b) = tcp_pair().await;
    let (listener, _) = listen();
    clog(&a).await;
    nursery!(|n| {
        n.spawn(async {
            let error = a.receive_some(&mut [0; 4]).await.unwrap_err();
            assert!(is_error::<ClosedResourceError>(&error), "{error}");
            assert!(!is_error::<BrokenResourceError>(&error), "{error}");
        });
        n.spawn(async {
            let error = a.send_all(&[0; 1 << 20]).await.unwrap_err();
            assert!(is_error::<ClosedResourceError>(&error), "{error}");
        });
        n.spawn(async {
            let error = listener.accept().await.unwrap_err();
            assert!(is_error::<ClosedResourceError>(&error), "{error}");
        });
        wait_all_tasks_blocked().await;
        a.close();
        listener.close();
    })
    .unwrap();
}

#[trio::test]
async fn what_is_closed_stays_closed() {
    let (a, b) = tcp_pair().await;
    let (listener, _) = listen();
    for _ in 0..2 {
        a.close();
        listener.close();
    }
    assert!(is_error::<ClosedResourceError>(&a.send_all(b"x").await.unwrap_err()));
    assert!(is_error::<ClosedResourceError>(&a.receive_some(&mut [0]).await.unwrap_err()));
    assert!(is_error::<ClosedResourceError>(&a.send_eof().await.unwrap_err()));
    assert!(is_error::<ClosedResourceError>(&a.local_addr().unwrap_err()));
    assert!(is_error::<ClosedResourceError>(&a.set_nodelay(true).unwrap_err()));
    assert!(is_error::<ClosedResourceError>(&listener.accept().await.unwrap_err()));
    assert!(is_error::<ClosedResourceError>(&listener.local_addr().unwrap_err()));
    assert_eq!((a.as_raw_fd(), listener.as_raw_fd()), (-1, -1));
    assert_eq!(a.peer_addr(), b.local_addr().unwrap());
    // The other side sees an end.
    assert_eq!(b.receive_some(&mut [0]).await.unwrap(), 0);
}

#[trio::test]
async fn two_who_do_the_same_at_once_are_an_error_for_the_second() {
    let (a, _b) = tcp_pair().await;
    let (listener, _) = listen();
    clog(&a).await;
    nursery!(|n| {
        n.spawn(async { drop(a.receive_some(&mut [0; 4]).await) });
        n.spawn(async { drop(a.send_all(&[0; 1 << 20]).await) });
        n.spawn(async { drop(listener.accept().await) });
        wait_all_tasks_blocked().await;
        assert!(is_error::<BusyResourceError>(&a.receive_some(&mut [0; 4]).await.unwrap_err()));
        assert!(is_error::<BusyResourceError>(&a.send_all(b"x").await.unwrap_err()));
        assert!(is_error::<BusyResourceError>(&a.send_eof().await.unwrap_err()));
        let error = a.wait_send_all_might_not_block().await.unwrap_err();
        assert!(is_error::<BusyResourceError>(&error));
        assert!(is_error::<BusyResourceError>(&listener.accept().await.unwrap_err()));
        // The first ones are not disturbed.
        let now = statistics();
        assert_eq!((now.tasks_waiting_read, now.tasks_waiting_write), (2, 1));
        n.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn after_a_cancelled_operation_the_next_is_not_busy() {
    let (a, b) = tcp_pair().await;
    nursery!(|n| {
        let receiving = n.spawn(async { drop(a.receive_some(&mut [0; 4]).await) });
        wait_all_tasks_blocked().await;
        receiving.cancel();
        receiving.wait().await;
        b.send_all(b"x").await.unwrap();
        assert_eq!(a.receive_some(&mut [0; 4]).await.unwrap(), 1);
    })
    .unwrap();
}

#[trio::test]
async fn a_cancelled_receive_loses_nothing() {
    let (a, b) = tcp_pair().await;
    let data = noise(3, 200_000);
    let received = std::cell::RefCell::new(Vec::new());
    nursery!(|n| {
        n.spawn(async {
            for chunk in data.chunks(777) {
                b.send_all(chunk).await?;
                checkpoint().await;
            }
            b.send_eof().await
        });
        let ended = Cell::new(false);
        while !ended.get() {
            // Cancelled again and again, at different moments.
            let scope = CancelScope::new();
            let turns = received.borrow().len() % 3;
            nursery!(|n| {
                n.spawn(async {
                    for _ in 0..turns {
                        checkpoint().await;
                    }
                    scope.cancel();
                });
                scope
                    .run(async {
                        let mut buffer = [0; 1000];
                        match a.receive_some(&mut buffer).await.unwrap() {
                            0 => ended.set(true),
                            count => received.borrow_mut().extend_from_slice(&buffer[..count]),
                        }
                    })
                    .await;
            })?;
        }
    })
    .unwrap();
    assert!(received.into_inner() == data);
}

#[trio::test(allow(busy_wait))]
async fn a_receive_that_loses_a_race_loses_nothing() {
    let (a, b) = tcp_pair().await;
    let done = Cell::new(false);
    nursery!(|n| {
        // Something that is always runnable: every operation has to wait for its turn.
        n.spawn(async {
            while !done.get() {
                checkpoint().await;
            }
        });
        b.send_all(b"x").await.unwrap();
        let mut received = 0;
        for _ in 0..10 {
            let mut buffer = [0; 4];
            let receive = std::pin::pin!(a.receive_some(&mut buffer));
            // Ready at its first poll: whatever the other has begun by then is dropped.
            match select(receive, std::future::ready(())).await {
                Either::Left((count, _)) => received += count.unwrap(),
                Either::Right(_) => {}
            }
        }
        b.send_eof().await.unwrap();
        received += receive_all(&a).await.unwrap().len();
        assert_eq!(received, 1);
        done.set(true);
    })
    .unwrap();
}

#[trio::test(allow(blocking_net, busy_wait))]
async fn an_accept_that_loses_a_race_loses_no_connection() {
    let (listener, address) = listen();
    let done = Cell::new(false);
    nursery!(|n| {
        n.spawn(async {
            while !done.get() {
                checkpoint().await;
            }
        });
        let client = std::net::TcpStream::connect(address).unwrap();
        for _ in 0..3 {
            assert!(std::pin::pin!(listener.accept()).now_or_never().is_none());
        }
        let stream = listener.accept().await.unwrap();
        assert_eq!(stream.peer_addr(), client.local_addr().unwrap());
        done.set(true);
    })
    .unwrap();
}

#[trio::test(allow(blocking_net))]
async fn a_cancelled_accept_loses_no_connection() {
    let (listener, address) = listen();
    nursery!(|n| {
        let accepting = n.spawn(async { drop(listener.accept().await) });
        wait_all_tasks_blocked().await;
        accepting.cancel();
        let client = std::net::TcpStream::connect(address).unwrap();
        accepting.wait().await;
        let stream = listener.accept().await.unwrap();
        assert_eq!(stream.peer_addr(), client.local_addr().unwrap());
    })
    .unwrap();
}

#[trio::test]
async fn a_cancelled_connect_closes_its_attempt() {
    // A listener whose queue is full: attempts to connect hang.
    let (full, address) = bind();
    full.listen(0).unwrap();
    let mut connected = Vec::new();
    let limit = Duration::from_millis(20);
    loop {
        let attempt = trio::move_on_after(limit, async { TcpStream::connect(address).await }).await;
        match attempt {
            Some(stream) => connected.push(stream.unwrap()),
            None => break,
        }
    }
    let now = statistics();
    assert_eq!((now.tasks_waiting_write, now.deadlines), (0, 0));
}

#[trio::test]
async fn a_reset_connection_is_broken_with_its_cause() {
    let (stream, peer) = pair_with_std().await;
    SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
    drop(peer);
    let error = stream.receive_some(&mut [0; 4]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(!is_error::<ClosedResourceError>(&error));
    let broken = find_error::<BrokenResourceError>(&error).expect("it is broken");
    let cause = std::error::Error::source(broken).expect("it has a cause");
    let cause = cause.downcast_ref::<io::Error>().expect("the system's error");
    assert_eq!(cause.raw_os_error(), Some(rustix::io::Errno::CONNRESET.raw_os_error()));
}

#[trio::test]
async fn sending_to_one_who_has_gone_is_broken() {
    let (stream, peer) = pair_with_std().await;
    drop(peer);
    let error = loop {
        if let Err(error) = stream.send_all(&[0; 1024]).await {
            break error;
        }
    };
    assert!(is_error::<BrokenResourceError>(&error), "{error}");
}

#[trio::test]
async fn a_reset_wakes_one_who_waits_to_send() {
    let (stream, peer) = pair_with_std().await;
    clog(&stream).await;
    nursery!(|n| {
        n.spawn(async {
            let error = stream.send_all(&[0; 1 << 20]).await.unwrap_err();
            assert!(is_error::<BrokenResourceError>(&error), "{error}");
        });
        wait_all_tasks_blocked().await;
        drop(peer);
    })
    .unwrap();
}

#[trio::test]
async fn wait_send_all_might_not_block_waits_for_room() {
    let (stream, mut peer) = pair_with_std().await;
    clog(&stream).await;
    let room = Cell::new(false);
    nursery!(|n| {
        n.spawn(async {
            stream.wait_send_all_might_not_block().await.unwrap();
            room.set(true);
            stream.close();
        });
        wait_all_tasks_blocked().await;
        assert!(!room.get());
        in_thread(move || {
            let mut buffer = vec![0; 1 << 16];
            while peer.read(&mut buffer).is_ok_and(|count| count > 0) {}
        })
        .await;
        assert!(room.get());
    })
    .unwrap();
}

#[trio::test]
async fn peers_of_the_standard_library_talk_to_ours() {
    let (stream, mut peer) = pair_with_std().await;
    let echo = in_thread(move || {
        let mut data = Vec::new();
        peer.read_to_end(&mut data).unwrap();
        peer.write_all(&data).unwrap();
        peer.shutdown(Shutdown::Write).unwrap();
        data.len()
    });
    let data = noise(4, 3_000_000);
    stream.send_all(&data).await.unwrap();
    stream.send_eof().await.unwrap();
    assert!(receive_all(&stream).await.unwrap() == data);
    assert_eq!(echo.await, data.len());
}

#[trio::test(allow(blocking_net))]
async fn a_listener_takes_what_the_standard_library_connects() {
    let (listener, address) = listen();
    let clients = in_thread(move || {
        let streams: Vec<_> =
            (0..10).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        for (number, mut stream) in (0..).zip(streams) {
            stream.write_all(&[number]).unwrap();
        }
    });
    let mut numbers = Vec::new();
    for _ in 0..10 {
        let stream = listener.accept().await.unwrap();
        numbers.extend(receive_all(&stream).await.unwrap());
    }
    clients.await;
    numbers.sort_unstable();
    assert_eq!(numbers, (0..10).collect::<Vec<u8>>());
}

#[trio::test]
async fn an_address_in_use_cannot_be_bound() {
    let (_listener, address) = listen();
    assert_eq!(TcpListener::bind(address).unwrap_err().kind(), ErrorKind::AddrInUse);
    checkpoint().await;
}

#[trio::task(allow(blocking_net))]
async fn binds_again() {
    let (listener, address) = listen();
    let _client = std::net::TcpStream::connect(address).unwrap();
    let stream = listener.accept().await.unwrap();
    // This side closes first: the connection lingers with the address.
    stream.close();
    listener.close();
    TcpListener::bind(address).unwrap();
}

// R163 (test_open_tcp_listeners_rebind)
/// In a process of its own: what other tests start has this one's descriptors for a moment.
#[test]
fn an_address_can_be_bound_again_at_once() {
    let Some(output) = rerun("an_address_can_be_bound_again_at_once") else {
        return trio::run(binds_again);
    };
    assert!(output.status.success(), "{}", stderr(&output));
}

#[trio::test]
async fn streams_and_listeners_say_who_they_are() {
    let (a, _b) = tcp_pair().await;
    let (listener, address) = listen();
    assert_eq!(
        format!("{a:?}"),
        format!(
            "TcpStream {{ local_addr: Some({}), peer_addr: {} }}",
            a.local_addr().unwrap(),
            a.peer_addr()
        )
    );
    assert_eq!(format!("{listener:?}"), format!("TcpListener {{ local_addr: Some({address}) }}"));
}

#[test]
fn a_stream_of_a_run_that_is_over_does_not_hang_in_the_next() {
    let (stream, _peer) = trio::run(pair_with_std);
    let error = trio::run(|| async { stream.receive_some(&mut [0; 4]).await.unwrap_err() });
    assert!(is_error::<ClosedResourceError>(&error), "{error}");
}

#[trio::task(allow(blocking_net))]
async fn accepts_without_descriptors() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let (listener, address) = listen();
    let client = std::net::TcpStream::connect(address).unwrap();
    let before = getrlimit(Resource::Nofile);
    let mut none_left = before;
    none_left.current = Some(client.as_raw_fd() as u64 + 1);
    setrlimit(Resource::Nofile, none_left).unwrap();
    for _ in 0..2 {
        let error = listener.accept().await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::MFILE.raw_os_error()));
    }
    setrlimit(Resource::Nofile, before).unwrap();
    let stream = listener.accept().await.unwrap();
    assert_eq!(stream.peer_addr(), client.local_addr().unwrap());
}

#[test]
fn an_accept_without_descriptors_is_an_error_and_the_connection_waits() {
    let Some(output) = rerun("an_accept_without_descriptors_is_an_error_and_the_connection_waits")
    else {
        return trio::run(accepts_without_descriptors);
    };
    assert!(output.status.success(), "{}", stderr(&output));
}

/// A read that comes back short has emptied the socket: the next one waits without having tried.
#[trio::test]
async fn an_echo_costs_two_reads_and_two_writes() {
    const TIMES: usize = 100;
    let (near, far) = tcp_pair().await;
    let faults = FaultInjector::new();
    nursery!(|n| {
        n.spawn(async move {
            let mut buffer = [0; 1024];
            while let count @ 1.. = far.receive_some(&mut buffer).await? {
                far.send_all(&buffer[..count]).await?;
            }
            Ok::<_, io::Error>(())
        });
        let mut buffer = [0; 1024];
        for _ in 0..TIMES {
            near.send_all(&[7; 64]).await?;
            assert_eq!(near.receive_some(&mut buffer).await?, 64);
        }
        assert_eq!(faults.count(SystemCall::Write), 2 * TIMES);
        // Each side has tried in vain at most once, before it knew.
        assert!(faults.count(SystemCall::Read) <= 2 * TIMES + 2);
        near.close();
    })
    .unwrap();
}
