//! Trio and tokio (current-thread, with a `LocalSet`) in one run.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use benches::{SideBySide, on_tokio};
use trio::lowlevel::ParkingLot;
use trio::nursery;

/// Wakes itself and waits: what both runtimes have to do alike, since neither is asked to go on.
async fn self_wake() {
    let mut woken = false;
    poll_fn(|cx| {
        if woken {
            return Poll::Ready(());
        }
        woken = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[trio::task]
async fn yielding(times: u32) {
    for _ in 0..times {
        self_wake().await;
    }
}

#[trio::task]
async fn checkpoints(times: u32) {
    for _ in 0..times {
        trio::lowlevel::checkpoint().await;
    }
}

#[trio::task]
async fn many_yielding(tasks: u32, times: u32) {
    nursery!(|n| {
        for _ in 0..tasks {
            n.spawn(checkpoints, times);
        }
    })
    .expect("nothing fails");
}

async fn many_yielding_on_tokio(tasks: u32, times: u32) {
    let handles: Vec<_> = (0..tasks)
        .map(|_| {
            tokio::task::spawn_local(async move {
                for _ in 0..times {
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for handle in handles {
        handle.await.expect("nothing fails");
    }
}

#[trio::task]
async fn child(sum: &Cell<u64>) {
    sum.set(sum.get() + 1);
    std::future::ready(()).await;
}

#[trio::task]
async fn spawn_and_join(children: u32) {
    let sum = Cell::new(0);
    nursery!(|n| {
        for _ in 0..children {
            n.spawn(child, &sum);
        }
    })
    .expect("nothing fails");
    assert_eq!(sum.get(), u64::from(children));
}

async fn spawn_and_join_on_tokio(children: u32) {
    let sum = Rc::new(Cell::new(0));
    let mut set = tokio::task::JoinSet::new();
    for _ in 0..children {
        let sum = Rc::clone(&sum);
        set.spawn_local(async move {
            sum.set(sum.get() + 1_u64);
        });
    }
    while let Some(joined) = set.join_next().await {
        joined.expect("nothing fails");
    }
    assert_eq!(sum.get(), u64::from(children));
}

/// Two tasks that wake each other in turn.
#[trio::task]
async fn player(own: &ParkingLot, other: &ParkingLot, rounds: u32, serves: bool) {
    if serves {
        other.unpark(1);
    }
    for _ in 0..rounds {
        own.park().await.expect("nobody breaks the lot");
        other.unpark(1);
    }
}

#[trio::task]
async fn hand_off(rounds: u32) {
    let (left, right) = (ParkingLot::new(), ParkingLot::new());
    nursery!(|n| {
        n.spawn(player, &left, &right, rounds, false);
        n.spawn(player, &right, &left, rounds, true);
        trio::lowlevel::checkpoint().await;
        left.unpark(1);
    })
    .expect("nothing fails");
}

async fn hand_off_on_tokio(rounds: u32) {
    let (left, right) = (Rc::new(tokio::sync::Notify::new()), Rc::new(tokio::sync::Notify::new()));
    let (l, r) = (Rc::clone(&left), Rc::clone(&right));
    let first = tokio::task::spawn_local(async move {
        for _ in 0..rounds {
            l.notified().await;
            r.notify_one();
        }
    });
    let second = tokio::task::spawn_local(async move {
        left.notify_one();
        for _ in 0..rounds {
            right.notified().await;
            left.notify_one();
        }
    });
    first.await.expect("nothing fails");
    second.await.expect("nothing fails");
}

#[trio::task]
async fn deadlines(times: u32) {
    for _ in 0..times {
        trio::move_on_after(Duration::from_secs(5), trio::lowlevel::checkpoint).await;
    }
}

/// The same with a suspension inside.
#[trio::task]
async fn deadlines_suspended(times: u32) {
    for _ in 0..times {
        trio::move_on_after(Duration::from_secs(5), self_wake).await;
    }
}

async fn deadlines_suspended_on_tokio(times: u32) {
    for _ in 0..times {
        let _ = tokio::time::timeout(Duration::from_secs(5), self_wake()).await;
    }
}

async fn deadlines_on_tokio(times: u32) {
    for _ in 0..times {
        let _ = tokio::time::timeout(Duration::from_secs(5), tokio::task::consume_budget()).await;
    }
}

fn main() {
    let side_by_side = SideBySide::begin();
    side_by_side.compare(
        "self-wake, 1 task",
        200_000,
        |n| trio::run(|| yielding(n)),
        |n| {
            on_tokio(async move {
                tokio::task::spawn_local(async move {
                    for _ in 0..n {
                        self_wake().await;
                    }
                })
                .await
                .expect("nothing fails");
            })
        },
    );
    side_by_side.compare(
        "checkpoint (`yield_now`), 1 task",
        200_000,
        |n| trio::run(|| checkpoints(n)),
        |n| on_tokio(many_yielding_on_tokio(1, n)),
    );
    side_by_side.compare(
        "checkpoint (`yield_now`), 100 tasks",
        200_000,
        |n| trio::run(|| many_yielding(100, n / 100)),
        |n| on_tokio(many_yielding_on_tokio(100, n / 100)),
    );
    side_by_side.compare(
        "spawn and join, 10,000 children",
        100_000,
        |n| {
            trio::run(|| async move {
                for _ in 0..n.div_ceil(10_000) {
                    spawn_and_join(10_000).into_future().await;
                }
            })
        },
        |n| {
            on_tokio(async move {
                for _ in 0..n.div_ceil(10_000) {
                    spawn_and_join_on_tokio(10_000).await;
                }
            })
        },
    );
    side_by_side.compare(
        "hand-off between two tasks",
        100_000,
        |n| trio::run(|| hand_off(n)),
        |n| on_tokio(hand_off_on_tokio(n)),
    );
    side_by_side.compare(
        "deadline scope in and out",
        200_000,
        |n| trio::run(|| deadlines(n)),
        |n| on_tokio(deadlines_on_tokio(n)),
    );
    side_by_side.compare(
        "deadline scope in and out, suspended inside",
        200_000,
        |n| trio::run(|| deadlines_suspended(n)),
        |n| on_tokio(deadlines_suspended_on_tokio(n)),
    );
}
