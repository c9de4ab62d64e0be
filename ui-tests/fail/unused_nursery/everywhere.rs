//! The same mistake, wherever it may stand.

#![deny(warnings)]

use trio::nursery;
use ui_tests::work;

#[trio::task]
pub async fn in_an_arm(choice: Option<u32>) {
    match choice {
        Some(_) => {
            let _ = trio::nursery!(|unused| work().await);
        }
        None => {}
    }
    work().await;
}

#[trio::task]
pub async fn in_let_else(choice: Option<u32>) {
    let Some(_) = choice else {
        let _ = trio::nursery!(|unused| work().await);
        return;
    };
    work().await;
}

#[trio::task]
pub async fn in_a_block() {
    let block = async {
        let _ = trio::nursery!(|unused| work().await);
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
            let _ = trio::nursery!(|unused| work().await);
        })?;
    })?;
    Ok(())
}

pub trait Server {
    #[trio::task]
    async fn serve(&self) {
        let _ = trio::nursery!(|unused| work().await);
        work().await;
    }
}

pub struct Generic<T>(pub T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    pub async fn serve<const N: usize>(&self) {
        let _ = trio::nursery!(|unused| work().await);
        work().await;
    }
}

fn main() {}
