#![deny(warnings)]

use std::sync::{Barrier, mpsc};
use std::thread;

use ui_tests::work;

#[trio::task]
pub async fn blocking(receiver: &mpsc::Receiver<u32>, barrier: &Barrier) {
    thread::park();
    mpsc::Receiver::recv(receiver).ok();
    Barrier::wait(barrier);
    work().await;
}

fn main() {}
