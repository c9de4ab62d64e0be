use trio::nursery;
use ui_tests::{child, greet, serve};

#[trio::task]
async fn argument() -> trio::Result<()> {
    let name = String::from("a");
    nursery!(|n| {
        n.spawn(child, "one");
        n.spawn(greet, name);
        n.spawn_named("third", child, -1.5);
        n.start(serve, "80").await?;
    })?;
    Ok(())
}

fn main() {}
