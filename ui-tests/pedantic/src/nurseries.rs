//! Nurseries in every form.

use std::cell::Cell;
use std::future::ready;

use trio::{Nursery, TaskStatus, nursery};

#[trio::task]
async fn add(sum: &Cell<u32>, number: u32) {
    let number = ready(number).await;
    sum.set(sum.get() + number);
}

#[trio::task]
async fn fetch(number: u32) -> trio::Result<u32> {
    trio::lowlevel::checkpoint().await;
    Ok(number)
}

#[trio::task]
async fn serve(status: TaskStatus<u16>, port: u16) {
    trio::lowlevel::checkpoint().await;
    status.started(port);
    trio::sleep_forever().await;
}

#[trio::task]
async fn helper(nursery: Nursery<'_>) -> u32 {
    nursery.spawn(fetch, 1);
    ready(1).await
}

#[trio::task]
async fn spawning() -> trio::Result<u32> {
    let sum = Cell::new(0);
    nursery!(|n| {
        n.spawn(add, &sum, 1);
        n.spawn(async { add(&sum, 1).await });
        for number in 0..2 {
            n.spawn(async move { fetch(number).await });
        }
        n.spawn(helper, n);
    })?;
    Ok(sum.get())
}

#[trio::task]
async fn results() -> trio::Result<u32> {
    let port = nursery!(|n| {
        let port = n.start(serve, 80).await?;
        n.cancel();
        port
    })?;
    let mut handle = None;
    nursery!(|n| {
        let first = n.spawn(fetch, 1);
        first.wait().await;
        handle = Some(n.spawn(fetch, helper(n).await));
    })?;
    let taken = handle.and_then(|handle| handle.take()).unwrap_or_default();
    Ok(u32::from(port) + taken)
}

#[trio::task]
async fn nested() -> trio::Result<u32> {
    let number = nursery!(|outer| {
        outer.spawn(fetch, 1);
        let inner = nursery!(|inner| {
            inner.spawn(fetch, 2);
            outer.spawn(fetch, 3);
            fetch(4).await?
        })?;
        inner + 1
    })?;
    Ok(number)
}

#[trio::task]
pub(crate) async fn all() -> trio::Result<()> {
    assert_eq!(spawning().await?, 2);
    assert_eq!(results().await?, 81);
    assert_eq!(nested().await?, 5);
    Ok(())
}
