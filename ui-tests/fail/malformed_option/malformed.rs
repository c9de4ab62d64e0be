#[trio::test(seed = x, clock = "real")]
async fn test() {
    ui_tests::work().await;
}

#[trio::task(allow, "boxed")]
async fn task() {
    #[trio(never_awaits)]
    ui_tests::work().await;
}

fn main() {}
