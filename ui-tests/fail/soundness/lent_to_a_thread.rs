//! What a thread borrows is lent until it has returned, and cannot be got back by forgetting the future.

use trio::thread::{AbandonableThread, await_in_trio_thread, run_in_worker_thread};

#[trio::task]
async fn used_meanwhile() {
    let mut numbers = vec![1, 2, 3];
    let call = run_in_worker_thread(|| numbers.len());
    numbers.push(4);
    call.await;
}

#[trio::task]
async fn dropped_meanwhile() {
    let numbers = vec![1, 2, 3];
    let call = run_in_worker_thread(|| numbers.len());
    drop(numbers);
    call.await;
}

#[trio::task]
async fn as_a_future_it_could_be_forgotten() {
    let numbers = vec![1, 2, 3];
    let mut future = Box::pin(run_in_worker_thread(|| numbers.len()).into_future());
    future.as_mut().await;
    std::mem::forget(future);
}

#[trio::task]
async fn left_behind() {
    let numbers = vec![1, 2, 3];
    AbandonableThread::new().run(|| numbers.len()).await;
}

#[trio::task]
async fn the_value_outlives_what_it_borrows() {
    let first = {
        let numbers = vec![1, 2, 3];
        run_in_worker_thread(|| numbers.first()).await
    };
    assert_eq!(first, Some(&1));
}

#[trio::task]
async fn the_other_way_round() -> Option<u32> {
    run_in_worker_thread(|| {
        let numbers = vec![1, 2, 3];
        await_in_trio_thread(|| async { numbers.first() }).expect("the task serves it").copied()
    })
    .await
}

fn in_a_thread() -> Option<&'static u32> {
    let numbers = vec![1, 2, 3];
    await_in_trio_thread(|| async { numbers.first() }).expect("the task serves it")
}

fn main() {
    trio::run(used_meanwhile);
    trio::run(dropped_meanwhile);
    trio::run(as_a_future_it_could_be_forgotten);
    trio::run(left_behind);
    trio::run(the_value_outlives_what_it_borrows);
    trio::run(the_other_way_round);
    trio::run(|| run_in_worker_thread(in_a_thread));
}
