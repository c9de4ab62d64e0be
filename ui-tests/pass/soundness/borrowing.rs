//! What a nursery's children may borrow, and for how long.
#![forbid(unsafe_code)]

use std::cell::{Cell, RefCell};

use trio::{Nursery, TaskHandle, TaskStatus, nursery};

#[trio::task]
async fn push(list: &mut Vec<u32>, number: u32) {
    trio::lowlevel::checkpoint().await;
    list.push(number);
}

#[trio::task]
async fn first(list: &[String]) -> &str {
    trio::lowlevel::checkpoint().await;
    &list[0]
}

/// What a child has changed is free again when the nursery is left.
#[trio::task]
async fn one_after_the_other() -> trio::Result<()> {
    let mut list = Vec::new();
    nursery!(|n| {
        n.spawn(push, &mut list, 1);
        n.spawn(trio::lowlevel::checkpoint);
    })?;
    list.push(2);
    nursery!(|n| {
        n.spawn(push, &mut list, 3);
        n.spawn(trio::lowlevel::checkpoint);
    })?;
    drop(list.drain(..1));
    assert_eq!(list, [2, 3]);
    Ok(())
}

/// An inner nursery's children may borrow from the body of the outer.
#[trio::task]
async fn from_a_body() -> trio::Result<()> {
    nursery!(|outer| {
        let text = vec![String::from("a")];
        let handle = nursery!(|inner| {
            inner.spawn(first, &text);
            inner.spawn(first, &text)
        })?;
        assert_eq!(handle.take(), Some("a"));
        drop(handle);
        outer.spawn(async move { text.len() });
    })?;
    Ok(())
}

/// A child may spawn into the nursery that it is in what outlives it, not only itself.
#[trio::task]
async fn crawl<'a>(n: Nursery<'a>, pages: &'a RefCell<Vec<u32>>, page: u32) {
    trio::lowlevel::checkpoint().await;
    pages.borrow_mut().push(page);
    if page < 4 {
        n.spawn(crawl, n, pages, page * 2);
        n.spawn(crawl, n, pages, page * 2 + 1);
    }
}

fn helper<'a>(n: Nursery<'a>, count: &'a Cell<u32>) -> TaskHandle<()> {
    n.spawn(move || async move { count.set(count.get() + 1) })
}

#[trio::task]
async fn through_handles() -> trio::Result<()> {
    let pages = RefCell::new(Vec::new());
    let count = Cell::new(0);
    let n = nursery!(|n| {
        n.spawn(crawl, n, &pages, 1);
        helper(n, &count);
        n
    })?;
    // It names a nursery that is closed, and harms nobody.
    assert_eq!(format!("{n:?}"), "Nursery(closed)");
    let mut pages = pages.into_inner();
    pages.sort_unstable();
    assert_eq!(pages, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(count.get(), 1);
    Ok(())
}

#[trio::task]
async fn starts<'a>(status: TaskStatus<&'a str>, text: &'a str) {
    status.started(&text[1..]);
    trio::lowlevel::checkpoint().await;
}

/// What a task says that it has started with may borrow from what outlives the nursery.
#[trio::task(allow(useless_nursery))]
async fn started_with_a_borrowed_value() -> trio::Result<()> {
    let text = String::from("abc");
    let rest = nursery!(|n| n.start(starts, &text).await?)?;
    assert_eq!(rest, "bc");
    Ok(())
}

#[trio::task]
async fn all(count: &Cell<u32>) -> trio::Result<u32> {
    one_after_the_other().await?;
    from_a_body().await?;
    through_handles().await?;
    started_with_a_borrowed_value().await?;
    count.set(count.get() + 1);
    Ok(count.get())
}

fn main() {
    // The main task may borrow, too.
    let count = Cell::new(0);
    assert_eq!(trio::run(|| all(&count)).unwrap(), 1);
    assert_eq!(count.get(), 1);
}
