//! Locks and semaphores: alone, and with others that want them. Monoio and compio have none.

use std::rc::Rc;

use benches::{Options, Workload};
use trio::lowlevel::checkpoint;
use trio::nursery;
use trio::sync::{Lock, Semaphore};

use super::FINE;
use crate::peers::{Executor, Peers, Smol, Tokio, self_wake};

const GROUP: &str = "Locks";
/// How many tasks contend, where they do.
const TASKS: u32 = 8;

pub fn workloads(_: &Options) -> Vec<Workload> {
    vec![
        Workload::new(GROUP, "lock, uncontended")
            .trio(lock_on_trio)
            .tokio(lock_on_tokio)
            .smol(lock_on_smol)
            .python("lock.py", &["1"]),
        Workload::new(GROUP, format!("lock, {TASKS} tasks contend"))
            .step(TASKS)
            .trio(contended_lock_on_trio)
            .tokio(contended_lock_on_tokio)
            .smol(contended_lock_on_smol)
            .python("lock.py", &["8"]),
        Workload::new(GROUP, "semaphore, uncontended")
            .trio(semaphore_on_trio)
            .tokio(semaphore_on_tokio)
            .smol(semaphore_on_smol),
        Workload::new(GROUP, format!("semaphore of 2, {TASKS} tasks contend"))
            .step(TASKS)
            .trio(contended_semaphore_on_trio)
            .tokio(contended_semaphore_on_tokio)
            .smol(contended_semaphore_on_smol),
    ]
}

// Trio

#[trio::task]
async fn lock_on_trio(times: u32) {
    let lock = Lock::new(0_u32);
    for _ in 0..times {
        *lock.acquire().await += 1;
    }
}

#[trio::task]
async fn contended_lock_on_trio(times: u32) {
    let lock = Lock::new(0);
    nursery!(|n| {
        for _ in 0..TASKS {
            n.spawn(holds_the_lock, &lock, times / TASKS);
        }
    })
    .expect(FINE);
}

/// Holds the lock across a step, so that all the others wait for it.
#[trio::task]
async fn holds_the_lock(lock: &Lock<u32>, times: u32) {
    for _ in 0..times {
        let mut guard = lock.acquire().await;
        *guard += 1;
        checkpoint().await;
    }
}

#[trio::task]
async fn semaphore_on_trio(times: u32) {
    let semaphore = Semaphore::new(2);
    for _ in 0..times {
        drop(semaphore.acquire().await);
    }
}

#[trio::task]
async fn contended_semaphore_on_trio(times: u32) {
    let semaphore = Semaphore::new(2);
    nursery!(|n| {
        for _ in 0..TASKS {
            n.spawn(holds_a_permit, &semaphore, times / TASKS);
        }
    })
    .expect(FINE);
}

#[trio::task]
async fn holds_a_permit(semaphore: &Semaphore, times: u32) {
    for _ in 0..times {
        let _permit = semaphore.acquire().await;
        checkpoint().await;
    }
}

// Tokio

async fn lock_on_tokio(times: u32) {
    let lock = tokio::sync::Mutex::new(0_u32);
    for _ in 0..times {
        *lock.lock().await += 1;
    }
}

async fn contended_lock_on_tokio(times: u32) {
    let lock = Rc::new(tokio::sync::Mutex::new(0));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let lock = Rc::clone(&lock);
            Tokio::spawn(async move {
                for _ in 0..times / TASKS {
                    let mut guard = lock.lock().await;
                    *guard += 1;
                    self_wake().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await;
    }
}

async fn semaphore_on_tokio(times: u32) {
    let semaphore = tokio::sync::Semaphore::new(2);
    for _ in 0..times {
        drop(semaphore.acquire().await);
    }
}

async fn contended_semaphore_on_tokio(times: u32) {
    let semaphore = Rc::new(tokio::sync::Semaphore::new(2));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let semaphore = Rc::clone(&semaphore);
            Tokio::spawn(async move {
                for _ in 0..times / TASKS {
                    let _permit = semaphore.acquire().await;
                    self_wake().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await;
    }
}

// Smol

async fn lock_on_smol(times: u32) {
    let lock = smol::lock::Mutex::new(0_u32);
    for _ in 0..times {
        *lock.lock().await += 1;
    }
}

async fn contended_lock_on_smol(times: u32) {
    let lock = Rc::new(smol::lock::Mutex::new(0));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let lock = Rc::clone(&lock);
            Smol::spawn(async move {
                for _ in 0..times / TASKS {
                    let mut guard = lock.lock().await;
                    *guard += 1;
                    self_wake().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await;
    }
}

async fn semaphore_on_smol(times: u32) {
    let semaphore = smol::lock::Semaphore::new(2);
    for _ in 0..times {
        drop(semaphore.acquire().await);
    }
}

async fn contended_semaphore_on_smol(times: u32) {
    let semaphore = Rc::new(smol::lock::Semaphore::new(2));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let semaphore = Rc::clone(&semaphore);
            Smol::spawn(async move {
                for _ in 0..times / TASKS {
                    let _permit = semaphore.acquire().await;
                    self_wake().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await;
    }
}
