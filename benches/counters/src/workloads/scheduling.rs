//! Steps, calls, children.

use std::cell::Cell;
use std::future::poll_fn;
use std::task::Poll;

use trio::lowlevel::checkpoint;
use trio::nursery;

/// How many children a nursery has that has any.
pub const CHILDREN: u32 = 100;

/// A foreign future that wakes itself and waits.
pub async fn self_wake() {
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
pub async fn checkpoints(times: u32) {
    for _ in 0..times {
        checkpoint().await;
    }
}

#[trio::task]
pub async fn self_waking(times: u32) {
    for _ in 0..times {
        self_wake().await;
    }
}

#[trio::task]
pub async fn yielding(times: u32) {
    nursery!(|n| {
        n.spawn(checkpoints, times / 2);
        n.spawn(checkpoints, times / 2);
    })
    .expect("nothing fails");
}

/// Each calls the next.
macro_rules! chain {
    ($($caller:ident => $callee:ident,)*) => {
        $(
            #[trio::task]
            async fn $caller(times: u32) {
                $callee(times).await;
            }
        )*
    };
}

chain! {
    call_1 => call_2,
    call_2 => call_3,
    call_3 => call_4,
    call_4 => call_5,
    call_5 => call_6,
    call_6 => call_7,
    call_7 => call_8,
    call_8 => call_9,
    call_9 => checkpoints,
    deep_1 => deep_2,
    deep_2 => deep_3,
    deep_3 => deep_4,
    deep_4 => deep_5,
    deep_5 => deep_6,
    deep_6 => deep_7,
    deep_7 => deep_8,
    deep_8 => deep_9,
    deep_9 => self_waking,
}

#[trio::task]
pub async fn deep_yielding(times: u32) {
    deep_1(times).await;
}

#[trio::task]
pub async fn calls(times: u32) {
    for _ in 0..times {
        call_1(1).await;
    }
}

#[trio::task]
async fn child(sum: &Cell<u32>) {
    checkpoint().await;
    sum.set(sum.get() + 1);
}

#[trio::task]
pub async fn spawning(times: u32) {
    let sum = Cell::new(0);
    for _ in 0..times / CHILDREN {
        nursery!(|n| {
            for _ in 0..CHILDREN {
                n.spawn(child, &sum);
            }
        })
        .expect("nothing fails");
    }
    assert_eq!(sum.get(), times);
}

#[trio::task]
pub async fn nurseries(times: u32) {
    for _ in 0..times {
        nursery!(|_n| {}).expect("nothing fails");
    }
}

#[trio::task]
pub async fn joins(times: u32) {
    for _ in 0..times {
        trio::join!(checkpoint(), checkpoint()).await;
    }
}
