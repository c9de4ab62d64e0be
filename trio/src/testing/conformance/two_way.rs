//! The rules of a stream in both directions.

use super::Rule;
use super::rule::in_time;
use crate::stream::{ReceiveStream, SendStream, Stream};
use crate::{Checkpoint, nursery, task};

/// Checks them all.
#[task(crate = "crate")]
pub(super) async fn check<M, A, S, R>(make: &mut M)
where
    M: FnMut() -> A,
    A: Checkpoint<Output = (S, R)>,
    S: Stream,
    R: Stream,
{
    let (a, b) = make().await;
    both_ways_at_once(&a, &b).await;
    let (a, b) = make().await;
    one_closes_both_directions(&a, &b).await;
}

/// Numbers that look random, and are the same each time.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 8
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    /// A size for a piece, small ones included.
    fn size(&mut self) -> usize {
        let most = [1, 100, 20_000][self.next() as usize % 3];
        1 + self.next() as usize % most
    }
}

const AMOUNT: usize = 1024 * 1024;

#[task(crate = "crate")]
async fn both_ways_at_once<A: Stream, B: Stream>(a: &A, b: &B) {
    let rule = Rule("a mebibyte arrives unchanged in each direction, both at once");
    let (there, back) = (Noise(1).bytes(AMOUNT), Noise(2).bytes(AMOUNT));
    in_time(rule, "sending and receiving", async {
        nursery!(|n| {
            n.spawn(send_in_pieces, rule, a, &there, 3);
            n.spawn(send_in_pieces, rule, b, &back, 4);
            n.spawn(receive_in_pieces, rule, a, &back, 5);
            n.spawn(receive_in_pieces, rule, b, &there, 6);
        })
        .expect("no child fails");
    })
    .await;
}

#[task(crate = "crate")]
async fn send_in_pieces<S: SendStream>(rule: Rule, stream: &S, data: &[u8], seed: u32) {
    let mut noise = Noise(seed);
    let mut left = data;
    while !left.is_empty() {
        let (piece, rest) = left.split_at(noise.size().min(left.len()));
        rule.done("send_all", stream.send_all(piece).await);
        left = rest;
    }
}

#[task(crate = "crate")]
async fn receive_in_pieces<R: ReceiveStream>(rule: Rule, stream: &R, data: &[u8], seed: u32) {
    let mut noise = Noise(seed);
    let mut buffer = vec![0; 20_000];
    let mut left = data;
    while !left.is_empty() {
        let room = noise.size().min(left.len());
        let received = stream.receive_some(&mut buffer[..room]).await;
        let count = rule.done("receive_some", received);
        rule.demand(count > 0, format_args!("the end has come {} bytes too early", left.len()));
        let (piece, rest) = left.split_at(count);
        let at = data.len() - left.len();
        rule.demand(buffer[..count] == *piece, format_args!("a byte after the {at}th differs"));
        left = rest;
    }
}

#[task(crate = "crate")]
async fn one_closes_both_directions<A: Stream, B: Stream>(a: &A, b: &B) {
    let rule = Rule("a stream is closed in both directions at once");
    rule.done("close", in_time(rule, "close", || a.close()).await);
    rule.closed("send_all", in_time(rule, "send_all", || a.send_all(b"x")).await);
    let what = "receive_some";
    rule.closed(what, in_time(rule, what, async { a.receive_some(&mut [0; 4]).await }).await);
    nursery!(|n| {
        n.spawn(async { drop(b.send_all(b"x").await) });
        if let Ok(data) = in_time(rule, what, async { b.receive_some(&mut [0; 4]).await }).await {
            rule.demand(data == 0, "the other side still receives something");
        }
        n.cancel();
    })
    .expect("no child fails");
}
