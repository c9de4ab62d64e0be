#![deny(warnings)]

use ui_tests::{child, work};

fn run_in_worker_thread<R>(function: impl FnOnce() -> R) -> std::future::Ready<Option<R>> {
    let _ = function;
    std::future::ready(None)
}

struct Builder;

impl Builder {
    fn run(&self, number: u32) -> u32 {
        number
    }
}

#[trio::task]
async fn twins() {
    work().await;
    Builder.run(1);
    run_in_worker_thread(|| trio::run(work)).await;
    if false {
        #[trio(allow(nested_runtime))]
        trio::run(work);
    }
}

fn main() {
    trio::run(|| child(1));
    trio::run(twins);
}
