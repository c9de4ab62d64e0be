#![deny(warnings)]

use trio::nursery;
use ui_tests::work;

#[trio::task]
async fn inside() -> trio::Result<()> {
    let open = async || {
        nursery!(|n| {
            n.spawn(work);
            n.spawn(work);
        })
    };
    open().await?;
    let block = async {
        nursery!(|n| {
            n.spawn(work);
            n.spawn(work);
        })
    };
    block.await?;
    Ok(())
}

#[trio::main]
async fn main() -> trio::Result<()> {
    inside().await
}
