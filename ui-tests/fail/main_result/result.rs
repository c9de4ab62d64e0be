struct Page;

#[trio::main]
async fn main() -> Page {
    ui_tests::work().await;
    Page
}
