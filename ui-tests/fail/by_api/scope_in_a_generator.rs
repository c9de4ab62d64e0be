//! A cancel scope or nursery is entered by a call, and left when it returns: there is no guard that
//! something could hold while it gives values to others.

use std::iter::from_fn;

use trio::{CancelScope, nursery};
use ui_tests::work;

#[trio::task]
async fn guards() {
    let _entered = CancelScope::new().enter();
    work().await;
}

#[trio::task]
async fn in_an_iterator() {
    let numbers = from_fn(|| {
        CancelScope::new().run(async { work().await }).await;
        Some(1)
    });
    work().await;
    drop(numbers);
}

#[trio::task]
async fn nursery_in_an_iterator() {
    let numbers = from_fn(|| nursery!(|n| n.spawn(work)).ok());
    work().await;
    drop(numbers);
}

fn main() {}
