#![deny(warnings)]

#[trio::main]
async fn main() {
    let count = std::env::args().count();
    ui_tests::work().await;
    assert!(count > 0);
}
