#![deny(warnings)]

#[trio::task]
async fn work() {
    ui_tests::work().await;
}

extern "C" fn start() {
    trio::run(work);
}

fn main() {
    start();
}
