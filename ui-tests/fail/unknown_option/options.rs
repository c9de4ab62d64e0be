#[trio::task(boxd)]
async fn task() {
    ui_tests::work().await;
}

#[trio::test(clok = "mock")]
async fn test() {
    ui_tests::work().await;
}

#[trio::main(flavor = "single")]
async fn main() {
    ui_tests::work().await;
}
