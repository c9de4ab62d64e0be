//! The rules of closing.

use std::future::Future;
use std::io;
use std::time::Duration;

use super::Rule;
use super::rule::{in_time, receive_all, receive_exactly};
use crate::lowlevel::checkpoint;
use crate::stream::{AsyncResource, ReceiveStream, SendStream};
use crate::testing::wait_all_tasks_blocked;
use crate::{BrokenResourceError, CancelScope, Checkpoint, is_error, nursery, sleep, task};

/// Checks them all.
#[task(crate = "crate")]
pub(super) async fn check<M, A, S, R>(make: &mut M)
where
    M: FnMut() -> A,
    A: Checkpoint<Output = (S, R)>,
    S: SendStream,
    R: ReceiveStream,
{
    let (send, receive) = make().await;
    what_was_sent_is_still_received(&send, &receive).await;
    let (send, _receive) = make().await;
    closed_sending_fails(&send).await;
    let (_send, receive) = make().await;
    closed_receiving_fails(&receive).await;
    for forcefully in [false, true] {
        let (send, receive) = make().await;
        nobody_receives(&send, &receive, forcefully).await;
    }
    let (send, receive) = make().await;
    the_sender_is_gone(&send, &receive).await;
    let (_send, receive) = make().await;
    closing_ends_a_receive(&receive).await;
    let (send, receive) = make().await;
    a_cancelled_stream_can_be_closed(&send, &receive).await;
    for way in CALLED_OFF {
        let (send, receive) = make().await;
        a_close_that_is_called_off_closes(&send, &receive, way).await;
    }
}

#[task(crate = "crate")]
async fn what_was_sent_is_still_received<S: SendStream, R: ReceiveStream>(send: &S, receive: &R) {
    let rule = Rule("what was sent before a close is still received, and then the end, for ever");
    nursery!(|n| {
        n.spawn(async {
            rule.done("send_all", send.send_all(b"some data").await);
            rule.checkpoint("close", send.close()).await;
        });
        let data = in_time(rule, "receive_some", || receive_exactly(rule, receive, 9)).await;
        rule.demand(data == b"some data", "something else was received");
        for _ in 0..3 {
            let mut buffer = [0; 4];
            let end =
                async { rule.checkpoint("receive_some", receive.receive_some(&mut buffer)).await };
            let count = in_time(rule, "receive_some", end).await;
            rule.demand(count == 0, format_args!("{count} bytes have come after it"));
        }
    })
    .expect("no child fails");
}

#[task(crate = "crate")]
async fn closed_sending_fails<S: SendStream>(send: &S) {
    let rule =
        Rule("after its own close, sending fails with a `ClosedResourceError`, also of nothing");
    rule.done("close", in_time(rule, "close", || send.close()).await);
    rule.closed("send_all", in_time(rule, "send_all", || send.send_all(b"x")).await);
    rule.closed("send_all of nothing", in_time(rule, "send_all", || send.send_all(b"")).await);
    let what = "wait_send_all_might_not_block";
    rule.closed(what, in_time(rule, what, || send.wait_send_all_might_not_block()).await);
    is_idempotent(send).await;
}

#[task(crate = "crate")]
async fn closed_receiving_fails<R: ReceiveStream>(receive: &R) {
    let rule = Rule("after its own close, receiving fails with a `ClosedResourceError`");
    let what = "receive_some";
    rule.done("close", in_time(rule, "close", || receive.close()).await);
    for _ in 0..2 {
        let received = in_time(rule, what, async { receive.receive_some(&mut [0; 4]).await }).await;
        rule.closed(what, received);
    }
    is_idempotent(receive).await;
}

#[task(crate = "crate")]
async fn is_idempotent<S: AsyncResource>(stream: &S) {
    let rule = Rule("closing is idempotent");
    stream.close_forcefully();
    for _ in 0..2 {
        in_time(rule, "close", || rule.checkpoint("close", stream.close())).await;
    }
}

#[task(crate = "crate")]
async fn nobody_receives<S: SendStream, R: ReceiveStream>(send: &S, receive: &R, forcefully: bool) {
    let rule = Rule(
        "once the receiver is closed, sending fails at last with a `BrokenResourceError`, and goes on \
         failing",
    );
    if forcefully {
        receive.close_forcefully();
    } else {
        rule.done("close", in_time(rule, "close", || receive.close()).await);
    }
    in_time(rule, "sending again and again", || fails_at_last(rule, send)).await;
    for _ in 0..2 {
        rule.gone("send_all", in_time(rule, "send_all", || send.send_all(b"x")).await);
    }
    rule.done("close", in_time(rule, "close", || send.close()).await);
}

