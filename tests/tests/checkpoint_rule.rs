//! Every async operation is a checkpoint by itself, also where it succeeds at once.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::time::Duration;

use tests::panics::text;
use trio::lowlevel::{
    Abort, IoSource, ParkingLot, Resumer, cancel_shielded_checkpoint, checkpoint,
    checkpoint_if_cancelled, suspend, wait_readable, wait_writable,
};
use trio::net::{TcpListener, TcpStream};
use trio::stream::{HalfCloseableStream, SendStream, Stream};
use trio::sync::CapacityLimiter;
use trio::testing::{
    MemorySendStream, Sequencer, assert_future_checkpoints, lockstep_stream_pair,
    memory_stream_pair, wait_all_tasks_blocked,
};
use trio::{Outcome, current_time, nursery};

async fn two_halves() {
    checkpoint_if_cancelled().await;
    cancel_shielded_checkpoint().await;
}

// T176
#[trio::test]
async fn checkpoints_are_checkpoints() {
    assert_future_checkpoints(checkpoint()).await;
    assert_future_checkpoints(two_halves()).await;
}

#[trio::task]
async fn verdict<F: Future<Output = ()>>(future: F) -> String {
    nursery!(|n| {
        let asserting = n.spawn_monitored(async { assert_future_checkpoints(future).await });
        match asserting.outcome().await {
            Outcome::Panicked(payload) => text(&*payload),
            _ => String::from("it is one"),
        }
    })
    .unwrap()
}

// T176
#[trio::test]
async fn half_a_checkpoint_is_none_and_nor_is_a_foreign_future() {
    assert_eq!(verdict(checkpoint()).await, "it is one");
    let text = verdict(checkpoint_if_cancelled()).await;
    assert!(text.ends_with("there was a cancellation point, but no schedule point"), "{text}");
    let text = verdict(cancel_shielded_checkpoint()).await;
    assert!(text.ends_with("there was a schedule point, but no cancellation point"), "{text}");
    let text = verdict(std::future::ready(())).await;
    assert!(text.ends_with("there was no checkpoint at all"), "{text}");
    assert!(text.starts_with("assert_future_checkpoints at tests/tests/checkpoint_rule.rs:"));
}

#[trio::test(clock = "mock")]
async fn waiting_for_time_is_a_checkpoint() {
    for duration in [Duration::ZERO, Duration::from_secs(1)] {
        assert_future_checkpoints(trio::sleep(duration)).await;
        assert_future_checkpoints(trio::sleep_until(current_time() + duration)).await;
    }
    assert_future_checkpoints(wait_all_tasks_blocked()).await;
}

#[trio::test(clock = "mock")]
async fn waiting_for_tasks_is_a_checkpoint() {
    nursery!(|n| {
        let child = n.spawn(checkpoint);
        assert_future_checkpoints(child.wait()).await;
        assert_future_checkpoints(child.wait()).await;
        let child = n.spawn_monitored(checkpoint);
        child.wait().await;
        assert_future_checkpoints(child.outcome()).await;
    })
    .unwrap();
}

#[trio::test(clock = "mock")]
async fn parking_and_suspending_are_checkpoints() {
    let lot = ParkingLot::new();
    let place: Cell<Option<Resumer<()>>> = Cell::new(None);
    nursery!(|n| {
        n.spawn(async {
            assert_future_checkpoints(lot.park()).await?;
            Ok::<_, trio::BrokenResourceError>(())
        });
        n.spawn(async {
            let suspended = suspend(|resumer| {
                place.set(Some(resumer));
                || Abort::Succeeded
            });
            assert_future_checkpoints(suspended).await;
        });
        wait_all_tasks_blocked().await;
        lot.unpark(1);
        place.take().unwrap().resume(());
    })
    .unwrap();
    // One that is resumed before it blocks.
    assert_future_checkpoints(suspend(|resumer: Resumer<()>| {
        resumer.resume(());
        || Abort::Succeeded
    }))
    .await;
}

#[trio::test(clock = "mock")]
async fn borrowing_a_token_is_a_checkpoint() {
    let limiter = CapacityLimiter::new(1);
    let token = assert_future_checkpoints(limiter.acquire()).await;
    nursery!(|n| {
        n.spawn(async { drop(assert_future_checkpoints(limiter.acquire()).await) });
        wait_all_tasks_blocked().await;
        drop(token);
    })
    .unwrap();
}

#[trio::test(clock = "mock")]
async fn a_step_is_a_checkpoint() {
    let order = Sequencer::new();
    nursery!(|n| {
        n.spawn(async { drop(assert_future_checkpoints(order.step(1)).await) });
        wait_all_tasks_blocked().await;
        drop(assert_future_checkpoints(order.step(0)).await);
    })
    .unwrap();
}

#[trio::test]
async fn waiting_for_descriptors_is_a_checkpoint() {
    let (a, b) = std::os::unix::net::UnixStream::pair().unwrap();
    a.set_nonblocking(true).unwrap();
    assert_future_checkpoints(wait_writable(&a)).await.unwrap();
    nursery!(|n| {
        n.spawn(async { assert_future_checkpoints(wait_readable(&b)).await });
        wait_all_tasks_blocked().await;
        io::Write::write_all(&mut &a, b"x")?;
    })
    .unwrap();
    assert_future_checkpoints(wait_readable(&b)).await.unwrap();
    let source = IoSource::new(std::os::fd::AsFd::as_fd(&b)).unwrap();
    assert_future_checkpoints(source.readable()).await.unwrap();
    assert_future_checkpoints(source.writable()).await.unwrap();
}

/// Every operation of a pair, where it succeeds at once and where it waits.
#[trio::task]
async fn operations_of<S: Stream, R: HalfCloseableStream>(a: &S, b: &R) {
    nursery!(|n| {
        n.spawn(async {
            assert_future_checkpoints(b.receive_some(&mut [0; 8])).await?;
            assert_future_checkpoints(b.receive_some(&mut [0; 8])).await?;
            Ok::<_, io::Error>(())
        });
        wait_all_tasks_blocked().await;
        assert_future_checkpoints(a.wait_send_all_might_not_block()).await?;
        assert_future_checkpoints(a.send_all(b"")).await?;
        assert_future_checkpoints(a.send_all(b"hello")).await?;
        assert_future_checkpoints(a.send_all(b"world")).await?;
    })
    .unwrap();
    assert_future_checkpoints(b.send_eof()).await.unwrap();
    assert_future_checkpoints(b.send_eof()).await.unwrap();
    assert_future_checkpoints(a.receive_some(&mut [0; 8])).await.unwrap();
    assert_future_checkpoints(a.close()).await.unwrap();
    assert_future_checkpoints(b.close()).await.unwrap();
    assert_future_checkpoints(b.close()).await.unwrap();
}

#[trio::test]
async fn the_operations_of_streams_are_checkpoints() {
    let (a, b) = memory_stream_pair();
    operations_of(&a, &b).await;
    let (a, b) = lockstep_stream_pair();
    operations_of(&a, &b).await;
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let a = assert_future_checkpoints(TcpStream::connect(address)).await.unwrap();
    let b = assert_future_checkpoints(listener.accept()).await.unwrap();
    operations_of(&a, &b).await;
    let stream = MemorySendStream::new();
    stream.send_all(b"x").await.unwrap();
    assert_future_checkpoints(stream.get_data(1)).await.unwrap();
}
