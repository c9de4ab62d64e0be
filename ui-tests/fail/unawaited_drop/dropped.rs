use std::mem::forget;

use ui_tests::{child, work};

#[trio::task]
async fn dropped() {
    drop(child(1));
    std::mem::drop(child(2));
    forget(child(3));
    (0..3).for_each(|number| drop(child(number)));
    work().await;
}

fn main() {}
