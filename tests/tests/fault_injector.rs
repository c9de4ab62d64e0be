//! The fault injector, and what the streams make of system calls that fail or do little.

use std::io::{self, ErrorKind};

use tests::network::{listen, tcp_pair};
use tests::panics::panic_text;
use tests::probe::open_descriptors;
use tests::rerun::{rerun, stderr};
use tests::threads::in_thread;
use trio::net::{TcpListener, TcpStream};
use trio::testing::{FaultInjector, SystemCall, check_half_closeable_stream};
use trio::{BrokenResourceError, is_error, nursery};

#[trio::test]
async fn the_nth_call_of_a_kind_fails_and_the_others_do_not() {
    let (a, b) = tcp_pair().await;
    let faults = FaultInjector::new();
    faults.fail(SystemCall::Write, 2, ErrorKind::ConnectionReset);
    a.send_all(b"one").await.unwrap();
    let error = a.send_all(b"two").await.unwrap_err();
    assert!(is_error::<BrokenResourceError>(&error), "{error}");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    a.send_all(b"three").await.unwrap();
    assert_eq!((faults.count(SystemCall::Write), faults.injected()), (3, 1));
    a.send_eof().await.unwrap();
    let mut data = Vec::new();
    let mut buffer = [0; 16];
    while let count @ 1.. = b.receive_some(&mut buffer).await.unwrap() {
        data.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(data, b"onethree");
}

#[trio::test]
async fn a_read_that_fails_has_read_nothing() {
    let (a, b) = tcp_pair().await;
    a.send_all(b"data").await.unwrap();
    let faults = FaultInjector::new();
    faults.fail(SystemCall::Read, 1, io::Error::from_raw_os_error(libc_ebadmsg()));
    let mut buffer = [0; 16];
    let error = b.receive_some(&mut buffer).await.unwrap_err();
    assert!(is_error::<BrokenResourceError>(&error), "{error}");
    assert_eq!(b.receive_some(&mut buffer).await.unwrap(), 4);
}

/// An error of the system that nobody treats in a special way.
fn libc_ebadmsg() -> i32 {
    rustix::io::Errno::BADMSG.raw_os_error()
}

// R154
#[trio::test]
async fn everything_arrives_although_each_call_moves_one_byte() {
    let (a, b) = tcp_pair().await;
    let faults = FaultInjector::new();
    faults.shorten_all(SystemCall::Write);
    faults.shorten_all(SystemCall::Read);
    let data: Vec<u8> = (0..=255).cycle().take(3000).collect();
    nursery!(|n| {
        n.spawn(async {
            a.send_all(&data).await?;
            a.send_eof().await
        });
        let mut received = Vec::new();
        let mut buffer = [0; 100];
        while let count @ 1.. = b.receive_some(&mut buffer).await? {
            assert_eq!(count, 1);
            received.push(buffer[0]);
        }
        assert!(received == data);
    })
    .unwrap();
    assert!(faults.injected() >= 6000);
}

// U181
#[trio::test]
async fn streams_keep_the_rules_although_calls_are_interrupted_and_short() {
    let faults = FaultInjector::new();
    for nth in 1..400 {
        match nth % 3 {
            0 => faults.fail(SystemCall::Write, nth, ErrorKind::Interrupted),
            _ => faults.shorten(SystemCall::Write, nth),
        }
        match nth % 5 {
            0 | 1 => faults.fail(SystemCall::Read, nth, ErrorKind::Interrupted),
            _ => faults.shorten(SystemCall::Read, nth),
        }
    }
    check_half_closeable_stream(tcp_pair, ()).await;
    assert!(faults.injected() >= 200);
}

// R160
#[trio::test]
async fn accepting_passes_over_broken_connections_and_tells_of_exhaustion() {
    let (listener, address) = listen();
    let _client = TcpStream::connect(address).await.unwrap();
    let faults = FaultInjector::new();
    faults.fail(SystemCall::Accept, 1, ErrorKind::ConnectionAborted.to_os());
    faults.fail(SystemCall::Accept, 2, io::Error::from_raw_os_error(emfile()));
    let error = listener.accept().await.unwrap_err();
    assert_eq!(error.raw_os_error(), Some(emfile()));
    // The connection is still there.
    listener.accept().await.unwrap();
    assert_eq!(faults.count(SystemCall::Accept), 3);
}

fn emfile() -> i32 {
    rustix::io::Errno::MFILE.raw_os_error()
}

trait ToOs {
    fn to_os(self) -> io::Error;
}

impl ToOs for ErrorKind {
    /// As the system gives it.
    fn to_os(self) -> io::Error {
        assert_eq!(self, ErrorKind::ConnectionAborted);
        io::Error::from_raw_os_error(rustix::io::Errno::CONNABORTED.raw_os_error())
    }
}

// R155
#[trio::test]
async fn connecting_and_binding_can_fail() {
    let (_listener, address) = listen();
    let faults = FaultInjector::new();
    faults.fail(SystemCall::Connect, 1, ErrorKind::AddrNotAvailable);
    faults.fail(SystemCall::Bind, 1, ErrorKind::AddrInUse);
    let error = TcpStream::connect(address).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("cannot connect to {address}: ")), "{error}");
    assert_eq!(TcpListener::bind(address).unwrap_err().kind(), ErrorKind::AddrInUse);
    TcpStream::connect(address).await.unwrap();
}

