//! Happy Eyeballs: exact instants against scripted networks, and real connections over the loopback
//! interface.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use trio::net::{
    AddressQuery, ConnectError, HAPPY_EYEBALLS_DELAY, HostnameResolver, TcpConnector, TcpListener,
    happy_eyeballs, in_turn, open_tcp_stream, set_hostname_resolver,
};
use trio::stream::BoxFuture;
use trio::testing::assert_checkpoints;
use trio::{CancelScope, Instant, find_error, nursery};

#[derive(Clone, Copy)]
enum End {
    Connects,
    Fails,
}
use End::{Connects, Fails};

/// What happens at each address, and after how many milliseconds.
struct Network {
    script: Vec<(SocketAddr, u64, End)>,
    began: Instant,
    /// When each attempt began.
    attempts: RefCell<Vec<(SocketAddr, u64)>>,
    open: Cell<usize>,
    closed: Cell<usize>,
}

/// A connection, which notes that it is closed.
struct Connection<'a>(SocketAddr, &'a Network);

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.1.closed.set(self.1.closed.get() + 1);
    }
}

impl Network {
    fn new(script: &[(&str, u64, End)]) -> Network {
        let parse = |&(address, millis, end): &(&str, u64, End)| (at(address), millis, end);
        Network {
            script: script.iter().map(parse).collect(),
            began: trio::current_time(),
            attempts: RefCell::default(),
            open: Cell::new(0),
            closed: Cell::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap()
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<Connection<'_>> {
        self.attempts.borrow_mut().push((address, self.now()));
        self.open.set(self.open.get() + 1);
        let connection = Connection(address, self);
        let (_, millis, end) = self.script.iter().find(|(own, ..)| *own == address).unwrap();
        trio::sleep(Duration::from_millis(*millis)).await;
        match end {
            Connects => Ok(connection),
            Fails => Err(io::Error::other(format!("cannot connect to {}", address.ip()))),
        }
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.script.iter().map(|(address, ..)| *address).collect()
    }

    fn attempts(&self) -> Vec<u64> {
        self.attempts.borrow().iter().map(|(_, at)| *at).collect()
    }
}

fn at(address: &str) -> SocketAddr {
    SocketAddr::new(address.parse().unwrap(), 80)
}

/// Connects; who has won, and when it was over.
#[trio::task]
async fn run(network: &Network, delay: Duration) -> (Result<SocketAddr, ConnectError>, u64) {
    let connect = |address| network.connect(address);
    let result = happy_eyeballs(network.addresses(), delay, connect).await;
    let end = network.now();
    let winner = result.map(|connection| connection.0);
    assert_eq!(network.open.get(), network.closed.get(), "every loser is closed");
    (winner, end)
}

// R162 (test_one_host_quick_success, test_one_host_slow_success)
#[trio::test(clock = "mock")]
async fn one_address_takes_as_long_as_it_takes() {
    for millis in [123, 100_000] {
        let network = Network::new(&[("1.2.3.4", millis, Connects)]);
        let (winner, end) = run(&network, HAPPY_EYEBALLS_DELAY).await;
        assert_eq!((winner.unwrap(), end), (at("1.2.3.4"), millis));
    }
}

// R162 (test_one_host_quick_fail, test_one_host_slow_fail)
#[trio::test(clock = "mock")]
async fn one_address_that_fails_is_the_error() {
    for millis in [123, 100_000] {
        let network = Network::new(&[("1.2.3.4", millis, Fails)]);
        let (result, end) = run(&network, HAPPY_EYEBALLS_DELAY).await;
        let error = result.unwrap_err();
        assert_eq!((error.to_string(), end), ("cannot connect to 1.2.3.4".to_owned(), millis));
    }
}

// R162 (test_basic_fallthrough)
#[trio::test(clock = "mock")]
async fn attempts_begin_one_after_the_other_and_the_first_to_connect_wins() {
    let network = Network::new(&[
        ("1.1.1.1", 1000, Connects),
        ("2.2.2.2", 1000, Connects),
        ("3.3.3.3", 200, Connects),
    ]);
    let (winner, end) = run(&network, HAPPY_EYEBALLS_DELAY).await;
    assert_eq!((winner.unwrap(), end), (at("3.3.3.3"), 250 + 250 + 200));
    assert_eq!(network.attempts(), [0, 250, 500]);
}

// R162 (test_early_success)
#[trio::test(clock = "mock")]
async fn after_a_success_no_attempt_begins() {
    let network = Network::new(&[
        ("1.1.1.1", 1000, Connects),
        ("2.2.2.2", 100, Connects),
        ("3.3.3.3", 200, Connects),
    ]);
    let (winner, end) = run(&network, HAPPY_EYEBALLS_DELAY).await;
    assert_eq!((winner.unwrap(), end), (at("2.2.2.2"), 250 + 100));
    assert_eq!(network.attempts(), [0, 250]);
}

// R162 (test_custom_delay)
#[trio::test(clock = "mock")]
async fn the_delay_can_be_another() {
    let network = Network::new(&[
        ("1.1.1.1", 1000, Connects),
        ("2.2.2.2", 1000, Connects),
        ("3.3.3.3", 200, Connects),
    ]);
    let (winner, end) = run(&network, Duration::from_millis(450)).await;
    assert_eq!((winner.unwrap(), end), (at("1.1.1.1"), 1000));
    assert_eq!(network.attempts(), [0, 450, 900]);
}

// R162 (test_custom_errors_expedite)
#[trio::test(clock = "mock")]
async fn a_failure_begins_the_next_attempt_at_once() {
    let network = Network::new(&[
        ("1.1.1.1", 100, Fails),
        ("2.2.2.2", 200, Fails),
        ("3.3.3.3", 10_000, Connects),
        ("4.4.4.4", 300, Connects),
    ]);
    let (winner, end) = run(&network, HAPPY_EYEBALLS_DELAY).await;
    assert_eq!((winner.unwrap(), end), (at("4.4.4.4"), 100 + 200 + 250 + 300));
    assert_eq!(network.attempts(), [0, 100, 300, 550]);
}

// R162 (a failure of an earlier attempt does not hurry the next)
#[trio::test(clock = "mock")]
async fn only_the_failure_of_the_last_attempt_hurries() {
    let network = Network::new(&[
        ("1.1.1.1", 300, Fails),
        ("2.2.2.2", 10_000, Connects),
        ("3.3.3.3", 10_000, Connects),
        ("4.4.4.4", 50, Connects),
    ]);
    let (winner, end) = run(&network, HAPPY_EYEBALLS_DELAY).await;
    assert_eq!((winner.unwrap(), end), (at("4.4.4.4"), 750 + 50));
    assert_eq!(network.attempts(), [0, 250, 500, 750]);
}

// R162 (test_all_fail)
#[trio::test(clock = "mock")]
async fn a_total_failure_carries_every_attempt() {
    let network = Network::new(&[
        ("1.1.1.1", 100, Fails),
        ("2.2.2.2", 200, Fails),
        ("3.3.3.3", 10_000, Fails),
        ("4.4.4.4", 300, Fails),
    ]);
    let (result, end) = run(&network, HAPPY_EYEBALLS_DELAY).await;
    let error = result.unwrap_err();
    assert_eq!(end, 100 + 200 + 10_000);
    let failed: Vec<SocketAddr> = error.attempts().iter().map(|(address, _)| *address).collect();
    assert_eq!(failed, ["1.1.1.1", "2.2.2.2", "4.4.4.4", "3.3.3.3"].map(at));
    assert_eq!(
        error.to_string(),
        "all attempts to connect have failed; cannot connect to 1.1.1.1; cannot connect to \
         2.2.2.2; cannot connect to 4.4.4.4; cannot connect to 3.3.3.3"
    );
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::Other);
}

