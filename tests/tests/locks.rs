//! What holds for everything that can be used as a lock.
//!
//! To add one: implement `LockLike` for it, and name it in the lists at the end.

use std::cell::{Cell, RefCell};
use std::future::Future;

use futures::FutureExt;
use tests::channel_locks::{
    BufferGuard, BufferLock, RendezvousGuard, RendezvousLock, TokenGuard, TokenLock,
};
use tests::probe::OnDrop;
use trio::lowlevel::{ParkingLot, cancel_shielded_checkpoint, checkpoint, checkpoint_if_cancelled};
use trio::sync::{
    CapacityLimiter, Condition, LimiterToken, Lock, LockGuard, Permit, Queue, RwLock, Semaphore,
    StrictFifoLock, WriteGuard,
};
use trio::testing::{CancelInjector, assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{Builder, CancelScope, nursery};

/// What can be used as a lock: made with `Default`, it is free.
trait LockLike: Default + 'static {
    type Guard<'a>;
    fn acquire(&self) -> impl Future<Output = Self::Guard<'_>>;
    fn try_acquire(&self) -> Option<Self::Guard<'_>>;
}

impl LockLike for Lock {
    type Guard<'a> = LockGuard<'a, ()>;

    async fn acquire(&self) -> LockGuard<'_, ()> {
        Lock::acquire(self).await
    }

    fn try_acquire(&self) -> Option<LockGuard<'_, ()>> {
        Lock::try_acquire(self).ok()
    }
}

impl LockLike for StrictFifoLock {
    type Guard<'a> = LockGuard<'a, ()>;

    async fn acquire(&self) -> LockGuard<'_, ()> {
        StrictFifoLock::acquire(self).await
    }

    fn try_acquire(&self) -> Option<LockGuard<'_, ()>> {
        StrictFifoLock::try_acquire(self).ok()
    }
}

struct SemaphoreOfOne(Semaphore);

impl Default for SemaphoreOfOne {
    fn default() -> Self {
        SemaphoreOfOne(Semaphore::new(1))
    }
}

impl LockLike for SemaphoreOfOne {
    type Guard<'a> = Permit<'a>;

    async fn acquire(&self) -> Permit<'_> {
        self.0.acquire().await
    }

    fn try_acquire(&self) -> Option<Permit<'_>> {
        self.0.try_acquire().ok()
    }
}

struct LimiterOfOne(CapacityLimiter);

impl Default for LimiterOfOne {
    fn default() -> Self {
        LimiterOfOne(CapacityLimiter::new(1))
    }
}

impl LockLike for LimiterOfOne {
    type Guard<'a> = LimiterToken<'a>;

    async fn acquire(&self) -> LimiterToken<'_> {
        self.0.acquire().await
    }

    fn try_acquire(&self) -> Option<LimiterToken<'_>> {
        self.0.try_acquire().ok()
    }
}

impl LockLike for RwLock {
    type Guard<'a> = WriteGuard<'a, ()>;

    async fn acquire(&self) -> WriteGuard<'_, ()> {
        self.write().await
    }

    fn try_acquire(&self) -> Option<WriteGuard<'_, ()>> {
        self.try_write().ok()
    }
}

/// The lock that goes with a condition. Whoever gets it tells everybody.
#[derive(Default)]
struct WithCondition {
    lock: Lock,
    condition: Condition,
}

impl LockLike for WithCondition {
    type Guard<'a> = LockGuard<'a, ()>;

    async fn acquire(&self) -> LockGuard<'_, ()> {
        let guard = self.lock.acquire().await;
        self.condition.notify_all(&guard);
        guard
    }

    fn try_acquire(&self) -> Option<LockGuard<'_, ()>> {
        self.lock.try_acquire().ok()
    }
}

/// A queue with one item: whoever has got it has the lock.
struct QueueOfOneItem(Queue<()>);

impl Default for QueueOfOneItem {
    fn default() -> Self {
        let queue = Queue::new(1);
        queue.try_put(()).expect("there is a place");
        QueueOfOneItem(queue)
    }
}

struct Item<'a>(&'a Queue<()>);

impl Drop for Item<'_> {
    fn drop(&mut self) {
        self.0.try_put(()).expect("the item was got");
    }
}

impl LockLike for QueueOfOneItem {
    type Guard<'a> = Item<'a>;

