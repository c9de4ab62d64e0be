#![deny(warnings)]

use trio::nursery;
use ui_tests::work;

macro_rules! cancel {
    ($nursery:ident) => {
        $nursery.cancel()
    };
}

#[trio::task]
async fn twins() -> trio::Result<()> {
    nursery!(|_n| {
        work().await;
    })?;
    nursery!(|_| work().await)?;
    nursery!(|n| {
        work().await;
        println!("{n:?}");
    })?;
    nursery!(|n| {
        work().await;
        cancel!(n);
    })?;
    #[trio(allow(unused_nursery))]
    nursery!(|n| {
        work().await;
    })?;
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
