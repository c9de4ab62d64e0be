#[trio::main]
async fn main<T: Default>() {
    ui_tests::work().await;
}
