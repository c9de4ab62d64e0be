//! A nursery's lifetime can be made neither shorter nor longer.
use trio::{Nursery, nursery};

fn shorter<'long: 'short, 'short>(n: Nursery<'long>) -> Nursery<'short> {
    n
}

fn longer<'long: 'short, 'short>(n: Nursery<'short>) -> Nursery<'long> {
    n
}

fn spawns_what_is_too_short<'scope, 'short>(n: Nursery<'scope>, text: &'short str) {
    n.spawn(move || async move { println!("{text}") });
}

#[trio::task]
async fn for_ever(n: Nursery<'static>) {
    trio::lowlevel::checkpoint().await;
    n.cancel();
}

#[trio::task]
async fn spawns_into_itself_for_ever() -> trio::Result<()> {
    let text = String::from("a");
    nursery!(|n| {
        n.spawn(for_ever, n);
        n.spawn(async { println!("{text}") });
    })?;
    Ok(())
}

fn main() {}
