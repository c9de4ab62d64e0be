//! The same mistake, wherever it may stand.

#![deny(warnings)]

use std::thread;

use trio::nursery;
use ui_tests::work;

#[trio::task]
pub async fn in_an_arm(choice: Option<u32>) {
    match choice {
        Some(_) => {
            thread::scope(|_| {});
        }
        None => {}
    }
    work().await;
}

#[trio::task]
pub async fn in_let_else(choice: Option<u32>) {
    let Some(_) = choice else {
        thread::scope(|_| {});
        return;
    };
    work().await;
}

#[trio::task]
pub async fn in_a_closure() {
    (0..3).for_each(|_| {
        thread::scope(|_| {});
    });
    work().await;
}

#[trio::task]
pub async fn in_a_block() {
    let block = async {
        thread::scope(|_| {});
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
            thread::scope(|_| {});
        })?;
    })?;
    Ok(())
}

pub trait Server {
    #[trio::task]
    async fn serve(&self) {
        thread::scope(|_| {});
        work().await;
    }
}

pub struct Generic<T>(pub T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    pub async fn serve<const N: usize>(&self) {
        thread::scope(|_| {});
        work().await;
    }
}

fn main() {}
