//! Programs that others have written, at the other end of our connections: netcat and Python.

use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tests::threads::in_thread;
use trio::net::{TcpListener, TcpStream};
use trio::nursery;

/// A program that is killed if the test fails while it runs.
struct Counterpart(Option<Child>);

impl Counterpart {
    fn start(program: &str, arguments: &[&str]) -> Counterpart {
        let mut command = Command::new(program);
        let piped = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        Counterpart(Some(piped.spawn().unwrap_or_else(|error| panic!("{program}: {error}"))))
    }

    fn python(script: &str, arguments: &[&str]) -> Counterpart {
        Counterpart::start("python3", &[&["-c", script], arguments].concat())
    }

    /// The first line that it prints.
    fn first_line(&mut self) -> String {
        let stdout = self.0.as_mut().unwrap().stdout.take().unwrap();
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Gives it this input; how it ended.
    async fn ends(mut self, input: Vec<u8>) -> Output {
        let mut child = self.0.take().unwrap();
        in_thread(move || {
            let mut stdin = child.stdin.take().unwrap();
            let writing = std::thread::spawn(move || stdin.write_all(&input));
            let output = child.wait_with_output().unwrap();
            // A program that does not care for its input closes it.
            let _ = writing.join().unwrap();
            output
        })
        .await
    }
}

impl Drop for Counterpart {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Sends everything back that comes.
#[trio::task]
async fn echo(stream: &TcpStream) -> io::Result<usize> {
    let mut buffer = vec![0; 64 * 1024];
    let mut total = 0;
    loop {
        match stream.receive_some(&mut buffer).await? {
            0 => break,
            count => {
                stream.send_all(&buffer[..count]).await?;
                total += count;
            }
        }
    }
    stream.send_eof().await?;
    Ok(total)
}

#[trio::task]
async fn receive_all(stream: &TcpStream) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match stream.receive_some(&mut buffer).await? {
            0 => return Ok(data),
            count => data.extend_from_slice(&buffer[..count]),
        }
    }
}

#[trio::test]
async fn netcat_gets_its_input_back_from_an_echo_server() {
    let (listener, address) = listen();
    let port = address.port().to_string();
    let lines: Vec<u8> = (0..100_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
    // `-N`: netcat shuts its side down at the end of its input.
    let netcat = Counterpart::start("nc", &["-N", "127.0.0.1", &port]);
    nursery!(|n| {
        let server = n.spawn(async {
            let stream = listener.accept().await?;
            echo(&stream).await
        });
        let output = netcat.ends(lines.clone()).await;
        assert!(output.status.success());
        assert!(output.stdout == lines);
        server.wait().await;
        assert_eq!(server.take(), Some(lines.len()));
    })
    .unwrap();
}

#[trio::test]
async fn several_netcats_are_served_at_once() {
    let (listener, address) = listen();
    let port = address.port().to_string();
    nursery!(|n| {
        let server = n.spawn(async {
            nursery!(|n| {
                loop {
                    let stream = listener.accept().await?;
                    n.spawn(async move { echo(&stream).await });
                }
            })
        });
        nursery!(|n| {
            for number in 0..5_u8 {
                let netcat = Counterpart::start("nc", &["-N", "127.0.0.1", &port]);
                n.spawn(async move {
                    let input = vec![b'0' + number; 50_000];
                    assert!(netcat.ends(input.clone()).await.stdout == input);
                });
            }
        })?;
        server.cancel();
    })
    .unwrap();
}

/// Connects as soon as somebody listens.
#[trio::task]
async fn connect_when_it_listens(address: SocketAddr) -> TcpStream {
    loop {
        match TcpStream::connect(address).await {
            // An attempt whose own port happens to be that one connects to itself.
            Ok(stream) if stream.local_addr().unwrap() != address => return stream,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(error) => panic!("{error}"),
        }
        trio::sleep(Duration::from_millis(1)).await;
    }
}

#[trio::test]
async fn a_client_talks_to_a_netcat_that_listens() {
    // A port that is free: netcat cannot be asked which one it has taken.
    let (listener, address) = listen();
    listener.close();
    let port = address.port().to_string();
    let netcat = Counterpart::start("nc", &["-N", "-l", "127.0.0.1", &port]);
    nursery!(|n| {
        n.spawn(async {
            let stream = connect_when_it_listens(address).await;
            // Netcat has shut its side down then, and still receives.
            assert_eq!(receive_all(&stream).await?, b"from netcat");
            stream.send_all(b"from the client").await?;
            stream.send_eof().await?;
            Ok::<_, io::Error>(())
        });
        let output = netcat.ends(b"from netcat".to_vec()).await;
        assert_eq!(output.stdout, b"from the client");
    })
    .unwrap();
}

const PYTHON_CLIENT: &str = r#"
import hashlib, socket, sys, threading
data = bytes(i * i % 251 for i in range(1000)) * 3000
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
    def send():
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)
    threading.Thread(target=send).start()
    received = bytearray()
    while chunk := s.recv(70000):
        received += chunk
assert received == data, (len(received), len(data))
print("the same", len(received))
"#;

#[trio::test]
async fn a_python_client_gets_its_data_back_from_an_echo_server() {
    let (listener, address) = listen();
    let python = Counterpart::python(PYTHON_CLIENT, &[&address.port().to_string()]);
    nursery!(|n| {
        n.spawn(async {
            let stream = listener.accept().await?;
            echo(&stream).await
        });
        let output = python.ends(Vec::new()).await;
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), "the same 3000000");
    })
    .unwrap();
}

const PYTHON_SERVER: &str = r#"
import asyncio
async def echo(reader, writer):
    while data := await reader.read(50000):
        writer.write(data)
        await writer.drain()
    writer.write_eof()
async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"#;

#[trio::test]
async fn clients_talk_to_a_python_server() {
    let mut python = Counterpart::python(PYTHON_SERVER, &[]);
    let (port, _python) = in_thread(move || (python.first_line(), python)).await;
    let address = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
    nursery!(|n| {
        for number in 0..10_u8 {
            n.spawn(async move {
                let stream = TcpStream::connect(address).await?;
                let data = vec![number; 300_000];
                nursery!(|n| {
                    n.spawn(async {
                        stream.send_all(&data).await?;
                        stream.send_eof().await
                    });
                    assert!(receive_all(&stream).await? == data);
                })?;
                Ok::<_, trio::Error>(())
            });
        }
    })
    .unwrap();
}

#[trio::test]
async fn a_python_peer_that_dies_breaks_or_ends_the_connection() {
    let (listener, address) = listen();
    let script = "import socket, sys, os, signal\n\
                  s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n\
                  s.sendall(b'x')\n\
                  os.kill(os.getpid(), signal.SIGKILL)";
    let python = Counterpart::python(script, &[&address.port().to_string()]);
    let stream = listener.accept().await.unwrap();
    let mut buffer = [0; 4];
    assert_eq!(stream.receive_some(&mut buffer).await.unwrap(), 1);
    assert_eq!(stream.receive_some(&mut buffer).await.unwrap(), 0);
    let error = loop {
        if let Err(error) = stream.send_all(&[0; 1000]).await {
            break error;
        }
    };
    assert!(trio::is_error::<trio::BrokenResourceError>(&error), "{error}");
    assert!(!python.ends(Vec::new()).await.status.success());
}
