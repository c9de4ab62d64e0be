//! The port scanner, on ports of this machine.

mod programs;

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use programs::{Program, output};

const SCANNER: &str = env!("CARGO_BIN_EXE_port_scan");
const SIGINT: i32 = 2;

/// Listeners, and their ports with those of some that are closed again. No other test has them, and they
/// are below the range that attempts to connect get their own ports from.
fn ports(open: usize, closed: usize) -> (Vec<TcpListener>, Vec<u16>) {
    static NEXT: AtomicU16 = AtomicU16::new(20_000);
    let mut free = std::iter::from_fn(|| Some(NEXT.fetch_add(1, Ordering::Relaxed)))
        .filter_map(|port| Some((TcpListener::bind(("127.0.0.1", port)).ok()?, port)));
    let (mut listeners, ports): (Vec<_>, Vec<_>) = free.by_ref().take(open + closed).unzip();
    listeners.truncate(open);
    (listeners, ports)
}

/// A port that does not answer: its listener has no room. It prints the port.
const FULL: &str = "
import socket, sys
listener = socket.create_server(('127.0.0.1', 0), backlog=0)
fill = [socket.socket() for _ in range(5)]
for s in fill:
    s.setblocking(False)
    s.connect_ex(listener.getsockname())
print('full:', listener.getsockname()[1])
sys.stdin.read()
";

fn listed(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(",")
}

fn scan(arguments: &[&str]) -> Vec<String> {
    let output = output(SCANNER, arguments, Stdio::null());
    assert!(output.status.success(), "{output:?}");
    // The bar is for terminals.
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn open_ports_are_told_from_closed_ones() {
    let (_listeners, ports) = ports(3, 4);
    let said = scan(&["127.0.0.1", &listed(&ports)]);
    assert_eq!(said[0], "scanning 7 ports of 127.0.0.1 (127.0.0.1)");
    let mut open = said[1..said.len() - 1].to_vec();
    open.sort();
    let mut expected: Vec<_> = ports[..3].iter().map(|port| format!("{port} is open")).collect();
    expected.sort();
    assert_eq!(open, expected);
    assert_eq!(said.last().unwrap(), "3 open, 4 closed, 0 without an answer");
}

#[test]
fn many_ports_are_scanned_one_at_a_time_or_all_at_once() {
    let (listener, port) = ports(1, 0);
    for at_once in ["1", "50", "2000"] {
        // Below 1024 nothing is open that this test knows of.
        let list = format!("{},2001-4000", port[0]);
        let said = scan(&["--at-once", at_once, "127.0.0.1", &list]);
        assert_eq!(said[0], "scanning 2001 ports of 127.0.0.1 (127.0.0.1)");
        assert!(said.contains(&format!("{} is open", port[0])), "{said:?}");
    }
    drop(listener);
}

#[test]
fn names_are_looked_up_and_what_cannot_be_is_an_error() {
    let (_listeners, ports) = ports(1, 0);
    let said = scan(&["localhost", &listed(&ports)]);
    assert!(said[0].starts_with("scanning 1 ports of localhost ("), "{said:?}");
    let output = output(SCANNER, &["no name at all"], Stdio::null());
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("Error: cannot look up no name at all: "), "{said}");
}

#[test]
fn without_descriptors_for_so_many_it_ends_with_the_error() {
    let script = format!("ulimit -n 30 && exec {SCANNER} --at-once 500 127.0.0.1 2001-4000");
    let output = output("sh", &["-c", &script], Stdio::null());
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Too many open files"), "{said}");
}

#[test]
fn a_port_that_does_not_answer_is_given_up() {
    let mut full = Program::python(FULL, &[]);
    let port = full.wait_for_rest("full: ");
    let said = scan(&["--patience", "0.3", "127.0.0.1", &port]);
    assert_eq!(said.last().unwrap(), "0 open, 0 closed, 1 without an answer");
}

#[test]
fn ctrl_c_says_how_far_it_has_got() {
    let mut full = Program::python(FULL, &[]);
    let port = full.wait_for_rest("full: ");
    let (_listeners, ports) = ports(1, 0);
    let list = format!("{},{port}", listed(&ports));
    let mut scanner = Program::start(SCANNER, &["--patience", "1000", "127.0.0.1", &list]);
    scanner.wait_for(" is open");
    scanner.interrupt();
    assert_eq!(scanner.wait().signal(), Some(SIGINT));
    assert_eq!(scanner.seen().last().unwrap(), "1 open, 0 closed, 0 without an answer");
}

#[test]
fn a_bar_is_drawn_where_there_is_a_terminal() {
    let (_listeners, ports) = ports(1, 3);
    let command = format!("{SCANNER} --at-once 1 127.0.0.1 {}", listed(&ports));
    // It gives the program a terminal.
    let mut terminal = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script is installed");
    let mut said = String::new();
    terminal.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(terminal.wait().unwrap().success(), "{said}");
    assert!(said.contains("4/4, 1 open"), "{said}");
}

#[test]
fn wrong_arguments_are_explained() {
    for (arguments, problem) in [
        (&[][..], "the host to scan is missing"),
        (&["here", "0-5"], "`0-5` is neither a port nor a range"),
        (&["here", "9-5"], "`9-5` is neither a port nor a range"),
        (&["here", "1,,2"], "`` is neither a port nor a range"),
        (&["here", "1", "2"], "`2` is too much"),
        (&["--at-once", "0", "here"], "`0` is not a number of ports"),
        (&["--patience", "inf", "here"], "`inf` is not a number of seconds"),
        (&["--loud", "here"], "unknown option `--loud`"),
    ] {
        let output = output(SCANNER, arguments, Stdio::null());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with(problem) && said.contains("usage: port_scan"), "{said}");
        assert_eq!(output.status.code(), Some(2));
    }
}
