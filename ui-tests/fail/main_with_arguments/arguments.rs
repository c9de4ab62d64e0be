#[trio::test]
async fn test(&self) {
    ui_tests::work().await;
}

#[trio::main]
async fn main(name: String, count: u32) {
    ui_tests::child(count).await;
    println!("{name}");
}
