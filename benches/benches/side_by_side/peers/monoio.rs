//! Monoio on epoll, its "legacy" driver, with its timers. It is built without the feature `sync`, which is off
//! by default and which every wake-up pays for; so it has no worker threads, and none can wake it.

use std::future::Future;

use monoio::{LegacyDriver, RuntimeBuilder};

use super::Executor;

/// Monoio.
#[derive(Debug)]
pub enum Monoio {}

impl Executor for Monoio {
    fn spawn<T: 'static>(
        future: impl Future<Output = T> + 'static,
    ) -> impl Future<Output = T> + 'static {
        monoio::spawn(future)
    }
}

pub fn run<T: 'static>(future: impl Future<Output = T> + 'static) -> T {
    let builder = RuntimeBuilder::<LegacyDriver>::new().enable_timer();
    let mut runtime = builder.build().expect("nothing fails");
    runtime.block_on(async { monoio::spawn(future).await })
}
