//! What a channel has to do, said in as few rules as there are.
//!
//! There is one line of values, in the order in which they came, and one line of those who wait for
//! some. The foremost of these are *entitled*: the first to the first value, the second to the second,
//! and so on. Values to which nobody is entitled are free. As many of the free ones are *accepted* as
//! there is room for; the others are offered by senders that wait.

use std::collections::VecDeque;

use crate::program::{Outcome, Why};

pub struct Model {
    capacity: usize,
    /// Which handles are open.
    senders: Vec<bool>,
    receivers: Vec<bool>,
    values: VecDeque<Value>,
    takers: VecDeque<Taker>,
    ops: Vec<Op>,
    peak: usize,
}

struct Value {
    number: u32,
    /// The operation that waits for it to be accepted.
    offered_by: Option<usize>,
}

struct Taker {
    op: usize,
    entitled: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    Send(u32),
    Receive,
}

struct Op {
    kind: Kind,
    handle: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// In one of the lines.
    Waiting,
    /// Has a turn, but nothing else: to learn that something was closed.
    Woken,
    /// Was unwound, and may be polled again.
    Unwound,
    /// Was done, but was not told yet.
    Done(Outcome),
    Over,
}

/// As the statistics tell it.
#[derive(PartialEq, Eq, Debug)]
pub struct Counts {
    pub buffered: usize,
    pub peak: usize,
    pub open: (usize, usize),
    pub waiting: (usize, usize),
}

impl Model {
    pub fn new(capacity: usize) -> Model {
        Model {
            capacity,
            senders: vec![true],
            receivers: vec![true],
            values: VecDeque::new(),
            takers: VecDeque::new(),
            ops: Vec::new(),
            peak: 0,
        }
    }

    pub fn counts(&self) -> Counts {
        Counts {
            buffered: self.accepted(),
            peak: self.peak,
            open: (open(&self.senders), open(&self.receivers)),
            waiting: (
                self.values.iter().filter(|value| value.offered_by.is_some()).count(),
                self.takers.iter().filter(|taker| !taker.entitled).count(),
            ),
        }
    }

    fn entitled(&self) -> usize {
        self.takers.iter().filter(|taker| taker.entitled).count()
    }

    fn accepted(&self) -> usize {
        let free = self.values.iter().skip(self.entitled());
        free.filter(|value| value.offered_by.is_none()).count()
    }

    pub fn has_ended(&self) -> bool {
        open(&self.senders) == 0 && self.values.is_empty()
    }

    /// Gives away what there is to give.
    fn give(&mut self) {
        while let entitled = self.entitled()
            && entitled < self.takers.len()
            && entitled < self.values.len()
        {
            self.takers[entitled].entitled = true;
            self.accept(entitled);
        }
        if open(&self.receivers) == 0 {
            // Nobody is entitled any more to the rest.
            for value in self.values.split_off(self.entitled()) {
                if let Some(op) = value.offered_by {
                    self.ops[op].state = State::Woken;
                }
            }
        }
        while self.accepted() < self.capacity
            && let Some(at) = self.values.iter().position(|value| value.offered_by.is_some())
        {
            self.accept(at);
        }
        self.peak = self.peak.max(self.accepted());
        if self.has_ended() {
            for taker in self.takers.drain(..) {
                self.ops[taker.op].state = State::Woken;
            }
        }
    }

    fn accept(&mut self, at: usize) {
        if let Some(op) = self.values[at].offered_by.take() {
            self.ops[op].state = State::Done(Outcome::Sent);
        }
    }

    pub fn try_send(&mut self, handle: usize, number: u32) -> Outcome {
        if !self.senders[handle] {
            return Outcome::NotSent(number, Why::Closed);
        }
        if open(&self.receivers) == 0 {
            return Outcome::NotSent(number, Why::OthersClosed);
        }
        let awaited = self.takers.len() > self.entitled();
        if !awaited && self.accepted() >= self.capacity {
            return Outcome::NotSent(number, Why::WouldBlock);
        }
        self.values.push_back(Value { number, offered_by: None });
        self.give();
        Outcome::Sent
    }

    pub fn try_receive(&mut self, handle: usize) -> Outcome {
        if !self.receivers[handle] {
            return Outcome::NotReceived(Why::Closed);
        }
        let first_free = self.entitled();
        if first_free == self.values.len() {
            let why = if self.has_ended() { Why::OthersClosed } else { Why::WouldBlock };
            return Outcome::NotReceived(why);
        }
        self.accept(first_free);
        let value = self.values.remove(first_free).unwrap();
        self.give();
        Outcome::Received(value.number)
    }

