//! The echo client, with a server of another make.

mod programs;

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::process::{Output, Stdio};

use programs::{Program, output};

const CLIENT: &str = env!("CARGO_BIN_EXE_echo_client");

/// Echoes what every client sends, up to a number of bytes.
const SERVER: &str = "
import socketserver, sys
limit = int(sys.argv[1])
class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        left = limit
        while left and (data := self.request.recv(min(left, 65536))):
            self.request.sendall(data)
            left -= len(data)
class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
with Server(('127.0.0.1', 0), Echo) as server:
    print('port', server.server_address[1])
    server.serve_forever()
";

fn server_with_limit(limit: usize) -> (Program, String) {
    let mut server = Program::python(SERVER, &[&limit.to_string()]);
    let port = server.wait_for_rest("port ");
    (server, format!("127.0.0.1:{port}"))
}

fn server() -> (Program, String) {
    server_with_limit(1 << 40)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_message_comes_back() {
    let (_server, address) = server();
    let output = output(CLIENT, &[&address, "hello", "there"], Stdio::null());
    assert_eq!(output.stdout, b"hello there\n");
    assert!(said(&output).starts_with("12 bytes sent, 12 received in "), "{}", said(&output));
    assert!(output.status.success());
}

#[test]
fn a_server_can_be_given_by_name() {
    let (_server, address) = server();
    let address = address.replace("127.0.0.1", "localhost");
    assert_eq!(output(CLIENT, &[&address, "hello"], Stdio::null()).stdout, b"hello\n");
}

#[test]
fn standard_input_is_sent_as_it_comes() {
    let (_server, address) = server();
    let mut client = Program::start(CLIENT, &[&address]);
    // The second line is written when the first one has come back.
    for line in ["first", "second"] {
        writeln!(client.stdin(), "{line}").unwrap();
        client.wait_for(line);
    }
    client.close_stdin();
    assert!(client.wait().success());
}

#[test]
fn a_file_is_sent_from_beginning_to_end() {
    let (_server, address) = server();
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("echo_client_{}", std::process::id()));
    let data: Vec<u8> = (0..3_000_000_u32).map(|index| ((index * 31) >> 7) as u8).collect();
    fs::write(&path, &data).unwrap();
    let output = output(CLIENT, &[&address], File::open(&path).unwrap());
    assert!(output.stdout == data, "{}", said(&output));
    assert!(output.status.success());
}

#[test]
fn no_input_is_sent_as_nothing() {
    let (_server, address) = server();
    let output = output(CLIENT, &[&address], Stdio::null());
    assert!(output.status.success() && output.stdout.is_empty());
    assert!(said(&output).starts_with("0 bytes sent, 0 received"));
}

#[test]
fn a_server_that_ends_too_soon_is_a_failure() {
    let (_server, address) = server_with_limit(5);
    // Standard input stays open: it is the server that ends this.
    let mut client = Program::start(CLIENT, &[&address]);
    client.stdin().write_all(b"hello").unwrap();
    assert!(client.wait().success());
    assert_eq!(client.seen(), ["hello"]);

    let mut client = Program::start(CLIENT, &[&address]);
    client.stdin().write_all(b"hello there").unwrap();
    assert!(!client.wait().success());
}

#[test]
fn a_server_that_is_not_there_is_an_error_that_names_it() {
    let address = {
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
        nobody.local_addr().unwrap().to_string()
    };
    let output = output(CLIENT, &[&address, "hello"], Stdio::null());
    assert_eq!(output.status.code(), Some(1));
    let wanted = format!("Error: cannot connect to {address}: ");
    assert!(said(&output).starts_with(&wanted), "{}", said(&output));
}

#[test]
fn wrong_arguments_are_explained() {
    for (arguments, problem) in [
        (&[][..], "the server is missing"),
        (&["localhost"], "`localhost` is no server's HOST:PORT"),
        (&["127.0.0.1:70000"], "`127.0.0.1:70000` is no server's HOST:PORT"),
        (&["-x"], "unknown option `-x`"),
    ] {
        let output = output(CLIENT, arguments, Stdio::null());
        assert!(said(&output).starts_with(problem), "{}", said(&output));
        assert!(said(&output).contains("usage: echo_client"));
        assert_eq!(output.status.code(), Some(2));
    }
}
