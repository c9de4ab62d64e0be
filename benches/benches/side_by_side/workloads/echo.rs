//! 64 bytes, there and back: with few connections, and with many.

use std::io::{self, Read, Write};
use std::net;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use benches::markdown::thousands;
use benches::{Options, Workload};
use rustix::net::sockopt::set_socket_linger;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use trio::net::{TcpListener, TcpStream};
use trio::nursery;

use super::FINE;
use crate::peers::{ANY, Network, Peers, on_executors};

const GROUP: &str = "Echo";
const SMALL: usize = 64;
/// What is received into. It is larger than what comes: a read that fills its buffer does not say whether
/// there is more, and costs one more call.
const BUFFER: usize = 1024;
const MANY: u32 = 10_000;
/// How many echoes each connection does at least: the first one is not like the others.
const EACH: u32 = 10;
/// Descriptors that are not connections.
const OTHERS: u64 = 64;

pub fn workloads(options: &Options) -> Vec<Workload> {
    let mut workloads: Vec<Workload> = [1, 64, 1000].map(both_ends).into();
    if raise_limit() >= u64::from(MANY) + OTHERS {
        workloads.push(server(if options.quick { 2 } else { 5 }));
    } else {
        println!("Without {MANY} connections: the limit of descriptors does not allow for them\n");
    }
    workloads
}

/// As many descriptors as the system allows.
fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum: limit.maximum })
        .expect("the soft limit can be raised to the hard one");
    current.unwrap_or(u64::MAX)
}

/// Both ends on the peer, in one thread.
fn both_ends(connections: u32) -> Workload {
    let text = match connections {
        1 => "1 connection".into(),
        _ => format!("{} connections", thousands(connections)),
    };
    let workload = Workload::new(GROUP, format!("echo, {text}"))
        .step(connections * EACH)
        .trio(move |n| on_trio(connections, n / connections));
    let workload = on_executors!(workload, |n| on_an_executor(connections, n / connections));
    match connections {
        1 => workload.python("echo.py", &["1"]),
        64 => workload.python("echo.py", &["64"]),
        _ => workload,
    }
}

/// The clients are in another process, which asks all connections at once, and has no runtime.
fn server(times: u32) -> Workload {
    let name = format!("echo, {} connections, the server", thousands(MANY));
    let workload = Workload::new(GROUP, name).operations(MANY * times).trio(serve_on_trio);
    on_executors!(workload, |n| serve_on_an_executor(n))
}

// Trio

#[trio::task]
async fn on_trio(connections: u32, times: u32) -> trio::Result<Duration> {
    let (near, far): (Vec<_>, Vec<_>) = pairs_on_trio(connections).await?.into_iter().unzip();
    let mut time = Duration::ZERO;
    nursery!(|n| {
        for stream in far {
            n.spawn(answer, stream);
        }
        let start = Instant::now();
        nursery!(|n| {
            for stream in &near {
                n.spawn(ask, stream, times);
            }
        })?;
        time = start.elapsed();
        drop(near);
    })?;
    Ok(time)
}

#[trio::task]
pub async fn pairs_on_trio(count: u32) -> io::Result<Vec<(TcpStream, TcpStream)>> {
    let listener = TcpListener::bind(ANY)?;
    let mut pairs = Vec::new();
    for _ in 0..count {
        let near = TcpStream::connect(listener.local_addr()?).await?;
        pairs.push((near, listener.accept().await?));
    }
    Ok(pairs)
}

#[trio::task]
async fn ask(stream: &TcpStream, times: u32) -> io::Result<()> {
    let mut buffer = [0; BUFFER];
    for _ in 0..times {
        stream.send_all(&[7; SMALL]).await?;
        assert_eq!(stream.receive_some(&mut buffer).await?, SMALL);
    }
    Ok(())
}

#[trio::task]
async fn answer(stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; BUFFER];
    while let count @ 1.. = stream.receive_some(&mut buffer).await? {
        stream.send_all(&buffer[..count]).await?;
    }
    Ok(())
}

#[trio::task]
async fn serve_on_trio(operations: u32) -> trio::Result<f64> {
    let listener = TcpListener::bind(ANY)?;
    let clients = start_clients(listener.local_addr()?, operations)?;
    nursery!(|n| {
        for _ in 0..MANY {
            n.spawn(answer, listener.accept().await?);
        }
    })?;
    Ok(said_by(clients))
}

