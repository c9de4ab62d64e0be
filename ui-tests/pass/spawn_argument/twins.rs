#![deny(warnings)]

use trio::nursery;
use ui_tests::{child, greet, serve};

#[trio::task]
async fn show(values: &[u8], each: &dyn Fn(u8) -> u8) -> usize {
    trio::lowlevel::checkpoint().await;
    values.iter().map(|value| usize::from(each(*value))).sum()
}

#[trio::task]
async fn twins() -> trio::Result<()> {
    let name = String::from("a");
    let values = vec![1, 2, 3];
    nursery!(|n| {
        n.spawn(child, 1);
        n.spawn(greet, &name);
        n.spawn(show, &values, &|value| value + 1);
        n.start(serve, 80).await?;
        n.cancel();
    })?;
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
