//! The network of trio, tokio (current-thread, with a `LocalSet`) and smol (a `LocalExecutor`), both ends
//! in one thread, in one run.
//!
//! ```text
//! cargo bench -p benches --bench network
//! strace -f -c target/release/deps/network-… --once trio echo 64 100000
//! ```
//!
//! The second is for counting system calls: one workload of one runtime, with so many connections and so
//! many operations. What is timed begins when all connections are there.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use benches::{Times, on_tokio, print_row};
use futures::future::try_join_all;
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use trio::net::{DatagramBatch, TcpListener, TcpStream, UdpSocket};
use trio::nursery;

const SMALL: usize = 64;
/// What is received into. It is larger than what comes: a read that fills its buffer does not say whether
/// there is more, and costs one more call.
const BUFFER: usize = 1024;
const BURST: usize = 32;
const LARGE: usize = 64 * 1024;
const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// With so many connections, so many operations in all: the time of these.
type Work = fn(usize, u32) -> Duration;

/// One workload, and how it is done on each runtime.
struct Workload {
    name: &'static str,
    work: [(&'static str, Work); 3],
}

const ECHO: Workload = Workload {
    name: "echo",
    work: [
        ("trio", |connections, times| trio::run(|| echo(connections, times)).expect(FINE)),
        ("tokio", |connections, times| on_tokio(tokio_echo(connections, times)).expect(FINE)),
        ("smol", |connections, times| on_smol(smol_echo(connections, times)).expect(FINE)),
    ],
};

const STREAM: Workload = Workload {
    name: "stream",
    work: [
        ("trio", |_, times| trio::run(|| stream(times)).expect(FINE)),
        ("tokio", |_, times| on_tokio(tokio_stream(times)).expect(FINE)),
        ("smol", |_, times| on_smol(smol_stream(times)).expect(FINE)),
    ],
};

const CONNECT: Workload = Workload {
    name: "connect",
    work: [
        ("trio", |_, times| trio::run(|| connect(times)).expect(FINE)),
        ("tokio", |_, times| on_tokio(tokio_connect(times)).expect(FINE)),
        ("smol", |_, times| on_smol(smol_connect(times)).expect(FINE)),
    ],
};

const UDP: Workload = Workload {
    name: "udp",
    work: [
        ("trio", |_, times| trio::run(|| udp(times)).expect(FINE)),
        ("tokio", |_, times| on_tokio(tokio_udp(times)).expect(FINE)),
        ("smol", |_, times| on_smol(smol_udp(times)).expect(FINE)),
    ],
};

/// Each as fast as it can: trio's are batches, of which the system sends and receives many with one call.
const BURSTS: Workload = Workload {
    name: "bursts",
    work: [
        ("trio", |_, times| trio::run(|| bursts(times)).expect(FINE)),
        ("tokio", |_, times| on_tokio(tokio_bursts(times)).expect(FINE)),
        ("smol", |_, times| on_smol(smol_bursts(times)).expect(FINE)),
    ],
};

const FINE: &str = "nothing fails on the loopback interface";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--once") {
        return once(&arguments[at + 1..]);
    }
    let (rounds, scale) =
        if arguments.iter().any(|argument| argument == "--quick") { (3, 1) } else { (9, 4) };
    println!("| workload | trio | tokio, ratio | smol, ratio |");
    println!("|---|---|---|---|");
    for (text, workload, connections, times) in [
        ("64-byte echo, 1 connection", &ECHO, 1, 10_000),
        ("64-byte echo, 64 connections", &ECHO, 64, 20_000),
        ("64-byte echo, 1,000 connections", &ECHO, 1000, 20_000),
        ("64 KiB streamed", &STREAM, 1, 4000),
        ("connect, accept, close", &CONNECT, 1, 1000),
        ("64-byte datagram, there and back", &UDP, 1, 10_000),
        ("64-byte datagram of a burst of 32", &BURSTS, 1, 32_000),
    ] {
        let measured = measure(workload, connections, times * scale, rounds);
        print_row(text, &measured);
    }
}

