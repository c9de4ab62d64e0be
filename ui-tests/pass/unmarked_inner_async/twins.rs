#![deny(warnings)]

use ui_tests::{compute, work};

#[trio::task]
async fn outer() -> u32 {
    #[trio::task]
    async fn marked(number: u32) -> u32 {
        work().await;
        number
    }
    fn sync(number: u32) -> u32 {
        compute(number)
    }
    #[trio(allow(unmarked_inner_async))]
    async fn foreign(number: u32) -> u32 {
        number
    }
    marked(1).await + sync(1) + foreign(1).await
}

fn main() {
    assert_eq!(trio::run(outer), 4);
}
