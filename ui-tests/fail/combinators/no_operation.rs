use trio::{gather, join};
use ui_tests::{child, compute};

#[trio::task]
async fn a_value() {
    join!(child(1), compute(2)).await;
}

#[trio::task]
async fn values() {
    gather(2, [1, 2, 3]).await;
}

fn main() {}
