//! Children that are spawned, run and are waited for.

use std::cell::Cell;
use std::rc::Rc;

use benches::markdown::thousands;
use benches::{Options, Workload};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use trio::nursery;

use super::FINE;
use crate::peers::{Executor, Peers, on_executors};

const GROUP: &str = "Spawning";
/// How many nurseries lie in each other.
const DEPTH: u32 = 10;

pub fn workloads(options: &Options) -> Vec<Workload> {
    let sizes: &[u32] = match options.quick {
        true => &[1, 100, 100_000],
        false => &[1, 100, 1000, 10_000, 100_000, 1_000_000],
    };
    let mut workloads: Vec<Workload> = sizes.iter().map(|&children| flat(children)).collect();
    workloads.push(nested());
    workloads
}

/// A nursery, or what a peer has in its place, with so many children.
fn flat(children: u32) -> Workload {
    let text =
        if children == 1 { "1 child".into() } else { format!("{} children", thousands(children)) };
    let workload = Workload::new(GROUP, format!("spawn and join, {text}"))
        .step(children)
        .trio(move |n| flat_on_trio(children, n / children));
    let workload = on_executors!(workload, |n| flat_on_an_executor(children, n / children))
        .unordered(move |n| flat_unordered(children, n / children));
    match children {
        1 => return workload,
        100 => workload.python("spawning.py", &["100"]),
        _ => workload,
    }
    .size("spawn and join, so many children", children)
}

/// A child in a nursery, in whose child is a nursery, and so on.
fn nested() -> Workload {
    let workload = Workload::new(GROUP, format!("nested nurseries, {DEPTH} deep, a nursery"))
        .step(DEPTH)
        .trio(|n| nested_on_trio(n / DEPTH));
    on_executors!(workload, |n| nested_on_an_executor(n / DEPTH))
}

// Trio

#[trio::task]
async fn flat_on_trio(children: u32, times: u32) {
    let sum = Cell::new(0);
    for _ in 0..times {
        nursery!(|n| {
            for _ in 0..children {
                n.spawn(child, &sum);
            }
        })
        .expect(FINE);
    }
    assert_eq!(sum.get(), children * times);
}

#[trio::task]
async fn child(sum: &Cell<u32>) {
    sum.set(sum.get() + 1);
    std::future::ready(()).await;
}

#[trio::task(allow(useless_nursery))]
async fn nested_on_trio(times: u32) {
    let sum = Cell::new(0);
    for _ in 0..times {
        nursery!(|n| {
            n.spawn(ten, &sum);
        })
        .expect(FINE);
    }
    assert_eq!(sum.get(), times);
}

macro_rules! nested_on_trio {
    ($last:ident) => {
        use child as $last;
    };
    ($outer:ident $inner:ident $($others:ident)*) => {
        #[trio::task(allow(useless_nursery))]
        async fn $outer(sum: &Cell<u32>) {
            nursery!(|n| {
                n.spawn($inner, sum);
            })
            .expect(FINE);
        }
        nested_on_trio!($inner $($others)*);
    };
}
nested_on_trio!(ten nine eight seven six five four three two one);

// The peers

async fn flat_on_an_executor<E: Executor>(children: u32, times: u32) {
    let sum = Rc::new(Cell::new(0));
    let mut handles = Vec::with_capacity(children as usize);
    for _ in 0..times {
        for _ in 0..children {
            handles.push(E::spawn(plain_child(Rc::clone(&sum))));
        }
        for handle in handles.drain(..) {
            handle.await;
        }
    }
    assert_eq!(sum.get(), children * times);
}

async fn plain_child(sum: Rc<Cell<u32>>) {
    sum.set(sum.get() + 1);
}

async fn flat_unordered(children: u32, times: u32) {
    let sum = Rc::new(Cell::new(0));
    let mut futures = FuturesUnordered::new();
    for _ in 0..times {
        for _ in 0..children {
            futures.push(plain_child(Rc::clone(&sum)));
        }
        while futures.next().await.is_some() {}
    }
    assert_eq!(sum.get(), children * times);
}

async fn nested_on_an_executor<E: Executor>(times: u32) {
    let sum = Rc::new(Cell::new(0));
    for _ in 0..times {
        E::spawn(plain_ten::<E>(Rc::clone(&sum))).await;
    }
    assert_eq!(sum.get(), times);
}

macro_rules! nested_plainly {
    ($last:ident) => {
        async fn $last<E: Executor>(sum: Rc<Cell<u32>>) {
            plain_child(sum).await;
        }
    };
    ($outer:ident $inner:ident $($others:ident)*) => {
        async fn $outer<E: Executor>(sum: Rc<Cell<u32>>) {
            E::spawn($inner::<E>(sum)).await;
        }
        nested_plainly!($inner $($others)*);
    };
}
nested_plainly!(plain_ten plain_9 plain_8 plain_7 plain_6 plain_5 plain_4 plain_3 plain_2 plain_1);
