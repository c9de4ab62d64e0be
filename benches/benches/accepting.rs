//! A burst of connections, accepted one at a time or in batches: how long until the last of them, and one
//! on average, has had its 64 bytes echoed. On a server that has nothing else to do, and on one with tasks
//! that always want to run.
//!
//! ```text
//! cargo bench -p benches --bench accepting
//! ```

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use trio::lowlevel::checkpoint;
use trio::net::{TcpListener, TcpStream};
use trio::{Nursery, nursery};

const BURST: usize = 1000;
const SIZE: usize = 64;
const BATCHES: [usize; 4] = [1, 8, 64, BURST];
const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn main() {
    let rounds = if std::env::args().any(|argument| argument == "--quick") { 5 } else { 31 };
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
        .expect("the soft limit can be raised to the hard one");
    println!(
        "A burst of {BURST} connections: until the last one is served (one on average), in ms\n"
    );
    println!("| other tasks | {} |", BATCHES.map(|most| format!("at most {most}")).join(" | "));
    println!("|---|---|---|---|---|");
    for busy in [0, 10, 100] {
        let mut measured = BATCHES.map(|_| Vec::new());
        for _ in 0..rounds {
            for (most, times) in BATCHES.into_iter().zip(&mut measured) {
                times.push(trio::run(|| burst(most, busy)).expect("nothing fails"));
            }
        }
        let columns = measured.map(|mut times| {
            times.sort();
            let (last, mean) = times[times.len() / 2];
            format!("{:.2} ({:.2})", last.as_secs_f64() * 1e3, mean.as_secs_f64() * 1e3)
        });
        println!("| {busy} | {} |", columns.join(" | "));
    }
}

/// When each was served.
struct Served {
    start: Cell<Instant>,
    times: RefCell<Vec<Duration>>,
}

#[trio::task(allow(blocking_net))]
async fn burst(most: usize, busy: usize) -> trio::Result<(Duration, Duration)> {
    let listener = TcpListener::bind(ANY)?;
    let address = listener.local_addr()?;
    let peers = (0..BURST)
        .map(|_| {
            let mut peer = std::net::TcpStream::connect(address)?;
            peer.write_all(&[7; SIZE])?;
            // Closed without a trace, so that its port can be had again.
            set_socket_linger(&peer, Some(Duration::ZERO))?;
            Ok(peer)
        })
        .collect::<io::Result<Vec<_>>>()?;
    let served = Served { start: Cell::new(Instant::now()), times: RefCell::default() };
    nursery!(|n| {
        for _ in 0..busy {
            n.spawn(work);
        }
        // Until all of them are under way.
        for _ in 0..3 {
            checkpoint().await;
        }
        served.start.set(Instant::now());
        n.spawn(accept_all, &listener, most, &served, n);
    })?;
    drop(peers);
    let times = served.times.into_inner();
    let sum: Duration = times.iter().sum();
    Ok((times[times.len() - 1], sum / u32::try_from(times.len())?))
}

/// Something that takes microseconds, and others go first in between.
#[trio::task]
async fn work() {
    loop {
        black_box((0..1000_u32).fold(0, |sum, number| sum ^ black_box(number)));
        checkpoint().await;
    }
}

#[trio::task]
async fn accept_all<'a>(
    listener: &TcpListener,
    most: usize,
    served: &'a Served,
    n: Nursery<'a>,
) -> io::Result<()> {
    loop {
        let stream = listener.accept().await?;
        n.spawn(echo, stream, served, n);
        for _ in 1..most {
            match listener.try_accept() {
                Ok(stream) => drop(n.spawn(echo, stream, served, n)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
    }
}

#[trio::task]
async fn echo(stream: TcpStream, served: &Served, n: Nursery<'_>) -> io::Result<()> {
    let mut buffer = [0; 1024];
    let count = stream.receive_some(&mut buffer).await?;
    stream.send_all(&buffer[..count]).await?;
    let mut times = served.times.borrow_mut();
    times.push(served.start.get().elapsed());
    if times.len() == BURST {
        n.cancel();
    }
    Ok(())
}
