//! The same mistake, wherever it may stand.

use trio::nursery;
use ui_tests::{child, work};

#[trio::task]
pub async fn in_an_arm(choice: Option<u32>) {
    match choice {
        Some(_) => {
            println!("{}", child(1));
        }
        None => {}
    }
    work().await;
}

#[trio::task]
pub async fn in_let_else(choice: Option<u32>) {
    let Some(_) = choice else {
        println!("{}", child(1));
        return;
    };
    work().await;
}

#[trio::task]
pub async fn in_a_closure() {
    (0..3).for_each(|_| {
        println!("{}", child(1));
    });
    work().await;
}

#[trio::task]
pub async fn in_a_block() {
    let block = async {
        println!("{}", child(1));
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
            println!("{}", child(1));
        })?;
    })?;
    Ok(())
}

pub trait Server {
    #[trio::task]
    async fn serve(&self) {
        println!("{}", child(1));
        work().await;
    }
}

pub struct Generic<T>(pub T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    pub async fn serve<const N: usize>(&self) {
        println!("{}", child(1));
        work().await;
    }
}

fn main() {}
