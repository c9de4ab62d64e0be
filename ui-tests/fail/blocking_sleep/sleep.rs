#![deny(warnings)]

use std::thread;
use std::time::Duration;

use ui_tests::work;

#[trio::task]
pub async fn blocking() {
    std::thread::sleep(Duration::from_millis(1));
    work().await;
    (0..3).for_each(|_| thread::sleep(Duration::from_millis(1)));
    let block = async {
        thread::sleep(Duration::from_millis(1));
    };
    block.await;
}

fn main() {}
