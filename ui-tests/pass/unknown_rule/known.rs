#![deny(warnings)]

#[trio::task(allow(never_awaits))]
async fn task() {
    #[trio(allow(busy_wait))]
    ui_tests::work().await;
    let number = #[trio(allow(zero_sleep))]
    ui_tests::child(1).await;
    assert_eq!(number, 1);
}

fn main() {
    trio::run(task);
}
