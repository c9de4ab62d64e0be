#![deny(warnings)]
#![allow(dead_code)]

use std::io::{Read, stdin};

use ui_tests::work;

fn run_in_worker_thread<R>(function: impl FnOnce() -> R) -> std::future::Ready<R> {
    std::future::ready(function())
}

#[trio::task]
async fn twins(mut source: impl Read) -> trio::Result<usize> {
    let mut bytes = [0];
    let count = source.read(&mut bytes)?;
    let line = run_in_worker_thread(|| {
        let mut line = String::new();
        stdin().read_line(&mut line).map(|_| line)
    })
    .await?;
    work().await;
    Ok(count + line.lines().count())
}

fn main() {}
