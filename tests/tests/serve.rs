//! Serving connections: scripted listeners in virtual time, and real ones.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tests::faults::Fault;
use tests::network::{echo, receive_all};
use tests::rerun::{rerun, stderr};
use trio::lowlevel::checkpoint;
use trio::net::{
    HandlerErrors, Server, TcpListener, TcpServer, TcpStream, UnixListener, UnixStream,
    open_tcp_listeners, open_tcp_stream, serve_listeners, serve_tcp,
};
use trio::stream::{
    AsyncResource, DynHalfCloseableStream, DynListener, DynStream, HalfCloseableStream, Listener,
    ReceiveStream, SendStream,
};
use trio::testing::{
    FaultInjector, MemoryStream, SystemCall, memory_stream_pair, wait_all_tasks_blocked,
};
use trio::{CancelScope, ErrorGroup, find_error, nursery};

type Stream = MemoryStream;

/// What a scripted listener gives, one after the other. Then it waits.
enum Next {
    Stream(Stream),
    Error(i32),
}

#[derive(Clone, Default)]
struct Script(Rc<Scripted>);

#[derive(Default)]
struct Scripted {
    next: RefCell<VecDeque<Next>>,
    accepts: Cell<usize>,
    closed: Cell<bool>,
}

impl Script {
    /// A connection that comes next: its other end.
    fn connect(&self) -> Stream {
        let (near, far) = memory_stream_pair();
        self.0.next.borrow_mut().push_back(Next::Stream(far));
        near
    }

    fn fail(&self, code: i32) {
        self.0.next.borrow_mut().push_back(Next::Error(code));
    }
}

impl AsyncResource for Script {
    fn close_forcefully(&self) {
        self.0.closed.set(true);
    }
}

impl Listener for Script {
    type Stream = Stream;

    async fn accept(&self) -> io::Result<Stream> {
        checkpoint().await;
        self.0.accepts.set(self.0.accepts.get() + 1);
        let next = self.0.next.borrow_mut().pop_front();
        match next {
            Some(Next::Stream(stream)) => Ok(stream),
            Some(Next::Error(code)) => Err(io::Error::from_raw_os_error(code)),
            None => pending().await,
        }
    }

