#![deny(warnings)]

use trio::{Nursery, nursery};
use ui_tests::work;

#[trio::task]
pub async fn unused() -> trio::Result<()> {
    nursery!(|n| {
        work().await;
    })?;
    nursery!(|nursery: Nursery<'_>| work().await)?;
    let nested = async || nursery!(|n| work().await);
    nested().await?;
    Ok(())
}

fn main() {}
