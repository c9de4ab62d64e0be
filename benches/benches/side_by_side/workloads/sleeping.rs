//! How late those are who sleep.

use std::time::{Duration, Instant};

use benches::statistics::quantiles;
use benches::{Options, Workload};
use trio::nursery;

use crate::peers::{Peers, Timers, on_executors};

const GROUP: &str = "Lateness";

pub fn workloads(options: &Options) -> Vec<Workload> {
    let (short, medium) = if options.quick { (100, 50) } else { (1000, 200) };
    vec![
        one_after_another("50 µs", Duration::from_micros(50), short),
        one_after_another("100 µs", Duration::from_micros(100), short),
        one_after_another("1 ms", Duration::from_millis(1), medium),
        side_by_side("100 ms", Duration::from_millis(100), 50),
    ]
}

fn workload(text: &str, sleeps: u32) -> Workload {
    Workload::new(GROUP, format!("lateness of a sleep of {text}"))
        .operations(sleeps)
        .figures(&["p50", "p99"])
}

fn one_after_another(text: &str, duration: Duration, sleeps: u32) -> Workload {
    let workload = workload(text, sleeps).trio(move |n| on_trio(duration, n));
    on_executors!(workload, |n| on_an_executor(duration, n))
}

/// Long ones: begun one after the other, about two milliseconds apart.
fn side_by_side(text: &str, duration: Duration, sleeps: u32) -> Workload {
    let workload = workload(text, sleeps).trio(move |n| many_on_trio(duration, n));
    on_executors!(workload, |n| many_on_an_executor(duration, n))
}

/// Nanoseconds after the moment that was asked for.
fn late(start: Instant, duration: Duration) -> f64 {
    (start.elapsed().as_secs_f64() - duration.as_secs_f64()) * 1e9
}

fn figures(late: Vec<f64>) -> Vec<f64> {
    quantiles(late, &[0.5, 0.99])
}

#[trio::task]
async fn on_trio(duration: Duration, sleeps: u32) -> Vec<f64> {
    let mut all = Vec::new();
    for _ in 0..sleeps {
        let start = Instant::now();
        trio::sleep(duration).await;
        all.push(late(start, duration));
    }
    figures(all)
}

async fn on_an_executor<E: Timers>(duration: Duration, sleeps: u32) -> Vec<f64> {
    let mut all = Vec::new();
    for _ in 0..sleeps {
        let start = Instant::now();
        E::sleep(duration).await;
        all.push(late(start, duration));
    }
    figures(all)
}

/// How much longer this one sleeps than the first.
fn longer(number: u32) -> Duration {
    Duration::from_micros(2100) * number
}

#[trio::task]
async fn many_on_trio(duration: Duration, sleeps: u32) -> Vec<f64> {
    let mut tasks = Vec::new();
    nursery!(|n| {
        for number in 0..sleeps {
            tasks.push(n.spawn(sleeps_once, duration + longer(number)));
        }
    })
    .expect("nothing fails");
    figures(tasks.iter().map(|task| task.take().expect("it has ended")).collect())
}

#[trio::task]
async fn sleeps_once(duration: Duration) -> f64 {
    let start = Instant::now();
    trio::sleep(duration).await;
    late(start, duration)
}

async fn many_on_an_executor<E: Timers>(duration: Duration, sleeps: u32) -> Vec<f64> {
    let sleep = |number| {
        let duration = duration + longer(number);
        E::spawn(async move {
            let start = Instant::now();
            E::sleep(duration).await;
            late(start, duration)
        })
    };
    let tasks: Vec<_> = (0..sleeps).map(sleep).collect();
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await);
    }
    figures(all)
}
