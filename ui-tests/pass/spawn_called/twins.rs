#![deny(warnings)]
#![allow(dead_code)]

use std::time::Duration;

use trio::{Nursery, nursery};
use ui_tests::{child, compute, greet, plain, work};

fn make_plain_thunk(number: u32) -> impl FnOnce() -> std::future::Ready<u32> + 'static {
    move || std::future::ready(number)
}

#[trio::task]
async fn twins() -> trio::Result<()> {
    let name = String::from("a");
    nursery!(|n| {
        n.spawn(child, 1);
        n.spawn(child, compute(1));
        n.spawn(greet, &name);
        n.spawn(make_plain_thunk(1));
        n.spawn(plain, 1);
        n.spawn(trio::sleep, Duration::from_millis(1));
        n.spawn(work);
        n.spawn(|| child(1));
        n.spawn(async { plain(1).await });
        n.spawn(async move {
            child(2).await;
        });
        n.spawn_named("named", child, 1);
        (0..3).for_each(|number| drop(n.spawn(child, number)));
    })?;
    Ok(())
}

#[trio::task]
async fn with_a_parameter<T: AsRef<str>>(nursery: Nursery<'_>, text: T) {
    nursery.spawn(child, compute(text.as_ref().len().try_into().unwrap_or(0)));
    work().await;
}

fn main() {
    trio::run(twins).unwrap();
}
