//! Tasks that wake themselves, or give way in the way of their runtime.

use std::rc::Rc;
use std::time::Duration;

use benches::markdown::thousands;
use benches::{Options, Workload};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use trio::lowlevel::checkpoint;
use trio::nursery;

use super::FINE;
use super::stopwatch::Stopwatch;
use crate::peers::{Executor, Peers, on_executors, self_wake};

const GROUP: &str = "Yielding";

pub fn workloads(options: &Options) -> Vec<Workload> {
    let sizes: &[u32] = match options.quick {
        true => &[1, 100, 10_000],
        false => &[1, 100, 1000, 10_000, 100_000, 1_000_000],
    };
    let mut workloads: Vec<Workload> = sizes.iter().map(|&tasks| self_waking(tasks)).collect();
    workloads.extend([1, 100, 10_000].map(self_waking_deeply));
    workloads.extend([1, 100].map(giving_way));
    workloads
}

fn of(tasks: u32) -> String {
    if tasks == 1 { "1 task".into() } else { format!("{} tasks", thousands(tasks)) }
}

/// What all runtimes have to do alike: none is asked whether the task may go on.
fn self_waking(tasks: u32) -> Workload {
    let workload = Workload::new(GROUP, format!("self-wake, {}", of(tasks)))
        .step(tasks)
        .trio(move |n| on_trio(tasks, n / tasks));
    let workload = on_executors!(workload, |n| on_an_executor(tasks, n / tasks))
        .unordered(move |n| unordered(tasks, n / tasks));
    if tasks == 1 { workload } else { workload.size("self-wake, of so many tasks", tasks) }
}

/// The same below ten calls.
fn self_waking_deeply(tasks: u32) -> Workload {
    let name = format!("self-wake, 10 awaits deep, {}", of(tasks));
    let workload =
        Workload::new(GROUP, name).step(tasks).trio(move |n| deep_on_trio(tasks, n / tasks));
    on_executors!(workload, |n| deep_on_an_executor(tasks, n / tasks))
        .unordered(move |n| deep_unordered(tasks, n / tasks))
}

/// Whatever a runtime has for giving way to the others.
fn giving_way(tasks: u32) -> Workload {
    Workload::new(GROUP, format!("`checkpoint` or `yield_now`, {}", of(tasks)))
        .step(tasks)
        .trio(move |n| checkpoints_on_trio(tasks, n / tasks))
        .tokio(move |n| yields_on_tokio(tasks, n / tasks))
        .smol(move |n| yields_on_smol(tasks, n / tasks))
        .python("yielding.py", if tasks == 1 { &["1"] } else { &["100"] })
}

// Trio

#[trio::task]
async fn on_trio(tasks: u32, times: u32) -> Duration {
    let stopwatch = Stopwatch::new(tasks);
    nursery!(|n| {
        for _ in 0..tasks {
            n.spawn(self_wakes, &stopwatch, times);
        }
    })
    .expect(FINE);
    stopwatch.elapsed()
}

#[trio::task]
async fn self_wakes(stopwatch: &Stopwatch, times: u32) {
    stopwatch.arrive();
    for _ in 0..times {
        self_wake().await;
    }
    stopwatch.depart();
}

#[trio::task]
async fn deep_on_trio(tasks: u32, times: u32) -> Duration {
    let stopwatch = Stopwatch::new(tasks);
    nursery!(|n| {
        for _ in 0..tasks {
            n.spawn(ten_calls, &stopwatch, times);
        }
    })
    .expect(FINE);
    stopwatch.elapsed()
}

#[trio::task]
async fn checkpoints_on_trio(tasks: u32, times: u32) -> Duration {
    let stopwatch = Stopwatch::new(tasks);
    nursery!(|n| {
        for _ in 0..tasks {
            n.spawn(checkpoints, &stopwatch, times);
        }
    })
    .expect(FINE);
    stopwatch.elapsed()
}

#[trio::task]
async fn checkpoints(stopwatch: &Stopwatch, times: u32) {
    stopwatch.arrive();
    for _ in 0..times {
        checkpoint().await;
    }
    stopwatch.depart();
}