    async fn acquire(&self) -> Item<'_> {
        self.0.get().await.expect("nobody closes it");
        Item(&self.0)
    }

    fn try_acquire(&self) -> Option<Item<'_>> {
        self.0.try_get().ok().map(|()| Item(&self.0))
    }
}

/// A queue with one place: whoever has put something there has the lock.
struct QueueOfOnePlace(Queue<()>);

impl Default for QueueOfOnePlace {
    fn default() -> Self {
        QueueOfOnePlace(Queue::new(1))
    }
}

struct Place<'a>(&'a Queue<()>);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.try_get().expect("the item was put");
    }
}

impl LockLike for QueueOfOnePlace {
    type Guard<'a> = Place<'a>;

    async fn acquire(&self) -> Place<'_> {
        self.0.put(()).await.expect("nobody closes it");
        Place(&self.0)
    }

    fn try_acquire(&self) -> Option<Place<'_>> {
        self.0.try_put(()).ok().map(|()| Place(&self.0))
    }
}

impl LockLike for BufferLock {
    type Guard<'a> = BufferGuard<'a>;

    async fn acquire(&self) -> BufferGuard<'_> {
        BufferLock::acquire(self).await
    }

    fn try_acquire(&self) -> Option<BufferGuard<'_>> {
        BufferLock::try_acquire(self)
    }
}

impl LockLike for TokenLock {
    type Guard<'a> = TokenGuard<'a>;

    async fn acquire(&self) -> TokenGuard<'_> {
        TokenLock::acquire(self).await
    }

    fn try_acquire(&self) -> Option<TokenGuard<'_>> {
        TokenLock::try_acquire(self)
    }
}

impl LockLike for RendezvousLock {
    type Guard<'a> = RendezvousGuard<'a>;

    async fn acquire(&self) -> RendezvousGuard<'_> {
        RendezvousLock::acquire(self).await
    }

    fn try_acquire(&self) -> Option<RendezvousGuard<'_>> {
        RendezvousLock::try_acquire(self)
    }
}

/// A lock of one's own.
#[derive(Default)]
struct HandMade {
    held: Cell<bool>,
    lot: ParkingLot,
}

impl HandMade {
    fn release(&self) {
        if self.lot.unpark(1) == 0 {
            self.held.set(false);
        }
    }
}

struct HandMadeGuard<'a>(&'a HandMade);

impl Drop for HandMadeGuard<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl LockLike for HandMade {
    type Guard<'a> = HandMadeGuard<'a>;

    async fn acquire(&self) -> HandMadeGuard<'_> {
        checkpoint_if_cancelled().await;
        if let Some(guard) = self.try_acquire() {
            cancel_shielded_checkpoint().await;
            return guard;
        }
        let parked = self.lot.park().passing_on(|| self.release());
        parked.await.expect("nobody breaks this lot");
        HandMadeGuard(self)
    }

    fn try_acquire(&self) -> Option<HandMadeGuard<'_>> {
        (!self.held.replace(true)).then(|| HandMadeGuard(self))
    }
}

#[trio::task]
async fn works<L: LockLike>(lock: &L, inside: &Cell<u32>) {
    for _ in 0..10 {
        checkpoint().await; // Several arrive before they get on.
        let _guard = lock.acquire().await;
        assert_eq!(inside.replace(inside.get() + 1), 0);
        checkpoint().await;
        checkpoint().await;
        inside.set(inside.get() - 1);
    }
}

fn exclusion<L: LockLike>() {
    for seed in 0..10 {
        #[trio::task]
        async fn run<L: LockLike>() {
            let (lock, inside) = (L::default(), Cell::new(0));
            nursery!(|n| {
                for _ in 0..5 {
                    n.spawn(works, &lock, &inside);
                }
            })
            .unwrap();
            assert_eq!(inside.get(), 0);
            assert!(lock.try_acquire().is_some());
        }
        Builder::new().scheduler_seed(seed).run(run::<L>);
    }
}

#[trio::task]
async fn loops<L: LockLike>(lock: &L, number: u32, came: &Order, had: &Order) {
    came.borrow_mut().push(number);
    for _ in 0..10 {
        let _guard = lock.acquire().await;
        had.borrow_mut().push(number);
    }
}

type Order = RefCell<Vec<u32>>;

