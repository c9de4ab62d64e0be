//! What peers can do, so that a workload is written once for those that can.

use std::future::{Future, poll_fn};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::task::Poll;
use std::time::Duration;

/// Wakes itself, and waits.
pub async fn self_wake() {
    let mut woken = false;
    poll_fn(|cx| {
        if woken {
            return Poll::Ready(());
        }
        woken = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Any port of the loopback interface.
pub const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Tasks.
pub trait Executor: 'static {
    /// A task that nobody waits for.
    type Task: 'static;

    /// Spawns a task, from within another one. What is returned waits for it.
    fn spawn<T: 'static>(
        future: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> + 'static;

    /// Spawns a task that does not end by itself.
    fn start(future: impl Future<Output = ()> + 'static) -> Self::Task;

    /// Cancels such tasks, and waits until they are gone.
    fn cancel(tasks: Vec<Self::Task>) -> impl Future<Output = ()>;

    /// Lets the other tasks go first.
    fn give_way() -> impl Future<Output = ()> {
        self_wake()
    }
}

/// Time.
pub trait Timers: Executor {
    /// Sleeps.
    fn sleep(duration: Duration) -> impl Future<Output = ()> + 'static;

    /// Gives up after a while.
    fn within<T>(
        limit: Duration,
        future: impl Future<Output = T>,
    ) -> impl Future<Output = Option<T>>;
}

/// Bounded channels from one task to another.
pub trait Channels: Executor {
    /// The end that is sent to.
    type Sender<T: 'static>: Clone + 'static;
    /// The end that is received from.
    type Receiver<T: 'static>: 'static;

    /// A channel for so many values.
    fn channel<T: 'static>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>);

    /// Sends a value to somebody who is there.
    fn give<T: 'static>(sender: &mut Self::Sender<T>, value: T) -> impl Future<Output = ()>;

    /// Receives a value, until nobody sends any more.
    fn take<T: 'static>(receiver: &mut Self::Receiver<T>) -> impl Future<Output = Option<T>>;
}

/// TCP and UDP. Buffers are handed over and given back, since some peers ask for that; to the others it
/// makes no difference.
pub trait Network: Executor {
    /// A listener.
    type Listener: 'static;
    /// A connection.
    type Stream: 'static;
    /// A UDP socket.
    type Datagrams: 'static;

    /// Listens at a port of the loopback interface.
    async fn listen() -> io::Result<(Self::Listener, SocketAddr)>;

    /// Connects.
    async fn connect(address: SocketAddr) -> io::Result<Self::Stream>;

    /// Accepts a connection. It is told not to wait before it sends little.
    async fn accept(listener: &Self::Listener) -> io::Result<Self::Stream>;

    /// Sends so many bytes of the buffer.
    async fn send(stream: &mut Self::Stream, buffer: Vec<u8>, count: usize) -> io::Result<Vec<u8>>;

    /// Receives into the buffer: so many bytes, no more than it has capacity for.
    async fn receive(stream: &mut Self::Stream, buffer: Vec<u8>) -> io::Result<(Vec<u8>, usize)>;

    /// A UDP socket at a port of the loopback interface.
    async fn bind() -> io::Result<(Self::Datagrams, SocketAddr)>;

    /// Sends the buffer as a datagram.
    async fn send_to(
        socket: &Self::Datagrams,
        buffer: Vec<u8>,
        address: SocketAddr,
    ) -> io::Result<Vec<u8>>;

    /// Receives a datagram that fills the buffer.
    async fn receive_from(
        socket: &Self::Datagrams,
        buffer: Vec<u8>,
    ) -> io::Result<(Vec<u8>, SocketAddr)>;
}
