//! A value that many tasks read, or one writes: `RwLock`.

use std::cell::{Cell, RefCell};
use std::mem;

use futures::FutureExt;
use tests::panics::{panic_text, text};
use trio::lowlevel::{checkpoint, current_task};
use trio::sync::RwLock;
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};
use trio::{Builder, Nursery, Outcome, nursery};

type Log = RefCell<Vec<String>>;

#[derive(Default)]
struct Shared {
    lock: RwLock,
    log: Log,
}

#[trio::task]
async fn reads(shared: &Shared, name: &str) {
    let _guard = shared.lock.read().await;
    shared.log.borrow_mut().push(format!("+{name}"));
    wait_all_tasks_blocked().await;
    shared.log.borrow_mut().push(format!("-{name}"));
}

#[trio::task]
async fn writes(shared: &Shared, name: &str) {
    let _guard = shared.lock.write().await;
    shared.log.borrow_mut().push(format!("+{name}"));
    wait_all_tasks_blocked().await;
    shared.log.borrow_mut().push(format!("-{name}"));
}

/// Spawns, in this order, tasks that read (`r…`) or write (`w…`), each waiting before the next comes.
#[trio::task]
async fn come<'s>(n: Nursery<'s>, shared: &'s Shared, names: &[&'s str]) {
    for name in names {
        if name.starts_with('r') {
            n.spawn(reads, shared, name);
        } else {
            n.spawn(writes, shared, name);
        }
        checkpoint().await;
        checkpoint().await;
    }
}

#[trio::test]
async fn many_read_at_a_time_and_one_writes() {
    let lock = RwLock::new(1);
    let (one, another) = (lock.read().await, lock.try_read().unwrap());
    assert_eq!((*one, *another), (1, 1));
    lock.try_write().unwrap_err();
    let statistics = lock.statistics();
    assert_eq!((statistics.readers, statistics.writer, statistics.tasks_waiting), (2, None, 0));
    drop(one);
    lock.try_write().unwrap_err();
    drop(another);
    let mut guard = lock.try_write().unwrap();
    *guard += 1;
    assert_eq!(lock.statistics().writer, Some(current_task()));
    assert_eq!(format!("{guard:?}"), "WriteGuard(2)");
    drop(guard);
    assert_eq!(format!("{:?}", lock.read().await), "ReadGuard(2)");
    assert_eq!(lock.into_inner(), 2);
}

#[trio::test]
async fn reading_and_writing_are_checkpoints_whether_they_wait_or_not() {
    let lock = RwLock::new(());
    drop(assert_future_checkpoints(lock.read()).await);
    drop(assert_future_checkpoints(lock.write()).await);
    nursery!(|n| {
        for _ in 0..2 {
            n.spawn(async {
                let _guard = lock.write().await;
                wait_all_tasks_blocked().await;
            });
        }
        checkpoint().await;
        drop(assert_future_checkpoints(lock.read()).await);
    })
    .unwrap();
    nursery!(|n| {
        n.spawn(async {
            let _guard = lock.read().await;
            wait_all_tasks_blocked().await;
        });
        checkpoint().await;
        drop(assert_future_checkpoints(lock.write()).await);
    })
    .unwrap();
}

#[trio::test]
async fn a_writer_does_not_wait_for_those_who_come_to_read_after_it() {
    let shared = Shared::default();
    nursery!(|n| {
        let first = shared.lock.read().await;
        come(n, &shared, &["w1", "r1", "r2", "w2", "r3"]).await;
        // Nobody is let in before the writer who waits, though reading would be possible.
        assert!(shared.log.borrow().is_empty());
        shared.lock.try_read().unwrap_err();
        assert_eq!(shared.lock.statistics().tasks_waiting, 5);
        drop(first);
    })
    .unwrap();
    let log = shared.log.borrow().join(" ");
    assert_eq!(log, "+w1 -w1 +r1 +r2 -r1 -r2 +w2 -w2 +r3 -r3");
}

#[trio::test]
async fn a_writer_lets_the_next_in_by_the_order_in_which_they_came() {
    let shared = Shared::default();
    nursery!(|n| {
        let first = shared.lock.write().await;
        come(n, &shared, &["r1", "r2", "w1", "w2", "r3"]).await;
        assert!(shared.log.borrow().is_empty());
        drop(first);
        // They have it already.
        assert_eq!(shared.lock.statistics().readers, 2);
        shared.lock.try_read().unwrap_err();
        shared.lock.try_write().unwrap_err();
    })
    .unwrap();
    let log = shared.log.borrow().join(" ");
    assert_eq!(log, "+r1 +r2 -r1 -r2 +w1 -w1 +w2 -w2 +r3 -r3");
}

#[trio::test]
async fn readers_behind_a_writer_that_is_cancelled_go_on_at_once() {
    let shared = Shared::default();
    nursery!(|n| {
        let _first = shared.lock.read().await;
        let writer = n.spawn(writes, &shared, "w1");
        checkpoint().await;
        n.spawn(async {
            let _guard = shared.lock.read().await;
            shared.log.borrow_mut().push(String::from("r1"));
        });
        wait_all_tasks_blocked().await;
        assert!(shared.log.borrow().is_empty());
        writer.cancel();
        wait_all_tasks_blocked().await;
        assert_eq!(*shared.log.borrow(), ["r1"]);
    })
    .unwrap();
}

