//! Found by clippy: a guard is alive while others run.

#[cfg(clippy_cases)]
use std::sync::Mutex;

#[cfg(clippy_cases)]
use ui_tests::work;

#[cfg(clippy_cases)]
#[trio::task]
async fn held(shared: &Mutex<u32>) {
    let mut guard = shared.lock().unwrap();
    work().await;
    *guard += 1;
}

fn main() {
    #[cfg(clippy_cases)]
    let _ = held;
}
