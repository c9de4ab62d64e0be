#![deny(warnings)]

use ui_tests::work;

macro_rules! select {
    ($($tokens:tt)*) => {
        1
    };
}

fn select(number: u32) -> u32 {
    number
}

#[trio::task]
async fn twins() {
    work().await;
    select(1);
    #[trio(allow(raw_select))]
    let _chosen = select! { a = b() => c };
}

fn main() {
    trio::run(twins);
}
