//! Locks, channels and threads of trio and of tokio (current-thread, with a `LocalSet`), in one run.

use std::rc::Rc;
use std::sync::mpsc;
use std::thread;

use benches::{SideBySide, on_tokio};
use futures::StreamExt;
use trio::channel::{Receiver, Sender, channel};
use trio::lowlevel::checkpoint;
use trio::nursery;
use trio::sync::{Event, Lock, Semaphore};
use trio::thread::run_in_worker_thread;

/// How many tasks contend, where they do.
const TASKS: u32 = 8;

#[trio::task]
async fn lock_alone(times: u32) {
    let lock = Lock::new(0_u32);
    for _ in 0..times {
        *lock.acquire().await += 1;
    }
}

async fn lock_alone_on_tokio(times: u32) {
    let lock = tokio::sync::Mutex::new(0_u32);
    for _ in 0..times {
        *lock.lock().await += 1;
    }
}

/// Each holds the lock across a step, so that all the others wait for it.
#[trio::task]
async fn lock_holder(lock: &Lock<u32>, times: u32) {
    for _ in 0..times {
        let mut guard = lock.acquire().await;
        *guard += 1;
        checkpoint().await;
    }
}

#[trio::task]
async fn lock_contended(times: u32) {
    let lock = Lock::new(0);
    nursery!(|n| {
        for _ in 0..TASKS {
            n.spawn(lock_holder, &lock, times / TASKS);
        }
    })
    .expect("nothing fails");
}

async fn lock_contended_on_tokio(times: u32) {
    let lock = Rc::new(tokio::sync::Mutex::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let lock = Rc::clone(&lock);
        tasks.spawn_local(async move {
            for _ in 0..times / TASKS {
                let mut guard = lock.lock().await;
                *guard += 1;
                tokio::task::yield_now().await;
            }
        });
    }
    tasks.join_all().await;
}

#[trio::task]
async fn semaphore_alone(times: u32) {
    let semaphore = Semaphore::new(2);
    for _ in 0..times {
        drop(semaphore.acquire().await);
    }
}

async fn semaphore_alone_on_tokio(times: u32) {
    let semaphore = tokio::sync::Semaphore::new(2);
    for _ in 0..times {
        drop(semaphore.acquire().await);
    }
}

#[trio::task]
async fn semaphore_holder(semaphore: &Semaphore, times: u32) {
    for _ in 0..times {
        let _permit = semaphore.acquire().await;
        checkpoint().await;
    }
}

#[trio::task]
async fn semaphore_contended(times: u32) {
    let semaphore = Semaphore::new(2);
    nursery!(|n| {
        for _ in 0..TASKS {
            n.spawn(semaphore_holder, &semaphore, times / TASKS);
        }
    })
    .expect("nothing fails");
}

async fn semaphore_contended_on_tokio(times: u32) {
    let semaphore = Rc::new(tokio::sync::Semaphore::new(2));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let semaphore = Rc::clone(&semaphore);
        tasks.spawn_local(async move {
            for _ in 0..times / TASKS {
                let _permit = semaphore.acquire().await;
                tokio::task::yield_now().await;
            }
        });
    }
    tasks.join_all().await;
}

#[trio::task]
async fn send_all(sender: Sender<u32>, times: u32) {
    for number in 0..times {
        sender.send(number).await.expect("somebody receives");
    }
}

#[trio::task]
async fn receive_all(receiver: Receiver<u32>) -> u32 {
    let mut sum = 0_u32;
    while let Ok(number) = receiver.receive().await {
        sum = sum.wrapping_add(number);
    }
    sum
}

/// So many senders and as many receivers, at a channel for 16 values.
#[trio::task]
async fn through_a_channel(pairs: u32, times: u32) {
    nursery!(|n| {
        let (sender, receiver) = channel(16);
        for _ in 0..pairs {
            n.spawn(send_all, sender.clone(), times / pairs);
            n.spawn(receive_all, receiver.clone());
        }
    })
    .expect("nothing fails");
}

