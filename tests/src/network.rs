//! Listeners, connections and paths to test with.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use trio::net::{TcpListener, TcpStream};
use trio::nursery;
use trio::stream::{ReceiveStream, SendStream};
use trio::testing::wait_all_tasks_blocked_for;

/// A listener on this machine, and its address.
pub fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Two ends of a connection.
#[trio::task]
pub async fn tcp_pair() -> (TcpStream, TcpStream) {
    let (listener, address) = listen();
    let ours = TcpStream::connect(address).await.unwrap();
    (ours, listener.accept().await.unwrap())
}

/// Sends until the stream takes nothing more.
#[trio::task]
pub async fn clog<S: SendStream>(stream: &S) {
    nursery!(|n| {
        let task = n.spawn(async {
            loop {
                stream.send_all(&[0; 64 * 1024]).await.unwrap();
            }
        });
        // The system may still be moving data from one buffer to the other.
        wait_all_tasks_blocked_for(Duration::from_millis(10)).await;
        task.cancel();
    })
    .unwrap();
}

/// Receives everything up to the end.
#[trio::task]
pub async fn receive_all<S: ReceiveStream + ?Sized>(stream: &S) -> io::Result<Vec<u8>> {
    let (mut all, mut buffer) = (Vec::new(), vec![0; 64 * 1024]);
    loop {
        match stream.receive_some(&mut buffer).await? {
            0 => return Ok(all),
            count => all.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Sends everything back.
#[trio::task]
pub async fn echo<S: SendStream + ReceiveStream>(stream: S) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match stream.receive_some(&mut buffer).await? {
            0 => return Ok(()),
            count => stream.send_all(&buffer[..count]).await?,
        }
    }
}

/// Bytes without a pattern.
pub fn noise(mut seed: u64, count: usize) -> Vec<u8> {
    let next = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 56) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// A path that nobody else has.
pub fn scratch(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("trio-{name}-{}", std::process::id()))
}
