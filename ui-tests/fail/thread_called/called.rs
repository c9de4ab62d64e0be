//! The blocking call is made here, on the run's own thread, and only its value is given away.

use trio::thread::{WorkerThread, run_in_trio_thread, run_in_worker_thread};
use ui_tests::compute;

struct Numbers(u32);

impl Numbers {
    fn next(&self) -> u32 {
        self.0 + 1
    }

    #[trio::task]
    async fn of_a_method(&self) {
        run_in_worker_thread(self.next()).await;
    }
}

#[trio::task]
async fn in_a_task() -> u32 {
    run_in_worker_thread(|| run_in_trio_thread(compute(1))).await.expect("the task serves it");
    run_in_worker_thread(compute(2)).await
}

fn main() {
    trio::run(in_a_task);
    trio::run(|| async { Numbers(3).of_a_method() });
    trio::run(|| run_in_worker_thread(compute(4)));
    trio::run(|| WorkerThread::new().run(compute(5)));
}
