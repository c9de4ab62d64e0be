#[trio::task(boxed, boxed)]
async fn task() {
    ui_tests::work().await;
}

fn main() {}
