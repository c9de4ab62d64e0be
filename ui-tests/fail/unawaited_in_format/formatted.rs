use std::fmt::Write;

use ui_tests::{child, fetch, work};

#[trio::task]
async fn formatted() -> trio::Result<()> {
    println!("{}", child(1));
    println!("{:?}", child(2));
    let text = format!("{page}", page = fetch("a"));
    let mut out = String::new();
    write!(out, "{text} {}", child(3))?;
    work().await;
    Ok(())
}

fn main() {}
