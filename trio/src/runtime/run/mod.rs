//! The run: what it consists of.
//!
//! `queue` holds what is runnable, `tasks` is the life of a task, `pass` is one pass of the loop,
//! `deadlock` sees when there will be no other, and `ending` is how it all ends.

mod deadlock;
mod ending;
mod pass;
mod queue;
mod ring;
mod tasks;

pub(crate) use deadlock::Watch;
pub use pass::Next;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use self::deadlock::Deadlocks;
use self::queue::RunQueue;
use super::clock::RunClock;
use super::context;
use super::deadlines::Deadlines;
use super::directory;
use super::idle::Idle;
use super::inbox::Inbox;
use super::instant::Instant;
use super::instrument::Instruments;
use super::moments::Moments;
use super::node::{Kind, Node};
use super::nursery::{Nurseries, NurseryCore};
use super::reactor::Reactor;
use super::slots::Slots;
use super::task::{Header, Payload};
use super::trace::Site;

static MAIN: Site = Site::scope("the run");
static SYSTEM: Site = Site::scope("system tasks");

/// A run. At one address from its start to its end.
pub(crate) struct Run {
    id: u16,
    queue: RunQueue,
    clock: RunClock,
    deadlines: Deadlines,
    reactor: Reactor,
    inbox: Arc<Inbox>,
    wakes: RefCell<Vec<u64>>,
    slots: RefCell<Slots>,
    nurseries: RefCell<Nurseries>,
    idle: Idle,
    instruments: Instruments,
    moments: Moments,
    pub(crate) vars: RefCell<HashMap<usize, Rc<dyn Any>>>,
    root: Node,
    main: NurseryCore,
    system: NurseryCore,
    phase: Cell<Phase>,
    /// The run waits for the system: what becomes runnable or due must end that.
    asleep: Cell<bool>,
    deadlocks: Deadlocks,
    /// How much time main has to end by itself after a Ctrl-C. `None`: the next one cancels it.
    grace: Cell<Option<Duration>>,
    /// Ctrl-C has cancelled main, or its grace has.
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

impl Run {
    /// A new run, at its address for life.
    pub(crate) fn set_up(
        clock: RunClock,
        seed: Option<u64>,
        grace: Option<Duration>,
        watch: Watch,
    ) -> io::Result<OwnedRun> {
        let (reactor, poller) = Reactor::new()?;
        let (id, inbox) = directory::register(poller);
        let run = OwnedRun::new(Run {
            id,
            queue: RunQueue::new(seed),
            clock,
            deadlines: Deadlines::new(),
            reactor,
            inbox,
            wakes: RefCell::default(),
            slots: RefCell::default(),
            nurseries: RefCell::default(),
            idle: Idle::default(),
            instruments: Instruments::default(),
            moments: Moments::new(),
            vars: RefCell::default(),
            root: Node::new(Kind::Scope),
            main: NurseryCore::new(&MAIN),
            system: NurseryCore::new(&SYSTEM),
            phase: Cell::new(Phase::Main),
            asleep: Cell::new(false),
            deadlocks: Deadlocks::new(watch),
            grace: Cell::new(grace),
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

    pub(crate) fn moments(&self) -> &Moments {
        &self.moments
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
        self.queue.len()
    }

    /// Puts a task into the queue, which has just been marked as queued.
    #[inline(always)]
    pub(crate) fn enqueue(&self, task: *const Header) {
        self.queue.push(task);
        self.instruments.note_scheduled(task);
        self.rouse();
    }

    /// Ends the wait for the system, if there is one: code that runs meanwhile on the run's own thread,
    /// a host's or an instrument's, has changed something.
    #[inline]
    pub(crate) fn rouse(&self) {
        if self.asleep.get() {
            self.inbox.notify();
        }
    }

    /// The scheduler's answer to a checkpoint: whether the task may go on without leaving.
    #[inline]
    pub(crate) fn may_go_on(&self) -> bool {
        self.queue.may_go_on()
    }

    /// The clock was moved: the next checkpoint looks at it.
    pub(crate) fn look_at_clock(&self) {
        self.queue.spend();
        self.rouse();
    }

    #[inline]
    pub(crate) fn wake_by_name(&self, name: u64) {
        if let Some(task) = self.slots.borrow().get(name) {
            task.wake();
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

    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.next()
    }
}

/// The owner of a run. Not a `Box`, which would have to be the only way to what is in it when it is
/// moved: a run is referred to by its address from its tasks.
pub(crate) struct OwnedRun(*mut Run);

impl OwnedRun {
    fn new(run: Run) -> OwnedRun {
        OwnedRun(Box::into_raw(Box::new(run)))
    }
}

impl Deref for OwnedRun {
    type Target = Run;

    #[inline]
    fn deref(&self) -> &Run {
        // SAFETY: rule 5: it is alive as long as its owner.
        unsafe { &*self.0 }
    }
}

impl Drop for OwnedRun {
    fn drop(&mut self) {
        // SAFETY: rule 5: it came from `Box::into_raw`; its own `Drop` takes down what refers to it.
        drop(unsafe { Box::from_raw(self.0) });
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
