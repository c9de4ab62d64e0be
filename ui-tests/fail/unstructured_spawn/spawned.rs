#![deny(warnings)]

use std::thread;

use ui_tests::work;

mod tokio {
    pub fn spawn<F>(_: F) {}
    pub mod task {
        pub fn spawn_local<F>(_: F) {}
    }
}

#[trio::task]
pub async fn spawned() {
    let handle = std::thread::spawn(|| 1);
    work().await;
    match handle.is_finished() {
        true => tokio::spawn(1),
        false => tokio::task::spawn_local(2),
    }
    (0..3).for_each(|number| {
        thread::spawn(move || number);
    });
}

fn main() {}
