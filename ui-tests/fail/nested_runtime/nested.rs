#![deny(warnings)]

use ui_tests::{child, work};

mod executor {
    pub fn block_on<F>(_: F) {}
}

#[trio::task]
pub async fn nested() {
    trio::run(|| child(1));
    executor::block_on(work());
    work().await;
    (0..3).for_each(|number| {
        trio::run(move || child(number));
    });
}

fn main() {}
