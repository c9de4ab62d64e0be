//! What things take, as the allocator counts it: what the system keeps for them is not in it.

use std::cell::Cell;
use std::future::pending;
use std::io;
use std::net;
use std::rc::Rc;

use benches::allocations::Count;
use benches::markdown::thousands;
use benches::{Options, Unit, Workload};
use futures::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt as _};
use trio::net::{TcpListener, TcpStream};
use trio::{move_on_after, nursery};

use super::cancelling::far;
use crate::peers::{ANY, Network, Peers, Timers, on_executors, self_wake};

const GROUP: &str = "Memory";
const TASKS: u32 = 100_000;
const CONNECTIONS: u32 = 4000;
/// The buffer of a connection.
const BUFFER: usize = 64;

pub fn workloads(_: &Options) -> Vec<Workload> {
    let sleeping = Workload::new(GROUP, format!("a sleeping task, of {}", thousands(TASKS)))
        .unit(Unit::Bytes)
        .operations(TASKS)
        .trio(sleeping_on_trio);
    let armed = Workload::new(GROUP, format!("an armed deadline, of {}", thousands(TASKS)))
        .unit(Unit::Bytes)
        .operations(TASKS)
        .trio(armed_on_trio);
    let idle = format!("a task that waits for a connection, of {}", thousands(CONNECTIONS));
    let idle =
        Workload::new(GROUP, idle).unit(Unit::Bytes).operations(CONNECTIONS).trio(idle_on_trio);
    vec![
        on_executors!(sleeping, |n| sleeping_on_an_executor(n)).unordered(sleeping_unordered),
        on_executors!(armed, |n| armed_on_an_executor(n)),
        on_executors!(idle, |n| idle_on_an_executor(n)),
    ]
}

// Tasks that sleep

#[trio::task]
async fn sleeping_on_trio(tasks: u32) -> f64 {
    let mut bytes = 0.0;
    nursery!(|n| {
        let count = Count::begin();
        for number in 0..tasks {
            n.spawn(trio::sleep, far(number));
        }
        trio::testing::wait_all_tasks_blocked().await;
        bytes = count.for_each(tasks);
        n.cancel();
    })
    .expect("nothing fails");
    bytes
}

async fn sleeping_on_an_executor<E: Timers>(tasks: u32) -> f64 {
    let mut sleeping = Vec::with_capacity(tasks as usize);
    let count = Count::begin();
    for number in 0..tasks {
        sleeping.push(E::start(E::sleep(far(number))));
    }
    E::spawn(self_wake()).await;
    let bytes = count.for_each(tasks);
    E::cancel(sleeping).await;
    bytes
}

/// With async-io's timers.
async fn sleeping_unordered(tasks: u32) -> f64 {
    let count = Count::begin();
    let mut sleeping: FuturesUnordered<_> =
        (0..tasks).map(|number| smol::Timer::after(far(number))).collect();
    assert!(sleeping.next().now_or_never().is_none());
    count.for_each(tasks)
}

// Deadlines: what tasks that wait take with one, less what they take without

#[trio::task]
async fn armed_on_trio(tasks: u32) -> f64 {
    waiting_on_trio(tasks, true).await - waiting_on_trio(tasks, false).await
}

#[trio::task]
async fn waiting_on_trio(tasks: u32, with_a_deadline: bool) -> f64 {
    let mut bytes = 0.0;
    nursery!(|n| {
        let count = Count::begin();
        for number in 0..tasks {
            if with_a_deadline {
                n.spawn(waits_until, number);
            } else {
                n.spawn(waits);
            }
        }
        trio::testing::wait_all_tasks_blocked().await;
        bytes = count.for_each(tasks);
        n.cancel();
    })
    .expect("nothing fails");
    bytes
}

#[trio::task]
async fn waits() {
    pending::<()>().await;
}

#[trio::task]
async fn waits_until(number: u32) {
    move_on_after(far(number), pending::<()>).await;
}

async fn armed_on_an_executor<E: Timers>(tasks: u32) -> f64 {
    let with_it = waiting_on_an_executor::<E, _>(tasks, |number| async move {
        E::within(far(number), pending::<()>()).await;
    });
    let with_it = with_it.await;
    with_it - waiting_on_an_executor::<E, _>(tasks, |_| pending()).await
}

async fn waiting_on_an_executor<E: Timers, F: Future<Output = ()> + 'static>(
    tasks: u32,
    waits: impl Fn(u32) -> F,
) -> f64 {
    let mut waiting = Vec::with_capacity(tasks as usize);
    let count = Count::begin();
    for number in 0..tasks {
        waiting.push(E::start(waits(number)));
    }
    E::spawn(self_wake()).await;
    let bytes = count.for_each(tasks);
    E::cancel(waiting).await;
    bytes
}

// Connections

#[trio::task(allow(blocking_net))]
async fn idle_on_trio(connections: u32) -> trio::Result<f64> {
    let listener = TcpListener::bind(ANY)?;
    let address = listener.local_addr()?;
    let mut peers = Vec::with_capacity(connections as usize);
    let mut bytes = 0.0;
    nursery!(|n| {
        let count = Count::begin();
        for _ in 0..connections {
            peers.push(net::TcpStream::connect(address)?);
            n.spawn(listens, listener.accept().await?);
        }
        trio::testing::wait_all_tasks_blocked().await;
        bytes = count.for_each(connections);
        peers.clear();
    })?;
    Ok(bytes)
}

#[trio::task]
async fn listens(stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; BUFFER];
    assert_eq!(stream.receive_some(&mut buffer).await?, 0);
    Ok(())
}

async fn idle_on_an_executor<N: Network>(connections: u32) -> io::Result<f64> {
    let (listener, address) = N::listen().await?;
    let mut peers = Vec::with_capacity(connections as usize);
    let mut tasks = Vec::with_capacity(connections as usize);
    let waiting = Rc::new(Cell::new(0));
    let count = Count::begin();
    for _ in 0..connections {
        peers.push(net::TcpStream::connect(address)?);
        let mut stream = N::accept(&listener).await?;
        let waiting = Rc::clone(&waiting);
        tasks.push(N::spawn(async move {
            waiting.set(waiting.get() + 1);
            N::receive(&mut stream, vec![0; BUFFER]).await.map(|(_, count)| count)
        }));
    }
    while waiting.get() < connections {
        N::give_way().await;
    }
    let bytes = count.for_each(connections);
    peers.clear();
    for task in tasks {
        assert_eq!(task.await?, 0);
    }
    Ok(bytes)
}
