//! What a task function is given by reference is borrowed by its call, also where the signature has no
//! lifetime that would say so.
use std::cell::Cell;

use trio::nursery;

struct Counter<'a> {
    count: &'a Cell<u32>,
}

impl Counter<'_> {
    #[trio::task]
    async fn add(&self, by: u32) {
        trio::lowlevel::checkpoint().await;
        self.count.set(self.count.get() + by);
    }
}

#[trio::task]
async fn longest(left: &str, right: &str) -> usize {
    trio::lowlevel::checkpoint().await;
    left.len().max(right.len())
}

#[trio::task]
async fn display(value: impl std::fmt::Display) -> String {
    trio::lowlevel::checkpoint().await;
    value.to_string()
}

fn converted(text: &str) {
    let _future = longest(text, "").into_future();
}

fn converted_the_second(text: &str) {
    let _future = longest("", text).into_future();
}

fn converted_whatever_it_is(text: &str) {
    let _future = display(text).into_future();
}

fn called_and_kept() {
    let count = Cell::new(0);
    let call = {
        let counter = Counter { count: &count };
        counter.add(1)
    };
    trio::run(|| call);
}

#[trio::task]
async fn spawned() -> trio::Result<()> {
    let count = Cell::new(0);
    nursery!(|n| {
        let counter = Counter { count: &count };
        n.spawn(Counter::add, &counter, 1);
        n.cancel();
    })?;
    Ok(())
}

fn main() {}
