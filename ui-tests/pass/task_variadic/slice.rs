#![deny(warnings)]

#[trio::task]
async fn sum(numbers: &[u32]) -> u32 {
    ui_tests::work().await;
    numbers.iter().sum()
}

#[trio::task]
async fn main_task() {
    assert_eq!(sum(&[1, 2]).await, 3);
}

fn main() {
    trio::run(main_task);
}
