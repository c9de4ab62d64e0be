//! A program, run by the runtime, step by step beside the model.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use trio::channel::{
    ReceiveError, Receiver, SendError, Sender, TryReceiveError, TrySendError, channel,
};
use trio::testing::wait_all_tasks_blocked;
use trio::{Builder, CancelScope, Nursery};

use crate::model::{Counts, Model};
use crate::program::{Outcome, Program, Step, Why};

/// A value, by its number. All of them share something that tells how many there are.
struct Value(u32, #[allow(dead_code)] Rc<()>);

type Operation = Pin<Box<dyn Future<Output = Outcome>>>;

/// How often each outcome has come: programs that reach none are worth nothing.
pub type Reached = std::collections::BTreeMap<&'static str, u32>;

pub fn run(program: &Program, seed: Option<u64>, reached: &RefCell<Reached>) {
    let mut builder = Builder::new().ignore_interrupts();
    if let Some(seed) = seed {
        builder = builder.scheduler_seed(seed);
    }
    builder.run(|| drive(program, reached));
}

fn send(sender: Rc<Sender<Value>>, value: Value) -> Operation {
    Box::pin(async move {
        match sender.send(value).await {
            Ok(()) => Outcome::Sent,
            Err(SendError::Closed(value)) => Outcome::NotSent(value.0, Why::Closed),
            Err(SendError::Broken(value)) => Outcome::NotSent(value.0, Why::OthersClosed),
        }
    })
}

fn receive(receiver: Rc<Receiver<Value>>) -> Operation {
    Box::pin(async move {
        match receiver.receive().await {
            Ok(value) => Outcome::Received(value.0),
            Err(ReceiveError::Closed) => Outcome::NotReceived(Why::Closed),
            Err(ReceiveError::EndOfChannel) => Outcome::NotReceived(Why::OthersClosed),
        }
    })
}

fn try_send(sender: &Sender<Value>, value: Value) -> Outcome {
    match sender.try_send(value) {
        Ok(()) => Outcome::Sent,
        Err(TrySendError::WouldBlock(value)) => Outcome::NotSent(value.0, Why::WouldBlock),
        Err(TrySendError::Closed(value)) => Outcome::NotSent(value.0, Why::Closed),
        Err(TrySendError::Broken(value)) => Outcome::NotSent(value.0, Why::OthersClosed),
    }
}

fn try_receive(receiver: &Receiver<Value>) -> Outcome {
    match receiver.try_receive() {
        Ok(value) => Outcome::Received(value.0),
        Err(TryReceiveError::WouldBlock) => Outcome::NotReceived(Why::WouldBlock),
        Err(TryReceiveError::Closed) => Outcome::NotReceived(Why::Closed),
        Err(TryReceiveError::EndOfChannel) => Outcome::NotReceived(Why::OthersClosed),
    }
}

fn counts(of: &Sender<Value>) -> Counts {
    let statistics = of.statistics();
    Counts {
        buffered: statistics.current_buffer_used,
        peak: statistics.peak_buffer_used,
        open: (statistics.open_senders, statistics.open_receivers),
        waiting: (statistics.tasks_waiting_send, statistics.tasks_waiting_receive),
    }
}

/// An operation in a task, by the model's number.
struct InTask {
    op: usize,
    scope: CancelScope,
    outcome: Rc<Cell<Option<Outcome>>>,
}

#[trio::task]
async fn in_task(operation: Operation, scope: CancelScope, outcome: Rc<Cell<Option<Outcome>>>) {
    let result = scope.run(async { operation.await }).await;
    outcome.set(Some(result.unwrap_or(Outcome::Cancelled)));
}

/// Polls once, as a combinator in this task does.
async fn poll_once(operation: &mut Operation) -> Option<Outcome> {
    poll_fn(|cx| match operation.as_mut().poll(cx) {
        Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// The same in a scope that is cancelled. What the operation says about that is heard by nobody.
async fn poll_once_cancelled(mut operation: Operation) -> (Operation, Option<Outcome>) {
    let place = Rc::new(Cell::new(None));
    let (scope, inside) = (CancelScope::new(), Rc::clone(&place));
    let polled = scope.run({
        let scope = scope.clone();
        move || async move {
            scope.cancel();
            let outcome = poll_once(&mut operation).await;
            inside.set(Some((operation, outcome)));
        }
    });
    // Once, and no more: awaiting it lets others run.
    let mut polled = Box::pin(polled.into_future());
    poll_fn(|cx| Poll::Ready(polled.as_mut().poll(cx).is_ready())).await;
    place.take().expect("nothing waits in the scope")
}

struct Driver<'n, 'p> {
    nursery: Nursery<'n>,
    model: Model,
    senders: Vec<Rc<Sender<Value>>>,
    receivers: Vec<Rc<Receiver<Value>>>,
    tasks: Vec<InTask>,
    /// Those that were begun here, by the model's number.
    begun: Vec<(usize, Operation)>,
    numbers: u32,
    alive: Rc<()>,
    reached: &'p RefCell<Reached>,
}

#[trio::task]
async fn drive(program: &Program, reached: &RefCell<Reached>) {
    let alive = Rc::new(());
    trio::nursery!(|n| {
        steps(n, program, reached, &alive).await;
        n.cancel();
    })
    .expect("nothing fails");
    assert_eq!(Rc::strong_count(&alive), 1, "a value is left");
}

/// A plain `async fn`: in between, nobody else runs, unless a step lets them.
async fn steps(
    nursery: Nursery<'_>,
    program: &Program,
    reached: &RefCell<Reached>,
    alive: &Rc<()>,
) {
    let (sender, receiver) = channel(program.capacity);
    let mut driver = Driver {
        nursery,
        model: Model::new(program.capacity),
        senders: vec![Rc::new(sender)],
        receivers: vec![Rc::new(receiver)],
        tasks: Vec::new(),
        begun: Vec::new(),
        numbers: 0,
        alive: Rc::clone(alive),
        reached,
    };
    for step in &program.steps {
        driver.step(step).await;
        assert_eq!(counts(&driver.senders[0]), driver.model.counts(), "after {step:?}");
    }
    driver.finish().await;
}

impl Driver<'_, '_> {
    fn value(&mut self) -> Value {
        self.numbers += 1;
        Value(self.numbers, Rc::clone(&self.alive))
    }

    fn check(&mut self, real: Option<Outcome>, expected: Option<Outcome>) {
        assert_eq!(real, expected);
        *self.reached.borrow_mut().entry(name(real)).or_default() += 1;
    }

    async fn step(&mut self, step: &Step) {
        let (senders, receivers) = (self.senders.len(), self.receivers.len());
        match *step {
            Step::TrySend(handle) => {
                let (handle, value) = (handle % senders, self.value());
                let expected = self.model.try_send(handle, value.0);
                self.check(Some(try_send(&self.senders[handle], value)), Some(expected));
            }
            Step::TryReceive(handle) => {
                let handle = handle % receivers;
                let expected = self.model.try_receive(handle);
                self.check(Some(try_receive(&self.receivers[handle])), Some(expected));
            }
            Step::Send(handle) => {
                let (handle, value) = (handle % senders, self.value());
                self.settle().await;
                let (op, outcome) = self.model.begin_send(handle, value.0);
                self.spawn(op, outcome, send(Rc::clone(&self.senders[handle]), value)).await;
            }
            Step::Receive(handle) => {
                let handle = handle % receivers;
                self.settle().await;
                let (op, outcome) = self.model.begin_receive(handle);
                self.spawn(op, outcome, receive(Rc::clone(&self.receivers[handle]))).await;
            }
            Step::BeginSend(handle) => {
                let (handle, value) = (handle % senders, self.value());
                let (op, outcome) = self.model.begin_send(handle, value.0);
                self.begin(op, outcome, send(Rc::clone(&self.senders[handle]), value)).await;
            }
            Step::BeginReceive(handle) => {
                let handle = handle % receivers;
                let (op, outcome) = self.model.begin_receive(handle);
                self.begin(op, outcome, receive(Rc::clone(&self.receivers[handle]))).await;
            }
            Step::Poll(index) | Step::PollCancelled(index) if !self.begun.is_empty() => {
                let cancelled = matches!(step, Step::PollCancelled(_));
                let index = index % self.begun.len();
                let (op, mut operation) = self.begun.swap_remove(index);
                let expected = self.model.poll(op, cancelled);
                let real;
                if cancelled {
                    (operation, real) = poll_once_cancelled(operation).await;
                } else {
                    real = poll_once(&mut operation).await;
                }
                self.check(real, expected);
                if real.is_none() {
                    self.begun.push((op, operation));
                }
            }
            Step::Drop(index) if !self.begun.is_empty() => {
                let index = index % self.begun.len();
                let (op, operation) = self.begun.swap_remove(index);
                if self.model.is_entitled(op) {
                    *self.reached.borrow_mut().entry("dropped with a value").or_default() += 1;
                }
                self.model.drop_op(op);
                drop(operation);
            }
            Step::Cancel(index) if !self.tasks.is_empty() => {
                self.tasks[index % self.tasks.len()].scope.cancel();
            }
            Step::CloseSender(handle) => {
                self.model.close_sender(handle % senders);
                self.senders[handle % senders].close();
            }
            Step::CloseReceiver(handle) => {
                self.model.close_receiver(handle % receivers);
                self.receivers[handle % receivers].close();
            }
            Step::CloneSender(handle) => {
                self.model.clone_sender(handle % senders);
                let clone = Sender::clone(&self.senders[handle % senders]);
                self.senders.push(Rc::new(clone));
            }
            Step::CloneReceiver(handle) => {
                self.model.clone_receiver(handle % receivers);
                let clone = Receiver::clone(&self.receivers[handle % receivers]);
                self.receivers.push(Rc::new(clone));
            }
            Step::Settle => self.settle().await,
            Step::Poll(_) | Step::PollCancelled(_) | Step::Drop(_) | Step::Cancel(_) => {}
        }
    }

    /// Begins an operation in a task, and lets it get as far as it does.
    async fn spawn(&mut self, op: usize, expected: Option<Outcome>, operation: Operation) {
        let (scope, outcome) = (CancelScope::new(), Rc::default());
        let (nursery, parts) = (self.nursery, (scope.clone(), Rc::clone(&outcome)));
        nursery.spawn(move || in_task(operation, parts.0, parts.1));
        wait_all_tasks_blocked().await;
        self.check(outcome.get(), expected);
        if expected.is_none() {
            self.tasks.push(InTask { op, scope, outcome });
        }
        // Those whom it has let go have run, too.
        self.settle().await;
    }

    async fn begin(&mut self, op: usize, outcome: Option<Outcome>, mut operation: Operation) {
        let real = poll_once(&mut operation).await;
        match (real, outcome) {
            // It lets others run.
            (None, Some(outcome)) => self.model.gives_way(op, outcome),
            (real, expected) => self.check(real, expected),
        }
        if real.is_none() {
            self.begun.push((op, operation));
        }
    }

    async fn settle(&mut self) {
        wait_all_tasks_blocked().await;
        let had_ended = self.model.has_ended();
        // Who has been given something is no longer in anybody's way; so these come first.
        let (entitled, others): (Vec<InTask>, Vec<InTask>) =
            self.tasks.drain(..).partition(|task| self.model.is_entitled(task.op));
        for task in entitled.into_iter().chain(others) {
            let cancelled = task.scope.cancel_called();
            let expected = match self.model.poll(task.op, cancelled) {
                None if cancelled => Some(Outcome::Cancelled),
                // It was cancelled when the end came; what it noticed first depends on the order.
                Some(Outcome::NotReceived(Why::OthersClosed)) if cancelled && !had_ended => task
                    .outcome
                    .get()
                    .filter(|outcome| *outcome == Outcome::Cancelled)
                    .or(Some(Outcome::NotReceived(Why::OthersClosed))),
                expected => expected,
            };
            self.check(task.outcome.get(), expected);
            if expected.is_none() {
                self.tasks.push(task);
            }
        }
    }

    /// What is left is received in order.
    async fn finish(&mut self) {
        self.settle().await;
        for (op, operation) in self.begun.drain(..) {
            self.model.drop_op(op);
            drop(operation);
        }
        self.settle().await;
        for handle in 0..self.receivers.len() {
            loop {
                let expected = self.model.try_receive(handle);
                self.check(Some(try_receive(&self.receivers[handle])), Some(expected));
                if !matches!(expected, Outcome::Received(_)) {
                    break;
                }
            }
        }
    }
}

fn name(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        None => "waits",
        Some(Outcome::Sent) => "sent",
        Some(Outcome::NotSent(_, Why::WouldBlock)) => "sending would block",
        Some(Outcome::NotSent(_, Why::Closed)) => "sender closed",
        Some(Outcome::NotSent(_, Why::OthersClosed)) => "broken",
        Some(Outcome::Received(_)) => "received",
        Some(Outcome::NotReceived(Why::WouldBlock)) => "receiving would block",
        Some(Outcome::NotReceived(Why::Closed)) => "receiver closed",
        Some(Outcome::NotReceived(Why::OthersClosed)) => "end of channel",
        Some(Outcome::Cancelled) => "cancelled",
    }
}
