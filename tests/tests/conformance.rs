//! The suites that check streams: those of the crate pass, and each broken one is found out.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::rc::Rc;

use tests::network::{clog, tcp_pair};
use tests::panics::panic_text;
use trio::lowlevel::{checkpoint, checkpoint_if_cancelled};
use trio::net::{TcpStream, UnixStream};
use trio::stream::{
    AsyncResource, DynHalfCloseableStream, DynReceiveStream, DynSendStream, HalfCloseableStream,
    ReceiveStream, SendStream, StapledStream, closing, pipe,
};
use trio::testing::{
    MemoryReceiveStream, MockClock, check_half_closeable_stream, check_one_way_stream,
    check_two_way_stream, lockstep_stream_one_way_pair, lockstep_stream_pair,
    memory_stream_one_way_pair, memory_stream_pair,
};
use trio::{BrokenResourceError, BusyResourceError, ClosedResourceError, is_error, sleep_forever};

// T178, U181
#[trio::test(clock = "mock")]
async fn memory_streams_keep_the_rules() {
    check_one_way_stream(async || memory_stream_one_way_pair(), ()).await;
    check_two_way_stream(async || memory_stream_pair(), ()).await;
    check_half_closeable_stream(async || memory_stream_pair(), ()).await;
}

// T178, U181
#[trio::test(clock = "mock")]
async fn lockstep_streams_keep_the_rules() {
    let one_way = async || lockstep_stream_one_way_pair();
    check_one_way_stream(one_way, one_way).await;
    let both = async || lockstep_stream_pair();
    check_two_way_stream(both, both).await;
    check_half_closeable_stream(both, both).await;
}

// T178, U181
#[test]
fn the_rules_hold_under_any_schedule() {
    for seed in 0..20 {
        trio::Builder::new().clock(MockClock::autojump()).scheduler_seed(seed).run(|| {
            let make = || std::future::ready(lockstep_stream_pair());
            check_half_closeable_stream(make, make)
        });
    }
}

/// A connection that takes nothing more from its first end.
#[trio::task]
async fn clogged_tcp_pair() -> (TcpStream, TcpStream) {
    let (a, b) = tcp_pair().await;
    clog(&a).await;
    (a, b)
}

// R159, U181
#[trio::test]
async fn tcp_streams_keep_the_rules() {
    check_half_closeable_stream(tcp_pair, clogged_tcp_pair).await;
}

// R159, U181
#[trio::test]
async fn unix_streams_keep_the_rules() {
    let clogged = async || {
        let (a, b) = UnixStream::pair().unwrap();
        clog(&a).await;
        (a, b)
    };
    check_half_closeable_stream(async || UnixStream::pair().unwrap(), clogged).await;
}

// R165, U181 (test_pipe_fully)
#[trio::test]
async fn pipes_keep_the_rules() {
    let ends = || {
        let (from, to) = pipe().unwrap();
        (to, from)
    };
    let clogged = async || {
        let (to, from) = ends();
        clog(&to).await;
        (to, from)
    };
    check_one_way_stream(async || ends(), clogged).await;
}

// R164, U181
#[trio::test(clock = "mock")]
async fn stapled_streams_of_boxed_halves_keep_the_rules() {
    type Half = (Box<dyn DynSendStream>, Box<dyn DynReceiveStream>);
    fn half() -> Half {
        let (send, receive) = lockstep_stream_one_way_pair();
        (Box::new(send), Box::new(receive))
    }
    let make = async || {
        let ((there, arrives_there), (back, arrives_back)) = (half(), half());
        (StapledStream::new(there, arrives_back), StapledStream::new(back, arrives_there))
    };
    check_half_closeable_stream(make, make).await;
}

// U181
#[trio::test(clock = "mock")]
async fn boxed_and_counted_streams_keep_the_rules() {
    let make = async || {
        let (a, b) = lockstep_stream_pair();
        let a: Box<dyn DynHalfCloseableStream> = Box::new(a);
        (a, Rc::new(b))
    };
    check_half_closeable_stream(make, make).await;
}

