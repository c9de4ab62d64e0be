//! One event for which many tasks wait: for each of them, with its being spawned and waited for.

use std::cell::Cell;
use std::rc::Rc;

use benches::markdown::thousands;
use benches::{Options, Workload};
use futures::FutureExt as _;
use futures::channel::oneshot;
use futures::stream::{FuturesUnordered, StreamExt as _};
use trio::nursery;
use trio::sync::Event;

use super::FINE;
use crate::peers::{Executor, Peers, Smol, Tokio, self_wake};

const GROUP: &str = "Events";

pub fn workloads(_: &Options) -> Vec<Workload> {
    [100, 10_000].map(broadcast).into()
}

fn broadcast(waiters: u32) -> Workload {
    Workload::new(GROUP, format!("event, {} waiters", thousands(waiters)))
        .step(waiters)
        .trio(move |n| on_trio(waiters, n / waiters))
        .tokio(move |n| on_tokio(waiters, n / waiters))
        .smol(move |n| on_smol(waiters, n / waiters))
        .unordered(move |n| unordered(waiters, n / waiters))
}

#[trio::task]
async fn on_trio(waiters: u32, times: u32) {
    for _ in 0..times {
        let (event, waiting) = (Event::new(), Cell::new(0));
        nursery!(|n| {
            for _ in 0..waiters {
                n.spawn(wait_on_trio, &event, &waiting);
            }
            // Once round, and they wait.
            trio::lowlevel::checkpoint().await;
            assert_eq!(waiting.get(), waiters);
            event.set();
        })
        .expect(FINE);
    }
}

#[trio::task]
async fn wait_on_trio(event: &Event, waiting: &Cell<u32>) {
    waiting.set(waiting.get() + 1);
    event.wait().await;
}

/// `Notify` keeps no state, which costs less than a `watch` does.
async fn on_tokio(waiters: u32, times: u32) {
    for _ in 0..times {
        let event = Rc::new(tokio::sync::Notify::new());
        let waiting = Rc::new(Cell::new(0));
        let spawn = |_| {
            let (event, waiting) = (Rc::clone(&event), Rc::clone(&waiting));
            Tokio::spawn(async move {
                waiting.set(waiting.get() + 1);
                event.notified().await;
            })
        };
        let tasks: Vec<_> = (0..waiters).map(spawn).collect();
        while waiting.get() < waiters {
            self_wake().await;
        }
        event.notify_waiters();
        for task in tasks {
            task.await;
        }
    }
}

async fn on_smol(waiters: u32, times: u32) {
    for _ in 0..times {
        let event = Rc::new(event_listener::Event::new());
        let waiting = Rc::new(Cell::new(0));
        let spawn = |_| {
            let (event, waiting) = (Rc::clone(&event), Rc::clone(&waiting));
            Smol::spawn(async move {
                let listener = event.listen();
                waiting.set(waiting.get() + 1);
                listener.await;
            })
        };
        let tasks: Vec<_> = (0..waiters).map(spawn).collect();
        while waiting.get() < waiters {
            self_wake().await;
        }
        event.notify(usize::MAX);
        for task in tasks {
            task.await;
        }
    }
}

/// A future that many wait for.
async fn unordered(waiters: u32, times: u32) {
    for _ in 0..times {
        let (event, waited_for) = oneshot::channel::<()>();
        let waited_for = waited_for.shared();
        let wait = |_| waited_for.clone();
        let mut tasks: FuturesUnordered<_> = (0..waiters).map(wait).collect();
        // Each is polled once, and waits.
        assert!(tasks.next().now_or_never().is_none());
        event.send(()).expect("many wait");
        while tasks.next().await.is_some() {}
    }
}
