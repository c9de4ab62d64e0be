//! The same mistake, wherever it may stand.

use trio::{Nursery, nursery};
use ui_tests::{serve, work};

#[trio::task]
pub async fn in_an_arm(n: Nursery<'_>, choice: Option<u32>) {
    match choice {
        Some(_) => {
            n.start(serve, 80);
        }
        None => {}
    }
    work().await;
}

#[trio::task]
pub async fn in_let_else(n: Nursery<'_>, choice: Option<u32>) {
    let Some(_) = choice else {
        n.start(serve, 80);
        return;
    };
    work().await;
}

#[trio::task]
pub async fn in_a_closure(n: Nursery<'_>) {
    (0..3).for_each(|_| {
        n.start(serve, 80);
    });
    work().await;
}

#[trio::task]
pub async fn in_a_block(n: Nursery<'_>) {
    let block = async {
        n.start(serve, 80);
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
            n.start(serve, 80);
        })?;
    })?;
    Ok(())
}

pub trait Server {
    #[trio::task]
    async fn serve(&self, n: Nursery<'_>) {
        n.start(serve, 80);
        work().await;
    }
}

pub struct Generic<T>(pub T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    pub async fn serve<const N: usize>(&self, n: Nursery<'_>) {
        n.start(serve, 80);
        work().await;
    }
}

fn main() {}
