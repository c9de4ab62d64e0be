//! A chat room: what one says, all the others hear.
//!
//! ```text
//! $ cargo run --bin chat 7000                 $ nc localhost 7000
//! listening on 127.0.0.1:7000                 your name?
//! ann has come, 1 here                        ann
//!                                             * you are here with nobody
//!                                             hello
//!                                             * bob has come
//!                                             bob: hi ann
//! ```
//!
//! Each client is two tasks: one that hears what it says, and one that tells it what the others say. What is
//! said goes through a broadcast channel, in which sending never waits: whoever reads too slowly misses the
//! oldest lines, is told how many, and holds up nobody.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use examples::{Stop, arguments, complain, parse_address, parse_count, say, with_causes};
use trio::channel::{BroadcastError, BroadcastReceiver, BroadcastSender, broadcast};
use trio::net::{Server, TcpListener, TcpStream};
use trio::stream::{BufferedStream, SendStream};
use trio::{fail_after, nursery, until_stop};

const USAGE: &str = "\
usage: chat [--behind LINES] [--max COUNT] [ADDRESS:]PORT

  PORT       the port to listen on; 0 takes a free one
  ADDRESS    the address to listen on, 127.0.0.1 if it is not given; IPv6 as [::1]:7000
  --behind   how many lines a client may be behind before it misses some, 100 if it is not given
  --max      how many clients there are at most; others wait; 1000 if it is not given";

/// How long a line may be, in bytes.
const LONGEST_LINE: usize = 4096;

/// How long a client may take to say its name.
const INTRODUCTION: Duration = Duration::from_secs(60);

#[trio::main(grace_seconds = 2)]
async fn main() -> trio::Result<ExitCode> {
    let options = match Options::parse(arguments()) {
        Ok(options) => options,
        Err(stop) => return Ok(stop.explain(USAGE)),
    };
    let listener = TcpListener::bind(options.address)
        .map_err(|error| format!("cannot listen on {}: {error}", options.address))?;
    say(format_args!("listening on {}", listener.local_addr()?));
    let room = Room { said: broadcast(options.behind).0, names: RefCell::default() };
    let server = Server::new().max_connections(options.max);
    server.serve(vec![listener], |stream| attend(stream, &room)).await?;
    say("the room is closed");
    Ok(ExitCode::SUCCESS)
}

/// Those who are here, and what is said.
struct Room {
    said: BroadcastSender<Said>,
    names: RefCell<BTreeSet<Rc<str>>>,
}

#[derive(Clone)]
struct Said {
    /// Nobody, if it is the room itself.
    by: Option<Rc<str>>,
    text: Rc<str>,
}

impl Room {
    fn announce(&self, text: &str) {
        self.send(Said { by: None, text: format!("* {text}\n").into() });
    }

    fn send(&self, said: Said) {
        // The room's own handle is never closed, and that nobody is there is no error.
        let _ = self.said.send(said);
    }

    /// Somebody comes, unless the name is another's.
    fn enter(&self, name: &str) -> Option<Member<'_>> {
        let name: Rc<str> = name.into();
        if !self.names.borrow_mut().insert(Rc::clone(&name)) {
            return None;
        }
        self.announce(&format!("{name} has come"));
        say(format_args!("{name} has come, {} here", self.names.borrow().len()));
        Some(Member { room: self, name, others: self.said.subscribe() })
    }
}

/// Somebody who is here, until this is dropped.
struct Member<'a> {
    room: &'a Room,
    name: Rc<str>,
    others: BroadcastReceiver<Said>,
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        self.room.names.borrow_mut().remove(&self.name);
        self.room.announce(&format!("{} has left", self.name));
        say(format_args!("{} has left, {} here", self.name, self.room.names.borrow().len()));
    }
}

/// Serves one client. That its connection breaks is no concern of the others.
#[trio::task]
async fn attend(stream: TcpStream, room: &Room) {
    let peer = stream.peer_addr();
    let stream = BufferedStream::with_limit(stream, LONGEST_LINE);
    if let Err(error) = chat(&stream, room).await {
        complain(format_args!("{peer}: {}", with_causes(&*error)));
    }
}

#[trio::task]
async fn chat(stream: &BufferedStream<TcpStream>, room: &Room) -> trio::Result<()> {
    let introduced = fail_after(INTRODUCTION, async { introduce(stream, room).await }).await??;
    let Some(member) = introduced else {
        return Ok(());
    };
    nursery!(|n| {
        let telling = n.spawn(tell, stream, &member);
        hear(stream, &member).await?;
        telling.cancel();
    })?;
    Ok(())
}

/// Asks for a name until there is one that nobody else has. `None` is the end.
#[trio::task]
async fn introduce<'a>(
    stream: &BufferedStream<TcpStream>,
    room: &'a Room,
) -> io::Result<Option<Member<'a>>> {
    let mut question = "your name?\n";
    loop {
        stream.send_all(question.as_bytes()).await?;
        let Some(name) =
            until_stop(async { stream.receive_line().await }).await.transpose()?.flatten()
        else {
            return Ok(None);
        };
        let name = name.trim();
        question = if name.is_empty() || name.chars().any(char::is_control) {
            "that is no name; your name?\n"
        } else {
            let others: Vec<String> = room.names.borrow().iter().map(ToString::to_string).collect();
            match room.enter(name) {
                Some(member) => {
                    let others =
                        if others.is_empty() { "nobody".into() } else { others.join(", ") };
                    let welcome = format!("* you are here with {others}\n");
                    stream.send_all(welcome.as_bytes()).await?;
                    return Ok(Some(member));
                }
                None => "that name is taken; your name?\n",
            }
        };
    }
}

/// Passes on what a client says, until it ends, or a stop is requested.
#[trio::task]
async fn hear(stream: &BufferedStream<TcpStream>, member: &Member<'_>) -> io::Result<()> {
    while let Some(line) = until_stop(async { stream.receive_line().await }).await {
        match line? {
            None => return Ok(()),
            Some(line) if line.is_empty() => {}
            Some(line) => {
                let text = format!("{}: {line}\n", member.name).into();
                member.room.send(Said { by: Some(Rc::clone(&member.name)), text });
            }
        }
    }
    Ok(())
}

/// Tells a client what the others say.
#[trio::task]
async fn tell(stream: &BufferedStream<TcpStream>, member: &Member<'_>) -> io::Result<()> {
    loop {
        match member.others.receive().await {
            Ok(said) if said.by.as_ref() == Some(&member.name) => {}
            Ok(said) => stream.send_all(said.text.as_bytes()).await?,
            Err(BroadcastError::Lagged(count)) => {
                let missed = format!("* you have missed {count} lines\n");
                stream.send_all(missed.as_bytes()).await?;
            }
            Err(BroadcastError::EndOfChannel | BroadcastError::Closed) => return Ok(()),
        }
    }
}

struct Options {
    address: SocketAddr,
    behind: usize,
    max: usize,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, Stop> {
        let (mut address, mut behind, mut max) = (None, 100, 1000);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("`{argument}` needs a number"));
            match argument.as_str() {
                "-h" | "--help" => return Err(Stop::Help),
                "--behind" => behind = parse_count(&value()?, "messages")?,
                "--max" => max = parse_count(&value()?, "people")?,
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
        Ok(Options { address, behind, max })
    }
}
