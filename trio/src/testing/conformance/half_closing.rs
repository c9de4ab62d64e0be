//! The rules of `send_eof`.

use super::clogged::Blocked;
use super::rule::{in_time, receive_exactly};
use super::{Clogged, Rule};
use crate::stream::{HalfCloseableStream, Stream};
use crate::testing::wait_all_tasks_blocked;
use crate::{Checkpoint, nursery, task};

/// Checks them all, those of clogged streams if they can be clogged.
#[task(crate = "crate")]
pub(super) async fn check<M, A, S, R, C>(make: &mut M, clogged: &mut C)
where
    M: FnMut() -> A,
    A: Checkpoint<Output = (S, R)>,
    S: HalfCloseableStream,
    R: HalfCloseableStream,
    C: Clogged<(S, R)>,
{
    let (a, b) = make().await;
    one_direction_ends(&a, &b).await;
    let (a, b) = make().await;
    one_direction_ends(&b, &a).await;
    for blocked in [Blocked::Send, Blocked::Wait] {
        let Some(making) = clogged.begin() else { return };
        let (a, _b) = making.await;
        ending_is_sending(&a, blocked).await;
    }
}

#[task(crate = "crate")]
async fn one_direction_ends<A: HalfCloseableStream, B: Stream>(a: &A, b: &B) {
    let rule = Rule("`send_eof` ends one direction");
    nursery!(|n| {
        n.spawn(async {
            rule.done("send_all", a.send_all(b"some data").await);
            rule.checkpoint("send_eof", a.send_eof()).await;
        });
        let data = in_time(rule, "receive_some", || receive_exactly(rule, b, 9)).await;
        rule.demand(data == b"some data", "what was sent before was not received");
        for _ in 0..2 {
            let mut buffer = [0; 4];
            let end = async { b.receive_some(&mut buffer).await };
            let count = rule.done("receive_some", in_time(rule, "receive_some", end).await);
            rule.demand(count == 0, format_args!("{count} bytes have come after it"));
        }
    })
    .expect("no child fails");
    let rule = Rule("after `send_eof`, sending fails with a `ClosedResourceError`");
    for data in [&b"x"[..], b""] {
        rule.closed("send_all", in_time(rule, "send_all", || a.send_all(data)).await);
    }
    let what = super::clogged::WAIT;
    rule.closed(what, in_time(rule, what, || a.wait_send_all_might_not_block()).await);
    let rule = Rule("`send_eof` is idempotent");
    in_time(rule, "send_eof", || rule.checkpoint("send_eof", a.send_eof())).await;
    let rule = Rule("after `send_eof`, the other direction is still open");
    nursery!(|n| {
        n.spawn(async {
            rule.done("send_all", b.send_all(b"more").await);
            rule.done("close", b.close().await);
        });
        let data = in_time(rule, "receive_some", || receive_exactly(rule, a, 4)).await;
        rule.demand(data == b"more", "something else was received than what was sent");
        let end = async { a.receive_some(&mut [0; 4]).await };
        let count = rule.done("receive_some", in_time(rule, "receive_some", end).await);
        rule.demand(count == 0, "the other direction does not end");
    })
    .expect("no child fails");
    rule.done("close", in_time(rule, "close", || a.close()).await);
}

#[task(crate = "crate")]
async fn ending_is_sending<A: HalfCloseableStream>(a: &A, blocked: Blocked) {
    let rule = Rule("`send_eof`, while another task is sending, gets a `BusyResourceError`");
    nursery!(|n| {
        n.spawn(async { drop(blocked.begin(a).await) });
        wait_all_tasks_blocked().await;
        rule.busy("send_eof", in_time(rule, "send_eof", || a.send_eof()).await);
        n.cancel();
    })
    .expect("no child fails");
}
