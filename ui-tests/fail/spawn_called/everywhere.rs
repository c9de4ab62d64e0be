//! A call instead of a function and its arguments, wherever it may stand.

use trio::{Nursery, nursery};
use ui_tests::{child, fetch, plain};

#[trio::task]
async fn in_a_nursery(choice: Option<u32>) -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(child(1));
        n.spawn_monitored(child(2)).outcome().await;
        n.spawn_named("third", child(3));
        match choice {
            Some(number) => drop(n.spawn(child(number))),
            None => {}
        }
        let Some(_) = choice else {
            n.spawn(fetch("a"));
            panic!();
        };
        (0..3).for_each(|number| drop(n.spawn(child(number))));
        nursery!(|inner| {
            inner.spawn(child(4));
            n.spawn(child(5));
        })?;
    })?;
    Ok(())
}

#[trio::task]
async fn with_a_parameter(nursery: Nursery<'_>) {
    nursery.spawn(plain(1));
    nursery.spawn(std::future::ready(()));
    trio::lowlevel::checkpoint().await;
}

trait Server {
    #[trio::task]
    async fn serve(&self, n: Nursery<'_>) {
        n.spawn(child(6));
    }
}

struct Generic<T>(T);

impl<T: Clone> Generic<T> {
    #[trio::task]
    async fn serve(&self, n: Nursery<'_>) {
        n.spawn(child(7));
    }
}

fn main() {}
