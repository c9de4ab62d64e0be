#![deny(warnings, dead_code)]

use ui_tests::{plain, work};

#[trio::task]
async fn never_called() {
    work().await;
}

struct Shop;

impl Shop {
    #[trio::task]
    async fn open(&self) {
        work().await;
    }

    #[trio::task]
    async fn never_closed(&self, number: u32) -> u32 {
        plain(number).await
    }
}

#[trio::main]
async fn main() {
    struct NeverMade;
    Shop.open().await;
}
