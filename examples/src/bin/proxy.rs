//! A server that passes connections on to another one, over TCP or Unix sockets on either side.
//!
//! ```text
//! $ cargo run --bin proxy 7000 example.org:80
//! listening on 127.0.0.1:7000
//! 1 connected, 1 since the start, 83 bytes there, 1256 bytes back
//! ```
//!
//! A connection is [`pump`] between two streams; the rest is what one wants of a server: a limit of
//! connections, an end for those that are idle, statistics, and on Ctrl-C some time for those that are busy.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use examples::{Stop, arguments, complain, parse_count, parse_seconds, say, with_causes};
use trio::net::{Server, TcpListener, UnixListener, UnixStream, open_tcp_stream};
use trio::stream::{
    AsyncResource, DynHalfCloseableStream, HalfCloseableStream, Listener, ReceiveStream,
    SendStream, pump,
};
use trio::{CancelScope, nursery};

const USAGE: &str = "\
usage: proxy [--max COUNT] [--idle SECONDS] [--every SECONDS] FROM TO

  FROM      where to listen: PORT, ADDRESS:PORT (IPv6 as [::1]:7000), or unix:PATH; port 0 takes a
            free one
  TO        where to connect to: PORT, HOST:PORT, or unix:PATH
  --max     how many connections there are at most; others wait; 1000 if it is not given
  --idle    how long a connection may be without any traffic, 300 seconds if it is not given
  --every   how often to print the statistics, every 5 seconds if it is not given";

#[trio::main(grace_seconds = 5)]
async fn main() -> trio::Result<ExitCode> {
    let options = match Options::parse(arguments()) {
        Ok(options) => options,
        Err(stop) => return Ok(stop.explain(USAGE)),
    };
    let cannot = |error| format!("cannot listen on {}: {error}", options.from);
    let statistics = Statistics::default();
    match &options.from {
        Place::Tcp(host, port) => {
            let address = format!("{host}:{port}");
            let address: SocketAddr =
                address.parse().map_err(|_| format!("`{host}` is no address to listen on"))?;
            let listener = TcpListener::bind(address).map_err(cannot)?;
            say(format_args!("listening on {}", listener.local_addr()?));
            serve(listener, &options, &statistics).await?;
        }
        Place::Unix(path) => {
            let listener = UnixListener::bind(path).map_err(cannot)?;
            say(format_args!("listening on {}", options.from));
            serve(listener, &options, &statistics).await?;
        }
    }
    say(format_args!("stopped: {statistics}"));
    Ok(ExitCode::SUCCESS)
}

/// Serves until a stop is requested, and the last connection has ended.
#[trio::task]
async fn serve<L>(listener: L, options: &Options, statistics: &Statistics) -> trio::Result<()>
where
    L: Listener<Stream: HalfCloseableStream>,
{
    nursery!(|n| {
        n.spawn_service(report, statistics, options.every);
        let server = Server::new().max_connections(options.max);
        server.serve(vec![listener], |client| attend(client, options, statistics)).await?;
    })?;
    Ok(())
}

/// Serves one client. That its connection breaks is no concern of the others.
#[trio::task]
async fn attend<S: HalfCloseableStream>(client: S, options: &Options, statistics: &Statistics) {
    let _connected = statistics.came();
    if let Err(error) = forward(&client, options, statistics).await {
        complain(format_args!("a connection to {}: {}", options.to, with_causes(&*error)));
    }
}

#[trio::task]
async fn forward<S: HalfCloseableStream>(
    client: &S,
    options: &Options,
    statistics: &Statistics,
) -> trio::Result<()> {
    let server = options.to.connect().await?;
    let active = CancelScope::with_timeout(options.idle);
    let idle = options.idle;
    let client = Watched { stream: client, active: &active, idle, bytes: &statistics.there };
    let server = Watched { stream: &*server, active: &active, idle, bytes: &statistics.back };
    match active.run(async { pump(&client, &server).await }).await {
        Some(result) => drop(result?),
        None => say(format_args!("a connection was idle for {idle:?}")),
    }
    Ok(())
}

/// Prints the statistics from time to time.
#[trio::task]
async fn report(statistics: &Statistics, every: Duration) {
    loop {
        trio::sleep(every).await;
        say(statistics);
    }
}

