//! In a function the types do not agree.

use ui_tests::{child, work};

#[trio::task]
async fn nothing() {
    work().await;
    work()
}

#[trio::task]
async fn a_number(choice: bool) -> u32 {
    work().await;
    if choice { child(1) } else { 2 }
}

#[trio::task]
async fn in_a_condition() {
    if child(1) == 1 {
        work().await;
    }
    match ui_tests::fetch("a") {
        Ok(_) => {}
        Err(_) => {}
    }
}

fn main() {}
