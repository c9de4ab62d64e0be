//! Serves the files of a folder by HTTP.
//!
//! ```text
//! $ cargo run --release --bin static_files -- --listen 8000 target/doc
//! serving target/doc at http://127.0.0.1:8000/
//! 127.0.0.1:51124 GET /trio/index.html 200 9371
//! ```
//!
//! Files go from the disk to the network by the system alone; ranges can be asked for, and connections
//! are kept. Nobody is trusted: a path does not leave the folder, and every limit on a client is a line
//! (they are marked with `limit:`). On Ctrl-C the connections are closed where they are.

mod folder;
mod request;

use std::fmt::Write;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use examples::{
    Stop, arguments, complain, parse_address, parse_count, parse_seconds, say, with_causes,
};
use folder::{Folder, Found, Served};
use request::{Request, Status};
use trio::net::{TcpServer, TcpStream};
use trio::nursery;
use trio::stream::{BufferedStream, LimitExceededError};
use trio::thread::run_in_worker_thread;

const USAGE: &str = "\
usage: static_files [--listen [ADDRESS:]PORT] [--patience SECONDS] [--most CONNECTIONS] FOLDER

  FOLDER      what is served; files and folders whose names begin with a dot are not
  --listen    where, 127.0.0.1:8000 if it is not given; port 0 takes a free one
  --patience  how long a client may take for a request, or for a piece of the answer, 10 seconds if it
              is not given
  --most      how many connections there are at once, 1000 if it is not given";

/// How long the head of a request may be.
const HEAD: usize = 8 * 1024;
/// How much has to be taken within the patience.
const PIECE: u64 = 256 * 1024;