/// What is wrong with a [`Mutant`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bug {
    Nothing,
    SendOfNothingIsSeen,
    SendOfNothingWaits,
    ALateByteChanges,
    AnEmptyBufferIsTheEnd,
    TheSecondReceiverWaits,
    TheWaitIsTooLong,
    TheWaitIsTooShort,
    ReceivingIsCancelledAfterTheFact,
    TheEndComesOnce,
    ClosedSendOfNothingIsFine,
    ClosedWaitIsFine,
    BrokenIsCalledClosed,
    BrokenOnce,
    NeverBroken,
    ClosingIsLazy,
    ClosingTwiceFails,
    ClosingIsNotTold,
    TheSecondSenderWaits,
    SendingWhileClosedIsBroken,
    ReceivesAfterClosing,
    EofClosesBoth,
    EofTwiceFails,
    SendsAfterEof,
    EofIsNotBusy,
}

/// A stream with one fault.
struct Mutant<S> {
    inner: S,
    bug: Bug,
    closed: Cell<bool>,
    ended: Cell<bool>,
    received_end: Cell<bool>,
    broken: Cell<bool>,
    sent: Cell<usize>,
}

impl<S> Mutant<S> {
    fn new(inner: S, bug: Bug) -> Mutant<S> {
        let (closed, ended, received_end, broken) = Default::default();
        Mutant { inner, bug, closed, ended, received_end, broken, sent: Cell::new(0) }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == bug
    }

    /// What it makes of how sending ended.
    async fn judge(&self, result: io::Result<()>) -> io::Result<()> {
        let Err(error) = result else {
            return Ok(());
        };
        if is_error::<BrokenResourceError>(&error) {
            let again = self.broken.replace(true);
            match self.bug {
                Bug::BrokenIsCalledClosed => return Err(ClosedResourceError::new().into()),
                Bug::NeverBroken => return Ok(()),
                Bug::BrokenOnce if again => return Ok(()),
                _ => {}
            }
        }
        if is_error::<ClosedResourceError>(&error) && self.has(Bug::SendingWhileClosedIsBroken) {
            return Err(BrokenResourceError::new().into());
        }
        if is_error::<BusyResourceError>(&error) && self.has(Bug::TheSecondSenderWaits) {
            sleep_forever().await;
        }
        Err(error)
    }
}

async fn at_once() -> io::Result<()> {
    checkpoint().await;
    Ok(())
}

impl<S: AsyncResource> AsyncResource for Mutant<S> {
    fn close_forcefully(&self) {
        self.closed.set(true);
        if !self.has(Bug::ClosingIsNotTold) {
            self.inner.close_forcefully();
        }
    }

    fn close(&self) -> impl Future<Output = io::Result<()>> {
        let properly = async {
            checkpoint().await;
            let again = self.closed.get();
            self.close_forcefully();
            match again && self.has(Bug::ClosingTwiceFails) {
                true => Err(ClosedResourceError::new().into()),
                false => Ok(()),
            }
        };
        closing(properly, || {
            if !self.has(Bug::ClosingIsLazy) {
                self.close_forcefully();
            }
        })
    }
}

impl<S: SendStream> SendStream for Mutant<S> {
    async fn send_all(&self, data: &[u8]) -> io::Result<()> {
        match (self.bug, data.is_empty()) {
            (Bug::SendOfNothingIsSeen, true) => return self.inner.send_all(b"\0").await,
            (Bug::SendOfNothingWaits, true) => sleep_forever().await,
            (Bug::ClosedSendOfNothingIsFine, true) if self.closed.get() => {
                return at_once().await;
            }
            (Bug::SendsAfterEof, _) if self.ended.get() => return at_once().await,
            _ => {}
        }
        let before = self.sent.replace(self.sent.get() + data.len());
        let mut data = data.to_vec();
        if self.has(Bug::ALateByteChanges)
            && let Some(byte) = 700_000_usize.checked_sub(before).and_then(|at| data.get_mut(at))
        {
            *byte ^= 1;
        }
        self.judge(self.inner.send_all(&data).await).await
    }