/// Sends until it fails: the news may take its time.
async fn fails_at_last<S: SendStream>(rule: Rule, send: &S) {
    loop {
        match send.send_all(&[0; 1024]).await {
            // Whoever only sends would never let a virtual clock pass.
            Ok(()) => sleep(Duration::from_micros(100)).await,
            error => return rule.gone("send_all", error),
        }
    }
}

#[task(crate = "crate")]
async fn the_sender_is_gone<S: SendStream, R: ReceiveStream>(send: &S, receive: &R) {
    let rule = Rule("once the sender is closed by force, receiving ends, or fails as broken");
    nursery!(|n| {
        let receiving = n.spawn(async {
            match receive_all(receive).await {
                Ok(data) => rule.demand(data.is_empty(), "something was received, of nothing sent"),
                Err(error) => rule.demand(
                    is_error::<BrokenResourceError>(&error),
                    format_args!("the error is another one: {error:?}"),
                ),
            }
        });
        wait_all_tasks_blocked().await;
        send.close_forcefully();
        in_time(rule, "receive_some", || receiving.wait()).await;
        rule.closed("send_all", in_time(rule, "send_all", || send.send_all(b"x")).await);
    })
    .expect("no child fails");
}

#[task(crate = "crate")]
async fn closing_ends_a_receive<R: ReceiveStream>(receive: &R) {
    let rule = Rule("closing gives a task that is receiving a `ClosedResourceError`");
    nursery!(|n| {
        let receiving = n.spawn(async {
            let result = receive.receive_some(&mut [0; 4]).await;
            rule.closed("receive_some", result);
        });
        wait_all_tasks_blocked().await;
        rule.done("close", in_time(rule, "close", || receive.close()).await);
        in_time(rule, "receive_some", || receiving.wait()).await;
    })
    .expect("no child fails");
}

#[task(crate = "crate")]
async fn a_cancelled_stream_can_be_closed<S: SendStream, R: ReceiveStream>(send: &S, receive: &R) {
    let rule = Rule("a stream can be closed after an operation was cancelled");
    let scope = CancelScope::new();
    scope.cancel();
    scope.run(async { send.send_all(b"some data").await }).await;
    let scope = CancelScope::new();
    scope.cancel();
    scope.run(async { receive.receive_some(&mut [0; 4]).await }).await;
    rule.done("close", in_time(rule, "close", || send.close()).await);
    rule.done("close", in_time(rule, "close", || receive.close()).await);
    rule.closed("send_all", in_time(rule, "send_all", || send.send_all(b"x")).await);
}

/// The ways in which a close can be called off.
#[derive(Clone, Copy)]
enum CalledOff {
    NeverPolled,
    BeforeItBegins,
    AtItsFirstPoint,
}

const CALLED_OFF: [(CalledOff, &str); 3] = [
    (CalledOff::NeverPolled, "it was dropped without having been polled"),
    (CalledOff::BeforeItBegins, "it was cancelled before it began"),
    (CalledOff::AtItsFirstPoint, "it was cancelled at its first cancellation point"),
];

#[task(crate = "crate")]
async fn a_close_that_is_called_off_closes<S: SendStream, R: ReceiveStream>(
    send: &S,
    receive: &R,
    (way, how): (CalledOff, &'static str),
) {
    let rule = Rule("a close that is cancelled or dropped closes all the same");
    call_off(send, way).await;
    let result = in_time(rule, how, || send.send_all(b"")).await;
    rule.closed(&format!("close; {how}; send_all"), result);
    call_off(receive, way).await;
    let result = in_time(rule, how, async { receive.receive_some(&mut [0; 4]).await }).await;
    rule.closed(&format!("close; {how}; receive_some"), result);
}

#[task(crate = "crate")]
async fn call_off<S: AsyncResource>(stream: &S, way: CalledOff) {
    let scope = CancelScope::new();
    match way {
        CalledOff::NeverPolled => {
            drop_it(stream.close());
            checkpoint().await;
        }
        CalledOff::BeforeItBegins => {
            scope.cancel();
            scope.run(async { stream.close().await }).await;
        }
        CalledOff::AtItsFirstPoint => {
            scope.run(|| cancelled_close(&scope, stream)).await;
        }
    }
}

fn drop_it(future: impl Future) {
    drop(future);
}

/// A plain future: what is awaited in it is polled although it is cancelled.
async fn cancelled_close<S: AsyncResource>(scope: &CancelScope, stream: &S) -> io::Result<()> {
    scope.cancel();
    stream.close().await
}
