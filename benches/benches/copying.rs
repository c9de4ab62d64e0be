//! Much from one TCP connection to another: by the system alone, and by way of the memory.
//!
//! The two ends are threads with sockets of the standard library. The processor's time is that of the
//! thread that copies, which Linux tells.

use std::future::Future;
use std::io::{self, Read, Write};
use std::net;
use std::time::{Duration, Instant};

use trio::net::{TcpListener, TcpStream};
use trio::nursery;
use trio::stream::{AsyncResource, ReceiveStream, copy};
use trio::thread::run_in_worker_thread;

const BYTES: usize = 256 << 20;
const ROUNDS: usize = 9;

/// A stream that does not tell its descriptor.
struct Opaque(TcpStream);

impl AsyncResource for Opaque {
    fn close_forcefully(&self) {
        self.0.close();
    }
}

impl ReceiveStream for Opaque {
    fn receive_some(&self, buffer: &mut [u8]) -> impl Future<Output = io::Result<usize>> {
        self.0.receive_some(buffer)
    }
}

/// How long this thread has been on a processor.
fn processor_time() -> io::Result<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    nanos.map(Duration::from_nanos).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// The time, and the processor's time, for everything.
#[trio::task]
async fn round(by_the_system: bool) -> trio::Result<(Duration, Duration)> {
    let listener = TcpListener::bind("127.0.0.1:0".parse()?)?;
    let mut source = net::TcpStream::connect(listener.local_addr()?)?;
    let from = listener.accept().await?;
    let mut sink = net::TcpStream::connect(listener.local_addr()?)?;
    let to = listener.accept().await?;
    let send = move || {
        let chunk = vec![7; 1 << 18];
        (0..BYTES / chunk.len()).try_for_each(|_| source.write_all(&chunk))
    };
    let receive = move || {
        let (mut chunk, mut count) = (vec![0; 1 << 18], 0);
        loop {
            match sink.read(&mut chunk) {
                Ok(0) | Err(_) => return count,
                Ok(more) => count += more,
            }
        }
    };
    let (mut times, mut received) = (None, None);
    nursery!(|n| {
        n.spawn(run_in_worker_thread, send);
        n.spawn(async { received = Some(run_in_worker_thread(receive).await) });
        let (start, before) = (Instant::now(), processor_time()?);
        let copied =
            if by_the_system { copy(&from, &to).await? } else { copy(&Opaque(from), &to).await? };
        times = Some((start.elapsed(), processor_time()? - before));
        assert_eq!(copied, BYTES as u64);
        to.close();
    })?;
    assert_eq!(received, Some(BYTES));
    times.ok_or_else(|| "it was cancelled".into())
}

fn main() -> trio::Result<()> {
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (way, times) in times.iter_mut().enumerate() {
            times.push(trio::run(|| round(way == 0))?);
        }
    }
    println!("| way | a GiB takes | of a processor |");
    println!("|---|---|---|");
    for (way, mut times) in ["by the system", "by way of the memory"].into_iter().zip(times) {
        let gib = |time: Duration| time.as_secs_f64() * f64::from(1 << 30) / BYTES as f64;
        times.sort();
        let time = gib(times[ROUNDS / 2].0);
        times.sort_by_key(|times| times.1);
        println!("| {way} | {time:.3} s | {:.3} s |", gib(times[ROUNDS / 2].1));
    }
    Ok(())
}
