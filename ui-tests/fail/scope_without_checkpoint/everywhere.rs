//! The same mistake, wherever it may stand.

use std::time::Duration;

use trio::nursery;
use ui_tests::{compute, work};

#[trio::task]
pub async fn in_an_arm(choice: Option<u32>) {
    match choice {
        Some(_) => {
            trio::move_on_after(Duration::from_secs(1), async { compute(1) }).await;
        }
        None => {}
    }
    work().await;
}

#[trio::task]
pub async fn in_let_else(choice: Option<u32>) {
    let Some(_) = choice else {
        trio::move_on_after(Duration::from_secs(1), async { compute(1) }).await;
        return;
    };
    work().await;
}

#[trio::task]
pub async fn in_a_block() {
    let block = async {
        trio::move_on_after(Duration::from_secs(1), async { compute(1) }).await;
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
            trio::move_on_after(Duration::from_secs(1), async { compute(1) }).await;
        })?;
    })?;
    Ok(())
}

pub trait Server {
    #[trio::task]
    async fn serve(&self) {
        trio::move_on_after(Duration::from_secs(1), async { compute(1) }).await;
        work().await;
    }
}

pub struct Generic<T>(pub T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    pub async fn serve<const N: usize>(&self) {
        trio::move_on_after(Duration::from_secs(1), async { compute(1) }).await;
        work().await;
    }
}

fn main() {}
