//! How long one that is idle waits for its turn when something has come for it, while others are always
//! busy.

use std::cell::Cell;
use std::hint::black_box;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use benches::statistics::quantiles;
use benches::{Options, Workload};
use trio::lowlevel::checkpoint;
use trio::net::TcpListener;
use trio::nursery;

use crate::peers::{ANY, Network, Peers, on_executors};

const GROUP: &str = "Fairness";
const STAMP: usize = size_of::<u64>();
/// How long after one something comes again.
const PERIOD: Duration = Duration::from_micros(200);

pub fn workloads(options: &Options) -> Vec<Workload> {
    let times = if options.quick { 300 } else { 3000 };
    [0, 10, 100].map(|busy| workload(busy, times)).into()
}

/// Each of the busy ones works for a microsecond, gives way, and so on.
fn workload(busy: u32, times: u32) -> Workload {
    let workload = Workload::new(GROUP, format!("wake-up by a socket, {busy} tasks are busy"))
        .operations(times)
        .figures(&["p50", "p99", "p99.9"])
        .trio(move |n| on_trio(busy, n));
    on_executors!(workload, |n| on_an_executor(busy, n))
}

fn figures(late: Vec<f64>) -> Vec<f64> {
    quantiles(late, &[0.5, 0.99, 0.999])
}

/// About a microsecond of work.
fn work() {
    black_box((0..1000_u32).fold(0, |sum, number| sum ^ black_box(number)));
}

/// Sends the nanoseconds since the start, again and again, from another thread.
fn send(address: SocketAddr, start: Instant, times: u32) -> JoinHandle<io::Result<()>> {
    thread::spawn(move || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        for _ in 0..times {
            thread::sleep(PERIOD);
            stream.write_all(&nanos_since(start).to_le_bytes())?;
        }
        Ok(())
    })
}

fn nanos_since(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).expect("it is no long time")
}

/// What has passed since the stamps that have come.
fn late<'a>(start: Instant, stamps: &'a [u8]) -> impl Iterator<Item = f64> + 'a {
    let now = nanos_since(start);
    // Should a stamp ever be torn, then this says so.
    let (stamps, rest) = stamps.as_chunks::<STAMP>();
    assert!(rest.is_empty());
    stamps.iter().map(move |stamp| (now - u64::from_le_bytes(*stamp)) as f64)
}

#[trio::task]
async fn on_trio(busy: u32, times: u32) -> trio::Result<Vec<f64>> {
    let listener = TcpListener::bind(ANY)?;
    let start = Instant::now();
    let sending = send(listener.local_addr()?, start, times);
    let stream = listener.accept().await?;
    let mut all = Vec::new();
    nursery!(|n| {
        for _ in 0..busy {
            n.spawn(is_busy_on_trio);
        }
        let mut buffer = [0; 1024];
        while let count @ 1.. = stream.receive_some(&mut buffer).await? {
            all.extend(late(start, &buffer[..count]));
        }
        n.cancel();
    })?;
    sending.join().expect("it does not panic")?;
    Ok(figures(all))
}

#[trio::task]
async fn is_busy_on_trio() {
    loop {
        work();
        checkpoint().await;
    }
}

async fn on_an_executor<N: Network>(busy: u32, times: u32) -> io::Result<Vec<f64>> {
    let (listener, address) = N::listen().await?;
    let start = Instant::now();
    let sending = send(address, start, times);
    let mut stream = N::accept(&listener).await?;
    let is_over = Rc::new(Cell::new(false));
    let is_busy = |_| {
        let is_over = Rc::clone(&is_over);
        N::spawn(async move {
            while !is_over.get() {
                work();
                N::give_way().await;
            }
        })
    };
    let tasks: Vec<_> = (0..busy).map(is_busy).collect();
    let mut all = Vec::new();
    let mut buffer = vec![0; 1024];
    loop {
        let (received, count) = N::receive(&mut stream, buffer).await?;
        if count == 0 {
            break;
        }
        all.extend(late(start, &received[..count]));
        buffer = received;
    }
    is_over.set(true);
    for task in tasks {
        task.await;
    }
    sending.join().expect("it does not panic")?;
    Ok(figures(all))
}