#[trio::test]
async fn readers_behind_a_writer_whose_future_goes_go_on_at_once() {
    let shared = Shared::default();
    nursery!(|n| {
        let first = shared.lock.read().await;
        {
            let mut writer = Box::pin(shared.lock.write());
            assert!(writer.as_mut().now_or_never().is_none());
            n.spawn(reads, &shared, "r1");
            checkpoint().await;
            checkpoint().await;
            assert!(shared.log.borrow().is_empty());
        }
        assert_eq!(shared.lock.statistics().readers, 2);
        // Likewise if it had its turn already.
        wait_all_tasks_blocked().await;
        let mut writer = Box::pin(shared.lock.write());
        assert!(writer.as_mut().now_or_never().is_none());
        n.spawn(reads, &shared, "r2");
        wait_all_tasks_blocked().await;
        drop(first);
        assert!(shared.lock.statistics().writer.is_some());
        drop(writer);
        assert_eq!(shared.lock.statistics().readers, 1);
    })
    .unwrap();
    assert_eq!(shared.log.borrow().join(" "), "+r1 -r1 +r2 -r2");
}

#[trio::test]
async fn reading_that_is_dropped_when_its_turn_has_come_is_given_back() {
    let shared = Shared::default();
    nursery!(|n| {
        let writer = n.spawn(async {
            let _guard = shared.lock.write().await;
            trio::sleep_forever().await;
        });
        checkpoint().await;
        let mut reader = Box::pin(shared.lock.read());
        assert!(reader.as_mut().now_or_never().is_none());
        n.spawn(writes, &shared, "w1");
        wait_all_tasks_blocked().await;
        writer.cancel();
        wait_all_tasks_blocked().await;
        assert_eq!((shared.lock.statistics().readers, shared.log.borrow().len()), (1, 0));
        drop(reader);
        assert_eq!(shared.lock.statistics().readers, 0);
    })
    .unwrap();
    assert_eq!(shared.log.borrow().join(" "), "+w1 -w1");
}

#[trio::task]
async fn works(lock: &RwLock<u32>, writers: &Cell<u32>, readers: &Cell<u32>, number: u32) {
    for round in 0..10 {
        checkpoint().await;
        if (round + number).is_multiple_of(3) {
            let mut guard = lock.write().await;
            assert_eq!((writers.replace(1), readers.get()), (0, 0));
            let before = *guard;
            checkpoint().await;
            *guard = before + 1;
            writers.set(0);
        } else {
            let _guard = lock.read().await;
            assert_eq!(writers.get(), 0);
            readers.set(readers.get() + 1);
            checkpoint().await;
            readers.set(readers.get() - 1);
        }
    }
}

#[trio::task]
async fn all_work() -> u32 {
    let (lock, writers, readers) = (RwLock::new(0), Cell::new(0), Cell::new(0));
    nursery!(|n| {
        for number in 0..6 {
            n.spawn(works, &lock, &writers, &readers, number);
        }
    })
    .unwrap();
    lock.into_inner()
}

#[test]
fn nobody_reads_while_somebody_writes() {
    for seed in 0..20 {
        assert_eq!(Builder::new().scheduler_seed(seed).run(all_work), 20);
    }
}

#[trio::test]
async fn a_task_that_writes_must_not_ask_again() {
    let lock = RwLock::new(());
    let _guard = lock.write().await;
    for text in [panic_text(|| lock.try_read()), panic_text(|| lock.try_write())] {
        assert!(text.contains("already has this lock: a lock is not re-entrant"), "{text}");
    }
}

#[trio::test]
async fn a_lock_whose_writer_ends_without_releasing_it_is_broken() {
    let lock = RwLock::new(());
    nursery!(|n| {
        n.spawn_named("the writer", async {
            let guard = lock.write().await;
            wait_all_tasks_blocked().await;
            mem::forget(guard);
        });
        checkpoint().await;
        let reads = n.spawn_monitored(async { drop(lock.read().await) });
        let writes = n.spawn_monitored(async { drop(lock.write().await) });
        for waiting in [reads, writes] {
            let Outcome::Panicked(payload) = waiting.outcome().await else { panic!("it goes on") };
            let text = text(&*payload);
            assert!(text.contains("its owner, task `the writer`, has ended"), "{text}");
        }
    })
    .unwrap();
    for text in [panic_text(|| lock.try_read()), panic_text(|| lock.try_write())] {
        assert!(text.contains("its owner, task `the writer`, has ended"), "{text}");
    }
}

#[test]
fn a_lock_can_be_made_and_looked_at_outside_a_run() {
    let mut lock = RwLock::from(1);
    *lock.get_mut() += 1;
    assert_eq!(*lock.try_read().unwrap(), 2);
    let shown = "RwLock { readers: 0, writer: None, tasks_waiting: 0, .. }";
    assert_eq!(format!("{lock:?}"), shown);
    assert!(panic_text(|| lock.try_write()).contains("inside a trio task"));
}
