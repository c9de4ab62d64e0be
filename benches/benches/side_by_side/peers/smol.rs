//! Smol's `LocalExecutor`, and its `block_on`, which is async-io's.

use std::future::Future;

use smol::LocalExecutor;

use super::Executor;

/// Smol.
#[derive(Debug)]
pub enum Smol {}

impl Executor for Smol {
    fn spawn<T: 'static>(
        future: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> + 'static {
        executor().spawn(future)
    }
}

thread_local! {
    // Made once, and kept warm.
    static EXECUTOR: &'static LocalExecutor<'static> = Box::leak(Box::new(LocalExecutor::new()));
}

pub fn executor() -> &'static LocalExecutor<'static> {
    EXECUTOR.with(|executor| *executor)
}

pub fn run<T: 'static>(future: impl Future<Output = T> + 'static) -> T {
    let main = executor().spawn(future);
    smol::block_on(executor().run(main))
}
