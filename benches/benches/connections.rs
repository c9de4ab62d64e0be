//! Many connections at once: how long they take to be set up, served and closed, and what memory each
//! costs the server. The server is a process of its own, once for each runtime; the clients are trio's.
//!
//! ```text
//! cargo bench -p benches --bench connections            # 10,000
//! cargo bench -p benches --bench connections -- 5000
//! ```
//!
//! Memory is what the process has grown by (its resident set), so what the system keeps for a socket is
//! not in it.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use trio::net::{TcpStream, serve_listeners};
use trio::{Nursery, nursery};

const COUNT: usize = 10_000;
/// How many are set up at the same time.
const AT_ONCE: usize = 100;
/// The bytes of an echo.
const SIZE: usize = 64;
/// Descriptors that are not connections.
const OTHERS: u64 = 64;
const RUNTIMES: [&str; 3] = ["trio", "tokio", "smol"];

fn main() {
    let limit = raise_limit();
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let first = arguments.next();
    if first.as_deref() == Some("--serve") {
        let runtime = arguments.next().expect("the runtime");
        let count = arguments.next().expect("how many").parse().expect("a number");
        return serve(&runtime, count);
    }
    let wanted = match first.as_deref() {
        Some("--quick") => COUNT / 10,
        Some(count) => count.parse().expect("a number of connections"),
        None => COUNT,
    };
    let count = wanted.min(usize::try_from(limit - OTHERS).expect("it is a number of descriptors"));
    if count < wanted {
        println!("the limit of descriptors, {limit}, does not allow for {wanted} connections");
    }
    println!("{count} connections, both ends on this machine\n");
    println!("| server | set up and one echo | closed | memory of each |");
    println!("|---|---|---|---|");
    for runtime in RUNTIMES {
        measure(runtime, count);
    }
}

/// As many descriptors as the system allows.
fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum: limit.maximum })
        .expect("the soft limit can be raised to the hard one");
    current.unwrap_or(u64::MAX)
}