/// All runtimes in turn, so that whatever the machine is doing meanwhile happens to all of them.
fn measure(workload: &Workload, connections: usize, times: u32, rounds: usize) -> Vec<Times> {
    let mut measured = workload.work.map(|(name, _)| Times { name, nanos: Vec::new() });
    for round in 0..=rounds {
        for ((_, work), times_of) in workload.work.iter().zip(&mut measured) {
            let time = work(connections, times);
            // The first round is to warm up.
            if round > 0 {
                times_of.nanos.push(time.as_secs_f64() * 1e9 / f64::from(times));
            }
        }
    }
    for times_of in &mut measured {
        times_of.nanos.sort_by(f64::total_cmp);
    }
    measured.into()
}

fn once(arguments: &[String]) {
    let [runtime, workload, connections, times] = arguments else {
        panic!("--once RUNTIME WORKLOAD CONNECTIONS OPERATIONS");
    };
    let found = [ECHO, STREAM, CONNECT, UDP, BURSTS].into_iter().find(|it| it.name == workload);
    let works = found.expect("echo, stream, connect, udp or bursts").work;
    let (_, work) = works.into_iter().find(|it| it.0 == runtime).expect("trio, tokio or smol");
    let times = times.parse().expect("a number");
    let time = work(connections.parse().expect("a number"), times);
    println!("{:.1} ns", time.as_secs_f64() * 1e9 / f64::from(times));
}

fn share(connections: usize, times: u32) -> u32 {
    times / u32::try_from(connections).expect("there are not so many")
}

// trio

#[trio::task]
async fn pairs(count: usize) -> io::Result<Vec<(TcpStream, TcpStream)>> {
    let listener = TcpListener::bind(ANY)?;
    let mut pairs = Vec::new();
    for _ in 0..count {
        let near = TcpStream::connect(listener.local_addr()?).await?;
        pairs.push((near, listener.accept().await?));
    }
    Ok(pairs)
}

#[trio::task]
async fn echo(connections: usize, times: u32) -> trio::Result<Duration> {
    let pairs = pairs(connections).await?;
    let start = Instant::now();
    nursery!(|n| {
        for (near, far) in pairs {
            n.spawn(echo_client, near, share(connections, times));
            n.spawn(echo_server, far);
        }
    })?;
    Ok(start.elapsed())
}

#[trio::task]
async fn echo_client(stream: TcpStream, times: u32) -> io::Result<()> {
    let mut buffer = [0; BUFFER];
    for _ in 0..times {
        stream.send_all(&[7; SMALL]).await?;
        assert_eq!(stream.receive_some(&mut buffer).await?, SMALL);
    }
    Ok(())
}

#[trio::task]
async fn echo_server(stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; BUFFER];
    while let count @ 1.. = stream.receive_some(&mut buffer).await? {
        stream.send_all(&buffer[..count]).await?;
    }
    Ok(())
}

#[trio::task]
async fn stream(times: u32) -> trio::Result<Duration> {
    let (near, far) = pairs(1).await?.remove(0);
    let start = Instant::now();
    nursery!(|n| {
        n.spawn(async move {
            let chunk = vec![7; LARGE];
            for _ in 0..times {
                near.send_all(&chunk).await?;
            }
            Ok::<_, io::Error>(())
        });
        let mut buffer = vec![0; LARGE];
        while far.receive_some(&mut buffer).await? > 0 {}
    })?;
    Ok(start.elapsed())
}

#[trio::task]
async fn connect(times: u32) -> trio::Result<Duration> {
    let listener = TcpListener::bind(ANY)?;
    let address = listener.local_addr()?;
    let start = Instant::now();
    for _ in 0..times {
        let near = TcpStream::connect(address).await?;
        let far = listener.accept().await?;
        near.with_socket2(|socket| socket.set_linger(Some(Duration::ZERO)))?;
        drop((near, far));
    }
    Ok(start.elapsed())
}

#[trio::task]
async fn udp(times: u32) -> trio::Result<Duration> {
    let (near, far) = (UdpSocket::bind(ANY)?, UdpSocket::bind(ANY)?);
    let address = far.local_addr()?;
    let start = Instant::now();
    nursery!(|n| {
        n.spawn(async {
            let mut buffer = [0; SMALL];
            for _ in 0..times {
                let (count, peer) = far.recv_from(&mut buffer).await?;
                far.send_to(&buffer[..count], peer).await?;
            }
            Ok::<_, io::Error>(())
        });
        let mut buffer = [0; SMALL];
        for _ in 0..times {
            near.send_to(&[7; SMALL], address).await?;
            near.recv_from(&mut buffer).await?;
        }
    })?;
    Ok(start.elapsed())
}

