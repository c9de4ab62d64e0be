//! What is being typed does not parse: the compiler says so, once, and the rest is still checked.

use ui_tests::{child, work};

#[trio::task]
async fn typing(text: &str) -> usize {
    child(1).await;
    text.
}

#[trio::task]
async fn uses_it() {
    let length: String = typing("text").await;
    work().await
}

fn main() {}
