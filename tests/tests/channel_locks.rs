//! Locks made of channels are locks, and fair ones.

use std::cell::{Cell, RefCell};
use std::future::Future;

use futures::FutureExt;
use tests::channel_locks::{BufferLock, RendezvousLock, TokenLock};
use trio::lowlevel::checkpoint;
use trio::nursery;
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};

trait LockLike: Default + 'static {
    fn acquire(&self) -> impl Future<Output = impl Drop>;
    fn try_acquire(&self) -> Option<impl Drop>;
}

macro_rules! lock_likes {
    ($($lock:ident)*) => {$(
        impl LockLike for $lock {
            fn acquire(&self) -> impl Future<Output = impl Drop> {
                $lock::acquire(self)
            }

            fn try_acquire(&self) -> Option<impl Drop> {
                $lock::try_acquire(self)
            }
        }
    )*};
}

lock_likes!(BufferLock TokenLock RendezvousLock);

#[trio::task]
async fn works<L: LockLike>(lock: &L, number: u32, inside: &Cell<u32>, record: &RefCell<Vec<u32>>) {
    for _ in 0..20 {
        let _guard = lock.acquire().await;
        assert_eq!(inside.replace(inside.get() + 1), 0);
        record.borrow_mut().push(number);
        checkpoint().await;
        inside.set(inside.get() - 1);
    }
}

#[trio::task]
async fn is_exclusive_and_fair<L: LockLike>() {
    let (lock, inside, record) = (L::default(), Cell::new(0), RefCell::default());
    nursery!(|n| {
        for number in 0..5 {
            n.spawn(works, &lock, number, &inside, &record);
        }
    })
    .unwrap();
    let record = record.into_inner();
    let (first_round, _) = record.split_at(5);
    let mut all = first_round.to_vec();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3, 4]);
    assert!(record.chunks(5).all(|round| round == first_round), "{record:?}");
}

#[trio::task]
async fn is_held_and_handed_over<L: LockLike>() {
    let lock = L::default();
    let guard = lock.try_acquire().expect("it is free");
    assert!(lock.try_acquire().is_none());
    nursery!(|n| {
        let got = n.spawn(async { drop(lock.acquire().await) });
        wait_all_tasks_blocked().await;
        assert!(!got.is_finished());
        drop(guard);
        // It belongs to the one who waits, although that has not run.
        assert!(lock.try_acquire().is_none());
    })
    .unwrap();
    drop(assert_future_checkpoints(lock.acquire()).await);
    assert!(lock.try_acquire().is_some());
}

#[trio::task]
async fn is_passed_on_if_it_is_not_wanted_any_more<L: LockLike>() {
    let lock = L::default();
    let guard = lock.acquire().await;
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(lock.acquire())).collect();
    for waiting in &mut waiting {
        assert!(waiting.as_mut().now_or_never().is_none());
    }
    drop(guard);
    let third = waiting.pop();
    // The first has it, the second would be next: both go.
    waiting.clear();
    drop(third.expect("there are three").await);
    assert!(lock.try_acquire().is_some());
}

// M117
#[test]
fn locks_made_of_channels_are_exclusive_and_fair() {
    for seed in 0..10 {
        trio::Builder::new().scheduler_seed(seed).run(is_exclusive_and_fair::<BufferLock>);
        trio::Builder::new().scheduler_seed(seed).run(is_exclusive_and_fair::<TokenLock>);
        trio::Builder::new().scheduler_seed(seed).run(is_exclusive_and_fair::<RendezvousLock>);
    }
}

// M117
#[test]
fn locks_made_of_channels_are_handed_over() {
    trio::run(is_held_and_handed_over::<BufferLock>);
    trio::run(is_held_and_handed_over::<TokenLock>);
    trio::run(is_held_and_handed_over::<RendezvousLock>);
}

#[test]
fn locks_made_of_channels_are_passed_on() {
    trio::run(is_passed_on_if_it_is_not_wanted_any_more::<BufferLock>);
    trio::run(is_passed_on_if_it_is_not_wanted_any_more::<TokenLock>);
    trio::run(is_passed_on_if_it_is_not_wanted_any_more::<RendezvousLock>);
}
