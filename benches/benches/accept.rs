//! A burst of connections, accepted one by one and in batches of several sizes.
//!
//! The connections wait in the listener's queue when it begins, each with a byte that its handler sends
//! back. Two numbers for each size: the time for a connection, accepted and handled, and how long another
//! task that can always run had to wait for its turn at most.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net;
use std::time::{Duration, Instant};

use trio::net::{TcpListener, TcpStream};
use trio::nursery;

const BURST: usize = 400;
const ROUNDS: usize = 101;
const BATCHES: [usize; 6] = [1, 4, 16, 64, 256, 1024];

#[trio::task]
async fn handle(stream: TcpStream, handled: &Cell<usize>) -> io::Result<()> {
    let mut byte = [0];
    stream.receive_some(&mut byte).await?;
    stream.send_all(&byte).await?;
    handled.set(handled.get() + 1);
    Ok(())
}

/// Always wants to run.
#[trio::task]
async fn look_on(handled: &Cell<usize>, longest: &Cell<Duration>) {
    let mut last = Instant::now();
    while handled.get() < BURST {
        trio::lowlevel::checkpoint().await;
        let now = Instant::now();
        longest.set(longest.get().max(now - last));
        last = now;
    }
}

/// The time for the burst, and the longest wait of the one who looks on.
#[trio::task]
async fn burst(batch: usize, looked_on: bool) -> trio::Result<(Duration, Duration)> {
    let listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
    let address = listener.local_addr()?;
    let mut clients = Vec::new();
    for _ in 0..BURST {
        let mut client = net::TcpStream::connect(address)?;
        client.write_all(b"x")?;
        clients.push(client);
    }
    let (handled, longest) = (Cell::new(0), Cell::new(Duration::ZERO));
    let start = Instant::now();
    nursery!(|n| {
        if looked_on {
            n.spawn(look_on, &handled, &longest);
        }
        let mut accepted = 0;
        while accepted < BURST {
            n.spawn(handle, listener.accept().await?, &handled);
            accepted += 1;
            for _ in 1..batch {
                match listener.try_accept() {
                    Ok(stream) => drop(n.spawn(handle, stream, &handled)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => Err(error)?,
                }
                accepted += 1;
            }
        }
    })?;
    let time = start.elapsed();
    for mut client in clients {
        client.read_exact(&mut [0])?;
    }
    Ok((time, longest.get()))
}

/// The middle one of the faster half: whatever else the machine is doing makes some rounds slow.
fn typical(values: &mut [Duration]) -> Duration {
    values.sort();
    values[values.len() / 4]
}

fn main() -> trio::Result<()> {
    println!("| batch | a connection | a connection, looked on | longest wait of who looks on |");
    println!("|---|---|---|---|");
    let mut alone = vec![Vec::new(); BATCHES.len()];
    let mut beside = alone.clone();
    let mut longest = alone.clone();
    for _ in 0..ROUNDS {
        for (at, batch) in BATCHES.into_iter().enumerate() {
            alone[at].push(trio::run(|| burst(batch, false))?.0);
            let (time, wait) = trio::run(|| burst(batch, true))?;
            beside[at].push(time);
            longest[at].push(wait);
        }
    }
    for (at, batch) in BATCHES.into_iter().enumerate() {
        let each = |times: &mut [Duration]| typical(times).as_nanos() / BURST as u128;
        let (alone, beside) = (each(&mut alone[at]), each(&mut beside[at]));
        let longest = typical(&mut longest[at]).as_micros();
        println!("| {batch} | {alone} ns | {beside} ns | {longest} us |");
    }
    Ok(())
}
