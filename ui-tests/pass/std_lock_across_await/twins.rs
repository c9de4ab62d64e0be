#![deny(warnings)]

use std::sync::Mutex;

use ui_tests::work;

#[trio::task]
async fn twins(shared: &Mutex<u32>) {
    {
        let mut guard = shared.lock().unwrap();
        *guard += 1;
    }
    work().await;
    *shared.lock().unwrap() += 1;
    let guard = shared.lock().unwrap();
    drop(guard);
    work().await;
}

#[trio::task(allow(std_lock_across_await))]
async fn allowed(shared: &Mutex<u32>) {
    let _guard = shared.lock().unwrap();
    work().await;
}

fn main() {
    let shared: &'static Mutex<u32> = Box::leak(Box::new(Mutex::new(0)));
    trio::run(|| twins(shared));
    trio::run(|| allowed(shared));
}