fn fifo_fairness<L: LockLike>() {
    for seed in 0..10 {
        #[trio::task]
        async fn run<L: LockLike>() {
            let (lock, came, had) = (L::default(), Order::default(), Order::default());
            nursery!(|n| {
                for number in 0..3 {
                    n.spawn(loops, &lock, number, &came, &had);
                }
            })
            .unwrap();
            for round in had.borrow().chunks(3) {
                assert_eq!(*round, *came.borrow());
            }
        }
        Builder::new().scheduler_seed(seed).run(run::<L>);
    }
}

#[trio::task]
async fn acquires<L: LockLike>(lock: &L, number: u32, had: &Order) {
    let _guard = lock.acquire().await;
    had.borrow_mut().push(number);
}

#[trio::task]
async fn tried_acquisition_blocks<L: LockLike>() {
    let (lock, had) = (L::default(), Order::default());
    nursery!(|n| {
        let guard = lock.try_acquire().expect("it is free");
        n.spawn(acquires, &lock, 1, &had);
        wait_all_tasks_blocked().await;
        assert!(had.borrow().is_empty());
        drop(guard);
    })
    .unwrap();
    assert_eq!(*had.borrow(), [1]);
}

#[trio::task]
async fn released_to_the_first<L: LockLike>() {
    let (lock, had) = (L::default(), Order::default());
    nursery!(|n| {
        let guard = lock.acquire().await;
        for number in 1..4 {
            n.spawn(acquires, &lock, number, &had);
            wait_all_tasks_blocked().await;
        }
        drop(guard);
        // It is another's, though that has not run.
        assert!(lock.try_acquire().is_none());
        n.spawn(acquires, &lock, 4, &had);
    })
    .unwrap();
    assert_eq!(*had.borrow(), [1, 2, 3, 4]);
}

#[trio::task]
async fn checkpoints<L: LockLike>() {
    let lock = L::default();
    drop(assert_future_checkpoints(lock.acquire()).await);
    nursery!(|n| {
        n.spawn(async {
            let _guard = lock.acquire().await;
            wait_all_tasks_blocked().await;
        });
        checkpoint().await;
        drop(assert_future_checkpoints(lock.acquire()).await);
    })
    .unwrap();
}

#[trio::task]
async fn cancelled_at_once<L: LockLike>() {
    let lock = L::default();
    let scope = CancelScope::new();
    scope.cancel();
    assert!(scope.run(async { lock.acquire().await }).await.is_none());
    assert!(lock.try_acquire().is_some());
}

#[trio::task]
async fn cancelled_while_waiting<L: LockLike>() {
    let (lock, had) = (L::default(), Order::default());
    nursery!(|n| {
        let guard = lock.acquire().await;
        let first = n.spawn(acquires, &lock, 1, &had);
        wait_all_tasks_blocked().await;
        n.spawn(acquires, &lock, 2, &had);
        wait_all_tasks_blocked().await;
        first.cancel();
        wait_all_tasks_blocked().await;
        assert!(had.borrow().is_empty());
        drop(guard);
    })
    .unwrap();
    assert_eq!(*had.borrow(), [2]);
    assert!(lock.try_acquire().is_some());
}

#[trio::task]
async fn cancelled_while_holding<L: LockLike>() {
    let (lock, had) = (L::default(), Order::default());
    nursery!(|n| {
        let holder = n.spawn(async {
            let _guard = lock.acquire().await;
            trio::sleep_forever().await;
        });
        wait_all_tasks_blocked().await;
        n.spawn(acquires, &lock, 1, &had);
        wait_all_tasks_blocked().await;
        holder.cancel();
    })
    .unwrap();
    assert_eq!(*had.borrow(), [1]);
    assert!(lock.try_acquire().is_some());
}

/// A turn that comes between the cancellation and its delivery is had, and given up in order.
#[trio::task]
async fn cancelled_when_its_turn_has_come<L: LockLike>() {
    let (lock, had) = (L::default(), Order::default());
    for cancelled_first in [true, false] {
        nursery!(|n| {
            let guard = lock.acquire().await;
            let first = n.spawn(acquires, &lock, 1, &had);
            wait_all_tasks_blocked().await;
            n.spawn(acquires, &lock, 2, &had);
            wait_all_tasks_blocked().await;
            if cancelled_first {
                first.cancel();
                drop(guard);
            } else {
                drop(guard);
                first.cancel();
            }
        })
        .unwrap();
    }
    assert_eq!(*had.borrow(), [1, 2, 1, 2]);
    assert!(lock.try_acquire().is_some());
}

