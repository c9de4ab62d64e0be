//! Inside `nursery!` it is the macro that reads it.

use ui_tests::{child, work};

#[trio::task]
async fn no_arguments() {
    let _ = trio::nursery!(|n| {
        n.spawn();
        work().await;
    });
}

#[trio::task]
async fn method() {
    let _ = trio::nursery!(|n| {
        n.spawn(child, 1);
        n.
    });
}

#[trio::task]
async fn argument() {
    let _ = trio::nursery!(|n| {
        n.spawn(child, 1).;
        n.spawn(work);
    });
}

#[trio::task]
async fn form() {
    let _ = trio::nursery!(|n|);
    let _ = trio::nursery!(|n| { n.spawn(work); n.spawn(work) } extra);
    let wrong: String = child(1).await;
}

fn main() {}
