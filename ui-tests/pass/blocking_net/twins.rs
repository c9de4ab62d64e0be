#![deny(warnings)]
#![allow(dead_code)]

use std::net::{Ipv4Addr, SocketAddr};

use trio::net::TcpStream;

#[trio::task]
async fn twins() -> trio::Result<()> {
    let address = SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, 80));
    let stream = TcpStream::connect(address).await?;
    drop(stream);
    let _any = std::net::Ipv4Addr::new(0, 0, 0, 0) == Ipv4Addr::UNSPECIFIED;
    Ok(())
}

fn main() {}
