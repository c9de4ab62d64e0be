//! Whether a stream keeps what its traits promise.
//!
//! Each rule is checked on streams of its own. What is to be the case is demanded of a [`Rule`], whose
//! text is what the failure says. A rule that is broken by waiting for ever is found out by a limit.

mod clogged;
mod closing;
mod half_closing;
mod one_way;
mod rule;
mod two_way;

use std::future::Ready;

use self::rule::Rule;
use crate::stream::{HalfCloseableStream, ReceiveStream, SendStream, Stream};
use crate::{Checkpoint, task};

mod sealed {
    pub trait Sealed {}
}

/// How a suite gets streams that are *clogged*: nobody receives, and whoever sends has to wait.
///
/// An async function or closure without arguments that gives a pair of them; or `()`, if the stream
/// cannot be clogged. Then the rules of clogged streams are not checked.
pub trait Clogged<P>: sealed::Sealed {
    /// What is awaited for a pair.
    type Making: Checkpoint<Output = P>;
    /// Begins to make a pair. `None`: there are no such streams.
    fn begin(&mut self) -> Option<Self::Making>;
}

impl sealed::Sealed for () {}
impl<P> Clogged<P> for () {
    type Making = Ready<P>;

    fn begin(&mut self) -> Option<Ready<P>> {
        None
    }
}

impl<F: FnMut() -> A, A: Checkpoint> sealed::Sealed for F {}
impl<P, F, A> Clogged<P> for F
where
    F: FnMut() -> A,
    A: Checkpoint<Output = P>,
{
    type Making = A;

    fn begin(&mut self) -> Option<A> {
        Some(self())
    }
}

/// Checks whether streams keep what [`SendStream`] and [`ReceiveStream`] promise.
///
/// `make` gives a pair of connected streams, the one to send to and the one to receive from, and is
/// called for each rule; `clogged` gives pairs that are [clogged](Clogged), or is `()`. What takes longer
/// than ten seconds counts as waiting for ever; with a virtual clock that is no time at all. Streams
/// that the system carries need the real clock.
///
/// Its counterpart in Trio is `trio.testing.check_one_way_stream`.
///
/// # Cancellation
///
/// As in what it does: at nearly any time.
///
/// # Panics
///
/// If a rule is broken; the text says which one, and how.
///
/// ```
/// use trio::testing::{check_one_way_stream, lockstep_stream_one_way_pair};
///
/// #[trio::test(clock = "mock")]
/// async fn lockstep_streams_keep_the_rules() {
///     let make = async || lockstep_stream_one_way_pair();
///     check_one_way_stream(make, make).await;
/// }
/// ```
#[task(crate = "crate")]
pub async fn check_one_way_stream<M, A, S, R, C>(mut make: M, mut clogged: C)
where
    M: FnMut() -> A,
    A: Checkpoint<Output = (S, R)>,
    S: SendStream,
    R: ReceiveStream,
    C: Clogged<(S, R)>,
{
    one_way::check(&mut make).await;
    closing::check(&mut make).await;
    clogged::check(&mut clogged).await;
}

/// Checks whether streams keep what [`Stream`] promises: as [`check_one_way_stream`], both ways, and
/// both ways at once.
///
/// Of a clogged pair the first one is that whose sends have to wait. Its counterpart in Trio is
/// `trio.testing.check_two_way_stream`.
///
/// # Cancellation
///
/// As in what it does: at nearly any time.
///
/// # Panics
///
/// If a rule is broken; the text says which one, and how.
///
/// ```
/// use trio::testing::{check_two_way_stream, memory_stream_pair};
///
/// #[trio::test(clock = "mock")]
/// async fn memory_streams_keep_the_rules() {
///     check_two_way_stream(async || memory_stream_pair(), ()).await;
/// }
/// ```
#[task(crate = "crate")]
pub async fn check_two_way_stream<M, A, S, R, C>(mut make: M, mut clogged: C)
where
    M: FnMut() -> A,
    A: Checkpoint<Output = (S, R)>,
    S: Stream,
    R: Stream,
    C: Clogged<(S, R)>,
{
    both_ways(&mut make, &mut clogged).await;
}

/// Checks whether streams keep what [`HalfCloseableStream`] promises: as [`check_two_way_stream`], and
/// the rules of `send_eof`.
///
/// Its counterpart in Trio is `trio.testing.check_half_closeable_stream`.
///
/// # Cancellation
///
/// As in what it does: at nearly any time.
///
/// # Panics
///
/// If a rule is broken; the text says which one, and how.
///
/// ```
/// use trio::testing::{check_half_closeable_stream, memory_stream_pair};
///
/// #[trio::test(clock = "mock")]
/// async fn memory_streams_keep_the_rules() {
///     check_half_closeable_stream(async || memory_stream_pair(), ()).await;
/// }
/// ```
#[task(crate = "crate")]
pub async fn check_half_closeable_stream<M, A, S, R, C>(mut make: M, mut clogged: C)
where
    M: FnMut() -> A,
    A: Checkpoint<Output = (S, R)>,
    S: HalfCloseableStream,
    R: HalfCloseableStream,
    C: Clogged<(S, R)>,
{
    both_ways(&mut make, &mut clogged).await;
    half_closing::check(&mut make, &mut clogged).await;
}

#[task(crate = "crate")]
async fn both_ways<M, A, S, R, C>(make: &mut M, clogged: &mut C)
where
    M: FnMut() -> A,
    A: Checkpoint<Output = (S, R)>,
    S: Stream,
    R: Stream,
    C: Clogged<(S, R)>,
{
    one_way::check(make).await;
    closing::check(make).await;
    clogged::check(clogged).await;
    let mut turned = || turn(make());
    one_way::check(&mut turned).await;
    closing::check(&mut turned).await;
    two_way::check(make).await;
}

/// The pair, the other way round.
#[task(crate = "crate")]
async fn turn<A, S, R>(making: A) -> (R, S)
where
    A: Checkpoint<Output = (S, R)>,
{
    let (a, b) = making.await;
    (b, a)
}
