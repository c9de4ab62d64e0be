#[trio::task]
#[trio::task]
async fn task() {
    ui_tests::work().await;
}

#[trio::test]
#[test]
async fn test() {
    ui_tests::work().await;
}

fn main() {}