/// A stream whose traffic is counted, and keeps its connection from being idle.
struct Watched<'a, S: ?Sized> {
    stream: &'a S,
    active: &'a CancelScope,
    idle: Duration,
    /// What was received from it.
    bytes: &'a Cell<usize>,
}

impl<S: ?Sized> Watched<'_, S> {
    fn is_active(&self) {
        self.active.set_deadline(Some(trio::current_time() + self.idle));
    }
}

impl<S: AsyncResource + ?Sized> AsyncResource for Watched<'_, S> {
    fn close_forcefully(&self) {
        self.stream.close_forcefully();
    }
}

impl<S: ReceiveStream + ?Sized> ReceiveStream for Watched<'_, S> {
    async fn receive_some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.receive_some(buffer).await?;
        self.bytes.update(|bytes| bytes + count);
        self.is_active();
        Ok(count)
    }
}

impl<S: SendStream + ?Sized> SendStream for Watched<'_, S> {
    async fn send_all(&self, data: &[u8]) -> io::Result<()> {
        self.stream.send_all(data).await?;
        self.is_active();
        Ok(())
    }

    fn wait_send_all_might_not_block(&self) -> impl Future<Output = io::Result<()>> {
        self.stream.wait_send_all_might_not_block()
    }
}

impl<S: HalfCloseableStream + ?Sized> HalfCloseableStream for Watched<'_, S> {
    fn send_eof(&self) -> impl Future<Output = io::Result<()>> {
        self.stream.send_eof()
    }
}

/// What the proxy has done so far.
#[derive(Default)]
struct Statistics {
    connected: Cell<usize>,
    connections: Cell<usize>,
    there: Cell<usize>,
    back: Cell<usize>,
}

impl Statistics {
    fn came(&self) -> Connected<'_> {
        self.connected.update(|count| count + 1);
        self.connections.update(|count| count + 1);
        Connected(self)
    }
}

/// Somebody is connected.
struct Connected<'a>(&'a Statistics);

impl Drop for Connected<'_> {
    fn drop(&mut self) {
        self.0.connected.update(|count| count - 1);
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (connected, connections) = (self.connected.get(), self.connections.get());
        let (there, back) = (self.there.get(), self.back.get());
        write!(f, "{connected} connected, {connections} since the start, ")?;
        write!(f, "{there} bytes there, {back} bytes back")
    }
}

/// Where to listen or to connect to.
enum Place {
    Tcp(String, u16),
    Unix(PathBuf),
}

impl Place {
    fn parse(text: &str) -> Result<Place, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Place::Unix(path.into()));
        }
        let (host, port) = text.rsplit_once(':').unwrap_or(("127.0.0.1", text));
        match port.parse() {
            Ok(port) if !host.is_empty() => Ok(Place::Tcp(host.to_owned(), port)),
            _ => Err(format!("`{text}` is neither a port, nor HOST:PORT, nor unix:PATH")),
        }
    }

    #[trio::task]
    async fn connect(&self) -> io::Result<Box<dyn DynHalfCloseableStream>> {
        match self {
            Place::Tcp(host, port) => {
                let host =
                    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
                Ok(Box::new(open_tcp_stream(host, *port).await?))
            }
            Place::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp(host, port) => write!(f, "{host}:{port}"),
            Place::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

struct Options {
    from: Place,
    to: Place,
    max: usize,
    idle: Duration,
    every: Duration,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, Stop> {
        let mut places = Vec::new();
        let (mut max, mut idle, mut every) =
            (1000, Duration::from_secs(300), Duration::from_secs(5));
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("`{argument}` needs a number"));
            match argument.as_str() {
                "-h" | "--help" => return Err(Stop::Help),
                "--max" => max = parse_count(&value()?, "connections")?,
                "--idle" => idle = parse_seconds(&value()?)?,
                "--every" => every = parse_seconds(&value()?)?,
                option if option.starts_with('-') => {
                    return Err(format!("unknown option `{option}`").into());
                }
                place => places.push(Place::parse(place)?),
            }
        }
        match <[Place; 2]>::try_from(places) {
            Ok([from, to]) => Ok(Options { from, to, max, idle, every }),
            Err(_) => Err("a proxy has two sides: where to listen, and where to connect to".into()),
        }
    }
}
