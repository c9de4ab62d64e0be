//! The run: its queue, and the loop that steps it.
//!
//! One pass of the loop, in this order:
//!
//! ```text
//!   ┌─▶ poll the system      not at all if a turn's worth of steps is not used up; without waiting
//!   │        │               if something is runnable; else until the next deadline
//!   │        ▼
//!   │   wake those whose descriptors are ready
//!   │   run what other threads have sent
//!   │   read the clock once, expire deadlines
//!   │   idle? then `wait_all_tasks_blocked`, else jump the clock
//!   │        │
//!   │        ▼
//!   └── batches: the whole current queue is stepped; what becomes runnable meanwhile waits for the
//!       next batch; until the queue is empty, or the turn is over
//! ```
//!
//! `Run::step` is that pass as a function that returns, so that another event loop can host a run.

use std::any::Any;
use std::cell::UnsafeCell;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context as PollContext;
use std::time::Duration;

use super::clock::RunClock;
use super::context::{self, InTask};
use super::deadlines::{Action, Deadlines};
use super::directory;
use super::group::ErrorGroup;
use super::idle::Idle;
use super::inbox::Inbox;
use super::instant::Instant;
use super::instrument::Instruments;
use super::node::{Kind, Node};
use super::nursery::{Nurseries, NurseryCore};
use super::reactor::Reactor;
use super::reason::{CancelReason, CancelSource};
use super::report;
use super::rng::Rng;
use super::scope::ScopeCore;
use super::slots::Slots;
use super::task::{Ending, Payload, TaskRef, flag};
use super::trace::Site;
use super::waker;

/// How many steps are made between two looks at the clock, while tasks are runnable.
const STEPS: u32 = 64;
/// How long tasks may go on before the system is polled, and how many looks at the clock that may
/// take (a virtual clock stands still).
const TURN: Duration = Duration::from_micros(100);
const LOOKS: u32 = 16;

static MAIN: Site = Site::scope("the run");
static SYSTEM: Site = Site::scope("system tasks");

/// A run. At one address from its start to its end.
pub(crate) struct Run {
    id: u16,
    queue: UnsafeCell<VecDeque<TaskRef>>,
    /// How many tasks at the front of the queue belong to the current batch.
    batch: Cell<usize>,
    /// How many more steps, or checkpoints that went on, until the next look at the clock.
    budget: Cell<u32>,
    clock: RunClock,
    deadlines: Deadlines,
    reactor: Reactor,
    inbox: Arc<Inbox>,
    wakes: RefCell<Vec<u64>>,
    slots: RefCell<Slots>,
    nurseries: RefCell<Nurseries>,
    idle: Idle,
    instruments: Instruments,
    pub(crate) vars: RefCell<HashMap<usize, Rc<dyn Any>>>,
    rng: Option<RefCell<Rng>>,
    root: Node,
    main: NurseryCore,
    system: NurseryCore,
    phase: Cell<Phase>,
    interrupted: Cell<bool>,
    /// What went wrong in the runtime, or in a part of it that users provide.
    failure: RefCell<Option<(String, Option<Payload>)>>,
}

/// How far a run is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// The main task lives.
    Main,
    /// It has ended; the system tasks are being cancelled.
    System,
    /// Everything has ended, and nothing is accepted any more.
    Over,
}

/// What the driver of a run is to do after a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// Poll the system, for this long at most; `None`: for as long as it takes.
    Poll(Option<Duration>),
    /// The run is over.
    Over,
}

impl Run {
    /// A new run, at its address for life.
    pub(crate) fn new(clock: RunClock, seed: Option<u64>) -> io::Result<Box<Run>> {
        let (reactor, poller) = Reactor::new()?;
        let (id, inbox) = directory::register(poller);
        let run = Box::new(Run {
            id,
            queue: UnsafeCell::default(),
            batch: Cell::new(0),
            budget: Cell::new(0),
            clock,
            deadlines: Deadlines::new(),
            reactor,
            inbox,
            wakes: RefCell::default(),
            slots: RefCell::default(),
            nurseries: RefCell::default(),
            idle: Idle::default(),
            instruments: Instruments::default(),
            vars: RefCell::default(),
            rng: seed.map(|seed| RefCell::new(Rng::new(seed))),
            root: Node::new(Kind::Scope),
            main: NurseryCore::new(&MAIN),
            system: NurseryCore::new(&SYSTEM),
            phase: Cell::new(Phase::Main),
            interrupted: Cell::new(false),
            failure: RefCell::default(),
        });
        run.system.scope().enter_below(&run.root);
        run.main.scope().enter_below(&run.root);
        Ok(run)
    }

    #[inline]
    pub(crate) fn id(&self) -> u16 {
        self.id
    }

    #[inline]
    pub(crate) fn clock(&self) -> &RunClock {
        &self.clock
    }