#[trio::task]
async fn bursts(times: u32) -> trio::Result<Duration> {
    let (near, far) = (UdpSocket::bind(ANY)?, UdpSocket::bind(ANY)?);
    let address = far.local_addr()?;
    let datagrams = [(&[7; SMALL][..], address); BURST];
    let mut batch = DatagramBatch::new(BURST, SMALL);
    let start = Instant::now();
    for _ in 0..times as usize / BURST {
        assert_eq!(near.send_many(&datagrams).await?, BURST);
        let mut received = 0;
        while received < BURST {
            received += far.recv_many(&mut batch).await?;
        }
    }
    Ok(start.elapsed())
}

// tokio

type TokioPair = (tokio::net::TcpStream, tokio::net::TcpStream);

async fn tokio_pairs(count: usize) -> io::Result<Vec<TokioPair>> {
    let listener = tokio::net::TcpListener::bind(ANY).await?;
    let mut pairs = Vec::new();
    for _ in 0..count {
        let near = tokio::net::TcpStream::connect(listener.local_addr()?).await?;
        let far = listener.accept().await?.0;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        pairs.push((near, far));
    }
    Ok(pairs)
}

async fn tokio_echo(connections: usize, times: u32) -> io::Result<Duration> {
    let pairs = tokio_pairs(connections).await?;
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for (mut near, mut far) in pairs {
        tasks.spawn_local(async move {
            let mut buffer = [0; BUFFER];
            for _ in 0..share(connections, times) {
                near.write_all(&[7; SMALL]).await?;
                assert_eq!(near.read(&mut buffer).await?, SMALL);
            }
            Ok::<_, io::Error>(())
        });
        tasks.spawn_local(async move {
            let mut buffer = [0; BUFFER];
            while let count @ 1.. = far.read(&mut buffer).await? {
                far.write_all(&buffer[..count]).await?;
            }
            Ok::<_, io::Error>(())
        });
    }
    for ended in tasks.join_all().await {
        ended?;
    }
    Ok(start.elapsed())
}

async fn tokio_stream(times: u32) -> io::Result<Duration> {
    let (mut near, mut far) = tokio_pairs(1).await?.remove(0);
    let start = Instant::now();
    let sending = tokio::task::spawn_local(async move {
        let chunk = vec![7; LARGE];
        for _ in 0..times {
            near.write_all(&chunk).await?;
        }
        Ok::<_, io::Error>(())
    });
    let mut buffer = vec![0; LARGE];
    while far.read(&mut buffer).await? > 0 {}
    sending.await.expect("it does not panic")?;
    Ok(start.elapsed())
}

async fn tokio_connect(times: u32) -> io::Result<Duration> {
    let listener = tokio::net::TcpListener::bind(ANY).await?;
    let address = listener.local_addr()?;
    let start = Instant::now();
    for _ in 0..times {
        let near = tokio::net::TcpStream::connect(address).await?;
        let far = listener.accept().await?.0;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        near.set_zero_linger()?;
        drop((near, far));
    }
    Ok(start.elapsed())
}

async fn tokio_udp(times: u32) -> io::Result<Duration> {
    let near = tokio::net::UdpSocket::bind(ANY).await?;
    let far = tokio::net::UdpSocket::bind(ANY).await?;
    let address = far.local_addr()?;
    let start = Instant::now();
    let answering = tokio::task::spawn_local(async move {
        let mut buffer = [0; SMALL];
        for _ in 0..times {
            let (count, peer) = far.recv_from(&mut buffer).await?;
            far.send_to(&buffer[..count], peer).await?;
        }
        Ok::<_, io::Error>(())
    });
    let mut buffer = [0; SMALL];
    for _ in 0..times {
        near.send_to(&[7; SMALL], address).await?;
        near.recv_from(&mut buffer).await?;
    }
    answering.await.expect("it does not panic")?;
    Ok(start.elapsed())
}

async fn tokio_bursts(times: u32) -> io::Result<Duration> {
    let near = tokio::net::UdpSocket::bind(ANY).await?;
    let far = tokio::net::UdpSocket::bind(ANY).await?;
    let address = far.local_addr()?;
    let mut buffer = [0; SMALL];
    let start = Instant::now();
    for _ in 0..times as usize / BURST {
        for _ in 0..BURST {
            near.send_to(&[7; SMALL], address).await?;
        }
        for _ in 0..BURST {
            far.recv_from(&mut buffer).await?;
        }
    }
    Ok(start.elapsed())
}

