//! The same mistake, wherever it may stand.

#![deny(warnings)]

use trio::nursery;
use ui_tests::work;

#[trio::task]
pub async fn in_an_arm(choice: Option<u32>) {
    match choice {
        Some(_) => {
            let _stream = std::net::TcpStream::connect("localhost:80");
        }
        None => {}
    }
    work().await;
}

#[trio::task]
pub async fn in_let_else(choice: Option<u32>) {
    let Some(_) = choice else {
        let _stream = std::net::TcpStream::connect("localhost:80");
        return;
    };
    work().await;
}

#[trio::task]
pub async fn in_a_closure() {
    (0..3).for_each(|_| {
        let _stream = std::net::TcpStream::connect("localhost:80");
    });
    work().await;
}

#[trio::task]
pub async fn in_a_block() {
    let block = async {
        let _stream = std::net::TcpStream::connect("localhost:80");
        work().await;
    };
    block.await;
}

#[trio::task]
pub async fn in_nested_nurseries() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(work);
        nursery!(|inner| {
            inner.spawn(work);
            let _stream = std::net::TcpStream::connect("localhost:80");
        })?;
    })?;
    Ok(())
}

pub trait Server {
    #[trio::task]
    async fn serve(&self) {
        let _stream = std::net::TcpStream::connect("localhost:80");
        work().await;
    }
}

pub struct Generic<T>(pub T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    pub async fn serve<const N: usize>(&self) {
        let _stream = std::net::TcpStream::connect("localhost:80");
        work().await;
    }
}

fn main() {}
