#![deny(warnings)]

use ui_tests::{child, compute, work};

struct Guard;

#[trio::task]
async fn lock() -> Guard {
    work().await;
    Guard
}

#[trio::task]
async fn twins() {
    let job = child(1);
    println!("{}", compute(1));
    job.await;
    let _guard = lock().await;
    let _plain = compute(2);
    let _later = child(3);
    _later.await;
    #[trio(allow(unawaited_dead_binding))]
    let _never = child(4);
}

fn main() {
    trio::run(twins);
}
