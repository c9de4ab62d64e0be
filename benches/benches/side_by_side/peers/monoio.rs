//! Monoio on epoll, its "legacy" driver, with its timers. It is built without the feature `sync`, which is off
//! by default and which every wake-up pays for; so it has no worker threads, and none can wake it. Its
//! channels are those of `futures`.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::channel::mpsc::{Receiver, Sender, channel};
use futures::{SinkExt as _, StreamExt as _};
use monoio::buf::IoBuf as _;
use monoio::io::{AsyncReadRent as _, AsyncWriteRentExt as _};
use monoio::net::udp::UdpSocket;
use monoio::net::{TcpListener, TcpStream};
use monoio::{LegacyDriver, RuntimeBuilder, time};

use super::abilities::{ANY, Channels, Executor, Network, Timers};

/// Monoio.
#[derive(Debug)]
pub enum Monoio {}

pub fn run<T: 'static>(future: impl Future<Output = T> + 'static) -> T {
    let builder = RuntimeBuilder::<LegacyDriver>::new().enable_timer();
    let mut runtime = builder.build().expect("nothing fails");
    runtime.block_on(async { monoio::spawn(future).await })
}

impl Executor for Monoio {
    type Task = ();

    fn spawn<T: 'static>(
        future: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> + 'static {
        monoio::spawn(future)
    }

    fn start(future: impl Future<Output = ()> + 'static) {
        drop(monoio::spawn(future));
    }

    /// It has no such thing: they go with the run.
    async fn cancel(_: Vec<()>) {}

    /// A task that wakes itself goes first again, so this one lets another one wake it.
    async fn give_way() {
        monoio::spawn(async {}).await;
    }
}

impl Timers for Monoio {
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static {
        time::sleep(duration)
    }

    async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
        time::timeout(limit, future).await.ok()
    }
}

impl Channels for Monoio {
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

impl Network for Monoio {
    type Listener = TcpListener;
    type Stream = TcpStream;
    type Datagrams = UdpSocket;

    async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
        let listener = TcpListener::bind(ANY)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    }

    async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
        let stream = TcpStream::connect_addr(address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn send(stream: &mut TcpStream, buffer: Vec<u8>, count: usize) -> io::Result<Vec<u8>> {
        let (sent, part) = stream.write_all(buffer.slice(..count)).await;
        sent?;
        Ok(part.into_inner())
    }

    async fn receive(stream: &mut TcpStream, buffer: Vec<u8>) -> io::Result<(Vec<u8>, usize)> {
        let (count, buffer) = stream.read(buffer).await;
        Ok((buffer, count?))
    }

    async fn bind() -> io::Result<(UdpSocket, SocketAddr)> {
        let socket = UdpSocket::bind(ANY)?;
        let address = socket.local_addr()?;
        Ok((socket, address))
    }

    async fn send_to(
        socket: &UdpSocket,
        buffer: Vec<u8>,
        address: SocketAddr,
    ) -> io::Result<Vec<u8>> {
        let (sent, buffer) = socket.send_to(buffer, address).await;
        sent?;
        Ok(buffer)
    }

    async fn receive_from(
        socket: &UdpSocket,
        buffer: Vec<u8>,
    ) -> io::Result<(Vec<u8>, SocketAddr)> {
        let (received, buffer) = socket.recv_from(buffer).await;
        Ok((buffer, received?.1))
    }
}