#[trio::task]
async fn dropped_while_waiting<L: LockLike>() {
    let (lock, had) = (L::default(), Order::default());
    nursery!(|n| {
        n.spawn(async {
            let _guard = lock.acquire().await;
            wait_all_tasks_blocked().await;
            wait_all_tasks_blocked().await;
        });
        checkpoint().await;
        {
            let mut dropped = Box::pin(lock.acquire());
            assert!(dropped.as_mut().now_or_never().is_none());
            n.spawn(acquires, &lock, 1, &had);
            checkpoint().await;
        }
    })
    .unwrap();
    assert_eq!(*had.borrow(), [1]);
    assert!(lock.try_acquire().is_some());
}

#[trio::task]
async fn dropped_when_its_turn_has_come<L: LockLike>() {
    let (lock, had) = (L::default(), Order::default());
    nursery!(|n| {
        let holder = n.spawn(async {
            let _guard = lock.acquire().await;
            trio::sleep_forever().await;
        });
        checkpoint().await;
        {
            let mut dropped = Box::pin(lock.acquire());
            assert!(dropped.as_mut().now_or_never().is_none());
            n.spawn(acquires, &lock, 1, &had);
            wait_all_tasks_blocked().await;
            holder.cancel();
            wait_all_tasks_blocked().await;
            assert!(had.borrow().is_empty());
        }
        wait_all_tasks_blocked().await;
        assert_eq!(*had.borrow(), [1]);
        // And once more, with nobody behind.
        let holder = n.spawn(async {
            let _guard = lock.acquire().await;
            trio::sleep_forever().await;
        });
        checkpoint().await;
        let mut dropped = Box::pin(lock.acquire());
        assert!(dropped.as_mut().now_or_never().is_none());
        holder.cancel();
        wait_all_tasks_blocked().await;
    })
    .unwrap();
    assert!(lock.try_acquire().is_some());
}

#[trio::task]
async fn dropped_while_giving_way<L: LockLike>() {
    let lock = L::default();
    nursery!(|n| {
        // Somebody is runnable: what has acquired waits for its turn.
        n.spawn(checkpoint);
        let mut dropped = Box::pin(lock.acquire());
        assert!(dropped.as_mut().now_or_never().is_none());
    })
    .unwrap();
    assert!(lock.try_acquire().is_some());
}

/// Twice it is acquired and released, with others in between.
#[trio::task]
async fn works_twice<L: LockLike>(lock: &L, inside: &Cell<u32>, times: &Cell<u32>) {
    for _ in 0..2 {
        let _guard = lock.acquire().await;
        assert_eq!(inside.replace(inside.get() + 1), 0);
        let _out = OnDrop(|| inside.set(inside.get() - 1));
        checkpoint().await;
        times.set(times.get() + 1);
    }
}

/// Wherever one of them is cancelled the others have it as often as they want, and it is free in the
/// end.
fn cancelled_everywhere<L: LockLike>() {
    for seed in 0..5 {
        #[trio::task]
        async fn run<L: LockLike>() {
            let mut injector = CancelInjector::new();
            while let Some(round) = injector.next_round() {
                let (lock, inside, times) = (L::default(), Cell::new(0), Cell::new(0));
                let cancelled = Cell::new(0);
                nursery!(|n| {
                    n.spawn(works_twice, &lock, &inside, &times);
                    n.spawn(async { round.run(|| works_twice(&lock, &inside, &cancelled)).await });
                    n.spawn(works_twice, &lock, &inside, &times);
                })
                .unwrap();
                assert_eq!((times.get(), inside.get()), (4, 0), "{round}");
                assert!(round.place().is_some() || cancelled.get() == 2, "{round}");
                assert!(lock.try_acquire().is_some(), "{round}");
            }
            assert!(injector.places().len() > 4);
        }
        Builder::new().scheduler_seed(seed).run(run::<L>);
    }
}

