#![deny(warnings)]

use ui_tests::{child, plain, work};

#[trio::task]
async fn unused_parameters(never_read: u32, mut never_changed: u32, (left, right): (u32, u32)) -> u32 {
    child(never_changed).await + left
}

#[trio::task]
async fn unused_variables() {
    let never_read = child(1).await;
    let mut never_changed = child(2).await;
    let mut written = 1;
    written = child(never_changed).await;
    let block = async {
        let inside = plain(1).await;
    };
    block.await;
    let _ = trio::nursery!(|n| {
        let in_nursery = 1;
        n.spawn(work);
        n.spawn(async |number: u32| { work().await }, 1);
    });
}

#[trio::task]
async fn unused_results(text: &str) {
    work().await;
    text.len() == 1;
    text.to_owned();
    text.parse::<u32>();
    'unused: loop {
        (child(1).await);
        use std::rc::Rc;
        if (text.is_empty()) {
            break;
        }
    }
}

#[trio::main]
async fn main() {
    unused_parameters(1, 2, (3, 4)).await;
    unused_variables().await;
    unused_results("a").await;
}
