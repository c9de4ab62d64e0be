//! The chat room, with clients of other makes.

mod programs;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use programs::{Program, output};

const CHAT: &str = env!("CARGO_BIN_EXE_chat");

/// A room on a free port, and its address.
fn room(arguments: &[&str]) -> (Program, String) {
    let mut room = Program::start(CHAT, &[arguments, &["0"]].concat());
    let address = room.wait_for_rest("listening on ");
    (room, address)
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(address: &str) -> Client {
        Client(BufReader::new(TcpStream::connect(address).unwrap()))
    }

    /// Somebody who is in the room.
    fn named(address: &str, name: &str) -> Client {
        let mut client = Client::connect(address);
        assert_eq!(client.hear(), "your name?");
        client.say(name);
        assert!(client.hear().starts_with("* you are here with "));
        client
    }

    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next line; nothing at the end.
    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

#[test]
fn what_one_says_all_the_others_hear() {
    let (mut room, address) = room(&[]);
    let mut ann = Client::named(&address, "ann");
    let mut bob = Client::named(&address, "bob");
    let mut eve = Client::named(&address, "eve");
    assert_eq!(ann.hear(), "* bob has come");
    assert_eq!(ann.hear(), "* eve has come");
    assert_eq!(bob.hear(), "* eve has come");
    ann.say("hello");
    assert_eq!(bob.hear(), "ann: hello");
    assert_eq!(eve.hear(), "ann: hello");
    bob.say("hi ann");
    // Nobody hears what they have said themselves.
    assert_eq!(ann.hear(), "bob: hi ann");
    drop(eve);
    assert_eq!(ann.hear(), "* eve has left");
    room.wait_for("eve has left, 2 here");
}

#[test]
fn a_name_is_one_persons() {
    let (_room, address) = room(&[]);
    let _ann = Client::named(&address, "ann");
    let mut other = Client::connect(&address);
    other.say("");
    other.say("ann");
    other.say("anne");
    assert_eq!(other.hear(), "your name?");
    assert_eq!(other.hear(), "that is no name; your name?");
    assert_eq!(other.hear(), "that name is taken; your name?");
    assert_eq!(other.hear(), "* you are here with ann");
}

#[test]
fn netcat_and_python_talk_to_each_other() {
    const CLIENT: &str = "
import asyncio, sys
async def main():
    host, port = sys.argv[1].split(':')
    reader, writer = await asyncio.open_connection(host, int(port))
    await reader.readline()
    writer.write(b'python\\n')
    print((await reader.readline()).decode().strip())
    print((await reader.readline()).decode().strip())
    writer.close()
    await writer.wait_closed()
asyncio.run(main())
";
    let (mut room, address) = room(&[]);
    let mut python = Program::python(CLIENT, &[&address]);
    python.wait_for("* you are here with nobody");
    let (host, port) = address.split_once(':').unwrap();
    let mut netcat = Command::new("nc")
        .args(["-N", host, port])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("nc is installed");
    let mut input = netcat.stdin.take().unwrap();
    input.write_all(b"netcat\n").unwrap();
    python.wait_for("* netcat has come");
    room.wait_for("python has left, 1 here");
    drop(input);
    let output = netcat.wait_with_output().unwrap();
    let heard = String::from_utf8(output.stdout).unwrap();
    assert_eq!(heard, "your name?\n* you are here with python\n* python has left\n");
}

#[test]
fn who_reads_too_slowly_misses_lines_and_holds_up_nobody() {
    // More than the system keeps for one connection.
    const LINES: usize = 5000;
    let long = "x".repeat(4000);
    let (_room, address) = room(&["--behind", "10"]);
    let mut slow = Client::named(&address, "slow");
    let mut ann = Client::named(&address, "ann");
    let mut bob = Client::named(&address, "bob");
    assert_eq!(ann.hear(), "* bob has come");
    for _ in 0..LINES {
        ann.say(&long);
        assert_eq!(bob.hear().len(), "ann: ".len() + long.len());
    }
    ann.say("the end");
    assert_eq!(bob.hear(), "ann: the end");
    let (mut heard, mut missed) = (0, 0);
    loop {
        let line = slow.hear();
        if let Some(count) = line.strip_prefix("* you have missed ") {
            missed += count.strip_suffix(" lines").unwrap().parse::<usize>().unwrap();
        } else if line == "ann: the end" {
            break;
        } else if line.starts_with("ann: ") {
            heard += 1;
        } else {
            assert!(line.ends_with("has come"), "{line}");
        }
    }
    assert!(missed > 0);
    assert_eq!(heard + missed, LINES, "it knows of everything");
}

#[test]
fn a_line_without_an_end_concerns_its_client_only() {
    let (_room, address) = room(&[]);
    let mut ann = Client::named(&address, "ann");
    let mut rude = Client::named(&address, "rude");
    assert_eq!(ann.hear(), "* rude has come");
    rude.0.get_mut().write_all(&[b'x'; 10_000]).unwrap();
    assert_eq!(ann.hear(), "* rude has left");
}

#[test]
fn ctrl_c_closes_the_room() {
    let (mut room, address) = room(&[]);
    let mut ann = Client::named(&address, "ann");
    let mut nobody = Client::connect(&address);
    assert_eq!(nobody.hear(), "your name?");
    room.interrupt();
    assert_eq!(ann.hear(), "");
    assert_eq!(nobody.hear(), "");
    assert!(room.wait().success());
    assert_eq!(room.seen().last().unwrap(), "the room is closed");
}

#[test]
fn wrong_arguments_are_explained() {
    for (arguments, problem) in [
        (&[][..], "the port to listen on is missing"),
        (&["70000"], "`70000` is neither a port"),
        (&["1", "2"], "one port is enough: `2` is a second one"),
        (&["--behind"], "`--behind` needs a number"),
        (&["--behind", "0", "1"], "`0` is not a number"),
        (&["--max", "many", "1"], "`many` is not a number"),
        (&["--loud", "1"], "unknown option `--loud`"),
    ] {
        let output = output(CHAT, arguments, Stdio::null());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with(problem) && said.contains("usage: chat"), "{said}");
        assert_eq!(output.status.code(), Some(2));
    }
    let help = output(CHAT, &["--help"], Stdio::null());
    assert!(help.status.success() && help.stdout.starts_with(b"usage: "));
}
