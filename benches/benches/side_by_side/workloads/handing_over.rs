//! Two tasks that wake each other in turn, and values that go through channels.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use benches::{Options, Workload};
use futures::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::{Notify, mpsc};
use trio::channel::{Receiver, Sender, channel};
use trio::lowlevel::ParkingLot;
use trio::nursery;

use super::FINE;
use crate::peers::{Channels, Executor, Peers, Smol, on_executors};

const GROUP: &str = "Handing over";

pub fn workloads(_: &Options) -> Vec<Workload> {
    let mut workloads = vec![by_a_primitive(), by_a_waker(), alone()];
    workloads.extend([1, 16, 64].map(one_to_one));
    workloads.extend([1, 64].map(many_to_many));
    workloads
}

/// With what a runtime has for this.
fn by_a_primitive() -> Workload {
    Workload::new(GROUP, "hand-off between two tasks, by a primitive")
        .trio(hand_off_on_trio)
        .tokio(hand_off_on_tokio)
        .python("hand_off.py", &[])
}

/// With a waker, in the same way everywhere.
fn by_a_waker() -> Workload {
    let workload =
        Workload::new(GROUP, "hand-off between two tasks, by a waker").trio(pass_on_trio);
    on_executors!(workload, |n| pass_on_an_executor(n)).unordered(pass_unordered)
}

fn alone() -> Workload {
    let workload =
        Workload::new(GROUP, "bounded channel, sent and received by one task").trio(alone_on_trio);
    on_executors!(workload, |n| alone_on_an_executor(n))
}

fn one_to_one(capacity: usize) -> Workload {
    let workload = Workload::new(GROUP, format!("bounded channel of {capacity}, 1:1"))
        .trio(move |n| many_to_many_on_trio(1, capacity, n));
    let workload = on_executors!(workload, |n| one_to_one_on_an_executor(capacity, n))
        .unordered(move |n| one_to_one_unordered(capacity, n));
    match capacity {
        16 => workload.python("channel.py", &["16"]),
        _ => workload,
    }
}

/// How many send, and how many receive.
const MANY: u32 = 8;

fn many_to_many(capacity: usize) -> Workload {
    Workload::new(GROUP, format!("bounded channel of {capacity}, {MANY}:{MANY}"))
        .step(MANY)
        .trio(move |n| many_to_many_on_trio(MANY, capacity, n))
        .tokio(move |n| many_to_many_on_tokio(capacity, n))
        .smol(move |n| many_to_many_on_smol(capacity, n))
}

// Hand-off

#[trio::task]
async fn hand_off_on_trio(rounds: u32) {
    let (left, right) = (ParkingLot::new(), ParkingLot::new());
    nursery!(|n| {
        n.spawn(player, &left, &right, rounds);
        n.spawn(player, &right, &left, rounds);
        trio::lowlevel::checkpoint().await;
        left.unpark(1);
    })
    .expect(FINE);
}

/// Waits for its turn, and gives the other one his.
#[trio::task]
async fn player(own: &ParkingLot, other: &ParkingLot, rounds: u32) {
    for _ in 0..rounds.div_ceil(2) {
        own.park().await.expect("nobody breaks the lot");
        other.unpark(1);
    }
}

async fn hand_off_on_tokio(rounds: u32) {
    let (left, right) = (Rc::new(Notify::new()), Rc::new(Notify::new()));
    let player = |own: &Rc<Notify>, other: &Rc<Notify>| {
        let (own, other) = (Rc::clone(own), Rc::clone(other));
        tokio::task::spawn_local(async move {
            for _ in 0..rounds.div_ceil(2) {
                own.notified().await;
                other.notify_one();
            }
        })
    };
    let players = [player(&left, &right), player(&right, &left)];
    left.notify_one();
    for player in players {
        player.await.expect(FINE);
    }
}

/// The least there can be: whose turn it is, and who waits for his.
#[derive(Default)]
struct Baton {
    turn: Cell<u32>,
    waiting: RefCell<[Option<Waker>; 2]>,
}

impl Baton {
    /// Waits for the turn of this one of the two, and passes it on.
    async fn pass(&self, own: u32) {
        poll_fn(|cx| {
            if self.turn.get() % 2 == own {
                return Poll::Ready(());
            }
            let waiting = &mut self.waiting.borrow_mut()[own as usize];
            match waiting {
                Some(waker) => waker.clone_from(cx.waker()),
                None => *waiting = Some(cx.waker().clone()),
            }
            Poll::Pending
        })
        .await;
        self.turn.set(self.turn.get() + 1);
        if let Some(other) = &self.waiting.borrow()[1 - own as usize] {
            other.wake_by_ref();
        }
    }
}

#[trio::task]
async fn pass_on_trio(rounds: u32) {
    let baton = Baton::default();
    nursery!(|n| {
        n.spawn(passes_on_trio, &baton, 0, rounds);
        n.spawn(passes_on_trio, &baton, 1, rounds);
    })
    .expect(FINE);
}

