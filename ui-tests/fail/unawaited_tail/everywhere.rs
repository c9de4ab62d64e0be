//! The same mistake, wherever it may stand.

use trio::nursery;
use ui_tests::{child, work};

#[trio::task]
pub async fn in_an_arm(choice: Option<u32>) {
    match choice {
        Some(_) => {
            let block = async { child(1) };
            block.await;
        }
        None => {}
    }
    work().await;
}

#[trio::task]
pub async fn in_let_else(choice: Option<u32>) {
    let Some(_) = choice else {
        let block = async { child(1) };
        block.await;
        return;
    };
    work().await;
}

#[trio::task]
pub async fn in_a_block() {
    let block = async {
        let block = async { child(1) };
        block.await;
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
            let block = async { child(1) };
            block.await;
        })?;
    })?;
    Ok(())
}

pub trait Server {
    #[trio::task]
    async fn serve(&self) {
        let block = async { child(1) };
        block.await;
        work().await;
    }
}

pub struct Generic<T>(pub T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    pub async fn serve<const N: usize>(&self) {
        let block = async { child(1) };
        block.await;
        work().await;
    }
}

fn main() {}