/// The same, if all are cancelled at once, while any of them is anywhere.
fn all_cancelled_everywhere<L: LockLike>() {
    for seed in 0..5 {
        #[trio::task]
        async fn run<L: LockLike>() {
            let mut injector = CancelInjector::new();
            while let Some(round) = injector.next_round() {
                let (lock, inside, times) = (L::default(), Cell::new(0), Cell::new(0));
                let all = async {
                    nursery!(|n| {
                        for _ in 0..3 {
                            n.spawn(works_twice, &lock, &inside, &times);
                        }
                    })
                    .unwrap();
                };
                round.run(all).await;
                assert!(round.place().is_some() || times.get() == 6, "{round}");
                assert_eq!(inside.get(), 0, "{round}");
                assert!(lock.try_acquire().is_some(), "{round}");
            }
            assert!(injector.places().len() > 15);
        }
        Builder::new().scheduler_seed(seed).run(run::<L>);
    }
}

macro_rules! suite {
    ($($name:ident: $lock:ty;)*) => {$(
        mod $name {
            use super::*;

            // M117
            #[test]
            fn one_at_a_time_has_it() {
                exclusion::<$lock>();
            }

            // M117
            #[test]
            fn it_goes_round_in_the_order_of_arrival() {
                fifo_fairness::<$lock>();
            }

            // M117
            #[test]
            fn one_that_was_tried_for_successfully_is_had() {
                trio::run(tried_acquisition_blocks::<$lock>);
            }

            #[test]
            fn it_is_released_to_the_one_who_has_waited_for_the_longest() {
                trio::run(released_to_the_first::<$lock>);
            }

            #[test]
            fn acquiring_is_a_checkpoint_whether_it_waits_or_not() {
                trio::run(checkpoints::<$lock>);
            }

            #[test]
            fn one_who_is_cancelled_already_does_not_acquire_it() {
                trio::run(cancelled_at_once::<$lock>);
            }

            #[test]
            fn one_who_is_cancelled_while_waiting_is_skipped() {
                trio::run(cancelled_while_waiting::<$lock>);
            }

            // M115
            #[test]
            fn one_who_is_cancelled_while_holding_it_releases_it() {
                trio::run(cancelled_while_holding::<$lock>);
            }

            #[test]
            fn one_whose_turn_has_come_has_it_though_it_is_cancelled() {
                trio::run(cancelled_when_its_turn_has_come::<$lock>);
            }

            #[test]
            fn one_that_is_dropped_while_waiting_is_skipped() {
                trio::run(dropped_while_waiting::<$lock>);
            }

            #[test]
            fn wherever_one_is_cancelled_the_others_get_it() {
                cancelled_everywhere::<$lock>();
            }

            #[test]
            fn wherever_all_are_cancelled_it_is_free_in_the_end() {
                all_cancelled_everywhere::<$lock>();
            }
        }
    )*};
}

macro_rules! suite_of_what_is_undone_when_it_is_dropped {
    ($($name:ident: $lock:ty;)*) => {
        mod dropped {
            use super::*;

            $(mod $name {
                use super::*;

                #[test]
                fn one_that_is_dropped_when_its_turn_has_come_passes_it_on() {
                    trio::run(dropped_when_its_turn_has_come::<$lock>);
                }

                #[test]
                fn one_that_is_dropped_while_it_gives_way_to_others_releases_it() {
                    trio::run(dropped_while_giving_way::<$lock>);
                }
            })*
        }
    };
}

suite! {
    lock: Lock;
    strict_fifo_lock: StrictFifoLock;
    semaphore_of_one: SemaphoreOfOne;
    capacity_limiter_of_one: LimiterOfOne;
    writing: RwLock;
    lock_of_a_condition: WithCondition;
    queue_of_one_item: QueueOfOneItem;
    queue_of_one_place: QueueOfOnePlace;
    buffer_of_a_channel: BufferLock;
    token_in_a_channel: TokenLock;
    rendezvous: RendezvousLock;
    hand_made: HandMade;
}

// All but the one that puts something into a queue: what was put is there, whatever becomes of the
// future.
suite_of_what_is_undone_when_it_is_dropped! {
    lock: Lock;
    strict_fifo_lock: StrictFifoLock;
    semaphore_of_one: SemaphoreOfOne;
    capacity_limiter_of_one: LimiterOfOne;
    writing: RwLock;
    lock_of_a_condition: WithCondition;
    queue_of_one_item: QueueOfOneItem;
    buffer_of_a_channel: BufferLock;
    token_in_a_channel: TokenLock;
    rendezvous: RendezvousLock;
    hand_made: HandMade;
}
