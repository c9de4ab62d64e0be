#![deny(warnings)]

use ui_tests::child;

#[trio::task]
async fn async_closure() -> u32 {
    let run = async |number| child(number).await;
    let make = |number| child(number);
    run(1).await + make(2).await
}

fn main() {
    assert_eq!(trio::run(async_closure), 3);
}
