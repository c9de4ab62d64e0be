//! What a thread borrows, is given and gives back has to be fit for two threads; so has what it lends to
//! the run.

use std::cell::Cell;
use std::rc::Rc;

use trio::thread::{await_in_trio_thread, run_in_trio_thread, run_in_worker_thread};

#[trio::task]
async fn borrowed() {
    let count = Cell::new(0);
    run_in_worker_thread(|| count.set(1)).await;
}

#[trio::task]
async fn given() {
    let shared = Rc::new(0);
    run_in_worker_thread(move || drop(shared)).await;
}

fn in_a_thread() {
    let count = Cell::new(0);
    run_in_trio_thread(|| count.set(1)).expect("the task serves it");
}

fn in_another() {
    let count = Cell::new(0_u8);
    await_in_trio_thread(|| async { count.set(1) }).expect("the task serves it");
}

fn main() {
    trio::run(borrowed);
    trio::run(given);
    trio::run(|| run_in_worker_thread(in_a_thread));
    trio::run(|| run_in_worker_thread(in_another));
}
