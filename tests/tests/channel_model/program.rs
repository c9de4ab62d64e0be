//! Programs, and what can come of an operation.

use proptest::prelude::*;

/// Handles, operations and tasks are named by numbers; where there are not so many, counting begins
/// again. What names something that is not there does nothing.
#[derive(Clone, Debug)]
pub enum Step {
    TrySend(usize),
    TryReceive(usize),
    /// In a task of its own.
    Send(usize),
    Receive(usize),
    /// Begun here, and polled once: a foreign combinator has it.
    BeginSend(usize),
    BeginReceive(usize),
    /// What the combinator then does with one of its own.
    Poll(usize),
    PollCancelled(usize),
    Drop(usize),
    /// Cancels a task. It is told when it runs.
    Cancel(usize),
    CloseSender(usize),
    CloseReceiver(usize),
    CloneSender(usize),
    CloneReceiver(usize),
    /// Lets the tasks run, as far as they get.
    Settle,
}

#[derive(Clone, Debug)]
pub struct Program {
    pub capacity: usize,
    pub steps: Vec<Step>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Why {
    WouldBlock,
    /// This side.
    Closed,
    /// The other side, as a whole.
    OthersClosed,
}

/// What came of an operation. Values go by their numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    Sent,
    NotSent(u32, Why),
    Received(u32),
    NotReceived(Why),
    Cancelled,
}

pub fn programs() -> impl Strategy<Value = Program> {
    let capacity = prop_oneof![2 => Just(0), 3 => Just(1), 2 => 2..4_usize, 1 => Just(usize::MAX)];
    let number = || 0..6_usize;
    let step = prop_oneof![
        6 => number().prop_map(Step::TrySend),
        6 => number().prop_map(Step::TryReceive),
        5 => number().prop_map(Step::Send),
        5 => number().prop_map(Step::Receive),
        4 => number().prop_map(Step::BeginSend),
        5 => number().prop_map(Step::BeginReceive),
        4 => number().prop_map(Step::Poll),
        3 => number().prop_map(Step::PollCancelled),
        5 => number().prop_map(Step::Drop),
        4 => number().prop_map(Step::Cancel),
        1 => number().prop_map(Step::CloseSender),
        1 => number().prop_map(Step::CloseReceiver),
        1 => number().prop_map(Step::CloneSender),
        1 => number().prop_map(Step::CloneReceiver),
        4 => Just(Step::Settle),
    ];
    let steps = prop::collection::vec(step, 1..60);
    (capacity, steps).prop_map(|(capacity, steps)| Program { capacity, steps })
}
