//! Peers that mean no good, or are no more: what a server needs against each is a line.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream as Peer};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::SockRef;
use tests::network::{echo, listen};
use tests::rerun::{rerun, stderr};
use tests::threads::in_thread;
use trio::lowlevel::checkpoint;
use trio::net::{HandlerErrors, Server, TcpStream, serve_listeners};
use trio::stream::{BufferedStream, LimitExceededError, ReceiveStream, SendStream};
use trio::sync::Event;
use trio::testing::{
    FaultInjector, MemoryStream, MockClock, SystemCall, memory_stream_pair, wait_all_tasks_blocked,
};
use trio::{BrokenResourceError, TooSlowError, is_error, nursery};

const IDLE: Duration = Duration::from_secs(60);

/// A connection, and its other end, which belongs to the standard library.
#[trio::task]
async fn accepted() -> (TcpStream, Peer) {
    let (listener, address) = listen();
    let peer = Peer::connect(address).unwrap();
    (listener.accept().await.unwrap(), peer)
}

/// Goes away with a reset.
fn reset(peer: Peer) {
    SockRef::from(&peer).set_linger(Some(Duration::ZERO)).unwrap();
}

/// Sends everything back, to those who do not let it wait for long.
#[trio::task]
async fn impatient_echo<S: SendStream + ReceiveStream>(stream: S) -> trio::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let received =
            trio::fail_after(IDLE, async { stream.receive_some(&mut buffer).await }).await??;
        match received {
            0 => return Ok(()),
            count => {
                trio::fail_after(IDLE, async { stream.send_all(&buffer[..count]).await }).await??;
            }
        }
    }
}

/// The peer has its text echoed and ends.
fn is_served(mut peer: Peer) -> bool {
    let mut back = String::new();
    peer.write_all(b"hello").is_ok()
        && peer.shutdown(Shutdown::Write).is_ok()
        && peer.read_to_string(&mut back).is_ok()
        && back == "hello"
}

#[trio::test(clock = "mock")]
async fn a_peer_that_says_nothing_is_given_up_when_it_has_been_idle() {
    let (near, far) = memory_stream_pair();
    let start = trio::current_time();
    nursery!(|n| {
        let served = n.spawn_monitored(impatient_echo::<MemoryStream>, far);
        near.send_all(b"x").await?;
        trio::sleep(IDLE - Duration::from_millis(1)).await;
        near.send_all(b"x").await?;
        match served.outcome().await {
            trio::Outcome::Err(error) => assert!(error.is::<TooSlowError>(), "{error}"),
            other => panic!("{other:?}"),
        }
    })
    .unwrap();
    assert_eq!(start.elapsed(), 2 * IDLE - Duration::from_millis(1));
    assert_eq!(near.receive_some(&mut [0; 4]).await.unwrap(), 2);
    assert_eq!(near.receive_some(&mut [0; 4]).await.unwrap(), 0);
}

#[trio::test(clock = "mock")]
async fn a_peer_that_trickles_is_given_up_when_its_request_takes_too_long() {
    let (near, far) = memory_stream_pair();
    let far = BufferedStream::new(far);
    let start = trio::current_time();
    nursery!(|n| {
        n.spawn(async {
            loop {
                near.send_all(b"X").await?;
                trio::sleep(IDLE / 10).await;
            }
            #[expect(unreachable_code)]
            Ok::<_, io::Error>(())
        });
        let request = trio::fail_after(IDLE, async { far.receive_line().await }).await;
        assert!(request.is_err());
        n.cancel();
    })
    .unwrap();
    assert_eq!(start.elapsed(), IDLE);
}

#[trio::test(clock = "mock", allow(blocking_net))]
async fn a_peer_that_reads_nothing_is_given_up_and_holds_nobody_else_up() {
    let (stream, _peer) = accepted().await;
    let (other, mut other_peer) = accepted().await;
    other_peer.write_all(b"hello").unwrap();
    let start = trio::current_time();
    nursery!(|n| {
        let sending = n.spawn(async {
            let flood = vec![0; 100_000_000];
            let sent = trio::fail_after(IDLE, async { stream.send_all(&flood).await }).await;
            assert!(sent.is_err());
        });
        wait_all_tasks_blocked().await;
        assert_eq!(other.receive_some(&mut [0; 16]).await?, 5);
        assert_eq!(start.elapsed(), Duration::ZERO);
        sending.wait().await;
    })
    .unwrap();
    assert_eq!(start.elapsed(), IDLE);
}

#[trio::test(allow(blocking_net))]
async fn a_peer_that_sends_without_an_end_is_not_kept_in_memory() {
    const LIMIT: usize = 10_000;
    let (stream, mut peer) = accepted().await;
    let flood = in_thread(move || {
        let mut sent = 0;
        while let Ok(count @ 1..) = peer.write(&[b'x'; 10_000]) {
            sent += count;
        }
        sent
    });
    let stream = BufferedStream::with_limit(stream, LIMIT);
    let error = stream.receive_line().await.unwrap_err();
    assert!(is_error::<LimitExceededError>(&error), "{error}");
    assert!(stream.buffered() <= LIMIT + 16 * 1024);
    // It does not help to ask again.
    assert!(stream.receive_line().await.is_err());
    assert!(stream.buffered() <= LIMIT + 16 * 1024);
    drop(stream);
    assert!(flood.await > LIMIT, "and now it is reset");
}

