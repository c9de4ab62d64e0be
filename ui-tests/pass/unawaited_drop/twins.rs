#![deny(warnings)]

use ui_tests::{child, work};

#[trio::task]
async fn twins() {
    let text = String::from("a");
    drop(text);
    drop(child(1).await.to_string());
    let call = child(2);
    drop(call);
    drop(String::from("b"));
    #[trio(allow(unawaited_drop))]
    drop(child(3));
    work().await;
}

fn main() {
    trio::run(twins);
}
