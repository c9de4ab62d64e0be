#[trio::task]
const async fn work() {
    ui_tests::work().await;
}

fn main() {}
