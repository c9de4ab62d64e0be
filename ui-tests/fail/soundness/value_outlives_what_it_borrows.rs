//! The value of a task may borrow, and its handle does then, too.
use trio::{TaskHandle, nursery};

#[trio::task]
async fn first(list: &[String]) -> &str {
    trio::lowlevel::checkpoint().await;
    &list[0]
}

#[trio::task(allow(useless_nursery))]
async fn the_handle_is_kept() -> trio::Result<()> {
    let handle: TaskHandle<&str>;
    {
        let list = vec![String::from("a")];
        handle = nursery!(|n| n.spawn(first, &list))?;
    }
    println!("{:?}", handle.take());
    Ok(())
}

#[trio::task(allow(useless_nursery))]
async fn the_value_is_kept() -> trio::Result<()> {
    let mut list = vec![String::from("a")];
    let handle = nursery!(|n| n.spawn(first, &list))?;
    let value = handle.take();
    list.clear();
    println!("{value:?}");
    Ok(())
}

#[trio::task]
async fn a_local_is_given() -> &'static str {
    let text = String::from("a");
    trio::lowlevel::checkpoint().await;
    &text
}

fn main() {}