/// tokio's channel has one receiver: 8:8 is eight senders, and eight receivers that share it by a lock.
async fn through_a_channel_on_tokio(pairs: u32, times: u32) {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(16);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..pairs {
        let sender = sender.clone();
        tasks.spawn_local(async move {
            for number in 0..times / pairs {
                sender.send(number).await.expect("somebody receives");
            }
            0
        });
    }
    drop(sender);
    if pairs == 1 {
        tasks.spawn_local(async move {
            let mut sum = 0_u32;
            while let Some(number) = receiver.recv().await {
                sum = sum.wrapping_add(number);
            }
            sum
        });
    } else {
        let receiver = Rc::new(tokio::sync::Mutex::new(receiver));
        for _ in 0..pairs {
            let receiver = Rc::clone(&receiver);
            tasks.spawn_local(async move {
                let mut sum = 0_u32;
                while let Some(number) = receiver.lock().await.recv().await {
                    sum = sum.wrapping_add(number);
                }
                sum
            });
        }
    }
    tasks.join_all().await;
}

#[trio::task]
async fn event_for_all(waiters: u32) {
    let event = Event::new();
    nursery!(|n| {
        for _ in 0..waiters {
            n.spawn(Event::wait, &event);
        }
        trio::testing::wait_all_tasks_blocked().await;
        event.set();
    })
    .expect("nothing fails");
}

async fn event_for_all_on_tokio(waiters: u32) {
    let (event, waiting) = (Rc::new(tokio::sync::Notify::new()), Rc::new(std::cell::Cell::new(0)));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..waiters {
        let (event, waiting) = (Rc::clone(&event), Rc::clone(&waiting));
        tasks.spawn_local(async move {
            waiting.set(waiting.get() + 1);
            event.notified().await;
        });
    }
    while waiting.get() < waiters {
        tokio::task::yield_now().await;
    }
    event.notify_waiters();
    tasks.join_all().await;
}

#[trio::task]
async fn worker_threads(times: u32) {
    for number in 0..times {
        run_in_worker_thread(move || std::hint::black_box(number)).await;
    }
}

async fn worker_threads_on_tokio(times: u32) {
    for number in 0..times {
        let job = tokio::task::spawn_blocking(move || std::hint::black_box(number));
        job.await.expect("nothing fails");
    }
}

/// Asks another thread, which answers through a channel whose waker is the runtime's: one wake-up each way.
async fn asks_a_thread(times: u32) {
    let (ask, asked) = mpsc::channel::<u32>();
    let (answer, mut answers) = futures::channel::mpsc::unbounded();
    let answering = thread::spawn(move || {
        for number in asked {
            answer.unbounded_send(number).expect("somebody waits");
        }
    });
    for number in 0..times {
        ask.send(number).expect("the thread lives");
        answers.next().await;
    }
    drop(ask);
    answering.join().expect("nothing fails");
}

fn main() {
    let side_by_side = SideBySide::begin();
    let compare = |workload: &str, operations: u32, trio: fn(u32), tokio: fn(u32)| {
        side_by_side.compare(workload, operations, trio, tokio);
    };
    compare(
        "lock, uncontended",
        200_000,
        |n| trio::run(|| lock_alone(n)),
        |n| on_tokio(lock_alone_on_tokio(n)),
    );
    compare(
        "lock, 8 tasks contend",
        100_000,
        |n| trio::run(|| lock_contended(n)),
        |n| on_tokio(lock_contended_on_tokio(n)),
    );
    compare(
        "semaphore, uncontended",
        200_000,
        |n| trio::run(|| semaphore_alone(n)),
        |n| on_tokio(semaphore_alone_on_tokio(n)),
    );
    compare(
        "semaphore of 2, 8 tasks contend",
        100_000,
        |n| trio::run(|| semaphore_contended(n)),
        |n| on_tokio(semaphore_contended_on_tokio(n)),
    );
    compare(
        "bounded channel, 1:1",
        200_000,
        |n| trio::run(|| through_a_channel(1, n)),
        |n| on_tokio(through_a_channel_on_tokio(1, n)),
    );
    compare(
        "bounded channel, 8:8",
        200_000,
        |n| trio::run(|| through_a_channel(8, n)),
        |n| on_tokio(through_a_channel_on_tokio(8, n)),
    );
    compare(
        "event, 10,000 waiters, a waiter",
        20_000,
        |n| (0..n / 10_000).for_each(|_| trio::run(|| event_for_all(10_000))),
        |n| (0..n / 10_000).for_each(|_| on_tokio(event_for_all_on_tokio(10_000))),
    );
    compare(
        "worker thread, round trip",
        2_000,
        |n| trio::run(|| worker_threads(n)),
        |n| on_tokio(worker_threads_on_tokio(n)),
    );
    compare(
        "wake-up from another thread, round trip",
        2_000,
        |n| trio::run(|| asks_a_thread(n)),
        |n| on_tokio(asks_a_thread(n)),
    );
}
