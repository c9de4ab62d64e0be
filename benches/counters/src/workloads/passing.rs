//! What tasks hand to each other, and share.

use trio::channel::{Receiver, Sender, channel};
use trio::lowlevel::{ParkingLot, checkpoint};
use trio::nursery;
use trio::sync::{Event, Lock};

use super::scheduling::CHILDREN;

const CONTENDERS: u32 = 8;
const UNBROKEN: &str = "nobody breaks the lot";

#[trio::task]
async fn player(own: &ParkingLot, other: &ParkingLot, rounds: u32) {
    for _ in 0..rounds {
        own.park().await.expect(UNBROKEN);
        other.unpark(1);
    }
}

/// Two tasks that wake each other in turn.
#[trio::task]
pub async fn hand_off(times: u32) {
    let (left, right) = (ParkingLot::new(), ParkingLot::new());
    nursery!(|n| {
        n.spawn(player, &left, &right, times / 2);
        n.spawn(player, &right, &left, times / 2);
        checkpoint().await;
        left.unpark(1);
    })
    .expect("nothing fails");
}

#[trio::task]
async fn waits_for_all(events: &[Event]) {
    for event in events {
        event.wait().await;
    }
}

#[trio::task]
pub async fn events(times: u32) {
    let events: Vec<Event> = (0..times / CHILDREN).map(|_| Event::new()).collect();
    nursery!(|n| {
        for _ in 0..CHILDREN {
            n.spawn(waits_for_all, &events);
        }
        for event in &events {
            checkpoint().await; // behind all others, who wait by then
            assert_eq!(event.statistics().tasks_waiting, CHILDREN as usize);
            event.set();
        }
    })
    .expect("nothing fails");
}

#[trio::task]
pub async fn locking(times: u32) {
    let lock = Lock::new(0);
    for _ in 0..times {
        *lock.acquire().await += 1;
    }
    assert_eq!(*lock.acquire().await, times);
}

/// Holds the lock across a step, so that all the others wait for it.
#[trio::task]
async fn holds(lock: &Lock<u32>, times: u32) {
    for _ in 0..times {
        let mut guard = lock.acquire().await;
        *guard += 1;
        checkpoint().await;
    }
}

#[trio::task]
pub async fn contending(times: u32) {
    let lock = Lock::new(0);
    nursery!(|n| {
        for _ in 0..CONTENDERS {
            n.spawn(holds, &lock, times / CONTENDERS);
        }
    })
    .expect("nothing fails");
    assert_eq!(*lock.acquire().await, times);
}

#[trio::task]
async fn sends(sender: Sender<u32>, times: u32) {
    for number in 0..times {
        sender.send(number).await.expect("somebody receives");
    }
}

#[trio::task]
async fn receives(receiver: Receiver<u32>) -> u32 {
    let mut count = 0;
    while receiver.receive().await.is_ok() {
        count += 1;
    }
    count
}

#[trio::task]
pub async fn through_a_channel(times: u32) {
    let received = nursery!(|n| {
        let (sender, receiver) = channel(16);
        n.spawn(sends, sender, times);
        n.spawn(receives, receiver)
    })
    .expect("nothing fails");
    assert_eq!(received.take(), Some(times));
}
