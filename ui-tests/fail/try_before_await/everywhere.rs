//! The same mistake, wherever it may stand.

use trio::nursery;
use ui_tests::{fetch, work};

#[trio::task]
pub async fn in_an_arm(choice: Option<u32>) -> trio::Result<()> {
    match choice {
        Some(_) => {
            let _length = fetch("a")?.len();
        }
        None => {}
    }
    work().await;
    Ok(())
}

#[trio::task]
pub async fn in_let_else(choice: Option<u32>) -> trio::Result<()> {
    let Some(_) = choice else {
        let _length = fetch("a")?.len();
        return Ok(());
    };
    work().await;
    Ok(())
}

#[trio::task]
pub async fn in_a_block() -> trio::Result<()> {
    let block = async {
        let _length = fetch("a")?.len();
        work().await;
        trio::Result::Ok(())
    };
    block.await
}

#[trio::task]
pub async fn in_nested_nurseries() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(work);
        nursery!(|inner| {
            inner.spawn(work);
            let _length = fetch("a")?.len();
        })?;
    })?;
    Ok(())
}

pub trait Server {
    #[trio::task]
    async fn serve(&self) -> trio::Result<()> {
        let _length = fetch("a")?.len();
        work().await;
        Ok(())
    }
}

pub struct Generic<T>(pub T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    pub async fn serve<const N: usize>(&self) -> trio::Result<()> {
        let _length = fetch("a")?.len();
        work().await;
        Ok(())
    }
}

fn main() {}
