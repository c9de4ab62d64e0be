#![deny(warnings)]

use trio::nursery;
use ui_tests::greet;

#[trio::task]
async fn own(name: String) -> usize {
    greet(&name).await
}

#[trio::task]
async fn twins() -> trio::Result<()> {
    let name = String::from("a");
    nursery!(|n| {
        n.spawn(greet, &name);
        n.spawn(async { greet(&name).await });
        let moved = String::from("b");
        n.spawn(own, moved.clone());
        n.spawn(async move { greet(&moved).await });
        let of_the_body = String::from("c");
        nursery!(|inner| {
            inner.spawn(greet, &of_the_body);
            n.spawn(greet, &name);
        })?;
    })?;
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
