#![deny(warnings)]
#![allow(dead_code)]

use trio::nursery;
use ui_tests::{child, work};

struct Pool;

impl Pool {
    fn spawn(&self, function: fn()) {
        function();
    }
}

fn run_in_worker_thread<R>(function: impl FnOnce() -> R) -> std::future::Ready<R> {
    std::future::ready(function())
}

fn nothing() {}

/// Outside a task nothing is known, and nothing is said.
fn outside() {
    std::thread::spawn(|| 1).join().unwrap();
}

#[trio::task]
async fn twins() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(work);
        n.spawn(child, 1);
    })?;
    Pool.spawn(nothing);
    run_in_worker_thread(|| {
        std::thread::scope(|scope| {
            scope.spawn(|| 1);
        });
        std::thread::spawn(|| 1).join()
    })
    .await
    .ok();
    #[trio(allow(unstructured_spawn))]
    let thread = std::thread::spawn(|| 1);
    thread.join().ok();
    Ok(())
}

fn main() {
    trio::run(twins).unwrap();
}
