#![deny(warnings)]

use trio::nursery;
use ui_tests::{child, serve, work};

#[trio::task]
pub async fn useless() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(child, 1);
    })?;
    trio::nursery!(|m| m.spawn(work))?;
    let port = nursery!(|n| n.start(serve, 80).await?)?;
    let _size = match port {
        80 => nursery!(|n| n.spawn(child, 2))?.take(),
        _ => None,
    };
    nursery!(|n| {
        n.spawn(work);
        nursery!(|inner| {
            inner.spawn(async { work().await });
        })?;
    })?;
    Ok(())
}

fn main() {}
