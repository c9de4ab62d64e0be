//! Both ends of connections over the loopback interface.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use trio::net::{TcpListener, TcpStream, UdpSocket};
use trio::nursery;

pub const FINE: &str = "nothing fails on the loopback interface";
const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const SIZE: usize = 64;
/// What is received into. It is larger than what comes: a read that fills its buffer does not say whether
/// there is more.
const BUFFER: usize = 1024;

#[trio::task]
async fn client(stream: TcpStream, times: u32) -> io::Result<()> {
    let mut buffer = [0; BUFFER];
    for _ in 0..times {
        stream.send_all(&[7; SIZE]).await?;
        assert_eq!(stream.receive_some(&mut buffer).await?, SIZE);
    }
    Ok(())
}

#[trio::task]
async fn server(stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; BUFFER];
    while let count @ 1.. = stream.receive_some(&mut buffer).await? {
        stream.send_all(&buffer[..count]).await?;
    }
    Ok(())
}

#[trio::task]
pub async fn echo(connections: u32, times: u32) -> trio::Result<()> {
    let listener = TcpListener::bind(ANY)?;
    let address = listener.local_addr()?;
    // All are there before the first begins, so that none is done before the last is.
    let mut pairs = Vec::new();
    for _ in 0..connections {
        let near = TcpStream::connect(address).await?;
        pairs.push((near, listener.accept().await?));
    }
    nursery!(|n| {
        for (near, far) in pairs {
            n.spawn(server, far);
            n.spawn(client, near, times / connections);
        }
    })?;
    Ok(())
}

#[trio::task]
async fn answers(socket: &UdpSocket, times: u32) -> io::Result<()> {
    let mut buffer = [0; SIZE];
    for _ in 0..times {
        let (count, peer) = socket.recv_from(&mut buffer).await?;
        socket.send_to(&buffer[..count], peer).await?;
    }
    Ok(())
}

#[trio::task]
pub async fn datagrams(times: u32) -> trio::Result<()> {
    let (near, far) = (UdpSocket::bind(ANY)?, UdpSocket::bind(ANY)?);
    let address = far.local_addr()?;
    nursery!(|n| {
        n.spawn(answers, &far, times);
        let mut buffer = [0; SIZE];
        for _ in 0..times {
            near.send_to(&[7; SIZE], address).await?;
            near.recv_from(&mut buffer).await?;
        }
    })?;
    Ok(())
}

#[trio::task]
pub async fn connections(times: u32) -> io::Result<()> {
    let listener = TcpListener::bind(ANY)?;
    let address = listener.local_addr()?;
    for _ in 0..times {
        let near = TcpStream::connect(address).await?;
        let far = listener.accept().await?;
        // It is reset, and does not keep its port from the next ones.
        near.with_socket2(|socket| socket.set_linger(Some(Duration::ZERO)))?;
        drop((near, far));
    }
    Ok(())
}
