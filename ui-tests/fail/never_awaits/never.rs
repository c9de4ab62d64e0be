#[trio::task]
async fn add(a: u32, b: u32) -> u32 {
    a + b
}

#[trio::task]
async fn only_in_a_closure() {
    let later = || async { ui_tests::work().await };
    drop(later);
}

fn main() {}