fn measure(runtime: &str, count: usize) {
    let mut server = Command::new(std::env::current_exe().expect("this program has a path"))
        .args(["--serve", runtime, &count.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program can be started once more");
    let mut lines = BufReader::new(server.stdout.take().expect("it is piped")).lines();
    let mut next = move || lines.next().expect("the server goes on").expect("it is text");
    let address = next().parse().expect("it is an address");
    let (set_up, closed, memory) =
        trio::run(|| talk(address, count, next)).expect("all are served");
    println!("| {runtime} | {set_up:.2?} | {closed:.2?} | {memory} |");
    server.wait().expect("it ends");
}

#[trio::task]
async fn talk(
    address: SocketAddr,
    count: usize,
    mut server_says: impl FnMut() -> String,
) -> trio::Result<(Duration, Duration, String)> {
    let start = Instant::now();
    let streams = RefCell::new(Vec::with_capacity(count));
    nursery!(|n| {
        for number in 0..AT_ONCE {
            let share = count / AT_ONCE + usize::from(number < count % AT_ONCE);
            n.spawn(connect_some, address, share, &streams);
        }
    })?;
    let memory = server_says();
    let set_up = start.elapsed();
    let start = Instant::now();
    drop(streams);
    server_says();
    Ok((set_up, start.elapsed(), memory))
}

/// Sets up connections, one after the other, each with one echo.
#[trio::task]
async fn connect_some(
    address: SocketAddr,
    count: usize,
    streams: &RefCell<Vec<TcpStream>>,
) -> io::Result<()> {
    let mut back = [0; SIZE];
    for _ in 0..count {
        let stream = TcpStream::connect(address).await?;
        stream.send_all(&[7; SIZE]).await?;
        assert_eq!(stream.receive_some(&mut back).await?, SIZE);
        streams.borrow_mut().push(stream);
    }
    Ok(())
}

/// What the server has seen of its connections.
struct Seen {
    wanted: usize,
    before: usize,
    echoed: Cell<usize>,
    closed: Cell<usize>,
}

impl Seen {
    fn new(wanted: usize) -> Seen {
        Seen { wanted, before: resident(), echoed: Cell::new(0), closed: Cell::new(0) }
    }

    fn echoed(&self) {
        self.echoed.update(|count| count + 1);
        if self.echoed.get() == self.wanted {
            let grown = resident().saturating_sub(self.before);
            println!("{:.2} KiB", grown as f64 / self.wanted as f64 / 1024.0);
        }
    }

    /// Says whether all are.
    fn closed(&self) -> bool {
        self.closed.update(|count| count + 1);
        let all = self.closed.get() == self.wanted;
        if all {
            println!("closed");
        }
        all
    }
}

/// The memory of this process that is really there.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("this is a Linux");
    let pages = statm.split(' ').nth(1).expect("it is the second number");
    pages.parse::<usize>().expect("it is a number") * rustix::param::page_size()
}

fn serve(runtime: &str, count: usize) {
    match runtime {
        "trio" => trio::run(|| on_trio(count)).expect("nothing fails"),
        "tokio" => benches::on_tokio(on_tokio(count)).expect("nothing fails"),
        _ => {
            let executor = smol::LocalExecutor::new();
            smol::block_on(executor.run(on_smol(&executor, count))).expect("nothing fails");
        }
    }
}

const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

#[trio::task]
async fn on_trio(count: usize) -> trio::Result<()> {
    let seen = Seen::new(count);
    let listener = trio::net::TcpListener::bind(ANY)?;
    println!("{}", listener.local_addr()?);
    nursery!(|n| {
        let handler = |stream| echo_on_trio(stream, &seen, n);
        serve_listeners(vec![listener], handler).await?;
    })?;
    Ok(())
}

#[trio::task]
async fn echo_on_trio(stream: TcpStream, seen: &Seen, n: Nursery<'_>) -> io::Result<()> {
    let mut buffer = [0; SIZE];
    while let received @ 1.. = stream.receive_some(&mut buffer).await? {
        stream.send_all(&buffer[..received]).await?;
        seen.echoed();
    }
    drop(stream);
    if seen.closed() {
        n.cancel();
    }
    Ok(())
}

async fn on_tokio(count: usize) -> io::Result<()> {
    let seen = Rc::new(Seen::new(count));
    let all = Rc::new(tokio::sync::Notify::new());
    let listener = tokio::net::TcpListener::bind(ANY).await?;
    println!("{}", listener.local_addr()?);
    for _ in 0..count {
        let (mut stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (seen, all) = (Rc::clone(&seen), Rc::clone(&all));
        tokio::task::spawn_local(async move {
            let mut buffer = [0; SIZE];
            while let Ok(received @ 1..) = stream.read(&mut buffer).await {
                stream.write_all(&buffer[..received]).await.expect("the client is there");
                seen.echoed();
            }
            drop(stream);
            if seen.closed() {
                all.notify_one();
            }
        });
    }
    all.notified().await;
    Ok(())
}

async fn on_smol(executor: &smol::LocalExecutor<'_>, count: usize) -> io::Result<()> {
    let seen = Rc::new(Seen::new(count));
    let (sender, all) = smol::channel::bounded(1);
    let listener = smol::net::TcpListener::bind(ANY).await?;
    println!("{}", listener.local_addr()?);
    for _ in 0..count {
        let (mut stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (seen, sender) = (Rc::clone(&seen), sender.clone());
        let attend = async move {
            let mut buffer = [0; SIZE];
            while let Ok(received @ 1..) = stream.read(&mut buffer).await {
                stream.write_all(&buffer[..received]).await.expect("the client is there");
                seen.echoed();
            }
            drop(stream);
            if seen.closed() {
                sender.send(()).await.expect("it is waited for");
            }
        };
        executor.spawn(attend).detach();
    }
    all.recv().await.expect("a sender is kept");
    Ok(())
}
