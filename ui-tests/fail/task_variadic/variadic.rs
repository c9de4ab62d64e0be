#[trio::task]
async unsafe fn work(number: u32, args: ...) {
    ui_tests::child(number).await;
}

fn main() {}