// R162 (test_multi_success)
#[trio::test(clock = "mock")]
async fn of_several_that_connect_in_one_moment_one_wins_and_the_others_are_closed() {
    let network = Network::new(&[
        ("1.1.1.1", 500, Fails),
        ("2.2.2.2", 10_000, Connects),
        ("3.3.3.3", 9_000, Connects),
        ("4.4.4.4", 8_000, Connects),
        ("5.5.5.5", 500, Fails),
    ]);
    let (winner, end) = run(&network, Duration::from_secs(1)).await;
    assert!(["2.2.2.2", "3.3.3.3", "4.4.4.4"].map(at).contains(&winner.unwrap()));
    assert_eq!(end, 500 + 10_000);
    assert_eq!(network.attempts(), [0, 500, 1500, 2500, 3500]);
}

// R162 (test_cancel)
#[trio::test(clock = "mock")]
async fn a_cancellation_closes_every_attempt() {
    let network = Network::new(&[
        ("1.1.1.1", 10_000, Connects),
        ("2.2.2.2", 10_000, Connects),
        ("3.3.3.3", 10_000, Connects),
    ]);
    let limit = Duration::from_secs(5);
    let result = trio::move_on_after(limit, async { run(&network, HAPPY_EYEBALLS_DELAY).await });
    assert!(result.await.is_none());
    assert_eq!((network.now(), network.open.get(), network.closed.get()), (5000, 3, 3));
}

#[trio::test(clock = "mock")]
async fn no_address_is_an_error() {
    let network = Network::new(&[]);
    let (result, _) = run(&network, HAPPY_EYEBALLS_DELAY).await;
    let error = result.unwrap_err();
    assert_eq!(error.to_string(), "there is no address to connect to");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::NotFound);
}

