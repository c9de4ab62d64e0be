//! A TCP server on several threads, each with a run of its own.
//!
//! ```text
//!   the caller's run                                     a thread, n times
//!
//!   listens: n times at the same port, or once with n descriptors
//!   nursery ─┬─ shard: waits for its thread ───────────▶ run ─▶ scope ─▶ Server::serve ─▶ handlers
//!            │  (n times)                                         ▲
//!            └─ watcher: a stop, a cancellation ── call_soon ─────┘
//! ```
//!
//! What ends one shard, an error or a panic, cancels the nursery, and so the watcher, which tells the
//! others.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::serve::Server;
use super::socket::Socket;
use super::tcp_listener::TcpListener;
use super::tcp_server::TcpServer;
use super::tcp_stream::TcpStream;
use crate::lowlevel::{RunVar, TrioToken, current_trio_token};
use crate::sync::CapacityLimiter;
use crate::thread::WorkerThread;
use crate::{
    Builder, Call, CancelScope, EffectiveDeadline, TaskFn, TaskOutput, TaskStatus,
    current_effective_deadline, nursery, sleep_forever, wait_for_stop,
};

/// Serves TCP connections at a port, on all addresses of this machine, by several threads: the plain answer
/// to more than one core.
///
/// Each thread has a run of its own, and on Linux listeners of its own at the same port (`SO_REUSEPORT`),
/// among which the system shares the connections. Elsewhere the threads share one, and the first to come
/// gets a connection. `make_handler` is called once in each of them, and gives the
/// handler for the connections of that thread: what these share needs no lock, and what all threads share
/// is borrowed by `make_handler`. [`TcpServer::serve_on_threads`] is this with settings.
///
/// It ends as [`serve_tcp`](super::serve_tcp) does: a cancellation of the caller cancels all runs, a request
/// to stop reaches all of them, and what ends one of them ends all. A connection that a thread has not
/// accepted when it stops listening is reset by the system, also if others would have had time for it.
///
/// # Cancellation
///
/// A checkpoint. All connections are unwound, and it waits until all threads are done.
///
/// # Errors
///
/// As [`serve_tcp`](super::serve_tcp), for the thread that has failed.
///
/// # Panics
///
/// As [`serve_tcp`](super::serve_tcp); and if there is to be no thread at all.
///
/// ```no_run
/// use std::cell::Cell;
/// use std::io;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use trio::net::{TcpStream, serve_tcp_on_threads};
///
/// #[trio::task]
/// async fn greet(stream: TcpStream, total: &AtomicU64) -> io::Result<()> {
///     let number = total.fetch_add(1, Ordering::Relaxed);
///     stream.send_all(format!("you are number {number}\n").as_bytes()).await
/// }
///
/// #[trio::main]
/// async fn main() -> trio::Result<()> {
///     let total = AtomicU64::new(1);
///     let threads = std::thread::available_parallelism()?.get();
///     serve_tcp_on_threads(threads, || |stream| greet(stream, &total), 7000).await
/// }
/// ```
pub fn serve_tcp_on_threads<M, H>(
    threads: usize,
    make_handler: M,
    port: u16,
) -> Call<impl Future<Output = crate::Result<()>>>
where
    M: Fn() -> H + Sync,
    H: TaskFn<(TcpStream,)>,
    H::Output: TaskOutput,
{
    TcpServer::new(port).serve_on_threads(threads, make_handler)
}

impl TcpServer {
    /// Serves by several threads: see [`serve_tcp_on_threads`]. The settings hold for each of them.
    ///
    /// # Cancellation
    ///
    /// As [`serve_tcp_on_threads`].
    ///
    /// # Errors
    ///
    /// As [`serve_tcp_on_threads`].
    ///
    /// # Panics
    ///
    /// As [`serve_tcp_on_threads`].
    pub fn serve_on_threads<M, H>(
        self,
        threads: usize,
        make_handler: M,
    ) -> Call<impl Future<Output = crate::Result<()>>>
    where
        M: Fn() -> H + Sync,
        H: TaskFn<(TcpStream,)>,
        H::Output: TaskOutput,
    {
        serve_on_threads(None, self, threads, make_handler)
    }

    /// [`serve_on_threads`](TcpServer::serve_on_threads) that tells the addresses as soon as it listens:
    /// for `n.start(TcpServer::start_on_threads, server, threads, make_handler)`.
    ///
    /// # Cancellation
    ///
    /// As [`serve_tcp_on_threads`].
    ///
    /// # Errors
    ///
    /// As [`serve_tcp_on_threads`].
    ///
    /// # Panics
    ///
    /// As [`serve_tcp_on_threads`].
    pub fn start_on_threads<M, H>(
        status: TaskStatus<Vec<SocketAddr>>,
        server: TcpServer,
        threads: usize,
        make_handler: M,
    ) -> Call<impl Future<Output = crate::Result<()>>>
    where
        M: Fn() -> H + Sync,
        H: TaskFn<(TcpStream,)>,
        H::Output: TaskOutput,
    {
        serve_on_threads(Some(status), server, threads, make_handler)
    }
}

