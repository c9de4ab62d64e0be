//! The same mistake, wherever it may stand.

#![deny(warnings)]

use trio::nursery;
use ui_tests::work;

#[trio::task]
pub async fn in_an_arm(choice: Option<u32>) {
    match choice {
        Some(_) => {
            std::thread::spawn(|| 1);
        }
        None => {}
    }
    work().await;
}

#[trio::task]
pub async fn in_let_else(choice: Option<u32>) {
    let Some(_) = choice else {
        std::thread::spawn(|| 1);
        return;
    };
    work().await;
}

#[trio::task]
pub async fn in_a_closure() {
    (0..3).for_each(|_| {
        std::thread::spawn(|| 1);
    });
    work().await;
}

#[trio::task]
pub async fn in_a_block() {
    let block = async {
        std::thread::spawn(|| 1);
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
            std::thread::spawn(|| 1);
        })?;
    })?;
    Ok(())
}

pub trait Server {
    #[trio::task]
    async fn serve(&self) {
        std::thread::spawn(|| 1);
        work().await;
    }
}

pub struct Generic<T>(pub T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    pub async fn serve<const N: usize>(&self) {
        std::thread::spawn(|| 1);
        work().await;
    }
}

fn main() {}