#[trio::test]
async fn an_end_that_cannot_be_sent_can_be_sent_again() {
    let (a, b) = tcp_pair().await;
    let faults = FaultInjector::new();
    faults.fail(SystemCall::Shutdown, 1, ErrorKind::Other);
    assert!(is_error::<BrokenResourceError>(&a.send_eof().await.unwrap_err()));
    a.send_eof().await.unwrap();
    assert_eq!(b.receive_some(&mut [0]).await.unwrap(), 0);
}

#[trio::task]
async fn talk() -> trio::Result<()> {
    let (listener, address) = {
        let listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
        let address = listener.local_addr()?;
        (listener, address)
    };
    nursery!(|n| {
        n.spawn(async {
            let stream = TcpStream::connect(address).await?;
            stream.send_all(b"question").await?;
            stream.send_eof().await?;
            let mut buffer = [0; 16];
            while stream.receive_some(&mut buffer).await? > 0 {}
            Ok::<_, io::Error>(())
        });
        let stream = listener.accept().await?;
        let mut buffer = [0; 16];
        while stream.receive_some(&mut buffer).await? > 0 {}
        stream.send_all(b"answer").await?;
    })?;
    Ok(())
}

/// In a process of its own: the descriptors of other tests are none of its business.
#[test]
fn wherever_a_call_fails_the_error_comes_out_and_nothing_is_left_open() {
    let test = "wherever_a_call_fails_the_error_comes_out_and_nothing_is_left_open";
    let Some(output) = rerun(test) else {
        return trio::run(fails_everywhere);
    };
    assert!(output.status.success(), "{}", stderr(&output));
}

#[trio::task]
async fn fails_everywhere() {
    let before = open_descriptors();
    let mut failures = 0;
    for nth in 1.. {
        let faults = FaultInjector::new();
        faults.fail_any(nth, io::Error::other("the injected one"));
        let result = talk().await;
        if faults.injected() == 0 {
            result.unwrap();
            break;
        }
        failures += 1;
        let error = result.unwrap_err();
        assert!(error.to_string().contains("the injected one"), "{nth}: {error}");
        assert_eq!(open_descriptors(), before, "{nth}");
    }
    // Bind, connect, accept, two writes, a shutdown, and reads on both sides.
    assert!(failures >= 9, "{failures}");
}

#[trio::test]
async fn several_injectors_are_asked_in_turn_until_they_are_dropped() {
    let (_listener, address) = listen();
    let first = FaultInjector::new();
    let second = FaultInjector::new();
    second.fail(SystemCall::Connect, 1, ErrorKind::TimedOut);
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!((first.count(SystemCall::Connect), first.injected()), (1, 0));
    drop(first);
    second.fail(SystemCall::Connect, 2, ErrorKind::TimedOut);
    assert!(TcpStream::connect(address).await.is_err());
    second.fail(SystemCall::Connect, 3, ErrorKind::TimedOut);
    drop(second);
    TcpStream::connect(address).await.unwrap();
}

#[trio::test]
async fn other_threads_are_not_concerned() {
    let (listener, address) = listen();
    let faults = FaultInjector::new();
    faults.fail(SystemCall::Connect, 1, ErrorKind::TimedOut);
    let client = in_thread(move || {
        let connect = || async move { TcpStream::connect(address).await.map(drop) };
        trio::Builder::new().run(connect).unwrap();
    });
    listener.accept().await.unwrap();
    client.await;
    assert_eq!(faults.injected(), 0);
}

#[test]
fn what_could_never_happen_is_refused() {
    let faults = FaultInjector::new();
    let text = panic_text(|| faults.fail(SystemCall::Read, 0, ErrorKind::Other));
    assert!(text.contains("the first one is number 1"), "{text}");
    let text = panic_text(|| faults.fail(SystemCall::Read, 1, ErrorKind::WouldBlock));
    assert!(text.contains("inject another error"), "{text}");
    assert_eq!(format!("{faults:?}"), "FaultInjector { counts: {}, injected: 0, .. }");
}