#[crate::task(crate = "crate")]
async fn serve_on_threads<M, H>(
    status: Option<TaskStatus<Vec<SocketAddr>>>,
    server: TcpServer,
    threads: usize,
    make_handler: M,
) -> crate::Result<()>
where
    M: Fn() -> H + Sync,
    H: TaskFn<(TcpStream,)>,
    H::Output: TaskOutput,
{
    assert!(threads > 0, "a server on no thread at all would serve nobody");
    let server = shared(server);
    let first = server.listen().await?;
    let addresses: Vec<SocketAddr> =
        first.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?;
    let more = (1..threads).map(|_| first.iter().map(|it| one_more(&server, it)).collect());
    let mut listeners = more.collect::<io::Result<Vec<Vec<TcpListener>>>>()?;
    listeners.push(first);
    if let Some(status) = status {
        status.started(addresses);
    }
    let (runs, limiter) = (Runs::default(), CapacityLimiter::new(threads));
    let shards =
        Shards { server: server.server, runs: &runs, limiter: &limiter, make: &make_handler };
    nursery!(|n| {
        let watcher = n.spawn(tell, &runs);
        let mut serving = Vec::new();
        for listeners in listeners {
            let descriptors = listeners.into_iter().map(TcpListener::into_fd);
            serving.push(n.spawn(shard, shards, descriptors.collect::<io::Result<_>>()?));
        }
        for shard in &serving {
            shard.wait().await;
        }
        watcher.cancel();
    })?;
    Ok(())
}

/// The server, whose port can be shared.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn shared(server: TcpServer) -> TcpServer {
    server.reuse_port(true)
}

/// A listener for another thread.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn one_more(server: &TcpServer, first: &TcpListener) -> io::Result<TcpListener> {
    super::tcp_server::listen_at(server, first.local_addr()?)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn shared(server: TcpServer) -> TcpServer {
    server
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn one_more(_: &TcpServer, first: &TcpListener) -> io::Result<TcpListener> {
    first.duplicate()
}

/// What all shards of a server share.
struct Shards<'a, M> {
    server: Server,
    runs: &'a Runs,
    limiter: &'a CapacityLimiter,
    make: &'a M,
}

impl<M> Clone for Shards<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Shards<'_, M> {}

/// A thread with its run, seen from the caller's.
#[crate::task(crate = "crate")]
async fn shard<M, H>(shards: Shards<'_, M>, listeners: Vec<OwnedFd>) -> crate::Result<()>
where
    M: Fn() -> H + Sync,
    H: TaskFn<(TcpStream,)>,
    H::Output: TaskOutput,
{
    let Shards { server, runs, limiter, make } = shards;
    let thread = WorkerThread::new().name("trio server").limiter(limiter);
    let run = move || {
        Builder::new().ignore_interrupts().run(|| serve_in_thread(server, runs, make, listeners))
    };
    thread.run(run).await
}

/// The main task of the thread's run.
#[crate::task(crate = "crate")]
async fn serve_in_thread<M, H>(
    server: Server,
    runs: &Runs,
    make: &M,
    descriptors: Vec<OwnedFd>,
) -> crate::Result<()>
where
    M: Fn() -> H + Sync,
    H: TaskFn<(TcpStream,)>,
    H::Output: TaskOutput,
{
    let listeners =
        descriptors.into_iter().map(|fd| TcpListener::from_socket(Socket::from_fd(fd)?));
    let listeners = listeners.collect::<io::Result<_>>()?;
    let scope = CancelScope::new();
    runs.join(&scope);
    let served = scope.run(async { server.serve(listeners, make()).await }).await;
    served.unwrap_or(Ok(()))
}

/// Tells the runs when a stop is requested, and when this is cancelled.
#[crate::task(crate = "crate")]
async fn tell(runs: &Runs) {
    let _at_the_end = CancelsAtTheEnd(runs);
    wait_for_stop().await;
    let grace = match current_effective_deadline() {
        EffectiveDeadline::At(deadline) => {
            deadline.saturating_duration_since(crate::current_time())
        }
        EffectiveDeadline::Cancelled => Duration::ZERO,
        EffectiveDeadline::Never => Duration::MAX,
    };
    runs.request_stop(grace);
    sleep_forever().await;
}

struct CancelsAtTheEnd<'a>(&'a Runs);

impl Drop for CancelsAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// What a run serves in.
static SERVING: RunVar<CancelScope> = RunVar::new("the scope of the server");

/// The runs of the threads, and what they are to know, also those that come later.
#[derive(Default)]
struct Runs {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    runs: Vec<TrioToken>,
    stop: Option<Duration>,
    cancelled: bool,
}

impl Runs {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run of this thread serves in this scope.
    fn join(&self, scope: &CancelScope) {
        SERVING.set(scope.clone());
        let mut known = self.lock();
        known.runs.push(current_trio_token());
        if let Some(grace) = known.stop {
            scope.request_stop(grace);
        }
        if known.cancelled {
            scope.cancel();
        }
    }

    fn request_stop(&self, grace: Duration) {
        self.lock().stop = Some(grace);
        self.in_each(move |scope| scope.request_stop(grace));
    }

    fn cancel(&self) {
        self.lock().cancelled = true;
        self.in_each(CancelScope::cancel);
    }

    /// Calls a function in each run that there is.
    fn in_each(&self, function: impl FnOnce(&CancelScope) + Copy + Send + 'static) {
        let runs = self.lock().runs.clone();
        for run in runs {
            // One that has ended needs no telling.
            let _ = run.call_soon(move || {
                if let Some(scope) = SERVING.get() {
                    function(&scope);
                }
            });
        }
    }
}
