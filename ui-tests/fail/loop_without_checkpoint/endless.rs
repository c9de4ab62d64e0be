#[trio::task]
async fn endless(choice: bool) {
    ui_tests::work().await;
    if choice {
        loop {
            ui_tests::compute(1);
        }
    }
}

fn main() {}
