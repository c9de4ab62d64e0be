use ui_tests::{child, work};

#[trio::task]
async fn typing() -> u32 {
    child(1).
    work().await;
    2
}

#[trio::task]
async fn uses_it() {
    let number: String = typing().await;
}

fn main() {}
