//! The rules of a stream that takes nothing more, since nobody receives.

use std::time::Duration;

use super::rule::{in_time, receive_all};
use super::{Clogged, Rule};
use crate::stream::{ReceiveStream, SendStream};
use crate::testing::wait_all_tasks_blocked;
use crate::{BrokenResourceError, ClosedResourceError, is_error, move_on_after, nursery, task};

/// More than is left in the buffers of a clogged stream, if it has any.
pub(super) const PLENTY: &[u8] = &[0; 256 * 1024];
pub(super) const WAIT: &str = "wait_send_all_might_not_block";

/// Checks them all, if the streams can be clogged.
#[task(crate = "crate")]
pub(super) async fn check<S, R, C>(clogged: &mut C)
where
    S: SendStream,
    R: ReceiveStream,
    C: Clogged<(S, R)>,
{
    for check in [Blocked::Send, Blocked::Wait] {
        let Some(making) = clogged.begin() else { return };
        let (send, receive) = making.await;
        receiving_unclogs(&send, &receive, check).await;
    }
    for check in [Blocked::Send, Blocked::Wait] {
        for second in [Blocked::Send, Blocked::Wait] {
            let Some(making) = clogged.begin() else { return };
            let (send, _receive) = making.await;
            one_task_sends(&send, check, second).await;
        }
        let Some(making) = clogged.begin() else { return };
        let (send, _receive) = making.await;
        closing_ends_it(&send, check).await;
        let Some(making) = clogged.begin() else { return };
        let (send, receive) = making.await;
        closing_the_receiver_ends_it(&send, &receive, check).await;
        let Some(making) = clogged.begin() else { return };
        let (send, _receive) = making.await;
        it_can_be_closed_after_a_cancellation(&send, check).await;
    }
}

/// What a task waits for.
#[derive(Clone, Copy)]
pub(super) enum Blocked {
    Send,
    Wait,
}

impl Blocked {
    pub(super) fn name(self) -> &'static str {
        match self {
            Blocked::Send => "send_all",
            Blocked::Wait => WAIT,
        }
    }

    pub(super) async fn begin<S: SendStream>(self, send: &S) -> std::io::Result<()> {
        match self {
            Blocked::Send => send.send_all(PLENTY).await,
            Blocked::Wait => send.wait_send_all_might_not_block().await,
        }
    }
}

#[task(crate = "crate")]
async fn receiving_unclogs<S: SendStream, R: ReceiveStream>(
    send: &S,
    receive: &R,
    blocked: Blocked,
) {
    let rule = match blocked {
        Blocked::Send => Rule("`send_all` waits while the stream is clogged, and no longer"),
        Blocked::Wait => {
            Rule("`wait_send_all_might_not_block` waits while the stream is clogged, and no longer")
        }
    };
    let what = blocked.name();
    nursery!(|n| {
        let waiting = n.spawn(async { rule.checkpoint(what, blocked.begin(send)).await });
        wait_all_tasks_blocked().await;
        rule.demand(
            !waiting.is_finished(),
            format_args!("`{what}` has returned while it was clogged"),
        );
        n.spawn(async { drop(receive_all(receive).await) });
        in_time(rule, what, || waiting.wait()).await;
        n.cancel();
    })
    .expect("no child fails");
}

#[task(crate = "crate")]
async fn one_task_sends<S: SendStream>(send: &S, first: Blocked, second: Blocked) {
    let rule =
        Rule("of two tasks that send, or wait to, at once, the second gets a `BusyResourceError`");
    let how = format!("{}, while another task is in `{}`", second.name(), first.name());
    nursery!(|n| {
        n.spawn(async { drop(first.begin(send).await) });
        wait_all_tasks_blocked().await;
        rule.busy(&how, in_time(rule, &how, || second.begin(send)).await);
        n.cancel();
    })
    .expect("no child fails");
}

#[task(crate = "crate")]
async fn closing_ends_it<S: SendStream>(send: &S, blocked: Blocked) {
    let rule = Rule("closing gives a task that is sending a `ClosedResourceError`");
    nursery!(|n| {
        let waiting = n.spawn(async {
            rule.closed(blocked.name(), blocked.begin(send).await);
        });
        wait_all_tasks_blocked().await;
        send.close_forcefully();
        in_time(rule, blocked.name(), || waiting.wait()).await;
    })
    .expect("no child fails");
}

#[task(crate = "crate")]
async fn closing_the_receiver_ends_it<S: SendStream, R: ReceiveStream>(
    send: &S,
    receive: &R,
    blocked: Blocked,
) {
    let rule = Rule("closing the receiver gives a task that is sending a `BrokenResourceError`");
    nursery!(|n| {
        let waiting = n.spawn(async {
            match (blocked, blocked.begin(send).await) {
                // It may return early.
                (Blocked::Wait, Ok(())) => {}
                (_, result) => rule.gone(blocked.name(), result),
            }
        });
        wait_all_tasks_blocked().await;
        receive.close_forcefully();
        in_time(rule, blocked.name(), || waiting.wait()).await;
    })
    .expect("no child fails");
}

#[task(crate = "crate")]
async fn it_can_be_closed_after_a_cancellation<S: SendStream>(send: &S, blocked: Blocked) {
    let rule = Rule("a stream can be closed after an operation was cancelled");
    nursery!(|n| {
        let waiting = n.spawn(async { drop(blocked.begin(send).await) });
        wait_all_tasks_blocked().await;
        waiting.cancel();
        in_time(rule, blocked.name(), || waiting.wait()).await;
    })
    .expect("no child fails");
    // Saying goodbye needs a receiver, perhaps; being closed does not.
    let closing = move_on_after(Duration::from_secs(1), || send.close());
    if let Some(Err(error)) = closing.await {
        rule.demand(
            is_error::<BrokenResourceError>(&error) || is_error::<ClosedResourceError>(&error),
            format_args!("`close` has failed: {error:?}"),
        );
    }
    rule.closed("send_all", in_time(rule, "send_all", || send.send_all(b"x")).await);
}
