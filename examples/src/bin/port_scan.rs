//! Looks which TCP ports of a host are open.
//!
//! ```text
//! $ cargo run --release --bin port_scan -- localhost 1-10000
//! scanning 10000 ports of localhost (127.0.0.1)
//! 22 is open
//! ⠹ ██████████████████████░░░░░░░░ 7412/10000, 2 open
//! 8000 is open
//! 2 open, 9998 closed, 0 without an answer
//! ```
//!
//! Many attempts are under way at once, but no more than one wants: `gather` begins the next when there is
//! room for it. Each has a limit of its own. On Ctrl-C all are unwound, which closes them, and the program
//! says how far it has got. Scan what is yours.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::process::ExitCode;
use std::time::Duration;

use examples::{Stop, arguments, parse_count, parse_seconds, say};
use indicatif::{ProgressBar, ProgressStyle};
use trio::net::{TcpStream, getaddrinfo};

const USAGE: &str = "\
usage: port_scan [--at-once COUNT] [--patience SECONDS] HOST [PORTS]

  HOST        its name or address
  PORTS       as in 22,80,8000-8100; 1-1024 if it is not given
  --at-once   how many ports are tried at the same time, 200 if it is not given
  --patience  how long a port may take to answer, 1 second if it is not given";

/// How often the bar is drawn.
const TICK: Duration = Duration::from_millis(100);

#[trio::main]
async fn main() -> trio::Result<ExitCode> {
    let options = match Options::parse(arguments()) {
        Ok(options) => options,
        Err(stop) => return Ok(stop.explain(USAGE)),
    };
    let addresses = getaddrinfo((options.host.as_str(), 0)).await?;
    let host = addresses[0].ip();
    let scan = Scan::new(host, &options);
    say(format_args!("scanning {} ports of {} ({host})", options.count(), options.host));
    trio::finally(async { scan.all(&options).await }, async {
        // Also on Ctrl-C.
        scan.bar.finish_and_clear();
        say(&scan);
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

/// How far it is.
struct Scan {
    host: IpAddr,
    patience: Duration,
    bar: ProgressBar,
    open: RefCell<Vec<u16>>,
    closed: Cell<usize>,
    silent: Cell<usize>,
}

impl Scan {
    fn new(host: IpAddr, options: &Options) -> Scan {
        // It goes to standard error, and nowhere if that is not a terminal.
        let style = "{spinner} {bar:30.green/dim} {pos}/{len}, {msg}";
        let bar = ProgressBar::new(options.count() as u64).with_style(
            ProgressStyle::with_template(style).expect("it is right").progress_chars("██░"),
        );
        let (patience, open) = (options.patience, RefCell::default());
        Scan { host, patience, bar, open, closed: Cell::new(0), silent: Cell::new(0) }
    }

    #[trio::task]
    async fn all(&self, options: &Options) -> trio::Result<()> {
        let ports = options.ports.iter().cloned().flatten();
        let scanning = trio::try_gather(options.at_once, ports.map(|port| self.one(port)));
        // The bar turns as long as there is something to wait for.
        trio::race!(
            async {
                scanning.await?;
                Ok::<_, trio::Error>(())
            },
            self.draw(),
        )
        .await?;
        Ok(())
    }

    /// Tries one port. An error is one of this machine: every other port would have it, too.
    #[trio::task]
    async fn one(&self, port: u16) -> io::Result<()> {
        let address = SocketAddr::new(self.host, port);
        let tried = trio::move_on_after(self.patience, || TcpStream::connect(address)).await;
        match tried {
            // A port of this machine that nobody listens at can be the one that the attempt itself has
            // got: then it connects to itself.
            Some(Ok(stream)) if stream.local_addr()? == address => self.closed.update(|n| n + 1),
            Some(Ok(_)) => {
                self.open.borrow_mut().push(port);
                self.bar.suspend(|| say(format_args!("{port} is open")));
            }
            Some(Err(error)) => match error.kind() {
                io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => {
                    self.closed.update(|n| n + 1);
                }
                io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable => {
                    self.silent.update(|n| n + 1);
                }
                _ => return Err(error),
            },
            None => self.silent.update(|n| n + 1),
        }
        self.bar.inc(1);
        self.bar.set_message(format!("{} open", self.open.borrow().len()));
        Ok(())
    }

    #[trio::task]
    async fn draw(&self) -> trio::Result<()> {
        loop {
            trio::sleep(TICK).await;
            self.bar.tick();
        }
    }
}

impl fmt::Display for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, closed, silent) =
            (self.open.borrow().len(), self.closed.get(), self.silent.get());
        write!(f, "{open} open, {closed} closed, {silent} without an answer")
    }
}

struct Options {
    host: String,
    ports: Vec<RangeInclusive<u16>>,
    at_once: usize,
    patience: Duration,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, Stop> {
        let (mut host, mut ports) = (None, None);
        let mut at_once = 200;
        let mut patience = Duration::from_secs(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("`{argument}` needs a value"));
            match argument.as_str() {
                "-h" | "--help" => return Err(Stop::Help),
                "--at-once" => at_once = parse_count(&value()?, "ports")?,
                "--patience" => patience = parse_seconds(&value()?)?,
                option if option.starts_with('-') => {
                    return Err(format!("unknown option `{option}`").into());
                }
                first if host.is_none() => host = Some(first.to_owned()),
                second if ports.is_none() => ports = Some(parse_ports(second)?),
                third => return Err(format!("`{third}` is too much").into()),
            }
        }
        let host = host.ok_or("the host to scan is missing")?;
        Ok(Options { host, ports: ports.unwrap_or_else(|| vec![1..=1024]), at_once, patience })
    }

    fn count(&self) -> usize {
        self.ports.iter().map(ExactSizeIterator::len).sum()
    }
}

fn parse_ports(text: &str) -> Result<Vec<RangeInclusive<u16>>, String> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        (0 < first && first <= last).then_some(first..=last)
    };
    text.split(',')
        .map(|part| range(part).ok_or_else(|| format!("`{part}` is neither a port nor a range")))
        .collect()
}
