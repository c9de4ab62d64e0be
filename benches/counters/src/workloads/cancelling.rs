//! Deadlines, sleeps, and their ends.

use std::cell::RefCell;
use std::time::Duration;

use trio::lowlevel::checkpoint;
use trio::{CancelScope, nursery};

use super::scheduling::{CHILDREN, self_wake};

const HOUR: Duration = Duration::from_secs(3600);

#[trio::task]
pub async fn scopes(times: u32) {
    for _ in 0..times {
        trio::move_on_after(HOUR, checkpoint).await;
    }
}

#[trio::task]
pub async fn suspended_scopes(times: u32) {
    for _ in 0..times {
        trio::move_on_after(HOUR, self_wake).await;
    }
}

#[trio::task]
pub async fn sleeps(times: u32) {
    let start = trio::current_time();
    for _ in 0..times {
        trio::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(start.elapsed(), Duration::from_secs(times.into()));
}

#[trio::task]
async fn sleeps_on(times: u32, current: &RefCell<CancelScope>) {
    for _ in 0..times {
        let scope = CancelScope::new();
        current.replace(scope.clone());
        assert!(scope.run(|| trio::sleep(HOUR)).await.is_none());
    }
}

#[trio::task]
pub async fn cancelled_sleeps(times: u32) {
    let current = RefCell::new(CancelScope::new());
    nursery!(|n| {
        n.spawn(sleeps_on, times, &current);
        for _ in 0..times {
            checkpoint().await; // behind the other, who sleeps by then
            current.borrow().cancel();
        }
    })
    .expect("nothing fails");
}

#[trio::task]
pub async fn cancelled_children(times: u32) {
    for _ in 0..times / CHILDREN {
        nursery!(|n| {
            for _ in 0..CHILDREN {
                n.spawn(trio::sleep, HOUR);
            }
            checkpoint().await; // behind all others, who sleep by then
            n.cancel();
        })
        .expect("nothing fails");
    }
}
