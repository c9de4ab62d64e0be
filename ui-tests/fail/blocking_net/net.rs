#![deny(warnings)]

use std::net::ToSocketAddrs;

use ui_tests::work;

mod client {
    pub mod blocking {
        pub fn get(_: &str) {}
    }
}

#[trio::task]
pub async fn blocking(address: &str) -> trio::Result<usize> {
    let stream = std::net::TcpStream::connect(address)?;
    drop(stream);
    client::blocking::get(address);
    work().await;
    Ok(address.to_socket_addrs()?.count())
}

fn main() {}
