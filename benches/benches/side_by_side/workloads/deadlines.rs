//! Deadlines that are set and do not expire.

use std::future::{pending, ready};
use std::rc::Rc;
use std::time::{Duration, Instant};

use benches::markdown::thousands;
use benches::{Options, Workload};
use trio::{move_on_after, nursery};

use super::FINE;
use super::cancelling::far;
use crate::peers::{Compio, Monoio, Peers, Smol, Timers, Tokio, on_executors, self_wake};

const GROUP: &str = "Deadlines";
const LIMIT: Duration = Duration::from_secs(5);

pub fn workloads(options: &Options) -> Vec<Workload> {
    let sizes: &[u32] = match options.quick {
        true => &[10_000],
        false => &[100, 1000, 10_000, 100_000, 1_000_000],
    };
    let mut workloads = vec![at_once(), waiting_inside()];
    workloads.extend(sizes.iter().map(|&armed| among_others(armed)));
    workloads
}

/// What is inside does not wait.
fn at_once() -> Workload {
    let workload = Workload::new(GROUP, "deadline scope in and out").trio(at_once_on_trio);
    on_executors!(workload, |n| at_once_on_an_executor(n)).python("deadline.py", &["0"])
}

fn waiting_inside() -> Workload {
    let workload = Workload::new(GROUP, "deadline scope in and out, a wait inside")
        .trio(|n| waiting_on_trio(0, n));
    on_executors!(workload, |n| waiting_on_an_executor(0, n))
}

/// A wait inside, and so many other deadlines are armed.
fn among_others(armed: u32) -> Workload {
    let name = format!("deadline scope in and out, a wait inside, {} armed", thousands(armed));
    let workload = Workload::new(GROUP, name)
        .size("deadline scope in and out, so many armed", armed)
        // Enough for them to count, however long it takes to arm the others.
        .step(10_000)
        .trio(move |n| waiting_on_trio(armed, n))
        .tokio(move |n| waiting_on_an_executor::<Tokio>(armed, n))
        .smol(move |n| waiting_on_an_executor::<Smol>(armed, n))
        .compio(move |n| waiting_on_an_executor::<Compio>(armed, n));
    // Monoio cannot cancel tasks, and keeps those that have not ended when the run has: a GiB of them.
    let workload = match armed {
        1_000_000 => workload,
        _ => workload.monoio(move |n| waiting_on_an_executor::<Monoio>(armed, n)),
    };
    match armed {
        10_000 => workload.python("deadline.py", &["10000"]),
        _ => workload,
    }
}

#[trio::task]
async fn at_once_on_trio(times: u32) {
    for _ in 0..times {
        move_on_after(LIMIT, async { ready(()).await }).await.expect(FINE);
    }
}

async fn at_once_on_an_executor<E: Timers>(times: u32) {
    for _ in 0..times {
        E::within(LIMIT, ready(())).await.expect(FINE);
    }
}

#[trio::task]
async fn waiting_on_trio(armed: u32, times: u32) -> Duration {
    let mut time = Duration::ZERO;
    nursery!(|n| {
        for number in 0..armed {
            n.spawn(waits_long, number);
        }
        if armed > 0 {
            trio::testing::wait_all_tasks_blocked().await;
        }
        let start = Instant::now();
        for _ in 0..times {
            move_on_after(LIMIT, self_wake).await.expect(FINE);
        }
        time = start.elapsed();
        n.cancel();
    })
    .expect(FINE);
    time
}

#[trio::task]
async fn waits_long(number: u32) {
    move_on_after(far(number), pending::<()>).await;
}

async fn waiting_on_an_executor<E: Timers>(armed: u32, times: u32) -> Duration {
    let alive = Rc::new(());
    let start_one = |number| {
        let alive = Rc::clone(&alive);
        E::start(async move {
            E::within(far(number), pending::<()>()).await;
            drop(alive);
        })
    };
    let others: Vec<E::Task> = (0..armed).map(start_one).collect();
    // Once round, and they wait.
    E::spawn(self_wake()).await;
    let start = Instant::now();
    for _ in 0..times {
        E::within(LIMIT, self_wake()).await.expect(FINE);
    }
    let time = start.elapsed();
    E::cancel(others).await;
    time
}
