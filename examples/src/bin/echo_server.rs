//! A server that sends back whatever it receives.
//!
//! ```text
//! $ cargo run --bin echo_server 7000
//! listening on 127.0.0.1:7000
//! 127.0.0.1:51124 is here
//! 1 connected, 1 since the start, 12 bytes echoed
//! ```
//!
//! Every connection is a task, which borrows the statistics of the server. On Ctrl-C each of them says
//! the end of its stream to its client, and the process dies of SIGINT once all have.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use examples::{Stop, arguments, complain, parse_address, parse_seconds, say, with_causes};
use trio::net::{TcpListener, TcpStream};
use trio::nursery;

const USAGE: &str = "\
usage: echo_server [--every SECONDS] [ADDRESS:]PORT

  PORT      the port to listen on; 0 takes a free one
  ADDRESS   the address to listen on, 127.0.0.1 if it is not given; IPv6 as [::1]:7000
  --every   how often to print the statistics, every 5 seconds if it is not given";

/// How long a client may take to hear that the server leaves.
const GOODBYE: Duration = Duration::from_secs(1);

#[trio::main]
async fn main() -> trio::Result<ExitCode> {
    let options = match Options::parse(arguments()) {
        Ok(options) => options,
        Err(stop) => return Ok(stop.explain(USAGE)),
    };
    let listener = TcpListener::bind(options.address)
        .map_err(|error| format!("cannot listen on {}: {error}", options.address))?;
    say(format_args!("listening on {}", listener.local_addr()?));

    let statistics = Statistics::default();
    trio::finally(async { serve(&listener, &statistics, options.every).await }, async {
        say(format_args!("stopped: {statistics}"));
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

/// Gives every connection a task of its own.
#[trio::task]
async fn serve(
    listener: &TcpListener,
    statistics: &Statistics,
    every: Duration,
) -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(report, statistics, every);
        loop {
            match listener.accept().await {
                Ok(stream) => {
                    n.spawn(attend, stream, statistics);
                }
                Err(error) if may_pass(&error) => {
                    complain(format_args!("cannot accept for the moment: {error}"));
                    trio::sleep(Duration::from_millis(100)).await;
                }
                Err(error) => Err(error)?,
            }
        }
    })?;
    Ok(())
}

/// Serves one client. That its connection breaks is no concern of the others.
#[trio::task]
async fn attend(stream: TcpStream, statistics: &Statistics) {
    let peer = stream.peer_addr();
    say(format_args!("{peer} is here"));
    statistics.came();
    let result = trio::finally_within(GOODBYE, async { echo(&stream, statistics).await }, async {
        // The client may be gone; then there is nobody to tell.
        let _ = stream.send_eof().await;
        statistics.left();
        say(format_args!("{peer} has left"));
    })
    .await;
    if let Err(error) = result {
        complain(format_args!("{peer}: {}", with_causes(&error)));
    }
}

#[trio::task]
async fn echo(stream: &TcpStream, statistics: &Statistics) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = stream.receive_some(&mut buffer).await?;
        if count == 0 {
            return Ok(());
        }
        stream.send_all(&buffer[..count]).await?;
        statistics.echoed(count);
    }
}

/// Prints the statistics from time to time.
#[trio::task]
async fn report(statistics: &Statistics, every: Duration) {
    loop {
        trio::sleep(every).await;
        say(statistics);
    }
}

/// Whether the system has run out of something that a connection may give back when it ends.
fn may_pass(error: &io::Error) -> bool {
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    matches!(error.raw_os_error(), Some(ENFILE | EMFILE))
        || error.kind() == io::ErrorKind::OutOfMemory
}

/// What the server has done so far.
#[derive(Default)]
struct Statistics {
    connected: Cell<usize>,
    connections: Cell<usize>,
    bytes: Cell<usize>,
}

impl Statistics {
    fn came(&self) {
        self.connected.update(|count| count + 1);
        self.connections.update(|count| count + 1);
    }

    fn left(&self) {
        self.connected.update(|count| count - 1);
    }

    fn echoed(&self, bytes: usize) {
        self.bytes.update(|count| count + bytes);
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (connected, connections) = (self.connected.get(), self.connections.get());
        let bytes = self.bytes.get();
        write!(f, "{connected} connected, {connections} since the start, {bytes} bytes echoed")
    }
}

struct Options {
    address: SocketAddr,
    every: Duration,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, Stop> {
        let mut address = None;
        let mut every = Duration::from_secs(5);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "-h" | "--help" => return Err(Stop::Help),
                "--every" => {
                    let seconds = arguments.next().ok_or("`--every` needs a number of seconds")?;
                    every = parse_seconds(&seconds)?;
                }
                option if option.starts_with('-') => {
                    return Err(format!("unknown option `{option}`").into());
                }
                second if address.is_some() => {
                    return Err(format!("one port is enough: `{second}` is a second one").into());
                }
                first => address = Some(parse_address(first)?),
            }
        }
        let address = address.ok_or("the port to listen on is missing")?;
        Ok(Options { address, every })
    }
}
