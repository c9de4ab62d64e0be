//! Programs that others have written, at the other end of our connections: netcat, socat and Python.

use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tests::network::{listen, receive_all, scratch};
use tests::threads::in_thread;
use trio::net::{TcpStream, UdpSocket, UnixListener, UnixStream, serve_listeners};
use trio::nursery;
use trio::stream::HalfCloseableStream;

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

/// Sends everything back that comes.
#[trio::task]
async fn echo<S: HalfCloseableStream>(stream: &S) -> io::Result<usize> {
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

const ASYNCIO_CLIENTS: &str = r#"
import asyncio, sys
async def talk(number):
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]))
    data = bytes([number]) * 200_000
    async def send():
        for start in range(0, len(data), 7_000):
            writer.write(data[start:start + 7_000])
            await writer.drain()
        writer.write_eof()
    sending = asyncio.create_task(send())
    received = await reader.read()
    await sending
    writer.close()
    await writer.wait_closed()
    return received == data
async def main():
    print(sum(await asyncio.gather(*(talk(number) for number in range(50)))))
asyncio.run(main())
"#;

#[trio::test]
async fn fifty_asyncio_clients_at_once_get_their_data_back_from_a_server() {
    let (listener, address) = listen();
    let python = Counterpart::python(ASYNCIO_CLIENTS, &[&address.port().to_string()]);
    nursery!(|n| {
        let handler = async |stream: TcpStream| echo(&stream).await.map(drop);
        n.spawn(serve_listeners, vec![listener], handler);
        let output = python.ends(Vec::new()).await;
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), "50");
        n.cancel();
    })
    .unwrap();
}

const PYTHON_UDP_CLIENT: &str = r#"
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.connect(("127.0.0.1", int(sys.argv[1])))
    for size in (0, 1, 1472, 9000, 65507):
        data = bytes(i % 251 for i in range(size))
        s.send(data)
        assert s.recv(70000) == data, size
    s.send(b"the end")
print("the same")
"#;

#[trio::test]
async fn a_python_client_gets_its_datagrams_back_from_a_udp_server() {
    let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port().to_string();
    let python = Counterpart::python(PYTHON_UDP_CLIENT, &[&port]);
    let mut buffer = vec![0; 70_000];
    loop {
        let (count, peer) = socket.recv_from(&mut buffer).await.unwrap();
        if &buffer[..count] == b"the end" {
            break;
        }
        socket.send_to(&buffer[..count], peer).await.unwrap();
    }
    assert_eq!(python.ends(Vec::new()).await.stdout, b"the same\n");
}

const ASYNCIO_UDP_SERVER: &str = r#"
import asyncio
class Shout(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport
        print(transport.get_extra_info("sockname")[1], flush=True)
    def datagram_received(self, data, peer):
        self.transport.sendto(data.upper(), peer)
async def main():
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(Shout, local_addr=("127.0.0.1", 0))
    await loop.create_future()
asyncio.run(main())
"#;

#[trio::test]
async fn an_asyncio_udp_server_answers_a_connected_socket() {
    let mut python = Counterpart::python(ASYNCIO_UDP_SERVER, &[]);
    let (port, _python) = in_thread(move || (python.first_line(), python)).await;
    let server = SocketAddr::from(([127, 0, 0, 1], port.parse().unwrap()));
    let socket = UdpSocket::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket.connect(server).await.unwrap();
    let mut buffer = [0; 100];
    for number in 0..100 {
        socket.send(format!("question {number}").as_bytes()).await.unwrap();
        let count = socket.recv(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..count], format!("QUESTION {number}").as_bytes());
    }
}

#[trio::test]
async fn socat_gets_its_input_back_from_a_unix_server() {
    let path = scratch("to-us");
    let listener = UnixListener::bind(&path).unwrap();
    let lines: Vec<u8> = (0..100_000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
    let address = format!("UNIX-CONNECT:{}", path.display());
    // `-t`: how long it waits for the other direction once one has ended.
    let socat = Counterpart::start("socat", &["-t", "60", "-", &address]);
    nursery!(|n| {
        n.spawn(async {
            let stream = listener.accept().await?;
            assert_eq!(echo(&stream).await?, lines.len());
            Ok::<_, io::Error>(())
        });
        let output = socat.ends(lines.clone()).await;
        assert!(output.status.success());
        assert!(output.stdout == lines);
    })
    .unwrap();
}

#[trio::test(allow(blocking_fs))]
async fn clients_talk_to_a_socat_that_listens_at_a_unix_path() {
    let path = scratch("to-socat");
    let address = format!("UNIX-LISTEN:{},fork,unlink-early", path.display());
    // Each connection gets a `cat` of its own.
    let _socat = Counterpart::start("socat", &["-t", "60", &address, "EXEC:cat"]);
    nursery!(|n| {
        for number in 0..5_u8 {
            let path = &path;
            n.spawn(async move {
                let stream = connect_when_it_is_there(path).await;
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
    // It is killed, and leaves its file.
    std::fs::remove_file(&path).unwrap();
}

/// Connects as soon as somebody listens.
#[trio::task]
async fn connect_when_it_is_there(path: &PathBuf) -> UnixStream {
    loop {
        match UnixStream::connect(path).await {
            Ok(stream) => return stream,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) => {}
            Err(error) => panic!("{error}"),
        }
        trio::sleep(Duration::from_millis(1)).await;
    }
}

#[cfg(target_os = "linux")]
#[trio::test]
async fn socat_carries_tcp_to_an_abstract_unix_address() {
    use std::os::linux::net::SocketAddrExt;

    let name = format!("trio-counterparts-{}", std::process::id());
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
    let listener = UnixListener::bind_addr(&address).unwrap();
    let (free, port) = listen();
    free.close();
    let from = format!("TCP-LISTEN:{},bind=127.0.0.1,reuseaddr", port.port());
    let to = format!("ABSTRACT-CONNECT:{name}");
    let socat = Counterpart::start("socat", &["-t", "60", &from, &to]);
    nursery!(|n| {
        n.spawn(async {
            let stream = listener.accept().await?;
            echo(&stream).await.map(drop)
        });
        let stream = connect_when_it_listens(port).await;
        stream.send_all(b"through socat").await?;
        stream.send_eof().await?;
        assert_eq!(receive_all(&stream).await?, b"through socat");
    })
    .unwrap();
    assert!(socat.ends(Vec::new()).await.status.success());
}