    async fn wait_send_all_might_not_block(&self) -> io::Result<()> {
        match self.bug {
            Bug::TheWaitIsTooLong => sleep_forever().await,
            Bug::TheWaitIsTooShort if !self.closed.get() && !self.ended.get() => {
                return at_once().await;
            }
            Bug::ClosedWaitIsFine if self.closed.get() => return at_once().await,
            _ => {}
        }
        self.judge(self.inner.wait_send_all_might_not_block().await).await
    }
}

impl<S: ReceiveStream> ReceiveStream for Mutant<S> {
    async fn receive_some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.bug {
            Bug::AnEmptyBufferIsTheEnd if buffer.is_empty() => {
                checkpoint().await;
                return Ok(0);
            }
            Bug::ReceivesAfterClosing if self.closed.get() => {
                checkpoint().await;
                return Ok(0);
            }
            Bug::TheEndComesOnce if self.received_end.get() => sleep_forever().await,
            _ => {}
        }
        let result = self.inner.receive_some(buffer).await;
        match &result {
            Ok(0) => self.received_end.set(true),
            Ok(_) if self.has(Bug::ReceivingIsCancelledAfterTheFact) => checkpoint().await,
            Err(error)
                if is_error::<BusyResourceError>(error)
                    && self.has(Bug::TheSecondReceiverWaits) =>
            {
                sleep_forever().await;
            }
            _ => {}
        }
        result
    }
}

impl<S: HalfCloseableStream> HalfCloseableStream for Mutant<S> {
    async fn send_eof(&self) -> io::Result<()> {
        let again = self.ended.replace(true);
        match self.bug {
            Bug::EofClosesBoth => self.close().await,
            Bug::EofTwiceFails if again => Err(ClosedResourceError::new().into()),
            Bug::EofIsNotBusy => self.inner.send_eof().await.or(Ok(())),
            _ => self.inner.send_eof().await,
        }
    }
}

/// What the suite says of a mutant.
fn verdict(bug: Bug) -> String {
    let make = move || {
        let (a, b) = lockstep_stream_pair();
        std::future::ready((Mutant::new(a, bug), Mutant::new(b, bug)))
    };
    panic_text(|| {
        trio::Builder::new()
            .clock(MockClock::autojump())
            .run(|| check_half_closeable_stream(make, make));
        panic!("it keeps all the rules");
    })
}

#[test]
fn a_mutant_without_a_fault_passes() {
    assert_eq!(verdict(Bug::Nothing), "it keeps all the rules");
}