#[trio::task]
async fn passes_on_trio(baton: &Baton, own: u32, rounds: u32) {
    for _ in 0..rounds.div_ceil(2) {
        baton.pass(own).await;
    }
}

async fn passes(baton: Rc<Baton>, own: u32, rounds: u32) {
    for _ in 0..rounds.div_ceil(2) {
        baton.pass(own).await;
    }
}

async fn pass_on_an_executor<E: Executor>(rounds: u32) {
    let baton = Rc::new(Baton::default());
    let players = [0, 1].map(|own| E::spawn(passes(Rc::clone(&baton), own, rounds)));
    for player in players {
        player.await;
    }
}

async fn pass_unordered(rounds: u32) {
    let baton = Rc::new(Baton::default());
    let players = [0, 1].map(|own| passes(Rc::clone(&baton), own, rounds));
    let mut players: FuturesUnordered<_> = players.into_iter().collect();
    while players.next().await.is_some() {}
}

// Channels

#[trio::task]
async fn alone_on_trio(values: u32) {
    let (sender, receiver) = channel(16);
    for number in 0..u64::from(values) {
        sender.send(number).await.expect("the receiver is open");
        assert_eq!(receiver.receive().await, Ok(number));
    }
}

async fn alone_on_an_executor<E: Channels>(values: u32) {
    let (mut sender, mut receiver) = E::channel(16);
    for number in 0..u64::from(values) {
        E::give(&mut sender, number).await;
        assert_eq!(E::take(&mut receiver).await, Some(number));
    }
}

#[trio::task]
async fn many_to_many_on_trio(tasks: u32, capacity: usize, values: u32) {
    nursery!(|n| {
        let (sender, receiver) = channel(capacity);
        for _ in 0..tasks {
            n.spawn(produce, sender.clone(), values / tasks);
            n.spawn(consume, receiver.clone());
        }
    })
    .expect(FINE);
}

#[trio::task]
async fn produce(sender: Sender<u64>, values: u32) {
    for number in 0..u64::from(values) {
        sender.send(number).await.expect("the receivers are open");
    }
}

#[trio::task]
async fn consume(receiver: Receiver<u64>) -> u64 {
    let mut sum = 0;
    while let Ok(number) = receiver.receive().await {
        sum += number;
    }
    sum
}

async fn sends<E: Channels>(mut sender: E::Sender<u64>, values: u32) -> u64 {
    for number in 0..u64::from(values) {
        E::give(&mut sender, number).await;
    }
    0
}

async fn receives<E: Channels>(mut receiver: E::Receiver<u64>) -> u64 {
    let mut sum = 0;
    while let Some(number) = E::take(&mut receiver).await {
        sum += number;
    }
    sum
}

async fn one_to_one_on_an_executor<E: Channels>(capacity: usize, values: u32) {
    let (sender, receiver) = E::channel(capacity);
    let sending = E::spawn(sends::<E>(sender, values));
    let receiving = E::spawn(receives::<E>(receiver));
    sending.await;
    receiving.await;
}

async fn one_to_one_unordered(capacity: usize, values: u32) {
    // Futures' channels, as they are written for compio.
    type Futures = crate::peers::Compio;
    let (sender, receiver) = Futures::channel(capacity);
    let mut tasks = FuturesUnordered::new();
    tasks.push(sends::<Futures>(sender, values).left_future());
    tasks.push(receives::<Futures>(receiver).right_future());
    while tasks.next().await.is_some() {}
}

/// Its channels have one receiver, which the tasks share through a lock.
async fn many_to_many_on_tokio(capacity: usize, values: u32) {
    let (sender, receiver) = mpsc::channel(capacity);
    let receiver = Rc::new(tokio::sync::Mutex::new(receiver));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..MANY {
        let (sender, receiver) = (sender.clone(), Rc::clone(&receiver));
        tasks.spawn_local(async move {
            for number in 0..u64::from(values / MANY) {
                sender.send(number).await.expect("the receiver is open");
            }
            0
        });
        tasks.spawn_local(async move {
            let mut sum = 0;
            while let Some(number) = receiver.lock().await.recv().await {
                sum += number;
            }
            sum
        });
    }
    drop(sender);
    tasks.join_all().await;
}

async fn many_to_many_on_smol(capacity: usize, values: u32) {
    let (sender, receiver) = Smol::channel(capacity);
    let mut tasks = Vec::new();
    for _ in 0..MANY {
        tasks.push(Smol::spawn(sends::<Smol>(sender.clone(), values / MANY)).left_future());
        tasks.push(Smol::spawn(receives::<Smol>(receiver.clone())).right_future());
    }
    drop((sender, receiver));
    for task in tasks {
        task.await;
    }
}