// The peers

async fn on_an_executor<N: Network>(connections: u32, times: u32) -> io::Result<Duration> {
    let (near, far): (Vec<_>, Vec<_>) = pairs::<N>(connections).await?.into_iter().unzip();
    let answering: Vec<_> = far.into_iter().map(|it| N::spawn(answers::<N>(it))).collect();
    let start = Instant::now();
    let asking: Vec<_> = near.into_iter().map(|it| N::spawn(asks::<N>(it, times))).collect();
    let mut near = Vec::new();
    for task in asking {
        near.push(task.await?);
    }
    let time = start.elapsed();
    drop(near);
    for task in answering {
        task.await?;
    }
    Ok(time)
}

pub async fn pairs<N: Network>(count: u32) -> io::Result<Vec<(N::Stream, N::Stream)>> {
    let (listener, address) = N::listen().await?;
    let mut pairs = Vec::new();
    for _ in 0..count {
        let near = N::connect(address).await?;
        pairs.push((near, N::accept(&listener).await?));
    }
    Ok(pairs)
}

/// Gives the stream back, so that it is not closed before the others are done.
async fn asks<N: Network>(mut stream: N::Stream, times: u32) -> io::Result<N::Stream> {
    let (mut question, mut buffer) = (vec![7; SMALL], vec![0; BUFFER]);
    for _ in 0..times {
        question = N::send(&mut stream, question, SMALL).await?;
        let (received, count) = N::receive(&mut stream, buffer).await?;
        assert_eq!(count, SMALL);
        buffer = received;
    }
    Ok(stream)
}

async fn answers<N: Network>(mut stream: N::Stream) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let (received, count) = N::receive(&mut stream, buffer).await?;
        if count == 0 {
            return Ok(());
        }
        buffer = N::send(&mut stream, received, count).await?;
    }
}

async fn serve_on_an_executor<N: Network>(operations: u32) -> io::Result<f64> {
    let (listener, address) = N::listen().await?;
    let clients = start_clients(address, operations)?;
    let mut tasks = Vec::new();
    for _ in 0..MANY {
        tasks.push(N::spawn(answers::<N>(N::accept(&listener).await?)));
    }
    for task in tasks {
        task.await?;
    }
    Ok(said_by(clients))
}

// The clients

/// What the program is called with to be the clients: then the address and the number of echoes.
pub const TALK: &str = "--talk";

fn start_clients(address: SocketAddr, operations: u32) -> io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args([TALK, &address.to_string(), &operations.to_string()])
        .stdout(Stdio::piped())
        .spawn()
}

/// Nanoseconds for an echo. The clients have closed their connections.
fn said_by(clients: Child) -> f64 {
    let output = clients.wait_with_output().expect("they have been started");
    let said = String::from_utf8_lossy(&output.stdout);
    said.trim().parse().expect("it is a number")
}

/// Is the clients. Each asks, then each hears: the least that can be done.
///
/// # Errors
///
/// If the server does not answer.
pub fn talk(address: &str, operations: &str) -> io::Result<()> {
    let operations: u32 = operations.parse().map_err(io::Error::other)?;
    let mut streams = Vec::new();
    let mut buffer = [0; BUFFER];
    for _ in 0..MANY {
        let mut stream = net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        // So that the system never has too many of them that wait to be accepted.
        stream.write_all(&[7; SMALL])?;
        stream.read_exact(&mut buffer[..SMALL])?;
        streams.push(stream);
    }
    let start = Instant::now();
    for _ in 0..operations / MANY {
        for stream in &mut streams {
            stream.write_all(&[7; SMALL])?;
        }
        for stream in &mut streams {
            stream.read_exact(&mut buffer[..SMALL])?;
        }
    }
    let nanos = start.elapsed().as_secs_f64() * 1e9 / f64::from(operations);
    println!("{nanos}");
    // They end in the usual way, for the server, and leave no trace in the system.
    for stream in &streams {
        stream.shutdown(net::Shutdown::Write)?;
    }
    for stream in &mut streams {
        assert_eq!(stream.read(&mut buffer).expect(FINE), 0);
        set_socket_linger(stream, Some(Duration::ZERO))?;
    }
    Ok(())
}