    fn try_accept(&self) -> io::Result<Stream> {
        let next = self.0.next.borrow_mut().pop_front();
        self.0.accepts.set(self.0.accepts.get() + usize::from(next.is_some()));
        match next {
            Some(Next::Stream(stream)) => Ok(stream),
            Some(Next::Error(code)) => Err(io::Error::from_raw_os_error(code)),
            None => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

// R161 (test_serve_listeners_basic)
#[trio::test(clock = "mock")]
async fn each_connection_has_a_task_and_all_listeners_are_served() {
    let scripts = [Script::default(), Script::default()];
    let clients: Vec<Stream> =
        scripts.iter().flat_map(|script| [script.connect(), script.connect()]).collect();
    nursery!(|n| {
        n.spawn(serve_listeners, scripts.to_vec(), echo::<Stream>);
        for client in &clients {
            client.send_all(b"hello").await?;
            client.send_eof().await?;
            assert_eq!(receive_all(client).await.unwrap(), b"hello");
        }
        assert!(scripts.iter().all(|script| !script.0.closed.get()));
        n.cancel();
    })
    .unwrap();
    assert!(scripts.iter().all(|script| script.0.closed.get()), "listeners are closed at the end");
}

// R161 (a handler that forgets to close)
#[trio::test(clock = "mock")]
async fn a_connection_is_closed_when_its_handler_ends() {
    let script = Script::default();
    let client = script.connect();
    let handled = Cell::new(0);
    let count = async |_stream: Stream, handled: &Cell<u32>| {
        checkpoint().await;
        handled.set(handled.get() + 1);
    };
    nursery!(|n| {
        n.spawn(async {
            serve_listeners(vec![script.clone()], |stream| count(stream, &handled)).await
        });
        assert_eq!(receive_all(&client).await.unwrap(), b"");
        n.cancel();
    })
    .unwrap();
    assert_eq!(handled.get(), 1);
}

// R161 (test_serve_listeners_accept_capacity_error): ten attempts in 950 ms
#[trio::task]
async fn is_out_of_descriptors_for_a_while() {
    let script = Script::default();
    for _ in 0..10 {
        script.fail(rustix::io::Errno::MFILE.raw_os_error());
    }
    let limit = Duration::from_millis(950);
    let serving = serve_listeners(vec![script.clone()], echo::<Stream>);
    assert!(trio::move_on_after(limit, async { serving.await }).await.is_none());
    assert_eq!(script.0.accepts.get(), 10);
}

#[test]
fn out_of_descriptors_is_told_and_tried_again_every_100_ms() {
    let Some(output) = rerun("out_of_descriptors_is_told_and_tried_again_every_100_ms") else {
        let clock = trio::testing::MockClock::autojump();
        return trio::Builder::new().clock(clock).run(is_out_of_descriptors_for_a_while);
    };
    assert!(output.status.success(), "{}", stderr(&output));
    let told = stderr(&output).matches("cannot accept a connection now, trying again").count();
    assert_eq!(told, 10);
}

// R161 (test_serve_listeners_accept_unrecognized_error)
#[trio::test(clock = "mock")]
async fn another_error_of_accepting_ends_the_server() {
    let script = Script::default();
    script.fail(rustix::io::Errno::INVAL.raw_os_error());
    let _client = script.connect();
    let error = serve_listeners(vec![script.clone()], echo::<Stream>).await.unwrap_err();
    let error = find_io(&*error);
    assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::INVAL.raw_os_error()));
    assert!(script.0.closed.get());
}

fn find_io<'a>(error: &'a (dyn std::error::Error + 'static)) -> &'a io::Error {
    let group = find_error::<ErrorGroup>(error).unwrap();
    group.find::<io::Error>().unwrap()
}

#[trio::task]
async fn fails_or_panics(stream: Stream) -> Result<(), Fault> {
    let mut command = [0; 8];
    let count = stream.receive_some(&mut command).await.unwrap();
    match &command[..count] {
        b"fail" => Err(Fault("as it was told to")),
        b"panic" => panic!("as it was told to"),
        _ => {
            stream.send_all(b"fine").await.unwrap();
            Ok(())
        }
    }
}

// R161 (a handler's error is fatal by default)
#[trio::test(clock = "mock")]
async fn a_handler_that_fails_ends_the_server_and_its_other_connections() {
    let script = Script::default();
    let (bystander, failing) = (script.connect(), script.connect());
    failing.send_all(b"fail").await.unwrap();
    let error = serve_listeners(vec![script], fails_or_panics).await.unwrap_err();
    let group = find_error::<ErrorGroup>(&*error).unwrap();
    assert_eq!(group.find::<Fault>(), Some(&Fault("as it was told to")));
    assert_eq!(receive_all(&bystander).await.unwrap(), b"", "it was closed");
}

#[trio::task]
async fn survives_its_handlers() {
    let script = Script::default();
    let clients = [script.connect(), script.connect(), script.connect()];
    let server = Server::new().handler_errors(HandlerErrors::Report);
    nursery!(|n| {
        n.spawn(Server::serve, server, vec![script], fails_or_panics);
        for (client, command) in clients.iter().zip([&b"fail"[..], b"panic", b"talk"]) {
            client.send_all(command).await?;
        }
        assert_eq!(receive_all(&clients[0]).await.unwrap(), b"");
        assert_eq!(receive_all(&clients[1]).await.unwrap(), b"");
        assert_eq!(receive_all(&clients[2]).await.unwrap(), b"fine");
        n.cancel();
    })
    .unwrap();
}

#[test]
fn a_handler_that_fails_can_be_reported_and_the_others_go_on() {
    let Some(output) = rerun("a_handler_that_fails_can_be_reported_and_the_others_go_on") else {
        return trio::run(survives_its_handlers);
    };
    let told = stderr(&output);
    assert!(output.status.success(), "{told}");
    assert!(told.contains("trio: a connection has failed: as it was told to"), "{told}");
    assert!(told.contains("panicked at") && told.contains("as it was told to"), "{told}");
}

#[trio::test(clock = "mock")]
async fn those_who_come_when_there_is_no_room_wait_their_turn() {
    let script = Script::default();
    let clients = [script.connect(), script.connect(), script.connect()];
    let server = Server::new().max_connections(2);
    nursery!(|n| {
        n.spawn(Server::serve, server, vec![script.clone()], echo::<Stream>);
        wait_all_tasks_blocked().await;
        assert_eq!(script.0.accepts.get(), 2);
        clients[2].send_all(b"late").await?;
        clients[1].send_eof().await?;
        clients[2].send_eof().await?;
        assert_eq!(receive_all(&clients[2]).await.unwrap(), b"late");
        n.cancel();
    })
    .unwrap();
}

#[trio::test(clock = "mock")]
async fn those_who_wait_are_accepted_several_at_once_and_others_run_in_between() {
    let script = Script::default();
    let clients: Vec<Stream> = (0..100).map(|_| script.connect()).collect();
    nursery!(|n| {
        n.spawn(serve_listeners, vec![script.clone()], echo::<Stream>);
        let mut before = 0;
        while before < clients.len() {
            checkpoint().await;
            let accepted = script.0.accepts.get();
            assert!(accepted <= before + 8);
            before = accepted;
        }
        n.cancel();
    })
    .unwrap();
}

#[trio::test(clock = "mock")]
async fn no_more_are_accepted_at_once_than_there_is_room_for() {
    let script = Script::default();
    let clients: Vec<Stream> = (0..10).map(|_| script.connect()).collect();
    let server = Server::new().max_connections(3);
    nursery!(|n| {
        n.spawn(Server::serve, server, vec![script.clone()], echo::<Stream>);
        for expected in [3, 6, 9] {
            wait_all_tasks_blocked().await;
            assert_eq!(script.0.accepts.get(), expected);
            for client in &clients[expected - 3..expected] {
                client.send_eof().await?;
            }
        }
        n.cancel();
    })
    .unwrap();
}

#[trio::test(clock = "mock")]
async fn an_error_in_the_midst_of_several_is_not_lost() {
    let script = Script::default();
    let _clients = [script.connect(), script.connect()];
    script.fail(rustix::io::Errno::INVAL.raw_os_error());
    let error = serve_listeners(vec![script.clone()], echo::<Stream>).await.unwrap_err();
    assert_eq!(find_io(&*error).raw_os_error(), Some(rustix::io::Errno::INVAL.raw_os_error()));
}

#[test]
#[should_panic(expected = "a server that serves no connection at all would wait forever")]
fn a_limit_of_none_is_refused() {
    let _ = Server::new().max_connections(0);
}

#[trio::test(clock = "mock")]
async fn a_stop_closes_the_listeners_and_lets_connections_come_to_an_end() {
    let script = Script::default();
    let client = script.connect();
    let scope = CancelScope::new();
    let ended = Cell::new(false);
    nursery!(|n| {
        n.spawn(async {
            let serving = serve_listeners(vec![script.clone()], echo::<Stream>);
            scope.run(async { serving.await }).await.unwrap().unwrap();
            ended.set(true);
        });
        wait_all_tasks_blocked().await;
        scope.request_stop(Duration::from_secs(10));
        wait_all_tasks_blocked().await;
        assert!(script.0.closed.get() && !ended.get());
        trio::sleep(Duration::from_secs(9)).await;
        client.send_all(b"bye").await?;
        client.send_eof().await?;
        assert_eq!(receive_all(&client).await.unwrap(), b"bye");
    })
    .unwrap();
    assert!(ended.get());
}

// R163 (test_open_tcp_listeners_basic)
#[trio::test]
async fn all_addresses_of_the_machine_are_listened_at_with_one_port() {
    let listeners = open_tcp_listeners(0).await.unwrap();
    let addresses: Vec<SocketAddr> = listeners.iter().map(|it| it.local_addr().unwrap()).collect();
    let port = addresses[0].port();
    assert!(addresses.iter().all(|it| it.port() == port && it.ip().is_unspecified()));
    assert_eq!(addresses.iter().filter(|it| it.is_ipv4()).count(), 1);
    nursery!(|n| {
        n.spawn(serve_listeners, listeners, echo::<TcpStream>);
        for host in addresses.iter().map(|it| if it.is_ipv4() { "127.0.0.1" } else { "::1" }) {
            let stream = open_tcp_stream(host, port).await?;
            stream.send_all(b"hello").await?;
            stream.send_eof().await?;
            assert_eq!(receive_all(&stream).await.unwrap(), b"hello");
        }
        n.cancel();
    })
    .unwrap();
}

// R163 (test_open_tcp_listeners_specific_port_specific_host)
#[trio::test]
async fn a_host_is_listened_at_alone_and_a_port_in_use_is_named() {
    let server = TcpServer::new(0).host("127.0.0.1").backlog(1);
    let listeners = server.listen().await.unwrap();
    assert_eq!(listeners.len(), 1);
    let address = listeners[0].local_addr().unwrap();
    assert_eq!(address.ip(), IpAddr::from(Ipv4Addr::LOCALHOST));
    let error = TcpServer::new(address.port()).host("127.0.0.1").listen().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(error.to_string().starts_with(&format!("cannot listen at {address}: ")), "{error}");
    // With `SO_REUSEPORT` on both it is not.
    let shared = TcpServer::new(0).host("127.0.0.1").reuse_port(true);
    let first = shared.listen().await.unwrap();
    let port = first[0].local_addr().unwrap().port();
    TcpServer::new(port).host("127.0.0.1").reuse_port(true).listen().await.unwrap();
}

fn system(error: rustix::io::Errno) -> io::Error {
    io::Error::from_raw_os_error(error.raw_os_error())
}

// R163 (test_open_tcp_listeners_some_address_families_unavailable)
#[trio::test]
async fn a_family_that_the_machine_has_not_is_passed_over_unless_there_is_no_other() {
    use rustix::io::Errno;

    let faults = FaultInjector::new();
    faults.fail(SystemCall::Bind, 1, system(Errno::AFNOSUPPORT));
    assert_eq!(open_tcp_listeners(0).await.unwrap().len(), 1);
    faults.fail(SystemCall::Bind, 3, system(Errno::AFNOSUPPORT));
    faults.fail(SystemCall::Bind, 4, system(Errno::AFNOSUPPORT));
    let error = open_tcp_listeners(0).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot listen at "), "{error}");
}

// R163 (test_open_tcp_listeners_multiple_host_cleanup_on_error)
#[trio::test]
async fn what_was_opened_before_an_error_is_closed() {
    let port = open_tcp_listeners(0).await.unwrap()[0].local_addr().unwrap().port();
    let faults = FaultInjector::new();
    faults.fail(SystemCall::Bind, 2, system(rustix::io::Errno::ACCESS));
    let error = open_tcp_listeners(port).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    assert_eq!(open_tcp_listeners(port).await.unwrap().len(), 2);
}

#[trio::test]
async fn a_free_port_that_is_not_free_for_both_families_is_given_up_for_another() {
    let faults = FaultInjector::new();
    faults.fail(SystemCall::Bind, 2, system(rustix::io::Errno::ADDRINUSE));
    assert_eq!(open_tcp_listeners(0).await.unwrap().len(), 2);
    assert_eq!(faults.count(SystemCall::Bind), 4);
    // But not forever.
    for nth in 5..100 {
        faults.fail(SystemCall::Bind, nth, system(rustix::io::Errno::ADDRINUSE));
    }
    let error = open_tcp_listeners(0).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

// R163 (test_open_tcp_listeners_backlog)
#[trio::test]
async fn a_backlog_that_is_too_large_is_as_large_as_can_be() {
    for backlog in [0xFFFF, u32::MAX] {
        TcpServer::new(0).host("127.0.0.1").backlog(backlog).listen().await.unwrap();
    }
}

// R163 (an address that is not this machine's)
#[trio::test]
async fn an_address_of_another_machine_cannot_be_listened_at() {
    let error = TcpServer::new(0).host("192.0.2.1").listen().await.unwrap_err();
    assert!(error.to_string().starts_with("cannot listen at 192.0.2.1:0: "), "{error}");
}

#[trio::test]
async fn a_server_is_started_and_tells_where_it_listens() {
    nursery!(|n| {
        let server = TcpServer::new(0).host("localhost");
        let addresses = n.start(TcpServer::start, server, echo::<TcpStream>).await?;
        for address in &addresses {
            let stream = TcpStream::connect(*address).await?;
            stream.send_all(b"hello").await?;
            stream.send_eof().await?;
            assert_eq!(receive_all(&stream).await.unwrap(), b"hello");
        }
        assert!(!addresses.is_empty());
        n.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn serve_tcp_serves_at_a_port() {
    let port = open_tcp_listeners(0).await.unwrap()[0].local_addr().unwrap().port();
    nursery!(|n| {
        n.spawn(serve_tcp, echo::<TcpStream>, port);
        wait_all_tasks_blocked().await;
        let stream = open_tcp_stream("localhost", port).await?;
        stream.send_all(b"hello").await?;
        stream.send_eof().await?;
        assert_eq!(receive_all(&stream).await.unwrap(), b"hello");
        n.cancel();
    })
    .unwrap();
}

#[trio::test]
async fn a_thousand_connections_are_served_at_once_and_closed() {
    const COUNT: usize = 1000;
    // Both ends are descriptors of this process.
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum: limit.maximum }).unwrap();
    let (present, most) = (Cell::new(0), Cell::new(0));
    let attend = async |stream: TcpStream| {
        present.set(present.get() + 1);
        most.set(most.get().max(present.get()));
        let ended = echo(stream).await;
        present.set(present.get() - 1);
        ended
    };
    let listeners = TcpServer::new(0).host("127.0.0.1").listen().await.unwrap();
    let address = listeners[0].local_addr().unwrap();
    nursery!(|n| {
        n.spawn(async { serve_listeners(listeners, attend).await });
        let clients = RefCell::new(Vec::new());
        nursery!(|n| {
            for number in 0..COUNT {
                let clients = &clients;
                n.spawn(async move {
                    let stream = TcpStream::connect(address).await?;
                    stream.send_all(&number.to_le_bytes()).await?;
                    let mut back = [0; size_of::<usize>()];
                    assert_eq!(stream.receive_some(&mut back).await?, back.len());
                    assert_eq!(usize::from_le_bytes(back), number);
                    clients.borrow_mut().push(stream);
                    Ok::<_, io::Error>(())
                });
            }
        })?;
        assert_eq!((present.get(), most.get()), (COUNT, COUNT));
        for client in clients.take() {
            client.send_eof().await?;
            assert_eq!(client.receive_some(&mut [0; 4]).await?, 0);
        }
        assert_eq!(present.get(), 0);
        n.cancel();
    })
    .unwrap();
}

#[trio::test(allow(blocking_fs))]
async fn listeners_of_several_kinds_are_served_together() {
    let path = std::env::temp_dir().join(format!("trio-serve-{}", std::process::id()));
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = tcp.local_addr().unwrap();
    let unix = UnixListener::bind(&path).unwrap();
    nursery!(|n| {
        let listeners: Vec<Box<dyn DynListener>> = vec![Box::new(tcp), Box::new(unix)];
        n.spawn(serve_listeners, listeners, echo::<Box<dyn DynStream>>);
        let streams: [Box<dyn DynHalfCloseableStream>; 2] = [
            Box::new(TcpStream::connect(address).await?),
            Box::new(UnixStream::connect(&path).await?),
        ];
        for stream in &streams {
            stream.send_all(b"hello").await?;
            stream.send_eof().await?;
            assert_eq!(receive_all(stream).await.unwrap(), b"hello");
        }
        n.cancel();
    })
    .unwrap();
    assert!(!path.try_exists().unwrap(), "it was closed");
}