#[trio::test(allow(blocking_net))]
async fn a_message_whose_length_is_a_lie_allocates_nothing() {
    let (near, far) = memory_stream_pair();
    near.send_all(&u32::MAX.to_be_bytes()).await.unwrap();
    let far = BufferedStream::new(far);
    let length = far.receive_exactly(4).await.unwrap().try_into().map(u32::from_be_bytes).unwrap();
    let error = far.receive_exactly(length as usize).await.unwrap_err();
    assert!(is_error::<LimitExceededError>(&error), "{error}");
}

#[trio::test(clock = "mock", allow(blocking_net))]
async fn those_who_occupy_all_places_are_given_up_and_the_next_is_served() {
    let (listener, address) = listen();
    let idle: Vec<Peer> = (0..10).map(|_| Peer::connect(address).unwrap()).collect();
    let mut late = Peer::connect(address).unwrap();
    late.write_all(b"hello").unwrap();
    late.shutdown(Shutdown::Write).unwrap();
    let server = Server::new().max_connections(10).handler_errors(HandlerErrors::Report);
    let start = trio::current_time();
    nursery!(|n| {
        n.spawn(Server::serve, server, vec![listener], impatient_echo::<TcpStream>);
        let mut back = String::new();
        in_thread(move || late.read_to_string(&mut back).map(|_| assert_eq!(back, "hello")))
            .await?;
        n.cancel();
    })
    .unwrap();
    assert_eq!(start.elapsed(), IDLE);
    drop(idle);
}

#[trio::test(allow(blocking_net))]
async fn a_reset_breaks_who_receives_and_who_sends() {
    let (stream, peer) = accepted().await;
    nursery!(|n| {
        let receiving = n.spawn(async {
            let error = stream.receive_some(&mut [0; 16]).await.unwrap_err();
            assert!(is_error::<BrokenResourceError>(&error), "{error}");
        });
        let sending = n.spawn(async {
            let error = stream.send_all(&vec![0; 100_000_000]).await.unwrap_err();
            assert!(is_error::<BrokenResourceError>(&error), "{error}");
        });
        wait_all_tasks_blocked().await;
        assert!(!receiving.is_finished() && !sending.is_finished());
        reset(peer);
    })
    .unwrap();
}

#[trio::test(allow(blocking_net, blocking_fs))]
async fn a_reset_breaks_who_sends_a_file() {
    let (stream, peer) = accepted().await;
    let zeros = File::open("/dev/zero").unwrap();
    nursery!(|n| {
        n.spawn(async {
            let error = stream.send_file(&zeros, 0, Some(1 << 30)).await.unwrap_err();
            assert!(is_error::<BrokenResourceError>(&error), "{error}");
        });
        wait_all_tasks_blocked().await;
        reset(peer);
    })
    .unwrap();
}

#[trio::test(allow(blocking_net, blocking_fs))]
async fn a_call_that_fails_in_the_midst_of_a_file_breaks_the_connection() {
    let (stream, peer) = accepted().await;
    let zeros = File::open("/dev/zero").unwrap();
    let faults = FaultInjector::new();
    faults.fail(SystemCall::Write, 2, ErrorKind::TimedOut);
    let received = in_thread(move || io::copy(&mut &peer, &mut io::sink()).unwrap());
    let error = stream.send_file(&zeros, 0, Some(1 << 30)).await.unwrap_err();
    assert!(is_error::<BrokenResourceError>(&error), "{error}");
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    drop(stream);
    assert!(received.await > 0, "the first call has sent something");
}

#[trio::test(allow(blocking_net))]
async fn an_error_that_each_accept_passes_over_holds_nobody_up() {
    let (listener, address) = listen();
    let _peer = Peer::connect(address).unwrap();
    let faults = FaultInjector::new();
    for nth in 1..=1000 {
        let error = io::Error::from_raw_os_error(rustix::io::Errno::CONNABORTED.raw_os_error());
        faults.fail(SystemCall::Accept, nth, error);
    }
    nursery!(|n| {
        n.spawn(async { listener.accept().await.map(drop) });
        for _ in 0..10 {
            checkpoint().await;
        }
        n.cancel();
    })
    .unwrap();
    assert!((5..=11).contains(&faults.count(SystemCall::Accept)), "{faults:?}");
}

#[trio::test(allow(blocking_net))]
async fn a_peer_that_has_ended_still_gets_its_answer() {
    let (stream, mut peer) = accepted().await;
    peer.write_all(b"question").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    let mut buffer = [0; 16];
    assert_eq!(stream.receive_some(&mut buffer).await.unwrap(), 8);
    assert_eq!(stream.receive_some(&mut buffer).await.unwrap(), 0);
    let answer = vec![7; 10_000_000];
    let received = in_thread(move || {
        let mut all = Vec::new();
        peer.read_to_end(&mut all).unwrap();
        all
    });
    stream.send_all(&answer).await.unwrap();
    stream.send_eof().await.unwrap();
    assert!(received.await == answer);
}

