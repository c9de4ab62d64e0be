//! Tokio: its current-thread runtime with a `LocalSet`, and its `LocalRuntime`. What is spawned by
//! `spawn_local` belongs to whichever is running.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, LocalSet, spawn_local};
use tokio::time;

use super::abilities::{ANY, Channels, Executor, Network, Timers};

/// Tokio.
#[derive(Debug)]
pub enum Tokio {}

const FINE: &str = "nothing fails";

pub fn on_local_set<T: 'static>(future: impl Future<Output = T> + 'static) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().expect(FINE);
    LocalSet::new().block_on(&runtime, async { spawn_local(future).await.expect(FINE) })
}

pub fn on_local_runtime<T: 'static>(future: impl Future<Output = T> + 'static) -> T {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().build_local(LocalOptions::default()).expect(FINE);
    runtime.block_on(async { spawn_local(future).await.expect(FINE) })
}

impl Executor for Tokio {
    type Task = JoinHandle<()>;

    fn spawn<T: 'static>(
        future: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> + 'static {
        let handle = spawn_local(future);
        async { handle.await.expect(FINE) }
    }

    fn start(future: impl Future<Output = ()> + 'static) -> JoinHandle<()> {
        spawn_local(future)
    }

    async fn cancel(tasks: Vec<JoinHandle<()>>) {
        for task in &tasks {
            task.abort();
        }
        for task in tasks {
            task.await.expect_err("it does not end by itself");
        }
    }
}

impl Timers for Tokio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        time::sleep(duration)
    }

    async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        time::timeout(limit, future).await.ok()
    }
}

impl Channels for Tokio {
    type Sender<T: 'static> = mpsc::Sender<T>;
    type Receiver<T: 'static> = mpsc::Receiver<T>;

    fn channel<T: 'static>(capacity: usize) -> (mpsc::Sender<T>, mpsc::Receiver<T>) {
        mpsc::channel(capacity)
    }

    async fn give<T: 'static>(sender: &mut mpsc::Sender<T>, value: T) {
        assert!(sender.send(value).await.is_ok());
    }

    async fn take<T: 'static>(receiver: &mut mpsc::Receiver<T>) -> Option<T> {
        receiver.recv().await
    }
}

impl Network for Tokio {
    type Listener = TcpListener;
    type Stream = TcpStream;
    type Datagrams = UdpSocket;

    async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
        let listener = TcpListener::bind(ANY).await?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn send(stream: &mut TcpStream, buffer: Vec<u8>, count: usize) -> io::Result<Vec<u8>> {
        stream.write_all(&buffer[..count]).await?;
        Ok(buffer)
    }

    async fn receive(stream: &mut TcpStream, mut buffer: Vec<u8>) -> io::Result<(Vec<u8>, usize)> {
        let count = stream.read(&mut buffer).await?;
        Ok((buffer, count))
    }

    async fn bind() -> io::Result<(UdpSocket, SocketAddr)> {
        let socket = UdpSocket::bind(ANY).await?;
        let address = socket.local_addr()?;
        Ok((socket, address))
    }

    async fn send_to(
        socket: &UdpSocket,
        buffer: Vec<u8>,
        address: SocketAddr,
    ) -> io::Result<Vec<u8>> {
        socket.send_to(&buffer, address).await?;
        Ok(buffer)
    }

    async fn receive_from(
        socket: &UdpSocket,
        mut buffer: Vec<u8>,
    ) -> io::Result<(Vec<u8>, SocketAddr)> {
        let (count, address) = socket.recv_from(&mut buffer).await?;
        assert_eq!(count, buffer.len());
        Ok((buffer, address))
    }
}
