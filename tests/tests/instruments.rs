//! Instruments: what they see, and what they cannot break.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tests::rerun::{rerun, stderr};
use trio::lowlevel::{
    Instrument, Task, add_instrument, checkpoint, current_trio_token, in_trio_run, in_trio_task,
    remove_instrument,
};
use trio::nursery;
use trio::testing::{MockClock, wait_all_tasks_blocked, wait_all_tasks_blocked_for};

/// Writes down the hooks that are called for tasks of one name, and those of the run.
#[derive(Default)]
struct Recorder {
    task: &'static str,
    seen: RefCell<Vec<&'static str>>,
}

impl Recorder {
    fn of(task: &'static str) -> Rc<Recorder> {
        Rc::new(Recorder { task, seen: RefCell::default() })
    }

    fn note(&self, hook: &'static str) {
        assert!(in_trio_run() && !in_trio_task());
        self.seen.borrow_mut().push(hook);
    }

    fn note_task(&self, hook: &'static str, task: &Task) {
        if task.name() == self.task {
            self.seen.borrow_mut().push(hook);
        }
    }
}

impl Instrument for Recorder {
    fn before_run(&self) {
        self.note("before_run");
    }
    fn after_run(&self) {
        self.note("after_run");
    }
    fn task_spawned(&self, task: &Task) {
        self.note_task("spawned", task);
    }
    fn task_scheduled(&self, task: &Task) {
        self.note_task("scheduled", task);
    }
    fn before_task_step(&self, task: &Task) {
        self.note_task("before", task);
    }
    fn after_task_step(&self, task: &Task) {
        self.note_task("after", task);
    }
    fn task_exited(&self, task: &Task) {
        self.note_task("exited", task);
    }
}

#[trio::task]
async fn steps() {
    for _ in 0..2 {
        checkpoint().await;
    }
}

#[trio::task]
async fn two_children() {
    nursery!(|n| {
        n.spawn(steps);
        n.spawn_named("other", steps);
    })
    .unwrap();
}

// K103
#[test]
fn a_task_is_spawned_scheduled_stepped_and_exits() {
    let recorder = Recorder::of("steps");
    trio::Builder::new().instrument(Rc::clone(&recorder) as Rc<dyn Instrument>).run(two_children);
    assert_eq!(
        *recorder.seen.borrow(),
        [
            "before_run",
            "spawned",
            "scheduled",
            "before",
            "scheduled",
            "after",
            "before",
            "scheduled",
            "after",
            "before",
            "after",
            "exited",
            "after_run",
        ]
    );
}

