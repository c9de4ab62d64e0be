//! Compio, with its polling driver, which is epoll here. Its channels are those of `futures`.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use compio::buf::{BufResult, IntoInner as _, IoBuf as _};
use compio::io::{AsyncRead as _, AsyncWriteExt as _};
use compio::net::{TcpListener, TcpStream, UdpSocket};
use compio::runtime::{JoinHandle, Runtime, spawn};
use compio::time;
use futures::channel::mpsc::{Receiver, Sender, channel};
use futures::{SinkExt as _, StreamExt as _};

use super::abilities::{ANY, Channels, Executor, Network, Timers};

/// Compio.
#[derive(Debug)]
pub enum Compio {}

const FINE: &str = "nothing fails";

pub fn run<T: 'static>(future: impl Future<Output = T> + 'static) -> T {
    Runtime::new().expect(FINE).block_on(async { spawn(future).await.expect(FINE) })
}

impl Executor for Compio {
    type Task = JoinHandle<()>;

    fn spawn<T: 'static>(
        future: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> + 'static {
        let handle = spawn(future);
        async { handle.await.expect(FINE) }
    }

    fn start(future: impl Future<Output = ()> + 'static) -> JoinHandle<()> {
        spawn(future)
    }

    async fn cancel(tasks: Vec<JoinHandle<()>>) {
        // Each is put into the queue, to be dropped when its turn comes: before this one's.
        drop(tasks);
        spawn(async {}).await.expect(FINE);
    }
}

impl Timers for Compio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        time::sleep(duration)
    }

    async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        time::timeout(limit, future).await.ok()
    }
}

impl Channels for Compio {
    type Sender<T: 'static> = Sender<T>;
    type Receiver<T: 'static> = Receiver<T>;

    fn channel<T: 'static>(capacity: usize) -> (Sender<T>, Receiver<T>) {
        // There is room for one more, for each sender.
        channel(capacity - 1)
    }

    async fn give<T: 'static>(sender: &mut Sender<T>, value: T) {
        sender.send(value).await.expect("somebody receives");
    }

    async fn take<T: 'static>(receiver: &mut Receiver<T>) -> Option<T> {
        receiver.next().await
    }
}

impl Network for Compio {
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
        let BufResult(sent, part) = stream.write_all(buffer.slice(..count)).await;
        sent?;
        Ok(part.into_inner())
    }

    async fn receive(stream: &mut TcpStream, buffer: Vec<u8>) -> io::Result<(Vec<u8>, usize)> {
        let BufResult(count, buffer) = stream.read(buffer).await;
        Ok((buffer, count?))
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
        let BufResult(sent, buffer) = socket.send_to(buffer, address).await;
        sent?;
        Ok(buffer)
    }

    async fn receive_from(
        socket: &UdpSocket,
        buffer: Vec<u8>,
    ) -> io::Result<(Vec<u8>, SocketAddr)> {
        let BufResult(received, buffer) = socket.recv_from(buffer).await;
        Ok((buffer, received?.1))
    }
}
