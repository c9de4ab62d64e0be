//! The proxy, between clients and servers of other makes.

mod programs;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use programs::{Program, output, text_of};

const PROXY: &str = env!("CARGO_BIN_EXE_proxy");

/// A proxy on a free port, and its address.
fn proxy(arguments: &[&str], to: &str) -> (Program, String) {
    let mut proxy = Program::start(PROXY, &[arguments, &["0", to]].concat());
    let address = proxy.wait_for_rest("listening on ");
    (proxy, address)
}

/// Sends back in capitals what it receives, each connection in a thread: a server of another make.
fn shouting() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || shout(stream.unwrap()));
        }
    });
    address
}

fn shout(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return stream.shutdown(Shutdown::Write);
        }
        buffer[..count].make_ascii_uppercase();
        stream.write_all(&buffer[..count])?;
    }
}

/// A path for a socket of this test.
fn socket_path(test: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("trio-proxy-{}-{test}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

/// Says something over a connection that is already there, and hears it back.
fn exchange(stream: &mut (impl Read + Write), text: &str) {
    stream.write_all(text.as_bytes()).unwrap();
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).unwrap();
    assert_eq!(back, text.to_ascii_uppercase().as_bytes());
}

#[test]
fn netcat_reaches_the_server_behind() {
    let (mut proxy, address) = proxy(&["--every", "0.02"], &shouting());
    let (host, port) = address.split_once(':').unwrap();
    let mut netcat = Command::new("nc")
        .args(["-N", host, port])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("nc is installed");
    netcat.stdin.take().unwrap().write_all(b"one\ntwo\n").unwrap();
    let output = netcat.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, b"ONE\nTWO\n");
    proxy.wait_for("0 connected, 1 since the start, 8 bytes there, 8 bytes back");
}

#[test]
fn a_python_client_gets_a_megabyte_through_unix_sockets_on_both_sides() {
    const CLIENT: &str = "
import os, socket, sys, threading
data = b'x' * (1 << 20)
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    def send():
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
    sender = threading.Thread(target=send)
    sender.start()
    back = bytearray()
    while chunk := s.recv(1 << 16):
        back += chunk
    sender.join()
print('the same' if bytes(back) == data else 'something else')
";
    let (front, back) = (socket_path("front"), socket_path("back"));
    let server = UnixListener::bind(&back).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        std::io::copy(&mut stream.try_clone().unwrap(), &mut stream).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    });
    let (from, to) = (format!("unix:{}", front.display()), format!("unix:{}", back.display()));
    let mut proxy = Program::start(PROXY, &[&from, &to]);
    proxy.wait_for("listening on unix:");
    Program::python(CLIENT, &[front.to_str().unwrap()]).wait_for("the same");
    proxy.interrupt();
    assert!(proxy.wait().success());
    assert!(!front.exists(), "it takes its socket file away");
    std::fs::remove_file(back).unwrap();
}

#[test]
fn a_unix_socket_leads_to_a_tcp_server() {
    let front = socket_path("mixed");
    let mut proxy = Program::start(PROXY, &[&format!("unix:{}", front.display()), &shouting()]);
    proxy.wait_for("listening on unix:");
    exchange(&mut UnixStream::connect(&front).unwrap(), "from one to the other");
    proxy.interrupt();
    assert!(proxy.wait().success());
}

#[test]
fn who_comes_when_there_are_enough_connections_waits_for_one_to_end() {
    let (mut proxy, address) = proxy(&["--max", "1", "--every", "0.02"], &shouting());
    let mut first = TcpStream::connect(&address).unwrap();
    exchange(&mut first, "first");
    let mut second = TcpStream::connect(&address).unwrap();
    second.write_all(b"second").unwrap();
    proxy.wait_for("1 connected, 1 since the start, 5 bytes there");
    drop(first);
    let mut back = [0; 6];
    second.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"SECOND");
    proxy.wait_for("1 connected, 2 since the start, 11 bytes there");
}

#[test]
fn a_connection_without_traffic_is_ended() {
    let (mut proxy, address) = proxy(&["--idle", "0.05"], &shouting());
    let mut stream = TcpStream::connect(&address).unwrap();
    exchange(&mut stream, "and then nothing");
    assert_eq!(text_of(stream), "");
    proxy.wait_for("a connection was idle for 50ms");
}

#[test]
fn a_server_that_is_not_there_concerns_its_client_only() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let (mut proxy, address) = proxy(&["--every", "0.02"], &nobody);
    for _ in 0..3 {
        // An end or a reset, as it happens.
        let _ = TcpStream::connect(&address).unwrap().read_to_end(&mut Vec::new());
    }
    proxy.wait_for("0 connected, 3 since the start");
}

#[test]
fn ctrl_c_lets_those_who_are_connected_finish() {
    let (mut proxy, address) = proxy(&[], &shouting());
    let mut stream = TcpStream::connect(&address).unwrap();
    exchange(&mut stream, "before");
    proxy.interrupt();
    // Nobody listens any more, and who is there goes on.
    while TcpStream::connect(&address).is_ok() {
        thread::yield_now();
    }
    exchange(&mut stream, "and after");
    drop(stream);
    assert!(proxy.wait().success());
    let last = proxy.seen().last().unwrap();
    assert!(last.starts_with("stopped: 0 connected, "), "{last}");
}

#[test]
fn wrong_arguments_are_explained() {
    for (arguments, problem) in [
        (&[][..], "a proxy has two sides"),
        (&["1"], "a proxy has two sides"),
        (&["1", "2", "3"], "a proxy has two sides"),
        (&["70000", "1"], "`70000` is neither a port"),
        (&["1", ":80"], "`:80` is neither a port"),
        (&["--max", "0", "1", "2"], "`0` is not a number of connections"),
        (&["--idle", "-1", "1", "2"], "`-1` is not a number of seconds"),
        (&["--every"], "`--every` needs a number"),
        (&["--loud", "1", "2"], "unknown option `--loud`"),
    ] {
        let output = output(PROXY, arguments, Stdio::null());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with(problem) && said.contains("usage: proxy"), "{said}");
        assert_eq!(output.status.code(), Some(2));
    }
    let help = output(PROXY, &["--help"], Stdio::null());
    assert!(help.status.success() && help.stdout.starts_with(b"usage: "));
}
