//! The same mistake, wherever it may stand.

use trio::nursery;
use ui_tests::{compute, work};

#[trio::task]
pub async fn in_an_arm(choice: Option<u32>) {
    match choice {
        Some(_) => {
            compute(1).await;
        }
        None => {}
    }
    work().await;
}

#[trio::task]
pub async fn in_let_else(choice: Option<u32>) {
    let Some(_) = choice else {
        compute(1).await;
        return;
    };
    work().await;
}

#[trio::task]
pub async fn in_a_block() {
    let block = async {
        compute(1).await;
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
            compute(1).await;
        })?;
    })?;
    Ok(())
}

pub trait Server {
    #[trio::task]
    async fn serve(&self) {
        compute(1).await;
        work().await;
    }
}

pub struct Generic<T>(pub T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    pub async fn serve<const N: usize>(&self) {
        compute(1).await;
        work().await;
    }
}

fn main() {}
