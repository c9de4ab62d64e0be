//! Smol's `LocalExecutor`, and its `block_on`, which is async-io's.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use smol::LocalExecutor;
use smol::channel::{Receiver, Sender};
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use smol::net::{TcpListener, TcpStream, UdpSocket};

use super::abilities::{ANY, Channels, Executor, Network, Timers};

/// Smol.
#[derive(Debug)]
pub enum Smol {}

thread_local! {
    // Made once, and kept warm.
    static EXECUTOR: &'static LocalExecutor<'static> = Box::leak(Box::new(LocalExecutor::new()));
}

fn executor() -> &'static LocalExecutor<'static> {
    EXECUTOR.with(|executor| *executor)
}

pub fn run<T: 'static>(future: impl Future<Output = T> + 'static) -> T {
    let main = executor().spawn(future);
    smol::block_on(executor().run(main))
}

impl Executor for Smol {
    type Task = smol::Task<()>;

    fn spawn<T: 'static>(
        future: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> + 'static {
        executor().spawn(future)
    }

    fn start(future: impl Future<Output = ()> + 'static) -> smol::Task<()> {
        executor().spawn(future)
    }

    async fn cancel(tasks: Vec<smol::Task<()>>) {
        // Each is put into the queue, to be dropped when its turn comes: before this one's.
        drop(tasks);
        smol::future::yield_now().await;
    }
}

impl Timers for Smol {
    async fn sleep(duration: Duration) {
        smol::Timer::after(duration).await;
    }

    async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        let expires = async {
            smol::Timer::after(limit).await;
            None
        };
        smol::future::or(async { Some(future.await) }, expires).await
    }
}

impl Channels for Smol {
    type Sender<T: 'static> = Sender<T>;
    type Receiver<T: 'static> = Receiver<T>;

    fn channel<T: 'static>(capacity: usize) -> (Sender<T>, Receiver<T>) {
        smol::channel::bounded(capacity)
    }

    async fn give<T: 'static>(sender: &mut Sender<T>, value: T) {
        assert!(sender.send(value).await.is_ok());
    }

    async fn take<T: 'static>(receiver: &mut Receiver<T>) -> Option<T> {
        receiver.recv().await.ok()
    }
}

impl Network for Smol {
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
