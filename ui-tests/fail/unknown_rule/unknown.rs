#[trio::task(allow(never_await))]
async fn task() {
    #[trio(allow(bussy_wait))]
    ui_tests::work().await;
    #[trio(allow(task_not_async))]
    let _number = ui_tests::child(1).await;
}

fn main() {}
