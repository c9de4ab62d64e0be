use ui_tests::{child, work};

#[trio::task(]
async fn typing() {
    work().await;
}

fn main() {}