    pub(crate) fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }

    pub(crate) fn reactor(&self) -> &Reactor {
        &self.reactor
    }

    pub(crate) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }

    pub(crate) fn nurseries(&self) -> &RefCell<Nurseries> {
        &self.nurseries
    }

    pub(crate) fn idle(&self) -> &Idle {
        &self.idle
    }

    pub(crate) fn instruments(&self) -> &Instruments {
        &self.instruments
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }

    pub(crate) fn main(&self) -> &NurseryCore {
        &self.main
    }

    pub(crate) fn system(&self) -> &NurseryCore {
        &self.system
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    pub(crate) fn tasks_living(&self) -> usize {
        self.slots.borrow().living()
    }

    pub(crate) fn tasks_runnable(&self) -> usize {
        self.queue(|queue| queue.len())
    }

    #[inline(always)]
    fn queue<R>(&self, f: impl FnOnce(&mut VecDeque<TaskRef>) -> R) -> R {
        // SAFETY: rule 5: a run does not leave its thread, and no caller's `f` does anything that
        // could reach this function again.
        f(unsafe { &mut *self.queue.get() })
    }

    #[inline]
    fn is_queue_empty(&self) -> bool {
        self.queue(|queue| queue.is_empty())
    }

    #[inline]
    pub(crate) fn enqueue(&self, task: TaskRef) {
        self.instruments.note_scheduled(&task);
        self.queue(|queue| queue.push_back(task));
    }

    /// The scheduler's answer to a checkpoint: whether the task may go on without leaving.
    #[inline]
    pub(crate) fn may_go_on(&self) -> bool {
        let budget = self.budget.get();
        if budget == 0 || !self.is_queue_empty() {
            return false;
        }
        self.budget.set(budget - 1);
        true
    }

    /// The clock was moved: the next checkpoint looks at it.
    pub(crate) fn look_at_clock(&self) {
        self.budget.set(0);
    }

    #[inline]
    pub(crate) fn wake_by_name(&self, name: u64) {
        if let Some(task) = self.slots.borrow().get(name) {
            task.wake();
        }
    }

    /// Makes a task a child of `core`, and runnable.
    pub(crate) fn adopt(&self, task: TaskRef, core: &NurseryCore) {
        let id = self.slots.borrow_mut().insert(task.clone(), self.id);
        task.attach(self, id);
        let place = core.add_child(&task);
        task.set(flag::QUEUED);
        task.node().link(place);
        self.instruments.call_for(&task, |instrument, task| instrument.task_spawned(task));
        self.enqueue(task);
    }

    /// A living task, and those that it waits for, seen from outside: every one of them.
    pub(crate) fn tasks(&self) -> Vec<TaskRef> {
        let slots = self.slots.borrow();
        let names = slots.names();
        names.iter().filter_map(|name| slots.get(*name)).map(TaskRef::from_header).collect()
    }

    /// Steps one task.
    #[inline]
    fn step_task(&self, task: &TaskRef) {
        task.clear(flag::QUEUED);
        self.instruments.tell_scheduled();
        if !task.has(flag::DONE) {
            self.instruments.call_for(task, |instrument, task| instrument.before_task_step(task));
        }
        // An instrument may have taken it down.
        if task.has(flag::DONE) {
            return;
        }
        task.set(flag::RUNNING);
        let waker = ManuallyDrop::new(waker::waker(task.id()));
        let mut cx = PollContext::from_waker(&waker);
        context::begin_step(task, &cx);
        let ending = task.poll(&mut cx);
        task.set_trace(context::end_step());
        if ending.is_none() {
            task.clear(flag::RUNNING);
        }
        self.instruments.tell_scheduled();
        self.instruments.call_for(task, |instrument, task| instrument.after_task_step(task));
        if let Some(ending) = ending {
            self.finish(task, ending);
        }
    }

    /// The task's frame is gone: takes it out of the run, and tells its nursery.
    fn finish(&self, task: &TaskRef, ending: Ending) {
        task.clear(flag::RUNNING);
        task.set(flag::DONE);
        task.node().unlink();
        let slot = self.slots.borrow_mut().remove(task.id());
        // SAFETY: rule 4: the nursery outlives its children.
        let owner = unsafe { task.owner().as_ref() };
        task.detach();
        if let Some(extra) = task.take_extra() {
            let name = extra.name.as_deref().map_or_else(|| task.name(), str::to_owned);
            for lot in &extra.breaks {
                lot.break_lot(&name);
            }
            if let Some(exit) = &extra.exit {
                exit.unpark_all();
            }
            // The name stays readable.
            task.with_extra(|left| left.name = extra.name);
        }
        if let Some(owner) = owner {
            let (of_main, of_run) =
                (std::ptr::eq(owner, &self.main), std::ptr::eq(owner, &self.system));
            let failed = matches!(ending, Ending::Failed(_) | Ending::Panicked(_));
            owner.child_ended(task, ending);
            if failed && of_run {
                self.main.scope().cancel(CancelSource::Shutdown, Some("a system task failed"));
            }
            // The nursery may go with it: a foreign waker is called.
            owner.remove_child(task.has(flag::SERVICE));
            if of_main {
                self.main_ended();
            }
        }
        self.instruments.call_for(task, |instrument, task| instrument.task_exited(task));
        drop(slot);
    }

    /// Takes a task down that has not ended: its frame is dropped now, in the task's own context.
    pub(crate) fn drop_task(task: &TaskRef) {
        if task.has(flag::DONE) {
            return;
        }
        task.set(flag::RUNNING);
        let dropped = {
            let _current = InTask::enter(task);
            task.drop_frame()
        };
        let ending = match dropped {
            Ok(()) => Ending::Cancelled,
            Err(payload) => Ending::Panicked(payload),
        };
        // SAFETY: rule 5: a task that has not ended is attached to a run that lives.
        match unsafe { task.run().as_ref() } {
            Some(run) => run.finish(task, ending),
            None => super::internal_error("a task that has not ended is out of its run"),
        }
    }

    /// Takes every task down, those included that destructors spawn meanwhile: none is left behind
    /// that would think itself in a run.
    fn drop_tasks(&self) {
        while self.tasks_living() > 0 {
            self.main.drop_children();
            self.system.drop_children();
            // Tasks whose nursery lies in a frame that was converted and leaked.
            for task in self.tasks() {
                Run::drop_task(&task);
            }
        }
    }

    /// The run begins: tells those who look on.
    pub(crate) fn begin(&self) {
        let _entered = Entered::enter(self);
        self.instruments.call(|instrument| instrument.before_run());
    }

    /// The run is over: tells those who look on.
    pub(crate) fn conclude(&self) {
        let _entered = Entered::enter(self);
        self.instruments.call(|instrument| instrument.after_run());
    }

    /// One pass, with what the poll before it has found.
    pub(crate) fn step(&self) -> Next {
        let _entered = Entered::enter(self);
        let mut active = self.take_events();
        active |= self.take_mail();
        active |= self.expire_deadlines();
        if !active && self.is_queue_empty() {
            self.idle.serve(self);
        } else {
            self.idle.disturb();
        }
        self.run_batches();
        if self.phase.get() != Phase::Main && self.tasks_living() == 0 && self.end() {
            return Next::Over;
        }
        Next::Poll(self.poll_timeout())
    }

    /// Polls the system for what `step` will find.
    pub(crate) fn poll(&self, timeout: Option<Duration>) {
        let _entered = Entered::enter(self);
        self.instruments.call(|instrument| instrument.before_io_wait(timeout));
        if let Err(error) = self.reactor.poll(timeout) {
            self.fail(format!("the system's poller failed: {error}"), None);
        }
        self.instruments.call(|instrument| instrument.after_io_wait(timeout));
    }

    fn take_events(&self) -> bool {
        let found = self.reactor.dispatch();
        if found.interrupt {
            self.interrupt();
        }
        found.any
    }

    /// Wakes what other threads woke, and calls what they sent.
    fn take_mail(&self) -> bool {
        let mut wakes = self.wakes.borrow_mut();
        let Some(entries) = self.inbox.look(&mut wakes) else {
            return false;
        };
        for name in wakes.drain(..) {
            self.wake_by_name(name);
        }
        drop(wakes);
        // Only those that are there now: one that sends the next must not keep the tasks waiting.
        for _ in 0..entries {
            self.run_entry();
        }
        true
    }

    fn run_entry(&self) {
        let Some(entry) = self.inbox.take_entry() else {
            return;
        };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(entry.call)) {
            self.fail("a function given to `call_soon` panicked".to_owned(), Some(payload));
        }
    }

    fn expire_deadlines(&self) -> bool {
        let Some(next) = self.deadlines.next() else {
            return false;
        };
        let now = self.clock.now();
        if next > now {
            return false;
        }
        while let Some(timer) = self.deadlines.pop(now) {
            // SAFETY: rule 1: the timer was armed until just now, and nothing has run since.
            match unsafe { &*timer }.take_action() {
                Action::Wake(target) => target.wake(),
                // SAFETY: rule 5: likewise.
                Action::Cancel(scope) => unsafe { ScopeCore::expire_at(scope) },
                Action::Nothing => {}
            }
        }
        true
    }

    /// Steps batches until nothing is runnable or the turn is over.
    fn run_batches(&self) {
        let mut looks = 0;
        let mut turn_began = None;
        self.budget.set(STEPS);
        loop {
            if self.budget.get() == 0 {
                looks += 1;
                if looks == LOOKS {
                    return;
                }
                if let RunClock::System(_) = self.clock {
                    let now = self.clock.now();
                    let began = *turn_began.get_or_insert(now);
                    if now.saturating_duration_since(began) >= TURN {
                        return;
                    }
                }
                self.expire_deadlines();
                self.take_mail();
                self.budget.set(STEPS);
            }
            if self.batch.get() == 0 && !self.begin_batch() {
                return;
            }
            self.batch.set(self.batch.get() - 1);
            let Some(task) = self.queue(VecDeque::pop_front) else {
                super::internal_error("the batch is longer than the queue");
            };
            self.budget.set(self.budget.get().saturating_sub(1));
            self.step_task(&task);
        }
    }

    fn begin_batch(&self) -> bool {
        self.queue(|queue| {
            self.batch.set(queue.len());
            if let Some(rng) = &self.rng {
                rng.borrow_mut().shuffle(queue.make_contiguous());
            }
            !queue.is_empty()
        })
    }

    /// The main task has ended: what still lives belongs to the run, and is cancelled.
    fn main_ended(&self) {
        if self.phase.get() == Phase::Main {
            self.phase.set(Phase::System);
        }
        self.root.cancel(|| CancelReason::new(CancelSource::Shutdown, None, None));
    }

    /// No task lives any more. What was accepted is called, and may start something again.
    fn end(&self) -> bool {
        self.inbox.close();
        while self.inbox.entries() > 0 {
            self.run_entry();
        }
        if self.tasks_living() > 0 {
            return false;
        }
        self.phase.set(Phase::Over);
        true
    }

    fn poll_timeout(&self) -> Option<Duration> {
        if !self.is_queue_empty() {
            return Some(Duration::ZERO);
        }
        let next = self.deadlines.next();
        let until_deadline = next.and_then(|next| self.clock.time_until(next, self.clock.now()));
        self.idle.limit(until_deadline, self.clock.autojump_threshold(), next.is_some())
    }

    /// Jumps a virtual clock to the next deadline.
    pub(crate) fn jump(&self) {
        if let Some(next) = self.deadlines.next() {
            self.clock.jump_to(next);
            self.expire_deadlines();
        }
    }

    /// The user pressed Ctrl-C.
    fn interrupt(&self) {
        self.interrupted.set(true);
        self.main.scope().cancel(CancelSource::Interrupt, None);
    }

    pub(crate) fn was_interrupted(&self) -> bool {
        self.interrupted.get()
    }

    /// Something that must not fail has failed: everything is cancelled, and the run ends with it.
    pub(crate) fn fail(&self, what: String, payload: Option<Payload>) {
        let mut failure = self.failure.borrow_mut();
        if failure.is_some() {
            report::panicked(&what, &"another failure came first");
        } else {
            self.main.scope().cancel(CancelSource::Shutdown, Some(&what));
            *failure = Some((what, payload));
        }
    }

    pub(crate) fn take_failure(&self) -> Option<(String, Option<Payload>)> {
        // A system task that failed has failed the run.
        let failures = self.system.take_failures();
        if let [failure] = &failures[..] {
            let text = format!("system task `{}` failed: {}", failure.task(), failure.error());
            return Some((text, None));
        }
        if !failures.is_empty() {
            let group = ErrorGroup::new(failures, None);
            return Some((format!("system tasks failed: {group:#}"), None));
        }
        if let Some(payload) = self.system.take_panic() {
            return Some(("a system task panicked".to_owned(), Some(payload)));
        }
        self.failure.take()
    }

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }
}

impl Drop for Run {
    /// A run that is dropped before its end takes its tasks down, the deepest first.
    fn drop(&mut self) {
        self.inbox.close();
        directory::unregister(self.id);
        {
            let _entered = Entered::enter(self);
            self.phase.set(Phase::Over);
            self.drop_tasks();
            // The destructor of a value may use its variable, and even spawn.
            for (_, value) in self.vars.take() {
                report::discard(value);
            }
            self.drop_tasks();
            while let Some(task) = self.queue(VecDeque::pop_front) {
                drop(task);
            }
            self.main.scope().leave();
            self.system.scope().leave();
            self.root.unlink();
        }
    }
}

/// Makes a run the one of this thread, until the guard is dropped.
pub(crate) struct Entered {
    outer: *const Run,
}

impl Entered {
    pub(crate) fn enter(run: &Run) -> Entered {
        Entered { outer: context::with(|c| c.run.replace(run)) }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        context::with(|c| c.run.set(self.outer));
    }
}

/// Makes the next checkpoint look at the run's clock: for clocks that are moved by hand. Does nothing
/// outside a run.
pub fn look_at_clock() {
    context::try_run(|run| {
        if let Some(run) = run {
            run.look_at_clock();
        }
    });
}