// smol

thread_local! {
    static EXECUTOR: &'static smol::LocalExecutor<'static> =
        Box::leak(Box::new(smol::LocalExecutor::new()));
}

fn on_smol<F: Future>(future: F) -> F::Output {
    smol::block_on(EXECUTOR.with(|executor| *executor).run(future))
}

fn spawn_on_smol<T: 'static>(future: impl Future<Output = T> + 'static) -> smol::Task<T> {
    EXECUTOR.with(|executor| *executor).spawn(future)
}

type SmolPair = (smol::net::TcpStream, smol::net::TcpStream);

async fn smol_pairs(count: usize) -> io::Result<Vec<SmolPair>> {
    let listener = smol::net::TcpListener::bind(ANY).await?;
    let mut pairs = Vec::new();
    for _ in 0..count {
        let near = smol::net::TcpStream::connect(listener.local_addr()?).await?;
        let far = listener.accept().await?.0;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        pairs.push((near, far));
    }
    Ok(pairs)
}

async fn smol_echo(connections: usize, times: u32) -> io::Result<Duration> {
    let pairs = smol_pairs(connections).await?;
    let start = Instant::now();
    let mut tasks = Vec::new();
    for (mut near, mut far) in pairs {
        tasks.push(spawn_on_smol(async move {
            let mut buffer = [0; BUFFER];
            for _ in 0..share(connections, times) {
                near.write_all(&[7; SMALL]).await?;
                assert_eq!(near.read(&mut buffer).await?, SMALL);
            }
            Ok::<_, io::Error>(())
        }));
        tasks.push(spawn_on_smol(async move {
            let mut buffer = [0; BUFFER];
            while let count @ 1.. = far.read(&mut buffer).await? {
                far.write_all(&buffer[..count]).await?;
            }
            Ok::<_, io::Error>(())
        }));
    }
    try_join_all(tasks).await?;
    Ok(start.elapsed())
}

async fn smol_stream(times: u32) -> io::Result<Duration> {
    let (mut near, mut far) = smol_pairs(1).await?.remove(0);
    let start = Instant::now();
    let sending = spawn_on_smol(async move {
        let chunk = vec![7; LARGE];
        for _ in 0..times {
            near.write_all(&chunk).await?;
        }
        Ok::<_, io::Error>(())
    });
    let mut buffer = vec![0; LARGE];
    while far.read(&mut buffer).await? > 0 {}
    sending.await?;
    Ok(start.elapsed())
}

async fn smol_connect(times: u32) -> io::Result<Duration> {
    let listener = smol::net::TcpListener::bind(ANY).await?;
    let address = listener.local_addr()?;
    let start = Instant::now();
    for _ in 0..times {
        let near = smol::net::TcpStream::connect(address).await?;
        let far = listener.accept().await?.0;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        rustix::net::sockopt::set_socket_linger(&near, Some(Duration::ZERO))?;
        drop((near, far));
    }
    Ok(start.elapsed())
}

async fn smol_udp(times: u32) -> io::Result<Duration> {
    let near = smol::net::UdpSocket::bind(ANY).await?;
    let far = smol::net::UdpSocket::bind(ANY).await?;
    let address = far.local_addr()?;
    let start = Instant::now();
    let answering = spawn_on_smol(async move {
        let mut buffer = [0; SMALL];
        for _ in 0..times {
            let (count, peer) = far.recv_from(&mut buffer).await?;
            far.send_to(&buffer[..count], peer).await?;
        }
        Ok::<_, io::Error>(())
    });
    let mut buffer = [0; SMALL];
    for _ in 0..times {
        near.send_to(&[7; SMALL], address).await?;
        near.recv_from(&mut buffer).await?;
    }
    answering.await?;
    Ok(start.elapsed())
}

async fn smol_bursts(times: u32) -> io::Result<Duration> {
    let near = smol::net::UdpSocket::bind(ANY).await?;
    let far = smol::net::UdpSocket::bind(ANY).await?;
    let address = far.local_addr()?;
    let mut buffer = [0; SMALL];
    let start = Instant::now();
    for _ in 0..times as usize / BURST {
        for _ in 0..BURST {
            near.send_to(&[7; SMALL], address).await?;
        }
        for _ in 0..BURST {
            far.recv_from(&mut buffer).await?;
        }
    }
    Ok(start.elapsed())
}
