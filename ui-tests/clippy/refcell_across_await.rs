//! Found by clippy: a borrow is alive while others run.

#[cfg(clippy_cases)]
use std::cell::RefCell;

#[cfg(clippy_cases)]
use ui_tests::work;

#[cfg(clippy_cases)]
#[trio::task]
async fn held(list: &RefCell<Vec<u32>>) {
    let mut list = list.borrow_mut();
    work().await;
    list.push(1);
}

fn main() {
    #[cfg(clippy_cases)]
    let _ = held;
}
