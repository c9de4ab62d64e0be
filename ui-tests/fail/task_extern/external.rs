#[trio::task]
async extern "C" fn work() {
    ui_tests::work().await;
}

fn main() {}
