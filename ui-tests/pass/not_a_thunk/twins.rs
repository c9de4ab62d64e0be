#![deny(warnings)]

use std::time::Duration;

use ui_tests::{child, plain, work};

fn in_a_helper(n: trio::Nursery<'_>) {
    n.spawn(work);
    n.spawn(|| child(1));
}

#[trio::task]
async fn twins() -> trio::Result<()> {
    let thunk = || child(1);
    let block = async { child(1).await };
    trio::nursery!(|n| {
        in_a_helper(n);
        n.spawn(thunk);
        n.spawn(block);
    })?;
    Ok(())
}

fn main() {
    trio::run(work);
    trio::run(|| child(1));
    trio::run(|| plain(1));
    trio::run(|| async { 1 });
    trio::run(|| trio::sleep(Duration::from_millis(1)));
    trio::run(twins).unwrap();
}
