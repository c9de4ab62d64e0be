use trio::race;
use ui_tests::{child, work};

#[trio::task]
async fn different() {
    race!(child(1), work()).await;
}

fn main() {}
