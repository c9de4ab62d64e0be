use trio::{gather, join, race, try_gather, try_join};
use ui_tests::{child, fetch};

#[trio::task]
async fn statements() {
    join!(child(1), child(2));
    try_join!(fetch("a"), fetch("b"));
    race!(child(1), child(2));
    gather(2, [child(1), child(2)]);
    child(3).await;
}

#[trio::task]
async fn thrown_away() {
    let _ = join!(child(1), child(2));
    let _both = try_join!(fetch("a"), fetch("b"));
    drop(race!(child(1), child(2)));
    println!("{:?}", join!(child(1), child(2)));
    child(3).await;
}

#[trio::task]
async fn tried_too_early() -> trio::Result<()> {
    let (_a, _b) = try_join!(fetch("a"), fetch("b"))?;
    let _all = try_gather(2, [fetch("a"), fetch("b")])?;
    child(3).await;
    Ok(())
}

fn main() {}
