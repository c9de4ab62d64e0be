//! The echo server, with clients of other makes.

mod programs;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use programs::{Program, output, text_of};

const SERVER: &str = env!("CARGO_BIN_EXE_echo_server");
const SIGINT: i32 = 2;

/// A server on a free port, and its address.
fn server(arguments: &[&str]) -> (Program, String) {
    let mut server = Program::start(SERVER, &[arguments, &["0"]].concat());
    let address = server.wait_for_rest("listening on ");
    (server, address)
}

/// Has the text echoed and ends the connection.
fn echo(mut stream: TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(text_of(stream), text);
}

#[test]
fn port_0_gives_a_free_port_which_is_printed() {
    let (_server, address) = server(&[]);
    let port = address.strip_prefix("127.0.0.1:").unwrap();
    assert_ne!(port.parse::<u16>().unwrap(), 0);
    echo(TcpStream::connect(&address).unwrap(), "there it is");
}

#[test]
fn netcat_is_served() {
    let (_server, address) = server(&[]);
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
    assert_eq!(output.stdout, b"one\ntwo\n");
}

#[test]
fn a_python_client_gets_a_megabyte_back() {
    const CLIENT: &str = "
import os, socket, sys, threading
data = os.urandom(1 << 20)
host, port = sys.argv[1].split(':')
with socket.create_connection((host, int(port))) as s:
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
    let (_server, address) = server(&[]);
    Program::python(CLIENT, &[&address]).wait_for("the same");
}

#[test]
fn clients_are_served_at_once_and_counted() {
    const CLIENTS: usize = 20;
    let (mut server, address) = server(&["--every", "0.02"]);
    let mut streams: Vec<_> = (0..CLIENTS).map(|_| TcpStream::connect(&address).unwrap()).collect();
    // The last one to come is served first, while the others keep the server waiting.
    for (index, stream) in streams.iter_mut().enumerate().rev() {
        let text = format!("client {index:2}");
        stream.write_all(text.as_bytes()).unwrap();
        let mut back = vec![0; text.len()];
        stream.read_exact(&mut back).unwrap();
        assert_eq!(back, text.as_bytes());
    }
    let bytes = CLIENTS * "client  1".len();
    server.wait_for(&format!("20 connected, 20 since the start, {bytes} bytes echoed"));
    streams.truncate(5);
    server.wait_for(&format!("5 connected, 20 since the start, {bytes} bytes echoed"));
}

#[test]
fn a_connection_that_breaks_does_not_disturb_the_others() {
    let (_server, address) = server(&[]);
    let other = TcpStream::connect(&address).unwrap();
    // It goes away with data that nobody has read: the server gets a reset.
    const RUDE: &str = "
import socket, struct, sys
host, port = sys.argv[1].split(':')
s = socket.create_connection((host, int(port)))
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
s.sendall(b'x' * 100000)
s.close()
print('gone')
";
    Program::python(RUDE, &[&address]).wait_for("gone");
    echo(other, "still here");
}

#[test]
fn ctrl_c_tells_the_clients_and_then_kills_the_process() {
    let (mut server, address) = server(&[]);
    let mut clients: Vec<_> = (0..3).map(|_| TcpStream::connect(&address).unwrap()).collect();
    for client in &mut clients {
        client.write_all(b"!").unwrap();
        client.read_exact(&mut [0]).unwrap();
    }
    server.interrupt();
    // The end of the stream, and not a reset.
    for client in clients {
        assert_eq!(text_of(client), "");
    }
    let status = server.wait();
    assert_eq!(status.signal(), Some(SIGINT), "{status}");
    let said = server.seen();
    assert_eq!(said.iter().filter(|line| line.ends_with("has left")).count(), 3, "{said:#?}");
    assert_eq!(said.last().unwrap(), "stopped: 0 connected, 3 since the start, 3 bytes echoed");
}

#[test]
fn ctrl_c_ends_the_server_although_a_client_takes_nothing_back() {
    let (mut server, address) = server(&[]);
    let mut deaf = TcpStream::connect(&address).unwrap();
    deaf.set_nonblocking(true).unwrap();
    // Until the server is stuck in sending, and has taken nothing more for a while.
    let chunk = vec![0; 1 << 16];
    let mut refused = 0;
    while refused < 20 {
        if deaf.write(&chunk).is_ok_and(|count| count > 0) {
            refused = 0;
        } else {
            refused += 1;
            thread::sleep(Duration::from_millis(5));
        }
    }
    server.interrupt();
    assert_eq!(server.wait().signal(), Some(SIGINT));
    assert!(server.seen().last().unwrap().starts_with("stopped: 0 connected, 1 since the start"));
}

#[test]
fn it_goes_on_when_nobody_reads_what_it_says() {
    let (mut server, address) = server(&["--every", "0.001"]);
    server.stop_listening();
    for _ in 0..10 {
        echo(TcpStream::connect(&address).unwrap(), "silence");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn other_addresses_can_be_listened_on() {
    let mut server = Program::start(SERVER, &["[::1]:0"]);
    let address = server.wait_for_rest("listening on ");
    assert!(address.starts_with("[::1]:"));
    echo(TcpStream::connect(&address).unwrap(), "six");
}

#[test]
fn a_port_that_is_taken_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = output(SERVER, &[&address], Stdio::null());
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with(&format!("Error: cannot listen on {address}: ")), "{said}");
}

#[test]
fn wrong_arguments_are_explained() {
    for (arguments, problem) in [
        (&[][..], "the port to listen on is missing"),
        (&["70000"], "`70000` is neither a port"),
        (&["localhost"], "`localhost` is neither a port"),
        (&["1", "2"], "one port is enough: `2` is a second one"),
        (&["--every"], "`--every` needs a number of seconds"),
        (&["--every", "-1", "0"], "`-1` is not a number of seconds"),
        (&["--every", "nan", "0"], "`nan` is not a number of seconds"),
        (&["--loud", "0"], "unknown option `--loud`"),
    ] {
        let output = output(SERVER, arguments, Stdio::null());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with(problem) && said.contains("usage: echo_server"), "{said}");
        assert_eq!(output.status.code(), Some(2));
    }
    let help = output(SERVER, &["--help"], Stdio::null());
    assert!(help.status.success() && help.stdout.starts_with(b"usage: "));
}
