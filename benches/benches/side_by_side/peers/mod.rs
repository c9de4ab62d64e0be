//! The peers: how each runs a program, and what it can do.
//!
//! The main future is always spawned as a task of its own: some runtimes poll the one that they are given in
//! another way than their tasks.

mod abilities;
mod compio;
mod monoio;
mod smol;
mod tokio;

use std::future::Future;
use std::panic::resume_unwind;
use std::thread;
use std::time::Instant;

use benches::python::Python;
use benches::{Contender, Measured, OURS, Unit, Workload};
use trio::Call;

pub use self::abilities::{ANY, Channels, Executor, Network, Timers, self_wake};
pub use self::compio::Compio;
pub use self::monoio::Monoio;
pub use self::smol::Smol;
pub use self::tokio::Tokio;

/// Python's Trio.
pub const PYTHON: &str = "Python's Trio";

/// How a workload gets its contenders: for each peer, a function from the number of operations to a program.
pub trait Peers: Sized {
    /// Trio, with the call of a task function.
    fn trio<M: Measured, F: Future<Output = M>>(
        self,
        main: impl Fn(u32) -> Call<F> + Sync + 'static,
    ) -> Self;

    /// Tokio, as it has two ways to run tasks that are not `Send`.
    fn tokio<M: Measured + 'static, F: Future<Output = M> + 'static>(
        self,
        main: impl Fn(u32) -> F + Clone + 'static,
    ) -> Self;

    /// Smol's `LocalExecutor`, with async-io.
    fn smol<M: Measured + 'static, F: Future<Output = M> + 'static>(
        self,
        main: impl Fn(u32) -> F + 'static,
    ) -> Self;

    /// Monoio, on epoll.
    fn monoio<M: Measured + 'static, F: Future<Output = M> + 'static>(
        self,
        main: impl Fn(u32) -> F + 'static,
    ) -> Self;

    /// Compio, on epoll.
    fn compio<M: Measured + 'static, F: Future<Output = M> + 'static>(
        self,
        main: impl Fn(u32) -> F + 'static,
    ) -> Self;

    /// `FuturesUnordered`, or whatever needs no runtime, below a plain `block_on`.
    fn unordered<M: Measured, F: Future<Output = M>>(
        self,
        main: impl Fn(u32) -> F + 'static,
    ) -> Self;

    /// Python's Trio: a program of `benches/python`, and its arguments.
    fn python(self, program: &'static str, arguments: &'static [&'static str]) -> Self;
}

impl Peers for Workload {
    fn trio<M: Measured, F: Future<Output = M>>(
        self,
        main: impl Fn(u32) -> Call<F> + Sync + 'static,
    ) -> Self {
        let counts_bytes = self.unit == Unit::Bytes;
        self.contender(OURS, move |operations| {
            let work = || {
                let start = Instant::now();
                let measured = trio::run(|| main(operations));
                measured.figures(start.elapsed(), operations)
            };
            if !counts_bytes {
                return work();
            }
            // On a thread of its own, which has kept no memory from before.
            let counted = thread::scope(|threads| threads.spawn(work).join());
            counted.unwrap_or_else(|payload| resume_unwind(payload))
        })
    }

    fn tokio<M: Measured + 'static, F: Future<Output = M> + 'static>(
        self,
        main: impl Fn(u32) -> F + Clone + 'static,
    ) -> Self {
        let again = main.clone();
        self.contender("tokio LocalSet", move |operations| tokio::on_local_set(main(operations)))
            .contender("tokio LocalRuntime", move |operations| {
                tokio::on_local_runtime(again(operations))
            })
    }

    fn smol<M: Measured + 'static, F: Future<Output = M> + 'static>(
        self,
        main: impl Fn(u32) -> F + 'static,
    ) -> Self {
        self.contender("smol", move |operations| smol::run(main(operations)))
    }

    fn monoio<M: Measured + 'static, F: Future<Output = M> + 'static>(
        self,
        main: impl Fn(u32) -> F + 'static,
    ) -> Self {
        self.contender("monoio", move |operations| monoio::run(main(operations)))
    }

    fn compio<M: Measured + 'static, F: Future<Output = M> + 'static>(
        self,
        main: impl Fn(u32) -> F + 'static,
    ) -> Self {
        self.contender("compio", move |operations| compio::run(main(operations)))
    }

    fn unordered<M: Measured, F: Future<Output = M>>(
        self,
        main: impl Fn(u32) -> F + 'static,
    ) -> Self {
        self.contender("FuturesUnordered", move |operations| {
            futures::executor::block_on(main(operations))
        })
    }

    fn python(mut self, program: &'static str, arguments: &'static [&'static str]) -> Self {
        let work = Box::new(move |_| {
            let python = Python::find().expect("it is there");
            vec![python.run(program, arguments)]
        });
        self.contenders.push(Contender { peer: PYTHON, work, paces_itself: true });
        self
    }
}

/// Adds every peer whose tasks are spawned, with the same program: `on_executors!(workload, |n| program(n))`
/// is for a `program::<E: Executor>(n)`.
macro_rules! on_executors {
    ($workload:expr, |$operations:ident| $program:ident($($argument:expr),*)) => {{
        use $crate::peers::{Compio, Monoio, Peers as _, Smol, Tokio};
        $workload
            .tokio(move |$operations| $program::<Tokio>($($argument),*))
            .smol(move |$operations| $program::<Smol>($($argument),*))
            .monoio(move |$operations| $program::<Monoio>($($argument),*))
            .compio(move |$operations| $program::<Compio>($($argument),*))
    }};
}
pub(crate) use on_executors;
