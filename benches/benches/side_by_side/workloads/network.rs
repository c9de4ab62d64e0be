//! Much through one connection, many connections, and datagrams.

use std::io;
use std::time::{Duration, Instant};

use benches::{Options, Workload};
use trio::net::{DatagramBatch, TcpListener, TcpStream, UdpSocket};
use trio::nursery;

use super::echo::{pairs, pairs_on_trio};
use crate::peers::{ANY, Network, Peers, on_executors};

const GROUP: &str = "Network";
const SMALL: usize = 64;
const LARGE: usize = 64 * 1024;
/// The datagrams of a burst.
const BURST: u32 = 32;

pub fn workloads(_: &Options) -> Vec<Workload> {
    let streamed = Workload::new(GROUP, "64 KiB streamed").trio(stream_on_trio);
    let connected = Workload::new(GROUP, "connect, accept, close").trio(connect_on_trio);
    let datagrams = Workload::new(GROUP, "64-byte datagram, there and back").trio(udp_on_trio);
    let bursts = Workload::new(GROUP, format!("64-byte datagram of a burst of {BURST}"))
        .step(BURST)
        .trio(bursts_on_trio);
    vec![
        on_executors!(streamed, |n| stream_on_an_executor(n)),
        on_executors!(connected, |n| connect_on_an_executor(n)),
        on_executors!(datagrams, |n| udp_on_an_executor(n)),
        on_executors!(bursts, |n| bursts_on_an_executor(n)),
    ]
}

// Trio

#[trio::task]
async fn stream_on_trio(times: u32) -> trio::Result<Duration> {
    let (near, far) = pairs_on_trio(1).await?.remove(0);
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
async fn connect_on_trio(times: u32) -> io::Result<Duration> {
    let listener = TcpListener::bind(ANY)?;
    let address = listener.local_addr()?;
    let start = Instant::now();
    for _ in 0..times {
        let near = TcpStream::connect(address).await?;
        drop((near, listener.accept().await?));
    }
    Ok(start.elapsed())
}

#[trio::task]
async fn udp_on_trio(times: u32) -> trio::Result<Duration> {
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

/// Trio has batches, of which the system sends and receives many with one call.
#[trio::task]
async fn bursts_on_trio(times: u32) -> io::Result<Duration> {
    let (near, far) = (UdpSocket::bind(ANY)?, UdpSocket::bind(ANY)?);
    let address = far.local_addr()?;
    let datagrams = [(&[7; SMALL][..], address); BURST as usize];
    let mut batch = DatagramBatch::new(datagrams.len(), SMALL);
    let start = Instant::now();
    for _ in 0..times / BURST {
        assert_eq!(near.send_many(&datagrams).await?, datagrams.len());
        let mut received = 0;
        while received < datagrams.len() {
            received += far.recv_many(&mut batch).await?;
        }
    }
    Ok(start.elapsed())
}

// The peers

async fn stream_on_an_executor<N: Network>(times: u32) -> io::Result<Duration> {
    let (mut near, mut far) = pairs::<N>(1).await?.remove(0);
    let start = Instant::now();
    let sending = N::spawn(async move {
        let mut chunk = vec![7; LARGE];
        for _ in 0..times {
            chunk = N::send(&mut near, chunk, LARGE).await?;
        }
        Ok::<_, io::Error>(())
    });
    let mut buffer = vec![0; LARGE];
    loop {
        let (received, count) = N::receive(&mut far, buffer).await?;
        if count == 0 {
            break;
        }
        buffer = received;
    }
    sending.await?;
    Ok(start.elapsed())
}

async fn connect_on_an_executor<N: Network>(times: u32) -> io::Result<Duration> {
    let (listener, address) = N::listen().await?;
    let start = Instant::now();
    for _ in 0..times {
        let near = N::connect(address).await?;
        drop((near, N::accept(&listener).await?));
    }
    Ok(start.elapsed())
}

async fn udp_on_an_executor<N: Network>(times: u32) -> io::Result<Duration> {
    let (near, _) = N::bind().await?;
    let (far, address) = N::bind().await?;
    let start = Instant::now();
    let answering = N::spawn(async move {
        let mut buffer = vec![0; SMALL];
        for _ in 0..times {
            let (received, peer) = N::receive_from(&far, buffer).await?;
            buffer = N::send_to(&far, received, peer).await?;
        }
        Ok::<_, io::Error>(())
    });
    let mut buffer = vec![7; SMALL];
    for _ in 0..times {
        buffer = N::send_to(&near, buffer, address).await?;
        buffer = N::receive_from(&near, buffer).await?.0;
    }
    answering.await?;
    Ok(start.elapsed())
}

async fn bursts_on_an_executor<N: Network>(times: u32) -> io::Result<Duration> {
    let (near, _) = N::bind().await?;
    let (far, address) = N::bind().await?;
    let mut buffer = vec![7; SMALL];
    let start = Instant::now();
    for _ in 0..times / BURST {
        for _ in 0..BURST {
            buffer = N::send_to(&near, buffer, address).await?;
        }
        for _ in 0..BURST {
            buffer = N::receive_from(&far, buffer).await?.0;
        }
    }
    Ok(start.elapsed())
}
