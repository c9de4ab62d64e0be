//! Instruments: what they see, and what they cannot break.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use trio::lowlevel::{
    Instrument, Task, add_instrument, checkpoint, in_trio_run, in_trio_task, remove_instrument,
};
use trio::nursery;

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

#[test]
fn the_waits_for_the_system_are_seen() {
    let waits = Rc::new(Waits::default());
    trio::Builder::new()
        .instrument(Rc::clone(&waits) as Rc<dyn Instrument>)
        .run(|| trio::sleep(Duration::from_millis(2)));
    assert!(waits.begun.get() >= 1);
    assert_eq!(waits.begun.get(), waits.ended.get());
}

/// Panics in one hook.
struct Broken(Cell<u32>);

impl Instrument for Broken {
    fn before_task_step(&self, _task: &Task) {
        self.0.set(self.0.get() + 1);
        panic!("a broken instrument");
    }
}

// K104
#[test]
fn an_instrument_that_panics_is_removed_and_the_others_go_on() {
    let broken = Rc::new(Broken(Cell::new(0)));
    let recorder = Recorder::of("steps");
    trio::Builder::new()
        .instrument(Rc::clone(&broken) as Rc<dyn Instrument>)
        .instrument(Rc::clone(&recorder) as Rc<dyn Instrument>)
        .run(two_children);
    assert_eq!(broken.0.get(), 1);
    assert_eq!(recorder.seen.borrow().len(), 13);
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