    fn attempt(&mut self, op: usize) -> Option<Outcome> {
        let Op { kind, handle, .. } = self.ops[op];
        let outcome = match kind {
            Kind::Send(number) => self.try_send(handle, number),
            Kind::Receive => self.try_receive(handle),
        };
        let would_block = matches!(
            outcome,
            Outcome::NotSent(_, Why::WouldBlock) | Outcome::NotReceived(Why::WouldBlock)
        );
        (!would_block).then_some(outcome)
    }

    fn wait(&mut self, op: usize) {
        self.ops[op].state = State::Waiting;
        match self.ops[op].kind {
            Kind::Send(number) => self.values.push_back(Value { number, offered_by: Some(op) }),
            Kind::Receive => self.takers.push_back(Taker { op, entitled: false }),
        }
    }

    /// Begins an operation. `None`: it waits.
    fn begin(&mut self, kind: Kind, handle: usize) -> (usize, Option<Outcome>) {
        let op = self.ops.len();
        self.ops.push(Op { kind, handle, state: State::Over });
        let outcome = self.attempt(op);
        if outcome.is_none() {
            self.wait(op);
        }
        (op, outcome)
    }

    pub fn begin_send(&mut self, handle: usize, number: u32) -> (usize, Option<Outcome>) {
        self.begin(Kind::Send(number), handle)
    }

    pub fn begin_receive(&mut self, handle: usize) -> (usize, Option<Outcome>) {
        self.begin(Kind::Receive, handle)
    }

    /// An operation has its outcome, but lets others run first.
    pub fn gives_way(&mut self, op: usize, outcome: Outcome) {
        self.ops[op].state = match outcome {
            Outcome::Received(number) => {
                let rank = self.entitled();
                self.takers.insert(rank, Taker { op, entitled: true });
                self.values.insert(rank, Value { number, offered_by: None });
                State::Waiting
            }
            outcome => State::Done(outcome),
        };
    }

    /// What polling an operation gives. `None`: it waits.
    pub fn poll(&mut self, op: usize, cancelled: bool) -> Option<Outcome> {
        let outcome = match self.ops[op].state {
            State::Done(outcome) => Some(outcome),
            State::Waiting => match self.takers.iter().position(|taker| taker.op == op) {
                Some(rank) if self.takers[rank].entitled => {
                    self.takers.remove(rank);
                    let value = self.values.remove(rank).unwrap();
                    self.give();
                    Some(Outcome::Received(value.number))
                }
                _ => {
                    if cancelled {
                        self.leave(op);
                        self.ops[op].state = State::Unwound;
                    }
                    None
                }
            },
            State::Unwound if cancelled => None,
            State::Woken | State::Unwound => {
                let outcome = self.attempt(op);
                if outcome.is_none() {
                    self.wait(op);
                }
                outcome
            }
            State::Over => unreachable!("what is over is not polled"),
        };
        if outcome.is_some() {
            self.ops[op].state = State::Over;
        }
        outcome
    }

    fn leave(&mut self, op: usize) {
        self.values.retain(|value| value.offered_by != Some(op));
        self.takers.retain(|taker| taker.op != op);
        self.give();
    }

    pub fn drop_op(&mut self, op: usize) {
        self.leave(op);
        self.ops[op].state = State::Over;
    }

    pub fn is_entitled(&self, op: usize) -> bool {
        self.takers.iter().any(|taker| taker.op == op && taker.entitled)
    }

    /// Lets those go that wait on a handle.
    fn wake_on(&mut self, handle: usize, is_sender: bool) {
        for op in 0..self.ops.len() {
            let Op { kind, handle: own, state } = self.ops[op];
            let waits = state == State::Waiting && !self.is_entitled(op);
            if waits && own == handle && matches!(kind, Kind::Send(_)) == is_sender {
                self.values.retain(|value| value.offered_by != Some(op));
                self.takers.retain(|taker| taker.op != op);
                self.ops[op].state = State::Woken;
            }
        }
        self.give();
    }

    pub fn close_sender(&mut self, handle: usize) {
        self.senders[handle] = false;
        self.wake_on(handle, true);
    }

    pub fn close_receiver(&mut self, handle: usize) {
        self.receivers[handle] = false;
        self.wake_on(handle, false);
    }

    pub fn clone_sender(&mut self, handle: usize) {
        self.senders.push(self.senders[handle]);
    }

    pub fn clone_receiver(&mut self, handle: usize) {
        self.receivers.push(self.receivers[handle]);
    }
}

fn open(handles: &[bool]) -> usize {
    handles.iter().filter(|open| **open).count()
}
