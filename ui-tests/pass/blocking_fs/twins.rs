#![deny(warnings)]

use std::path::Path;

use ui_tests::work;

mod fs {
    pub async fn read(_path: &str) -> Vec<u8> {
        Vec::new()
    }
}

fn run_in_worker_thread<R>(function: impl FnOnce() -> R) -> std::future::Ready<R> {
    std::future::ready(function())
}

#[trio::task]
async fn twins() -> usize {
    let path = Path::new("a").join("b");
    let bytes = fs::read("a").await;
    let there = run_in_worker_thread(|| std::fs::read("a").is_ok()).await;
    work().await;
    // What a path answers is asked about on request only.
    if there && path.exists() { bytes.len() } else { 0 }
}

fn main() {
    trio::run(twins);
}
