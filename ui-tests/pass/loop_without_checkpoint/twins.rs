#![deny(warnings)]
#![allow(dead_code)]

#[trio::task]
async fn cancellable() {
    loop {
        ui_tests::work().await;
    }
}

fn main() {}
