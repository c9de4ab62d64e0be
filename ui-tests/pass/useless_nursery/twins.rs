#![deny(warnings)]

use trio::{Nursery, nursery};
use ui_tests::{child, work};

#[trio::task]
async fn spawning(n: Nursery<'_>) {
    n.spawn(work);
    work().await;
}

#[trio::task]
async fn twins() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(spawning, n);
    })?;
    nursery!(|n| {
        n.spawn(work);
        n.spawn(child, 1);
    })?;
    nursery!(|n| {
        for number in 0..3 {
            n.spawn(child, number);
        }
    })?;
    nursery!(|n| {
        n.spawn(async { n.cancel() });
    })?;
    nursery!(|n| {
        let inner = nursery!(|m| {
            n.spawn(work);
            m.spawn(work);
        });
        inner
    })??;
    #[trio(allow(useless_nursery))]
    nursery!(|n| {
        n.spawn(work);
    })?;
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