/// Writes down what happens to tasks, with their names.
#[derive(Default)]
struct Names(RefCell<Vec<(&'static str, String)>>);

impl Names {
    fn note(&self, hook: &'static str, task: &Task) {
        self.0.borrow_mut().push((hook, task.name()));
    }

    fn of(&self, names: &[&str]) -> Vec<String> {
        let seen = self.0.borrow();
        let seen = seen.iter().filter(|(_, name)| names.contains(&&**name));
        seen.map(|(hook, name)| format!("{hook} {name}")).collect()
    }
}

impl Instrument for Names {
    fn task_spawned(&self, task: &Task) {
        self.note("spawned", task);
    }
    fn task_scheduled(&self, task: &Task) {
        self.note("scheduled", task);
    }
    fn before_task_step(&self, task: &Task) {
        self.note("before", task);
    }
    fn after_task_step(&self, task: &Task) {
        self.note("after", task);
    }
    fn task_exited(&self, task: &Task) {
        self.note("exited", task);
    }
}

#[trio::task]
async fn one_checkpoint() {
    checkpoint().await;
}

#[trio::task]
async fn two_tasks() {
    nursery!(|n| {
        n.spawn_named("one", one_checkpoint);
        n.spawn_named("two", one_checkpoint);
    })
    .unwrap();
}

// K103
#[test]
fn the_steps_of_two_tasks_are_interleaved() {
    let names = Rc::new(Names::default());
    trio::Builder::new().instrument(Rc::clone(&names) as Rc<dyn Instrument>).run(two_tasks);
    assert_eq!(
        names.of(&["one", "two"]),
        [
            "spawned one",
            "spawned two",
            "scheduled one",
            "scheduled two",
            "before one",
            "scheduled one",
            "after one",
            "before two",
            "scheduled two",
            "after two",
            "before one",
            "after one",
            "exited one",
            "before two",
            "after two",
            "exited two",
        ]
    );
}

// K103
#[test]
fn main_is_seen_from_its_spawning_to_its_end() {
    let names = Rc::new(Names::default());
    trio::Builder::new().instrument(Rc::clone(&names) as Rc<dyn Instrument>).run(two_tasks);
    assert_eq!(
        names.of(&["two_tasks"]),
        [
            "spawned two_tasks",
            "scheduled two_tasks",
            "before two_tasks",
            "after two_tasks",
            // Its last child has ended.
            "scheduled two_tasks",
            "before two_tasks",
            "after two_tasks",
            "exited two_tasks",
        ]
    );
}

// K103
#[trio::test]
async fn a_task_is_seen_from_when_the_instrument_was_added() {
    let names = Rc::new(Names::default());
    let instrument = Rc::clone(&names) as Rc<dyn Instrument>;
    nursery!(|n| {
        n.spawn_named("early", steps);
        n.spawn_named("other", steps);
        checkpoint().await;
        add_instrument(Rc::clone(&instrument));
        checkpoint().await;
        remove_instrument(&instrument);
        checkpoint().await;
    })
    .unwrap();
    assert_eq!(names.of(&["early"]), ["before early", "scheduled early", "after early"]);
}

/// Counts the waits for the system, and whether each is followed by its end.
#[derive(Default)]
struct Waits {
    begun: Cell<u32>,
    ended: Cell<u32>,
}

impl Instrument for Waits {
    fn before_io_wait(&self, _timeout: Option<Duration>) {
        self.begun.set(self.begun.get() + 1);
    }
    fn after_io_wait(&self, _timeout: Option<Duration>) {
        self.ended.set(self.ended.get() + 1);
        assert_eq!(self.begun.get(), self.ended.get());
    }
}

/// Writes down how long the waits are to be at most.
#[derive(Default)]
struct Timeouts(RefCell<Vec<(&'static str, Option<Duration>)>>);

impl Instrument for Timeouts {
    fn before_io_wait(&self, timeout: Option<Duration>) {
        self.0.borrow_mut().push(("before", timeout));
    }
    fn after_io_wait(&self, timeout: Option<Duration>) {
        self.0.borrow_mut().push(("after", timeout));
    }
}

#[trio::task(allow(unstructured_spawn))]
async fn waits_in_several_ways() {
    const HOUR: Duration = Duration::from_secs(3600);
    // Until the clock jumps, which takes its threshold.
    trio::sleep(HOUR).await;
    wait_all_tasks_blocked_for(Duration::from_millis(2)).await;
    wait_all_tasks_blocked().await;
    // Until another thread has something to say.
    let token = current_trio_token();
    let (sender, receiver) = futures::channel::oneshot::channel();
    let thread = std::thread::spawn(move || token.call_soon(|| sender.send(()).unwrap()));
    receiver.await.unwrap();
    thread.join().unwrap().unwrap();
}

// K103
#[test]
fn a_wait_is_told_how_long_it_is_at_most() {
    let timeouts = Rc::new(Timeouts::default());
    let clock = MockClock::new();
    clock.set_autojump_threshold(Some(Duration::from_millis(3)));
    trio::Builder::new()
        .clock(clock)
        .instrument(Rc::clone(&timeouts) as Rc<dyn Instrument>)
        .run(waits_in_several_ways);
    let mut expected = Vec::new();
    for timeout in [Some(3), Some(2), Some(0), None] {
        let timeout = timeout.map(Duration::from_millis);
        expected.extend([("before", timeout), ("after", timeout)]);
    }
    assert_eq!(*timeouts.0.borrow(), expected);
}

#[test]
fn the_waits_for_the_system_are_seen() {
    let waits = Rc::new(Waits::default());
    trio::Builder::new()
        .instrument(Rc::clone(&waits) as Rc<dyn Instrument>)
        .run(|| trio::sleep(Duration::from_millis(2)));
    assert!(waits.begun.get() >= 1);
    assert_eq!(waits.begun.get(), waits.ended.get());
}

/// The hooks, in the order in which a run first calls them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hook {
    BeforeRun,
    Spawned,
    Scheduled,
    Before,
    After,
    BeforeWait,
    AfterWait,
    Exited,
    AfterRun,
}

const HOOKS: [Hook; 9] = [
    Hook::BeforeRun,
    Hook::Spawned,
    Hook::Scheduled,
    Hook::Before,
    Hook::After,
    Hook::BeforeWait,
    Hook::AfterWait,
    Hook::Exited,
    Hook::AfterRun,
];

/// Panics in one hook, and knows all that were called.
struct Broken {
    hook: Hook,
    called: RefCell<Vec<Hook>>,
}

impl Broken {
    fn in_hook(hook: Hook) -> Rc<Broken> {
        Rc::new(Broken { hook, called: RefCell::default() })
    }

    fn call(&self, hook: Hook) {
        self.called.borrow_mut().push(hook);
        assert_ne!(self.hook, hook, "a broken instrument");
    }
}

impl Instrument for Broken {
    fn before_run(&self) {
        self.call(Hook::BeforeRun);
    }
    fn after_run(&self) {
        self.call(Hook::AfterRun);
    }
    fn task_spawned(&self, _task: &Task) {
        self.call(Hook::Spawned);
    }
    fn task_scheduled(&self, _task: &Task) {
        self.call(Hook::Scheduled);
    }
    fn before_task_step(&self, _task: &Task) {
        self.call(Hook::Before);
    }
    fn after_task_step(&self, _task: &Task) {
        self.call(Hook::After);
    }
    fn task_exited(&self, _task: &Task) {
        self.call(Hook::Exited);
    }
    fn before_io_wait(&self, _timeout: Option<Duration>) {
        self.call(Hook::BeforeWait);
    }
    fn after_io_wait(&self, _timeout: Option<Duration>) {
        self.call(Hook::AfterWait);
    }
}

#[trio::task]
async fn two_children_and_a_wait() -> u32 {
    wait_all_tasks_blocked().await;
    two_children().await;
    7
}

// K104
#[test]
fn an_instrument_that_panics_is_removed_and_the_others_go_on() {
    for hook in HOOKS {
        let broken = Broken::in_hook(hook);
        let recorder = Recorder::of("steps");
        let value = trio::Builder::new()
            .instrument(Rc::clone(&broken) as Rc<dyn Instrument>)
            .instrument(Rc::clone(&recorder) as Rc<dyn Instrument>)
            .run(two_children_and_a_wait);
        assert_eq!(value, 7);
        let called = broken.called.borrow();
        assert_eq!(called.last(), Some(&hook), "it is not called again");
        assert_eq!(called.iter().filter(|called| **called == hook).count(), 1);
        assert_eq!(recorder.seen.borrow().len(), 13, "{hook:?}");
    }
}

// K104
#[test]
fn an_instrument_that_panics_is_reported() {
    if let Some(output) = rerun("an_instrument_that_panics_is_reported") {
        assert!(output.status.success());
        let text = stderr(&output);
        assert_eq!(text.matches("trio: an instrument panicked").count(), HOOKS.len(), "{text}");
        return;
    }
    for hook in HOOKS {
        let broken = Broken::in_hook(hook);
        trio::Builder::new().instrument(broken).run(two_children_and_a_wait);
    }
}

/// Exchanges one instrument for another when a task is stepped.
struct Exchanges {
    old: Rc<dyn Instrument>,
    new: Rc<dyn Instrument>,
}

impl Instrument for Exchanges {
    fn before_task_step(&self, _task: &Task) {
        if remove_instrument(&self.old) {
            add_instrument(Rc::clone(&self.new));
        }
    }
}

// K105
#[test]
fn a_hook_may_add_and_remove_instruments() {
    let (old, new) = (Rc::new(Names::default()), Rc::new(Names::default()));
    let exchanges = Exchanges { old: Rc::clone(&old) as _, new: Rc::clone(&new) as _ };
    trio::Builder::new()
        .instrument(Rc::new(exchanges))
        .instrument(Rc::clone(&old) as Rc<dyn Instrument>)
        .run(one_checkpoint);
    let name = ["one_checkpoint"];
    // The hook that is being called is called for those who were there when it began.
    assert_eq!(
        old.of(&name),
        ["spawned one_checkpoint", "scheduled one_checkpoint", "before one_checkpoint"]
    );
    assert_eq!(new.of(&name), ["after one_checkpoint", "exited one_checkpoint"]);
}

/// Has nothing to say.
struct Silent;

impl Instrument for Silent {}

// K105
#[trio::test]
async fn an_instrument_without_hooks_is_one() {
    let silent = Rc::new(Silent) as Rc<dyn Instrument>;
    add_instrument(Rc::clone(&silent));
    two_children().await;
    assert!(remove_instrument(&silent));
}

// K105
#[trio::test]
async fn adding_twice_is_adding_once_and_removing_twice_is_noticed() {
    let recorder = Recorder::of("steps");
    let instrument = Rc::clone(&recorder) as Rc<dyn Instrument>;
    add_instrument(Rc::clone(&instrument));
    add_instrument(Rc::clone(&instrument));
    nursery!(|n| {
        n.spawn(steps);
        checkpoint().await;
    })
    .unwrap();
    assert_eq!(recorder.seen.borrow().iter().filter(|hook| **hook == "spawned").count(), 1);
    assert!(remove_instrument(&instrument));
    assert!(!remove_instrument(&instrument));
}
