//! Many sleeping tasks that are cancelled at once, and waited for: for each of them. Monoio cannot cancel
//! tasks.

use std::rc::Rc;
use std::time::{Duration, Instant};

use benches::markdown::thousands;
use benches::{Options, Workload};
use futures::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use trio::nursery;

use crate::peers::{Compio, Peers, Smol, Timers, Tokio, self_wake};

const GROUP: &str = "Cancelling";

pub fn workloads(options: &Options) -> Vec<Workload> {
    let sizes: &[u32] = match options.quick {
        true => &[1000, 1_000_000],
        false => &[100, 1000, 10_000, 100_000, 1_000_000],
    };
    sizes.iter().map(|&tasks| workload(tasks)).collect()
}

fn workload(tasks: u32) -> Workload {
    let workload = Workload::new(GROUP, format!("cancel {} sleeping tasks", thousands(tasks)))
        .size("cancel so many sleeping tasks", tasks)
        .step(tasks)
        .trio(move |n| on_trio(tasks, n / tasks))
        .tokio(move |n| on_an_executor::<Tokio>(tasks, n / tasks))
        .smol(move |n| on_an_executor::<Smol>(tasks, n / tasks))
        .compio(move |n| on_an_executor::<Compio>(tasks, n / tasks))
        .unordered(move |n| unordered(tasks, n / tasks));
    match tasks {
        1000 => workload.python("cancelling.py", &["1000"]),
        _ => workload,
    }
}

/// Each until a moment of its own, in no order.
pub fn far(number: u32) -> Duration {
    const HOUR: Duration = Duration::from_secs(3600);
    HOUR + Duration::from_micros(u64::from(number.wrapping_mul(0x9E37_79B9) >> 8))
}

#[trio::task]
async fn on_trio(tasks: u32, times: u32) -> Duration {
    let mut time = Duration::ZERO;
    for _ in 0..times {
        let mut start = Instant::now();
        nursery!(|n| {
            for number in 0..tasks {
                n.spawn(trio::sleep, far(number));
            }
            trio::testing::wait_all_tasks_blocked().await;
            start = Instant::now();
            n.cancel();
        })
        .expect("nothing fails");
        time += start.elapsed();
    }
    time
}

async fn on_an_executor<E: Timers>(tasks: u32, times: u32) -> Duration {
    let mut time = Duration::ZERO;
    for _ in 0..times {
        let alive = Rc::new(());
        let sleep = |number| {
            let alive = Rc::clone(&alive);
            E::start(async move {
                E::sleep(far(number)).await;
                drop(alive);
            })
        };
        let sleeping: Vec<E::Task> = (0..tasks).map(sleep).collect();
        // Once round, and they sleep.
        E::spawn(self_wake()).await;
        let start = Instant::now();
        E::cancel(sleeping).await;
        time += start.elapsed();
        assert_eq!(Rc::strong_count(&alive), 1, "all are gone");
    }
    time
}

/// With async-io's timers. It is dropped: that is all.
async fn unordered(tasks: u32, times: u32) -> Duration {
    let mut time = Duration::ZERO;
    for _ in 0..times {
        let sleep = |number| smol::Timer::after(far(number));
        let mut sleeping: FuturesUnordered<_> = (0..tasks).map(sleep).collect();
        assert!(sleeping.next().now_or_never().is_none());
        let start = Instant::now();
        drop(sleeping);
        time += start.elapsed();
    }
    time
}
