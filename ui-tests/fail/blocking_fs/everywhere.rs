//! The same mistake, wherever it may stand.

#![deny(warnings)]

use std::fs::OpenOptions;

use trio::nursery;
use ui_tests::work;

#[trio::task]
pub async fn in_an_arm(choice: Option<u32>) {
    match choice {
        Some(_) => {
            let _file = OpenOptions::new().append(true).open("log");
        }
        None => {}
    }
    work().await;
}

#[trio::task]
pub async fn in_let_else(choice: Option<u32>) {
    let Some(_) = choice else {
        let _file = OpenOptions::new().append(true).open("log");
        return;
    };
    work().await;
}

#[trio::task]
pub async fn in_a_closure() {
    (0..3).for_each(|_| {
        let _file = OpenOptions::new().append(true).open("log");
    });
    work().await;
}

#[trio::task]
pub async fn in_a_block() {
    let block = async {
        let _file = OpenOptions::new().append(true).open("log");
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
            let _file = OpenOptions::new().append(true).open("log");
        })?;
    })?;
    Ok(())
}

pub trait Server {
    #[trio::task]
    async fn serve(&self) {
        let _file = OpenOptions::new().append(true).open("log");
        work().await;
    }
}

pub struct Generic<T>(pub T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    pub async fn serve<const N: usize>(&self) {
        let _file = OpenOptions::new().append(true).open("log");
        work().await;
    }
}

fn main() {}