#[trio::test(allow(blocking_net))]
async fn those_who_are_gone_before_they_are_accepted_disturb_nobody() {
    let (listener, address) = listen();
    for _ in 0..20 {
        reset(Peer::connect(address).unwrap());
        drop(Peer::connect(address).unwrap());
    }
    let last = Peer::connect(address).unwrap();
    let server = Server::new().handler_errors(HandlerErrors::Report);
    nursery!(|n| {
        n.spawn(Server::serve, server, vec![listener], echo::<TcpStream>);
        assert!(in_thread(move || is_served(last)).await);
        n.cancel();
    })
    .unwrap();
}

#[trio::test(allow(blocking_net))]
async fn a_server_survives_each_call_of_its_connections_failing() {
    let faults = FaultInjector::new();
    let server = Server::new().handler_errors(HandlerErrors::Report);
    let (listener, address) = listen();
    nursery!(|n| {
        n.spawn(Server::serve, server, vec![listener], echo::<TcpStream>);
        for (call, kind) in [
            (SystemCall::Read, ErrorKind::ConnectionReset),
            (SystemCall::Read, ErrorKind::TimedOut),
            (SystemCall::Write, ErrorKind::BrokenPipe),
            (SystemCall::Write, ErrorKind::HostUnreachable),
        ] {
            faults.fail(call, faults.count(call) + 1, kind);
            let peers = [Peer::connect(address).unwrap(), Peer::connect(address).unwrap()];
            let [unlucky, lucky] = peers;
            assert!(!in_thread(move || is_served(unlucky)).await);
            assert!(in_thread(move || is_served(lucky)).await);
        }
        n.cancel();
    })
    .unwrap();
    assert_eq!(faults.injected(), 4);
}

#[trio::test(clock = "mock", allow(blocking_net))]
async fn a_server_survives_that_the_system_has_nothing_left_for_a_connection() {
    use rustix::io::Errno;

    let faults = FaultInjector::new();
    let (listener, address) = listen();
    let start = trio::current_time();
    nursery!(|n| {
        n.spawn(serve_listeners, vec![listener], echo::<TcpStream>);
        for code in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            let error = io::Error::from_raw_os_error(code.raw_os_error());
            faults.fail(SystemCall::Accept, faults.count(SystemCall::Accept) + 1, error);
            let peer = Peer::connect(address).unwrap();
            assert!(in_thread(move || is_served(peer)).await);
        }
        // What is of one connection is passed over, without a pause.
        let before = start.elapsed();
        for code in [Errno::CONNABORTED, Errno::PERM, Errno::PROTO] {
            let error = io::Error::from_raw_os_error(code.raw_os_error());
            faults.fail(SystemCall::Accept, faults.count(SystemCall::Accept) + 1, error);
            let peer = Peer::connect(address).unwrap();
            assert!(in_thread(move || is_served(peer)).await);
        }
        assert_eq!(start.elapsed(), before);
        n.cancel();
    })
    .unwrap();
    assert_eq!(faults.injected(), 7);
    assert_eq!(start.elapsed(), Duration::from_millis(4 * 100));
}

/// Has no descriptor left when connections come, and then has.
#[trio::task(allow(blocking_net, blocking_fs))]
async fn runs_out_of_descriptors() {
    let (listener, address) = listen();
    let peers: Vec<Peer> = (0..20).map(|_| Peer::connect(address).unwrap()).collect();
    let limit = Rlimit { current: Some(200), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, limit).unwrap();
    let mut fillers = Vec::new();
    while let Ok(filler) = File::open("/dev/null") {
        fillers.push(filler);
    }
    let (served, all) = (Cell::new(0), Event::new());
    let count = async |stream: TcpStream| {
        stream.send_all(b"served").await?;
        served.set(served.get() + 1);
        if served.get() == 20 {
            all.set();
        }
        Ok::<_, io::Error>(())
    };
    nursery!(|n| {
        n.spawn(async { serve_listeners(vec![listener], count).await });
        trio::sleep(Duration::from_millis(350)).await;
        assert_eq!(served.get(), 0);
        // Room for five at a time.
        fillers.truncate(fillers.len() - 5);
        all.wait().await;
        n.cancel();
    })
    .unwrap();
    for mut peer in peers {
        let mut text = String::new();
        peer.read_to_string(&mut text).unwrap();
        assert_eq!(text, "served");
    }
}

#[test]
fn a_server_without_descriptors_says_so_and_goes_on_when_it_has_some() {
    let Some(output) = rerun("a_server_without_descriptors_says_so_and_goes_on_when_it_has_some")
    else {
        return trio::Builder::new().clock(MockClock::autojump()).run(runs_out_of_descriptors);
    };
    let told = stderr(&output);
    assert!(output.status.success(), "{told}");
    let times = told.matches("cannot accept a connection now, trying again: ").count();
    assert!(times >= 4, "{told}");
}