#[trio::test(clock = "mock")]
#[should_panic(expected = "a broken attempt")]
async fn a_panic_of_an_attempt_goes_on() {
    let connect = async |_: SocketAddr| -> io::Result<()> {
        trio::lowlevel::checkpoint().await;
        panic!("a broken attempt")
    };
    let _ = happy_eyeballs(vec![at("1.1.1.1")], HAPPY_EYEBALLS_DELAY, connect).await;
}

// R162 (test_does_reorder, reorder_for_rfc_6555_section_5_4)
#[test]
fn families_are_tried_in_turn() {
    let order = |addresses: &[&str]| -> Vec<String> {
        let in_order = in_turn(addresses.iter().map(|address| at(address)));
        in_order.iter().map(|address| address.ip().to_string()).collect()
    };
    assert_eq!(order(&[]), [""; 0]);
    assert_eq!(order(&["::1", "::2", "1.1.1.1"]), ["::1", "1.1.1.1", "::2"]);
    assert_eq!(
        order(&["1.1.1.1", "2.2.2.2", "3.3.3.3", "::1", "::2"]),
        ["1.1.1.1", "::1", "2.2.2.2", "::2", "3.3.3.3"]
    );
    assert_eq!(order(&["::3", "::2", "::1"]), ["::3", "::2", "::1"]);
}

/// A resolver with one answer.
struct Answer(Vec<SocketAddr>);

impl HostnameResolver for Answer {
    fn getaddrinfo<'a>(
        &'a self,
        _: &'a AddressQuery,
    ) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async { Ok(self.0.clone()) })
    }

    fn getnameinfo(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<(String, String)>> {
        Box::pin(async { Err(io::ErrorKind::Unsupported.into()) })
    }
}

/// An address of the loopback interface that refuses.
fn refusing(ip: IpAddr) -> SocketAddr {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address((ip, 0).into()),
        socket2::Type::STREAM,
        None,
    )
    .unwrap();
    socket.bind(&SocketAddr::new(ip, 0).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    // Bound for as long as the process lives, so that nobody else gets the port.
    std::mem::forget(socket);
    address
}

#[trio::test]
async fn a_refused_family_falls_back_to_the_other() {
    for (good, bad) in [
        (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)),
        (Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()),
    ] {
        let listener = TcpListener::bind((good, 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        set_hostname_resolver(Some(Rc::new(Answer(vec![refusing(bad), address]))));
        let stream = assert_checkpoints(|| open_tcp_stream("anywhere", 1)).await.unwrap();
        assert_eq!(stream.peer_addr(), address);
        listener.accept().await.unwrap();
    }
}

#[trio::test]
async fn when_all_refuse_the_error_names_them() {
    let addresses =
        vec![refusing(Ipv6Addr::LOCALHOST.into()), refusing(Ipv4Addr::LOCALHOST.into())];
    set_hostname_resolver(Some(Rc::new(Answer(addresses.clone()))));
    let error = open_tcp_stream("anywhere", 1).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    let all = find_error::<ConnectError>(&error).unwrap();
    let tried: Vec<SocketAddr> = all.attempts().iter().map(|(address, _)| *address).collect();
    assert_eq!(tried, addresses);
    for address in addresses {
        assert!(error.to_string().contains(&format!("cannot connect to {address}: ")), "{error}");
    }
}

#[trio::test]
async fn the_local_address_decides_which_family() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let answer = vec![refusing(Ipv6Addr::LOCALHOST.into()), address];
    set_hostname_resolver(Some(Rc::new(Answer(answer))));
    let from = IpAddr::from([127, 0, 0, 7]);
    let stream = TcpConnector::new().local_address(from).connect("anywhere", 1).await.unwrap();
    assert_eq!(stream.local_addr().unwrap().ip(), from);
    let none = TcpConnector::new().local_address(IpAddr::from([192, 0, 2, 1]));
    let error = none.connect("anywhere", 1).await.unwrap_err();
    assert!(error.to_string().starts_with("cannot connect from 192.0.2.1: "), "{error}");
}

#[trio::test]
async fn a_name_and_a_number_connect() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let port = listener.local_addr().unwrap().port();
    nursery!(|n| {
        for host in ["localhost", "127.0.0.1"] {
            n.spawn(
                async move { open_tcp_stream(host, port).await?.send_all(host.as_bytes()).await },
            );
            let stream = listener.accept().await?;
            let mut buffer = [0; 16];
            let count = stream.receive_some(&mut buffer).await?;
            assert_eq!(&buffer[..count], host.as_bytes());
        }
    })
    .unwrap();
}

#[trio::test]
async fn in_a_cancelled_scope_nothing_is_connected() {
    let scope = CancelScope::new();
    scope.cancel();
    assert!(scope.run(|| open_tcp_stream("127.0.0.1", 1)).await.is_none());
}
