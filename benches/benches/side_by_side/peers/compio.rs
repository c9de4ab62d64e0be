//! Compio, with its polling driver, which is epoll here.

use std::future::Future;

use compio::runtime::{Runtime, spawn};

use super::Executor;

/// Compio.
#[derive(Debug)]
pub enum Compio {}

impl Executor for Compio {
    fn spawn<T: 'static>(
        future: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> + 'static {
        let handle = spawn(future);
        async { handle.await.expect(FINE) }
    }
}

const FINE: &str = "nothing fails";

pub fn run<T: 'static>(future: impl Future<Output = T> + 'static) -> T {
    Runtime::new().expect(FINE).block_on(async { spawn(future).await.expect(FINE) })
}
