//! Functions, with their arguments or without, and what makes a function.

use trio::thread::{WorkerThread, run_in_trio_thread, run_in_worker_thread};
use ui_tests::compute;

fn make_job(number: u32) -> impl FnOnce() -> u32 {
    move || compute(number)
}

fn length(text: &str) -> usize {
    text.len()
}

#[trio::task]
async fn in_a_task() -> u32 {
    let (one, text) = (1, String::from("lent"));
    assert_eq!(run_in_worker_thread(length, &text).await, 4);
    WorkerThread::new().run(|| compute(one)).await;
    run_in_worker_thread(make_job(2)).await;
    run_in_worker_thread(|| run_in_trio_thread(make_job(3))).await.expect("the task serves it");
    run_in_worker_thread(compute, 4).await
}

fn main() {
    assert_eq!(trio::run(in_a_task), 5);
    assert_eq!(trio::run(|| run_in_worker_thread(|| compute(6))), 7);
}
