#[trio::test(seed = x, clock = "real")]
async fn test() {
    ui_tests::work().await;
}

#[trio::task(allow, "boxed")]
async fn task() {
    #[trio(never_awaits)]
    ui_tests::work().await;
}

#[trio::main(grace_seconds = "5")]
async fn main() {
    ui_tests::work().await;
}