macro_rules! calls_on_trio {
    ($last:ident) => {
        use self_wakes as $last;
    };
    ($outer:ident $inner:ident $($others:ident)*) => {
        #[trio::task]
        async fn $outer(stopwatch: &Stopwatch, times: u32) {
            $inner(stopwatch, times).await;
        }
        calls_on_trio!($inner $($others)*);
    };
}
calls_on_trio!(ten_calls nine eight seven six five four three two one);

// The peers

async fn plain_self_wakes(stopwatch: Rc<Stopwatch>, times: u32) {
    stopwatch.arrive();
    for _ in 0..times {
        self_wake().await;
    }
    stopwatch.depart();
}

async fn on_an_executor<E: Executor>(tasks: u32, times: u32) -> Duration {
    let stopwatch = Rc::new(Stopwatch::new(tasks));
    let spawn = |_| E::spawn(plain_self_wakes(Rc::clone(&stopwatch), times));
    let handles: Vec<_> = (0..tasks).map(spawn).collect();
    for handle in handles {
        handle.await;
    }
    stopwatch.elapsed()
}

async fn unordered(tasks: u32, times: u32) -> Duration {
    let stopwatch = Rc::new(Stopwatch::new(tasks));
    let future = |_| plain_self_wakes(Rc::clone(&stopwatch), times);
    let mut futures: FuturesUnordered<_> = (0..tasks).map(future).collect();
    while futures.next().await.is_some() {}
    stopwatch.elapsed()
}

macro_rules! plain_calls {
    ($last:ident) => {
        use plain_self_wakes as $last;
    };
    ($outer:ident $inner:ident $($others:ident)*) => {
        async fn $outer(stopwatch: Rc<Stopwatch>, times: u32) {
            $inner(stopwatch, times).await;
        }
        plain_calls!($inner $($others)*);
    };
}
plain_calls!(ten_plain_calls plain_9 plain_8 plain_7 plain_6 plain_5 plain_4 plain_3 plain_2 plain_1);

async fn deep_on_an_executor<E: Executor>(tasks: u32, times: u32) -> Duration {
    let stopwatch = Rc::new(Stopwatch::new(tasks));
    let spawn = |_| E::spawn(ten_plain_calls(Rc::clone(&stopwatch), times));
    let handles: Vec<_> = (0..tasks).map(spawn).collect();
    for handle in handles {
        handle.await;
    }
    stopwatch.elapsed()
}

async fn deep_unordered(tasks: u32, times: u32) -> Duration {
    let stopwatch = Rc::new(Stopwatch::new(tasks));
    let future = |_| ten_plain_calls(Rc::clone(&stopwatch), times);
    let mut futures: FuturesUnordered<_> = (0..tasks).map(future).collect();
    while futures.next().await.is_some() {}
    stopwatch.elapsed()
}

async fn yields_on_tokio(tasks: u32, times: u32) -> Duration {
    let stopwatch = Rc::new(Stopwatch::new(tasks));
    let spawn = |_| {
        let stopwatch = Rc::clone(&stopwatch);
        tokio::task::spawn_local(async move {
            stopwatch.arrive();
            for _ in 0..times {
                tokio::task::yield_now().await;
            }
            stopwatch.depart();
        })
    };
    let handles: Vec<_> = (0..tasks).map(spawn).collect();
    for handle in handles {
        handle.await.expect(FINE);
    }
    stopwatch.elapsed()
}

async fn yields_on_smol(tasks: u32, times: u32) -> Duration {
    let stopwatch = Rc::new(Stopwatch::new(tasks));
    let spawn = |_| {
        let stopwatch = Rc::clone(&stopwatch);
        crate::peers::Smol::spawn(async move {
            stopwatch.arrive();
            for _ in 0..times {
                smol::future::yield_now().await;
            }
            stopwatch.depart();
        })
    };
    let handles: Vec<_> = (0..tasks).map(spawn).collect();
    for handle in handles {
        handle.await;
    }
    stopwatch.elapsed()
}
