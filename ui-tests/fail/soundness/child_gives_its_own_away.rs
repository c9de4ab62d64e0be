//! A child's locals go before the nursery is left.
use std::cell::RefCell;

use trio::{TaskStatus, nursery};

#[trio::task]
async fn lends<'a>(list: &RefCell<Vec<&'a str>>) {
    let text = String::from("a");
    list.borrow_mut().push(&text);
    trio::lowlevel::checkpoint().await;
}

#[trio::task]
async fn starts(status: TaskStatus<&str>) {
    let text = String::from("a");
    status.started(&text);
    trio::lowlevel::checkpoint().await;
}

#[trio::task]
async fn spawns_what_borrows_from_it<'a>(n: trio::Nursery<'a>) {
    let text = String::from("a");
    n.spawn(async { println!("{text}") });
    trio::lowlevel::checkpoint().await;
}

#[trio::task(allow(useless_nursery))]
async fn through_a_block() -> trio::Result<()> {
    let list = RefCell::new(Vec::new());
    nursery!(|n| {
        n.spawn(async {
            let text = String::from("a");
            list.borrow_mut().push(text.as_str());
        });
    })?;
    println!("{list:?}");
    Ok(())
}

fn main() {}
