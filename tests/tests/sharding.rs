//! A server on several threads, each with a run of its own.

use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tests::faults::Fault;
use tests::panics::panic_text;
use trio::net::{HandlerErrors, TcpServer, TcpStream};
use trio::{CancelScope, find_error, nursery, sleep_forever, stop_requested};

const THREADS: usize = 3;

fn server() -> TcpServer {
    TcpServer::new(0).host("127.0.0.1")
}

fn local(addresses: &[SocketAddr]) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, addresses[0].port()).into()
}

/// What all threads of a server share.
#[derive(Default)]
struct Seen {
    made: AtomicUsize,
    threads: Mutex<HashSet<ThreadId>>,
    gone: AtomicUsize,
}

struct Gone<'a>(&'a Seen);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.gone.fetch_add(1, Ordering::Relaxed);
    }
}

impl Seen {
    fn make(&self) {
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    fn threads(&self) -> usize {
        self.threads.lock().unwrap().len()
    }
}

/// Says that it is there, and does as it is told.
#[trio::task]
async fn obey(stream: TcpStream, seen: &Seen) -> trio::Result<()> {
    let _gone = Gone(seen);
    seen.threads.lock().unwrap().insert(thread::current().id());
    stream.send_all(b"!").await?;
    let mut order = [0];
    stream.receive_some(&mut order).await?;
    match order[0] {
        b'f' => Err(Fault("a handler has failed").into()),
        b'p' => panic!("a handler has panicked"),
        b's' => {
            trio::wait_for_stop().await;
            assert!(stop_requested());
            stream.send_all(b"s").await?;
            Ok(())
        }
        b'w' => {
            sleep_forever().await;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Connections that are being served, by all of the threads.
#[trio::task]
async fn connections(address: SocketAddr, seen: &Seen) -> io::Result<Vec<TcpStream>> {
    let mut streams = Vec::new();
    while seen.threads() < THREADS {
        let stream = TcpStream::connect(address).await?;
        assert_eq!(stream.receive_some(&mut [0]).await?, 1);
        streams.push(stream);
    }
    Ok(streams)
}

/// The connection has been closed from the other side.
#[trio::task]
async fn is_over(stream: &TcpStream) -> bool {
    match stream.receive_some(&mut [0]).await {
        Ok(count) => count == 0,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[trio::task]
async fn is_refused(address: SocketAddr) -> bool {
    TcpStream::connect(address)
        .await
        .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

#[trio::test]
async fn connections_are_served_by_all_threads_and_a_cancellation_ends_them() {
    let seen = Seen::default();
    let make = || {
        seen.make();
        |stream| obey(stream, &seen)
    };
    let mut streams = Vec::new();
    let mut address = None;
    nursery!(|n| {
        let addresses = n.start(TcpServer::start_on_threads, server(), THREADS, make).await?;
        address = Some(local(&addresses));
        streams = connections(local(&addresses), &seen).await?;
        n.cancel();
    })
    .unwrap();
    assert_eq!(seen.made.load(Ordering::Relaxed), THREADS);
    assert!(!seen.threads.lock().unwrap().contains(&thread::current().id()));
    assert_eq!(seen.gone.load(Ordering::Relaxed), streams.len(), "all were unwound before");
    for stream in &streams {
        assert!(is_over(stream).await);
    }
    assert!(is_refused(address.unwrap()).await);
}

#[trio::test]
async fn a_server_that_is_cancelled_before_it_begins_serves_nobody() {
    let seen = Seen::default();
    let make = || {
        seen.make();
        |stream| obey(stream, &seen)
    };
    let scope = CancelScope::new();
    scope.cancel();
    assert!(scope.run(async { server().serve_on_threads(THREADS, make).await }).await.is_none());
    assert_eq!(seen.made.load(Ordering::Relaxed), 0);
}

#[trio::test]
async fn a_request_to_stop_reaches_all_threads() {
    let seen = Seen::default();
    let make = || |stream| obey(stream, &seen);
    nursery!(|n| {
        let scope = n.cancel_scope();
        let addresses = n.start(TcpServer::start_on_threads, server(), THREADS, make).await?;
        let streams = connections(local(&addresses), &seen).await?;
        for stream in &streams {
            stream.send_all(b"s").await?;
        }
        scope.request_stop(Duration::from_secs(3600));
        for stream in &streams {
            assert_eq!(stream.receive_some(&mut [0]).await?, 1, "it has time to finish");
            assert!(is_over(stream).await);
        }
    })
    .unwrap();
}

#[trio::test]
async fn threads_that_have_not_begun_hear_of_what_came_before() {
    let seen = Seen::default();
    let make = || |stream| obey(stream, &seen);
    let scope = CancelScope::new();
    scope.request_stop(Duration::from_secs(3600));
    let served = scope.run(async { server().serve_on_threads(THREADS, make).await }).await;
    assert!(matches!(served, Some(Ok(()))));
    for _ in 0..10 {
        nursery!(|n| {
            n.start(TcpServer::start_on_threads, server(), THREADS, make).await?;
            n.cancel();
        })
        .unwrap();
    }
}

#[trio::test]
async fn when_the_grace_is_over_all_threads_are_cancelled() {
    let seen = Seen::default();
    let make = || |stream| obey(stream, &seen);
    let mut streams = Vec::new();
    nursery!(|n| {
        let addresses = n.start(TcpServer::start_on_threads, server(), THREADS, make).await?;
        streams = connections(local(&addresses), &seen).await?;
        for stream in &streams {
            stream.send_all(b"w").await?;
        }
        n.cancel_scope().request_stop(Duration::from_millis(1));
        sleep_forever().await;
    })
    .unwrap();
    assert_eq!(seen.gone.load(Ordering::Relaxed), streams.len());
}

#[trio::test]
async fn an_error_of_one_thread_ends_all_and_comes_out() {
    let seen = Seen::default();
    let make = || |stream| obey(stream, &seen);
    let mut streams = Vec::new();
    let group = nursery!(|n| {
        let addresses = n.start(TcpServer::start_on_threads, server(), THREADS, make).await?;
        streams = connections(local(&addresses), &seen).await?;
        streams[0].send_all(b"f").await?;
        sleep_forever().await;
    })
    .unwrap_err();
    assert_eq!(find_error::<Fault>(&group), Some(&Fault("a handler has failed")));
    assert_eq!(seen.gone.load(Ordering::Relaxed), streams.len());
    for stream in &streams {
        assert!(is_over(stream).await);
    }
}

#[test]
fn a_panic_of_one_thread_ends_all_and_comes_out() {
    let seen = Seen::default();
    #[trio::task]
    async fn main(seen: &Seen) {
        let make = || |stream| obey(stream, seen);
        nursery!(|n| {
            let addresses = n.start(TcpServer::start_on_threads, server(), THREADS, make).await?;
            let streams = connections(local(&addresses), seen).await?;
            streams[0].send_all(b"p").await?;
            sleep_forever().await;
        })
        .unwrap();
    }
    let text = panic_text(|| trio::run(|| main(&seen)));
    assert_eq!(text, "a handler has panicked");
    assert!(seen.gone.load(Ordering::Relaxed) >= THREADS);
}

#[trio::test]
async fn the_settings_hold_for_each_thread() {
    let seen = Seen::default();
    let make = || |stream| obey(stream, &seen);
    nursery!(|n| {
        let server = server().handler_errors(HandlerErrors::Report);
        let addresses = n.start(TcpServer::start_on_threads, server, THREADS, make).await?;
        let streams = connections(local(&addresses), &seen).await?;
        for stream in &streams {
            stream.send_all(b"f").await?;
            assert!(is_over(stream).await);
        }
        // It is still there.
        let stream = TcpStream::connect(local(&addresses)).await?;
        assert_eq!(stream.receive_some(&mut [0]).await?, 1);
        n.cancel();
    })
    .unwrap();
}

#[trio::test]
#[should_panic(expected = "no thread at all")]
async fn a_server_without_threads_is_refused() {
    let seen = Seen::default();
    let _ = server().serve_on_threads(0, || |stream| obey(stream, &seen)).await;
}
