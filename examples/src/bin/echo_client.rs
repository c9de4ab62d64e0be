//! A client that sends something to a server, and prints what comes back.
//!
//! ```text
//! $ cargo run --bin echo_client 127.0.0.1:7000 hello there
//! hello there
//! $ cargo run --bin echo_client 127.0.0.1:7000 < README.md
//! ```
//!
//! Two tasks share the connection by reference: one sends, the other one receives.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Duration;

use examples::{Stop, arguments, complain};
use trio::net::TcpStream;
use trio::{lowlevel, nursery};

const USAGE: &str = "\
usage: echo_client HOST:PORT [MESSAGE]...

  HOST:PORT   the server, as 127.0.0.1:7000 or localhost:7000
  MESSAGE     the line to send; standard input is sent if there is none";

/// How long connecting may take.
const PATIENCE: Duration = Duration::from_secs(10);

#[trio::main]
async fn main() -> trio::Result<ExitCode> {
    let options = match Options::parse(arguments()) {
        Ok(options) => options,
        Err(stop) => return Ok(stop.explain(USAGE)),
    };
    let stream = trio::fail_after(PATIENCE, async { connect(&options.addresses).await })
        .await
        .map_err(|_| format!("the server does not answer within {PATIENCE:?}"))??;

    let start = trio::current_time();
    let (sent, received) = talk(&stream, options.message).await?;
    complain(format_args!("{sent} bytes sent, {received} received in {:?}", start.elapsed()));
    if received < sent {
        complain("the server has ended the connection before everything had come back");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Connects to the first address that takes the connection.
#[trio::task]
async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for &address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Sends everything and prints what comes back until the server ends the connection: how many bytes
/// of each.
#[trio::task]
async fn talk(
    stream: &TcpStream,
    message: Option<String>,
) -> Result<(usize, usize), trio::ErrorGroup> {
    let sent = Cell::new(0);
    let received = nursery!(|n| {
        let sender = n.spawn(send, stream, message, &sent);
        let received = receive(stream).await?;
        // Nobody takes the rest, if there is one.
        sender.cancel();
        received
    })?;
    Ok((sent.get(), received))
}

#[trio::task]
async fn send(stream: &TcpStream, message: Option<String>, sent: &Cell<usize>) -> io::Result<()> {
    match message {
        Some(message) => {
            sent.set(message.len());
            stream.send_all(message.as_bytes()).await?;
        }
        None => {
            let mut input = Input::open()?;
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let count = input.read(&mut buffer).await?;
                if count == 0 {
                    break;
                }
                sent.set(sent.get() + count);
                stream.send_all(&buffer[..count]).await?;
            }
        }
    }
    stream.send_eof().await
}

#[trio::task]
async fn receive(stream: &TcpStream) -> io::Result<usize> {
    let mut buffer = vec![0; 64 * 1024];
    let mut received = 0;
    loop {
        let count = stream.receive_some(&mut buffer).await?;
        if count == 0 {
            return Ok(received);
        }
        received += count;
        let mut out = io::stdout().lock();
        out.write_all(&buffer[..count])?;
        out.flush()?;
    }
}

/// Standard input, for a task: it waits without blocking the others.
struct Input {
    /// The descriptor itself: what the library's own handle has buffered would not wake anyone.
    file: File,
}

impl Input {
    fn open() -> io::Result<Input> {
        Ok(Input { file: File::from(io::stdin().as_fd().try_clone_to_owned()?) })
    }

    #[trio::task]
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match lowlevel::wait_readable(&self.file).await {
            // What is never waited for cannot be polled: a file on a disk is always readable.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                lowlevel::checkpoint().await;
            }
            other => other?,
        }
        self.file.read(buffer)
    }
}

struct Options {
    addresses: Vec<SocketAddr>,
    message: Option<String>,
}

impl Options {
    /// Names are looked up here, which blocks: nothing else is running yet.
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, Stop> {
        let server = arguments.next().ok_or("the server is missing")?;
        match server.as_str() {
            "-h" | "--help" => return Err(Stop::Help),
            option if option.starts_with('-') => {
                return Err(format!("unknown option `{option}`").into());
            }
            _ => {}
        }
        let addresses: Vec<SocketAddr> = server
            .to_socket_addrs()
            .map_err(|error| format!("`{server}` is no server's HOST:PORT: {error}"))?
            .collect();
        let words: Vec<String> = arguments.collect();
        let message = (!words.is_empty()).then(|| words.join(" ") + "\n");
        Ok(Options { addresses, message })
    }
}
