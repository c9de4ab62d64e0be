#![deny(warnings)]

use std::cell::Cell;
use std::time::Duration;

use trio::lowlevel::checkpoint;

#[trio::task]
pub async fn busy(ready: &Cell<bool>, count: &Cell<u32>) {
    while !ready.get() {
        trio::sleep(Duration::from_millis(10)).await;
    }
    while count.get() < 3 && !ready.get() {
        checkpoint().await
    }
    let block = async {
        while !ready.get() {
            trio::lowlevel::checkpoint().await;
        }
    };
    block.await;
}

fn main() {}