#[trio::main]
async fn main() -> trio::Result<ExitCode> {
    let options = match Options::parse(arguments()) {
        Ok(options) => options,
        Err(stop) => return Ok(stop.explain(USAGE)),
    };
    let shown = options.folder.display().to_string();
    let folder =
        Folder::open(&options.folder).map_err(|error| format!("cannot serve {shown}: {error}"))?;
    let patience = options.patience;
    nursery!(|n| {
        let server = TcpServer::new(options.address.port())
            .host(options.address.ip().to_string())
            .max_connections(options.most); // limit: connections
        let handler = |stream| attend(stream, &folder, patience);
        let addresses = n.start(TcpServer::start, server, handler).await?;
        for address in addresses {
            say(format_args!("serving {shown} at http://{address}/"));
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Serves one client. That its connection breaks is no concern of the others.
#[trio::task]
async fn attend(stream: TcpStream, folder: &Folder, patience: Duration) {
    let peer = stream.peer_addr();
    let connection = BufferedStream::with_limit(stream, HEAD); // limit: memory
    let client = Client { connection, peer, patience };
    if let Err(error) = client.serve(folder).await {
        complain(format_args!("{peer}: {}", with_causes(&*error)));
    }
}

struct Client {
    connection: BufferedStream<TcpStream>,
    peer: SocketAddr,
    patience: Duration,
}

impl Client {
    /// Answers requests, until there is none, or one after which none can follow.
    #[trio::task]
    async fn serve(&self, folder: &Folder) -> trio::Result<()> {
        loop {
            let request = match self.receive_request().await? {
                Received::Request(request) => request,
                Received::Refused(status) => {
                    say(format_args!("{} refused: {} {}", self.peer, status.0, status.1));
                    let allow = "Allow: GET, HEAD\r\n";
                    let extra = if status == request::METHOD_NOT_ALLOWED { allow } else { "" };
                    self.answer_in_text(status, extra, false, false).await?;
                    return self.leave().await;
                }
                Received::End => return Ok(()),
            };
            let (status, count) = self.answer(&request, folder).await?;
            let method = if request.head_only { "HEAD" } else { "GET" };
            let target = request.target.escape_debug();
            say(format_args!("{} {method} {target} {} {count}", self.peer, status.0));
            if !request.keep_alive {
                return self.leave().await;
            }
        }
    }

    #[trio::task]
    async fn receive_request(&self) -> io::Result<Received> {
        // limit: time of a request, and of doing nothing
        let head = trio::fail_after(self.patience, async {
            self.connection.receive_until(b"\r\n\r\n").await
        })
        .await;
        Ok(match head {
            Ok(Ok(Some(head))) => match Request::parse(&head) {
                Ok(request) => Received::Request(request),
                Err(status) => Received::Refused(status),
            },
            Ok(Err(error)) if trio::is_error::<LimitExceededError>(&error) => {
                Received::Refused(request::HEAD_TOO_LARGE)
            }
            Err(_too_slow) if self.connection.buffered() > 0 => {
                Received::Refused(request::TOO_SLOW)
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Received::End,
            Ok(Err(error)) => return Err(error),
            Ok(Ok(None)) | Err(_) => Received::End,
        })
    }

    /// Answers one request: with what, and how many bytes of the file.
    #[trio::task]
    async fn answer(&self, request: &Request, folder: &Folder) -> trio::Result<(Status, u64)> {
        let (head_only, keep) = (request.head_only, request.keep_alive);
        let found = run_in_worker_thread(|| folder.find(&request.path)).await;
        let (status, extra) = match found {
            Ok(Found::File(served)) => return self.answer_with(request, &served).await,
            Ok(Found::Folder) => {
                let path = request.target.split(['?', '#']).next().unwrap_or_default();
                (request::MOVED, format!("Location: {path}/\r\n"))
            }
            Ok(Found::Nothing) => (request::NOT_FOUND, String::new()),
            Err(error) => {
                complain(format_args!("{:?}: {error}", request.target));
                (request::INTERNAL_ERROR, String::new())
            }
        };
        self.answer_in_text(status, &extra, head_only, keep).await?;
        Ok((status, 0))
    }

    #[trio::task]
    async fn answer_with(&self, request: &Request, served: &Served) -> trio::Result<(Status, u64)> {
        let (length, tag) = (served.length, &served.tag);
        if request.if_none_match.as_deref().is_some_and(|value| matches_tag(value, tag)) {
            let fields = format!("ETag: {tag}\r\n");
            self.send(&head(request::NOT_MODIFIED, &fields, request.keep_alive)).await?;
            return Ok((request::NOT_MODIFIED, 0));
        }
        // The rest of a file is of no use to whoever has the beginning of another.
        let is_the_same = request.if_range.as_ref().is_none_or(|value| value == tag);
        let asked = request.range.filter(|_| is_the_same && !request.head_only);
        let (status, range) = match asked.map(|asked| asked.of(length)) {
            None => (request::OK, 0..length),
            Some(Some(range)) => (request::PARTIAL_CONTENT, range),
            Some(None) => {
                let extra = format!("Content-Range: bytes */{length}\r\n");
                let status = request::RANGE_NOT_SATISFIABLE;
                self.answer_in_text(status, &extra, false, request.keep_alive).await?;
                return Ok((status, 0));
            }
        };
        let count = range.end - range.start;
        let mut fields = format!(
            "Content-Type: {}\r\nContent-Length: {count}\r\nAccept-Ranges: bytes\r\nETag: {tag}\r\n",
            served.kind
        );
        if status == request::PARTIAL_CONTENT {
            let (first, last) = (range.start, range.end - 1);
            write!(fields, "Content-Range: bytes {first}-{last}/{length}\r\n")?;
        }
        self.send(&head(status, &fields, request.keep_alive)).await?;
        if request.head_only {
            return Ok((status, 0));
        }
        self.send_file(served, range).await?;
        Ok((status, count))
    }

    #[trio::task]
    async fn send_file(&self, served: &Served, range: Range<u64>) -> trio::Result<()> {
        let stream = self.connection.get_ref();
        let mut at = range.start;
        while at < range.end {
            let piece = (range.end - at).min(PIECE);
            // limit: slowness, of whoever takes what is sent
            let sent = trio::fail_after(self.patience, async {
                stream.send_file(&served.file, at, Some(piece)).await
            })
            .await
            .map_err(|_| "it does not take what it has asked for")??;
            if sent < piece {
                return Err("the file has become shorter while it was sent".into());
            }
            at += sent;
        }
        Ok(())
    }

    #[trio::task]
    async fn answer_in_text(
        &self,
        status: Status,
        extra: &str,
        head_only: bool,
        keep_alive: bool,
    ) -> trio::Result<()> {
        let text = format!("{} {}\n", status.0, status.1);
        let fields = format!(
            "{extra}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\n",
            text.len()
        );
        let mut answer = head(status, &fields, keep_alive);
        if !head_only {
            answer.push_str(&text);
        }
        self.send(&answer).await
    }

    #[trio::task]
    async fn send(&self, text: &str) -> trio::Result<()> {
        let stream = self.connection.get_ref();
        let sending = async { stream.send_all(text.as_bytes()).await };
        trio::fail_after(self.patience, sending).await??;
        Ok(())
    }

    /// Ends the connection. If something were left to be received, the system would reset it, and the
    /// answer could be lost on the way: so that is received first, for a moment.
    #[trio::task]
    async fn leave(&self) -> trio::Result<()> {
        let stream = self.connection.get_ref();
        stream.send_eof().await?;
        let moment = self.patience.min(Duration::from_secs(1));
        trio::move_on_after(moment, async {
            let mut buffer = [0; 4096];
            while stream.receive_some(&mut buffer).await.is_ok_and(|count| count > 0) {}
        })
        .await;
        Ok(())
    }
}

enum Received {
    Request(Request),
    /// It is none, or not one for us: no other can follow.
    Refused(Status),
    End,
}

fn head(status: Status, fields: &str, keep_alive: bool) -> String {
    let Status(code, text) = status;
    let date = httpdate::fmt_http_date(SystemTime::now());
    let connection = if keep_alive { "keep-alive" } else { "close" };
    format!("HTTP/1.1 {code} {text}\r\nDate: {date}\r\n{fields}Connection: {connection}\r\n\r\n")
}

fn matches_tag(value: &str, tag: &str) -> bool {
    let mut tags = value.split(',').map(|one| one.trim().trim_start_matches("W/"));
    value == "*" || tags.any(|one| one == tag)
}

struct Options {
    folder: PathBuf,
    address: SocketAddr,
    patience: Duration,
    most: usize,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, Stop> {
        let mut folder = None;
        let mut address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8000));
        let mut patience = Duration::from_secs(10);
        let mut most = 1000;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("`{argument}` needs a value"));
            match argument.as_str() {
                "-h" | "--help" => return Err(Stop::Help),
                "--listen" => address = parse_address(&value()?)?,
                "--patience" => patience = parse_seconds(&value()?)?,
                "--most" => most = parse_count(&value()?, "connections")?,
                option if option.starts_with('-') => {
                    return Err(format!("unknown option `{option}`").into());
                }
                second if folder.is_some() => {
                    return Err(format!("one folder is enough: `{second}` is a second one").into());
                }
                first => folder = Some(PathBuf::from(first)),
            }
        }
        let folder = folder.ok_or("the folder to serve is missing")?;
        Ok(Options { folder, address, patience, most })
    }
}
