#![deny(warnings)]

use trio::{Nursery, nursery};
use ui_tests::{child, work};

#[trio::task]
async fn child_that_spawns(n: Nursery<'_>) {
    n.spawn(work);
    child(1).await;
}

fn helper(n: Nursery<'_>) {
    n.spawn(work);
}

#[trio::task]
async fn twins() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(child_that_spawns, n);
        child_that_spawns(n).await;
        helper(n);
        let again = n;
        again.spawn(work);
    })?;
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
