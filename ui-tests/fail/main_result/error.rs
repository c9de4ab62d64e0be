//! An error that says nothing.

struct Silent;

#[trio::main]
async fn main() -> Result<(), Silent> {
    ui_tests::work().await;
    Err(Silent)
}
