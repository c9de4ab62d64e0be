//! The same mistake, wherever it may stand.

#![deny(warnings)]

use trio::nursery;
use ui_tests::work;

macro_rules! select {
    ($($tokens:tt)*) => {};
}

#[trio::task]
pub async fn in_an_arm(choice: Option<u32>) {
    match choice {
        Some(_) => {
            select! {
                _ = work() => {}
            }
        }
        None => {}
    }
    work().await;
}

#[trio::task]
pub async fn in_let_else(choice: Option<u32>) {
    let Some(_) = choice else {
        select! {
            _ = work() => {}
        }
        return;
    };
    work().await;
}

#[trio::task]
pub async fn in_a_block() {
    let block = async {
        select! {
            _ = work() => {}
        }
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
            select! {
                _ = work() => {}
            }
        })?;
    })?;
    Ok(())
}

pub trait Server {
    #[trio::task]
    async fn serve(&self) {
        select! {
            _ = work() => {}
        }
        work().await;
    }
}

pub struct Generic<T>(pub T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    pub async fn serve<const N: usize>(&self) {
        select! {
            _ = work() => {}
        }
        work().await;
    }
}

fn main() {}
