//! The rules of a stream that is open.

use super::Rule;
use super::rule::{in_time, receive_exactly};
use crate::lowlevel::checkpoint;
use crate::stream::{ReceiveStream, SendStream};
use crate::testing::wait_all_tasks_blocked;
use crate::{CancelScope, Checkpoint, nursery, task};

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
    data_arrives(&send, &receive).await;
    let (send, receive) = make().await;
    nothing_can_be_sent(&send, &receive).await;
    let (_send, receive) = make().await;
    an_empty_buffer_is_refused(&receive).await;
    let (send, receive) = make().await;
    one_task_receives(&send, &receive).await;
    let (send, receive) = make().await;
    waiting_ends_where_data_is_wanted(&send, &receive).await;
    let (send, receive) = make().await;
    a_cancelled_receive_receives_nothing(&send, &receive).await;
}

#[task(crate = "crate")]
async fn data_arrives<S: SendStream, R: ReceiveStream>(send: &S, receive: &R) {
    let rule = Rule("what is sent arrives, in order and unchanged");
    let everything = nursery!(|n| {
        n.spawn(async {
            rule.checkpoint("send_all", send.send_all(b"some ")).await;
            rule.checkpoint("send_all", send.send_all(b"data")).await;
        });
        in_time(rule, "receive_some", async {
            let mut buffer = [0; 4];
            let received = receive.receive_some(&mut buffer);
            let count = rule.checkpoint("receive_some", received).await;
            rule.demand(
                (1..=4).contains(&count),
                format_args!("{count} bytes were received into a buffer of 4"),
            );
            let mut data = buffer[..count].to_vec();
            data.extend(receive_exactly(rule, receive, 9 - count).await);
            data
        })
        .await
    })
    .expect("no child fails");
    rule.demand(
        everything == b"some data",
        format_args!("`some data` was sent, `{}` received", everything.escape_ascii()),
    );
}

#[task(crate = "crate")]
async fn nothing_can_be_sent<S: SendStream, R: ReceiveStream>(send: &S, receive: &R) {
    let rule = Rule("sending nothing is legal, and nobody receives it");
    in_time(rule, "send_all of nothing", || rule.checkpoint("send_all", send.send_all(b""))).await;
    nursery!(|n| {
        n.spawn(async {
            rule.done("send_all", send.send_all(b"").await);
            rule.done("send_all", send.send_all(b"x").await);
        });
        let data = in_time(rule, "receive_some", || receive_exactly(rule, receive, 1)).await;
        rule.demand(data == b"x", "something else was received than what was sent after it");
    })
    .expect("no child fails");
}

#[task(crate = "crate")]
async fn an_empty_buffer_is_refused<R: ReceiveStream>(receive: &R) {
    let rule = Rule("receiving into an empty buffer is an error of the kind `InvalidInput`");
    let result = in_time(rule, "receive_some", async { receive.receive_some(&mut []).await }).await;
    match result {
        Ok(count) => rule.broken(format_args!("{count} bytes were received")),
        Err(error) => rule.demand(
            error.kind() == std::io::ErrorKind::InvalidInput,
            format_args!("the error is another one: {error:?}"),
        ),
    }
}

#[task(crate = "crate")]
async fn one_task_receives<S: SendStream, R: ReceiveStream>(send: &S, receive: &R) {
    let rule = Rule("of two tasks that receive at once, the second gets a `BusyResourceError`");
    nursery!(|n| {
        n.spawn(async {
            let data = receive_exactly(rule, receive, 1).await;
            rule.demand(data == b"x", "the first task has not received what was sent");
        });
        wait_all_tasks_blocked().await;
        let mut buffer = [0];
        let second = async { receive.receive_some(&mut buffer).await };
        rule.busy("receive_some", in_time(rule, "receive_some", second).await);
        rule.done("send_all", send.send_all(b"x").await);
    })
    .expect("no child fails");
}

#[task(crate = "crate")]
async fn waiting_ends_where_data_is_wanted<S: SendStream, R: ReceiveStream>(send: &S, receive: &R) {
    let rule = Rule(
        "`wait_send_all_might_not_block` returns where nothing was sent and somebody is receiving",
    );
    let what = "wait_send_all_might_not_block";
    nursery!(|n| {
        n.spawn(async {
            receive_exactly(rule, receive, 1).await;
        });
        wait_all_tasks_blocked().await;
        in_time(rule, what, || rule.checkpoint(what, send.wait_send_all_might_not_block())).await;
        rule.done("send_all", send.send_all(b"x").await);
    })
    .expect("no child fails");
}

#[task(crate = "crate")]
async fn a_cancelled_receive_receives_nothing<S: SendStream, R: ReceiveStream>(
    send: &S,
    receive: &R,
) {
    let rule = Rule("a cancelled `receive_some` has received nothing");
    let scope = CancelScope::new();
    scope.cancel();
    let never = scope.run(async { receive.receive_some(&mut [0; 16]).await }).await;
    rule.demand(never.is_none(), "it was cancelled before it began, and has not unwound");
    // While it waits, at the moment when something comes, and after that.
    for steps in 0..8 {
        nursery!(|n| {
            let receiving = n.spawn(async {
                let mut buffer = [0; 16];
                let count = rule.done("receive_some", receive.receive_some(&mut buffer).await);
                buffer[..count].to_vec()
            });
            wait_all_tasks_blocked().await;
            n.spawn(async {
                rule.done("send_all", send.send_all(b"some data").await);
            });
            for _ in 0..steps {
                checkpoint().await;
            }
            receiving.cancel();
            in_time(rule, "receive_some", || receiving.wait()).await;
            let mut data = receiving.take().unwrap_or_default();
            let left = 9 - data.len().min(9);
            let rest = in_time(rule, "receive_some", || receive_exactly(rule, receive, left)).await;
            data.extend(rest);
            rule.demand(
                data == b"some data",
                format_args!("`some data` was sent, and `{}` came", data.escape_ascii()),
            );
        })
        .expect("no child fails");
    }
}
