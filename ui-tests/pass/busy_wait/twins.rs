#![deny(warnings)]

use std::cell::Cell;
use std::time::Duration;

use ui_tests::{child, work};

#[trio::task]
async fn twins(ready: &Cell<bool>) {
    for _ in 0..3 {
        trio::sleep(Duration::from_millis(1)).await;
    }
    while child(1).await != 1 {
        trio::sleep(Duration::from_millis(1)).await;
    }
    let mut pauses = vec![1];
    while let Some(pause) = pauses.pop() {
        trio::sleep(Duration::from_millis(pause)).await;
    }
    loop {
        work().await;
        trio::sleep(Duration::from_millis(1)).await;
        if ready.replace(true) {
            break;
        }
    }
    #[trio(allow(busy_wait))]
    while !ready.get() {
        trio::sleep(Duration::from_millis(1)).await;
    }
}

fn main() {
    trio::run(|| async {});
    let ready: &'static Cell<bool> = Box::leak(Box::new(Cell::new(false)));
    trio::run(|| twins(ready));
}
