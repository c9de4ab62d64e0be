//! Other threads: one that does something for a task, and one that answers it through a channel. Monoio has
//! no part in this.

use std::future::Future;
use std::hint::black_box;
use std::sync::mpsc;
use std::thread;

use benches::{Options, Workload};
use futures::StreamExt as _;
use trio::thread::run_in_worker_thread;

use super::FINE;
use crate::peers::Peers;

const GROUP: &str = "Threads";

pub fn workloads(_: &Options) -> Vec<Workload> {
    vec![
        Workload::new(GROUP, "worker thread, round trip")
            .trio(on_trio)
            .tokio(on_tokio)
            .smol(on_smol)
            .compio(on_compio)
            .python("threads.py", &[]),
        Workload::new(GROUP, "wake-up from another thread, round trip")
            .trio(asks_on_trio)
            .tokio(asks)
            .smol(asks)
            .compio(asks)
            .unordered(asks),
    ]
}

#[trio::task]
async fn on_trio(times: u32) {
    for number in 0..times {
        run_in_worker_thread(move || black_box(number)).await;
    }
}

async fn on_tokio(times: u32) {
    for number in 0..times {
        tokio::task::spawn_blocking(move || black_box(number)).await.expect(FINE);
    }
}

async fn on_smol(times: u32) {
    for number in 0..times {
        smol::unblock(move || black_box(number)).await;
    }
}

async fn on_compio(times: u32) {
    for number in 0..times {
        compio::runtime::spawn_blocking(move || black_box(number)).await.expect(FINE);
    }
}

#[trio::task]
async fn asks_on_trio(times: u32) {
    asks(times).await;
}

/// Asks a thread, which answers through a channel whose waker is the runtime's.
fn asks(times: u32) -> impl Future<Output = ()> + 'static {
    let (ask, asked) = mpsc::channel::<u32>();
    let (answer, mut answers) = futures::channel::mpsc::unbounded();
    let answering = thread::spawn(move || {
        for number in asked {
            answer.unbounded_send(number).expect("somebody waits");
        }
    });
    async move {
        for number in 0..times {
            ask.send(number).expect("the thread lives");
            answers.next().await;
        }
        drop(ask);
        answering.join().expect(FINE);
    }
}
