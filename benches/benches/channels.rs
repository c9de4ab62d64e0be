//! The channels of trio and of tokio (current-thread, with a `LocalSet`) in one run.

use std::future::Future;
use std::rc::Rc;

use benches::{Contender, measure, print_row};
use tokio::sync::{Mutex, mpsc};
use tokio::task::{JoinSet, LocalSet};
use trio::channel::{Receiver, Sender, channel, unbounded};
use trio::nursery;

fn on_tokio<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a current-thread runtime can be built");
    LocalSet::new().block_on(&runtime, future)
}

#[trio::task]
async fn one_after_the_other(values: u32) {
    let (sender, receiver) = channel(16);
    for number in 0..u64::from(values) {
        sender.send(number).await.expect("the receiver is open");
        assert_eq!(receiver.receive().await, Ok(number));
    }
}

async fn one_after_the_other_on_tokio(values: u32) {
    let task = tokio::task::spawn_local(async move {
        let (sender, mut receiver) = mpsc::channel(16);
        for number in 0..u64::from(values) {
            sender.send(number).await.expect("the receiver is open");
            assert_eq!(receiver.recv().await, Some(number));
        }
    });
    task.await.expect("nothing fails");
}

#[trio::task]
async fn produce(sender: Sender<u64>, values: u32) {
    for number in 0..u64::from(values) {
        sender.send(number).await.expect("the receivers are open");
    }
}

#[trio::task]
async fn consume(receiver: Receiver<u64>) {
    while receiver.receive().await.is_ok() {}
}

#[trio::task]
async fn many_to_many(tasks: u32, capacity: usize, values: u32) {
    let (sender, receiver) = if capacity == usize::MAX { unbounded() } else { channel(capacity) };
    nursery!(|n| {
        for _ in 0..tasks {
            n.spawn(produce, sender.clone(), values / tasks);
            n.spawn(consume, receiver.clone());
        }
        drop((sender, receiver));
    })
    .expect("nothing fails");
}

async fn one_to_one_on_tokio(capacity: usize, values: u32) {
    let (sender, mut receiver) = mpsc::channel(capacity);
    let mut set = JoinSet::new();
    set.spawn_local(async move {
        for number in 0..u64::from(values) {
            sender.send(number).await.expect("the receiver is open");
        }
    });
    set.spawn_local(async move { while receiver.recv().await.is_some() {} });
    while let Some(joined) = set.join_next().await {
        joined.expect("nothing fails");
    }
}

/// Its channels have one receiver, which several tasks share through a lock.
async fn many_to_many_on_tokio(tasks: u32, capacity: usize, values: u32) {
    let (sender, receiver) = mpsc::channel(capacity);
    let receiver = Rc::new(Mutex::new(receiver));
    let mut set = JoinSet::new();
    for _ in 0..tasks {
        let (sender, receiver) = (sender.clone(), Rc::clone(&receiver));
        set.spawn_local(async move {
            for number in 0..u64::from(values / tasks) {
                sender.send(number).await.expect("the receiver is open");
            }
        });
        set.spawn_local(async move { while receiver.lock().await.recv().await.is_some() {} });
    }
    drop(sender);
    while let Some(joined) = set.join_next().await {
        joined.expect("nothing fails");
    }
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (rounds, values) = if quick { (5, 100_000) } else { (15, 500_000) };
    let compare = |workload: &str, trio: fn(u32), tokio: fn(u32)| {
        let contenders = [Contender::new("trio", trio), Contender::new("tokio", tokio)];
        print_row(workload, &measure(&contenders, values, rounds));
    };
    println!("| values through a channel | trio | tokio, ratio |");
    println!("|---|---|---|");
    compare(
        "sent and received by one task, buffer of 16",
        |n| trio::run(|| one_after_the_other(n)),
        |n| on_tokio(one_after_the_other_on_tokio(n)),
    );
    compare(
        "1:1, buffer of 1",
        |n| trio::run(|| many_to_many(1, 1, n)),
        |n| on_tokio(one_to_one_on_tokio(1, n)),
    );
    compare(
        "1:1, buffer of 64",
        |n| trio::run(|| many_to_many(1, 64, n)),
        |n| on_tokio(one_to_one_on_tokio(64, n)),
    );
    compare(
        "8:8, buffer of 1",
        |n| trio::run(|| many_to_many(8, 1, n)),
        |n| on_tokio(many_to_many_on_tokio(8, 1, n)),
    );
    compare(
        "8:8, buffer of 64",
        |n| trio::run(|| many_to_many(8, 64, n)),
        |n| on_tokio(many_to_many_on_tokio(8, 64, n)),
    );
}
