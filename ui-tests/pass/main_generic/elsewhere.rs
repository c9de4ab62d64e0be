#![deny(warnings)]

#[trio::task]
async fn generic<T: Default>() -> T {
    ui_tests::work().await;
    T::default()
}

#[trio::main]
async fn main() {
    assert_eq!(generic::<u32>().await, 0);
}
