//! The user's own `allow` and `expect` hold inside a task as anywhere.
// Cases are compiled with `dead_code` off.
#![deny(warnings, dead_code)]

use ui_tests::{child, work};

#[allow(dead_code)]
#[trio::task]
async fn never_called(#[allow(unused_variables)] never_read: u32) {
    work().await;
}

#[trio::task]
#[expect(dead_code)]
async fn expected() {
    work().await;
}

#[trio::task]
#[allow(unused_mut, unused_variables)]
async fn unused() {
    let mut never_changed = child(1).await;
}

#[trio::task]
async fn in_the_body(#[expect(unused_variables)] never_read: u32) -> u32 {
    #[expect(unused_variables)]
    let never_read = child(1).await;
    #[expect(unreachable_code)]
    if never() {
        return 1;
        work().await;
    }
    2
}

fn never() -> bool {
    false
}

#[trio::main]
async fn main() {
    unused().await;
    in_the_body(1).await;
}