// U181
#[test]
fn each_broken_stream_is_told_which_rule_it_breaks() {
    const MUTANTS: [(Bug, &str); 24] = [
        (Bug::SendOfNothingIsSeen, "sending nothing is legal, and nobody receives it"),
        (Bug::SendOfNothingWaits, "sending nothing is legal, and nobody receives it"),
        (Bug::ALateByteChanges, "a mebibyte arrives unchanged"),
        (Bug::AnEmptyBufferIsTheEnd, "receiving into an empty buffer is an error"),
        (Bug::TheSecondReceiverWaits, "of two tasks that receive at once"),
        (Bug::TheWaitIsTooLong, "`wait_send_all_might_not_block` returns where nothing was sent"),
        (
            Bug::TheWaitIsTooShort,
            "`wait_send_all_might_not_block` waits while the stream is clogged",
        ),
        (Bug::ReceivingIsCancelledAfterTheFact, "a cancelled `receive_some` has received nothing"),
        (Bug::TheEndComesOnce, "and then the end, for ever"),
        (Bug::ClosedSendOfNothingIsFine, "after its own close, sending fails"),
        (Bug::ClosedWaitIsFine, "after its own close, sending fails"),
        (Bug::BrokenIsCalledClosed, "once the receiver is closed, sending fails at last"),
        (Bug::BrokenOnce, "and goes on failing"),
        (Bug::NeverBroken, "once the receiver is closed, sending fails at last"),
        (Bug::ClosingIsLazy, "a close that is cancelled or dropped closes all the same"),
        (Bug::ClosingTwiceFails, "closing is idempotent"),
        (Bug::ClosingIsNotTold, "and then the end, for ever"),
        (Bug::TheSecondSenderWaits, "of two tasks that send, or wait to, at once"),
        (Bug::SendingWhileClosedIsBroken, "after its own close, sending fails"),
        (Bug::ReceivesAfterClosing, "after its own close, receiving fails"),
        (Bug::EofClosesBoth, "after `send_eof`, the other direction is still open"),
        (Bug::EofTwiceFails, "`send_eof` is idempotent"),
        (Bug::SendsAfterEof, "after `send_eof`, sending fails"),
        (Bug::EofIsNotBusy, "`send_eof`, while another task is sending, gets a"),
    ];
    for (bug, rule) in MUTANTS {
        let verdict = verdict(bug);
        assert!(verdict.contains(rule), "{bug:?}: {verdict}");
        assert!(verdict.starts_with("the stream breaks the rule"), "{bug:?}: {verdict}");
    }
}

/// Sends without a checkpoint.
struct Hasty(Rc<MemoryReceiveStream>);

impl AsyncResource for Hasty {
    fn close_forcefully(&self) {
        self.0.put_eof();
    }
}

impl SendStream for Hasty {
    async fn send_all(&self, data: &[u8]) -> io::Result<()> {
        self.0.put_data(data)
    }

    async fn wait_send_all_might_not_block(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Receives with half a checkpoint.
struct HalfHasty(RefCell<VecDeque<u8>>);

impl AsyncResource for HalfHasty {
    fn close_forcefully(&self) {}
}

impl ReceiveStream for HalfHasty {
    async fn receive_some(&self, buffer: &mut [u8]) -> io::Result<usize> {
        checkpoint_if_cancelled().await;
        let byte = self.0.borrow_mut().pop_front().expect("nobody receives more than was sent");
        buffer[0] = byte;
        Ok(1)
    }
}

// U181
#[test]
fn an_operation_that_is_no_checkpoint_is_found_out() {
    let verdict = panic_text(|| {
        trio::run(|| {
            let make = || {
                let receive = Rc::new(MemoryReceiveStream::new());
                std::future::ready((Hasty(Rc::clone(&receive)), receive))
            };
            check_one_way_stream(make, ())
        });
    });
    assert_eq!(
        verdict,
        "the stream breaks the rule \u{201c}an operation that succeeds is a checkpoint\u{201d}: \
         `send_all` has been neither a cancellation point nor a schedule point"
    );
    let verdict = panic_text(|| {
        trio::run(|| {
            let make = || {
                let (send, _) = memory_stream_one_way_pair();
                let data = RefCell::new(b"some data".iter().copied().collect());
                send.set_send_all_hook(|| std::future::ready(Ok(())));
                std::future::ready((send, HalfHasty(data)))
            };
            check_one_way_stream(make, ())
        });
    });
    assert_eq!(
        verdict,
        "the stream breaks the rule \u{201c}an operation that succeeds is a checkpoint\u{201d}: \
         `receive_some` has been a cancellation point, but no schedule point"
    );
}

#[test]
fn a_stream_that_is_said_to_be_clogged_and_is_not_is_found_out() {
    let verdict = panic_text(|| {
        trio::Builder::new().clock(MockClock::autojump()).run(|| {
            let make = || std::future::ready(memory_stream_one_way_pair());
            check_one_way_stream(make, make)
        });
    });
    assert!(verdict.contains("`send_all` has returned while it was clogged"), "{verdict}");
}
