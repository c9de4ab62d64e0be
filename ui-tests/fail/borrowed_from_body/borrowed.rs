use trio::nursery;
use ui_tests::greet;

#[trio::task]
async fn borrowed() -> trio::Result<()> {
    nursery!(|n| {
        let name = String::from("a");
        n.spawn(greet, &name);
        n.cancel();
    })?;
    Ok(())
}

#[trio::task]
async fn of_the_inner_nursery() -> trio::Result<()> {
    nursery!(|outer| {
        let name = String::from("a");
        nursery!(|inner| {
            inner.spawn(greet, &name);
            outer.spawn(greet, &name);
        })?;
    })?;
    Ok(())
}

#[trio::task]
async fn in_a_block() -> trio::Result<()> {
    nursery!(|n| {
        let name = String::from("a");
        n.spawn(async { greet(&name).await });
        n.cancel();
    })?;
    Ok(())
}

fn main() {}
