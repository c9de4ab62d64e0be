//! Tokio: its current-thread runtime with a `LocalSet`, and its `LocalRuntime`. What is spawned by
//! `spawn_local` belongs to whichever is running.

use std::future::Future;

use tokio::runtime::{Builder, LocalOptions};
use tokio::task::{LocalSet, spawn_local};

use super::Executor;

/// Tokio.
#[derive(Debug)]
pub enum Tokio {}

impl Executor for Tokio {
    fn spawn<T: 'static>(
        future: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> + 'static {
        let handle = spawn_local(future);
        async { handle.await.expect(FINE) }
    }
}

const FINE: &str = "nothing fails";

pub fn on_local_set<T: 'static>(future: impl Future<Output = T> + 'static) -> T {
    let runtime = Builder::new_current_thread().enable_all().build().expect(FINE);
    LocalSet::new().block_on(&runtime, async { spawn_local(future).await.expect(FINE) })
}

pub fn on_local_runtime<T: 'static>(future: impl Future<Output = T> + 'static) -> T {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().build_local(LocalOptions::default()).expect(FINE);
    runtime.block_on(async { spawn_local(future).await.expect(FINE) })
}
