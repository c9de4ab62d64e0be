//! Very deep trees and very wide nurseries: nothing recurses, nothing is quadratic.
//!
//! A quadratic step over 100,000 tasks would take minutes in a debug build: the limit of each test
//! is far from what it needs, and far from that.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tests::faults::Fault;
use tests::panics::panic_text;
use trio::lowlevel::{Clock, checkpoint, statistics};
use trio::testing::{MockClock, wait_all_tasks_blocked};
use trio::{ErrorGroup, Outcome, nursery, sleep_forever};

const DEEP: usize = 100_000;
const WIDE: usize = 1_000_000;

/// Runs `f`, which must not take much longer than it needs.
#[track_caller]
fn in_time<R>(f: impl FnOnce() -> R) -> R {
    let start = Instant::now();
    let result = f();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(40), "it took {took:?}");
    result
}

/// What the task at the bottom of a deep tree does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bottom {
    End,
    Wait,
    Fail,
    Panic,
}

/// Each task opens a nursery for the next.
#[trio::task(boxed)]
async fn descend(left: usize, bottom: Bottom, ended: Rc<Cell<usize>>) -> trio::Result<()> {
    let _counts = Counts(Rc::clone(&ended));
    nursery!(|n| {
        if left > 1 {
            n.spawn(descend, left - 1, bottom, ended);
        } else {
            match bottom {
                Bottom::End => {}
                Bottom::Wait => sleep_forever().await,
                Bottom::Fail => Err(Fault("at the bottom"))?,
                Bottom::Panic => panic!("at the bottom"),
            }
        }
    })?;
    Ok(())
}

/// Counts when it is dropped.
struct Counts(Rc<Cell<usize>>);

impl Drop for Counts {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[test]
fn a_deep_tree_of_tasks_runs() {
    let ended = Rc::new(Cell::new(0));
    in_time(|| trio::run(|| descend(DEEP, Bottom::End, Rc::clone(&ended)))).unwrap();
    assert_eq!(ended.get(), DEEP);
}

#[test]
fn a_deep_tree_of_tasks_is_cancelled_from_its_top() {
    #[trio::task]
    async fn main(ended: &Rc<Cell<usize>>) {
        nursery!(|n| {
            n.spawn(descend, DEEP, Bottom::Wait, Rc::clone(ended));
            wait_all_tasks_blocked().await;
            assert_eq!(statistics().tasks_living, DEEP + 1);
            assert_eq!(ended.get(), 0);
            n.cancel();
        })
        .unwrap();
    }
    let ended = Rc::new(Cell::new(0));
    in_time(|| trio::run(|| main(&ended)));
    assert_eq!(ended.get(), DEEP);
}

#[test]
fn an_error_comes_up_from_the_bottom_of_a_deep_tree() {
    let ended = Rc::new(Cell::new(0));
    in_time(|| {
        let result = trio::run(|| descend(DEEP, Bottom::Fail, Rc::clone(&ended)));
        assert_eq!(ended.get(), DEEP);
        let group = result.unwrap_err().downcast::<ErrorGroup>().unwrap();
        assert_eq!(group.find(), Some(&Fault("at the bottom")));
        assert_eq!(group.leaves().count(), 1);
        assert_eq!(group.to_string(), "1 error in a nursery: at the bottom");
        let printed = format!("{group:#}");
        assert!(printed.contains("nested deeper"), "the tree is cut off");
        assert!(printed.len() < 100_000);
        let (found, rest) = group.split::<std::io::Error>();
        assert!(found.is_empty());
        let single = rest.unwrap().into_single().unwrap();
        assert_eq!(single.downcast_ref(), Some(&Fault("at the bottom")));
    });
}

#[test]
fn a_deep_group_is_dropped() {
    let ended = Rc::new(Cell::new(0));
    in_time(|| drop(trio::run(|| descend(DEEP, Bottom::Fail, Rc::clone(&ended)))));
}

#[test]
fn a_deep_group_is_split() {
    let ended = Rc::new(Cell::new(0));
    in_time(|| {
        let result = trio::run(|| descend(DEEP, Bottom::Fail, Rc::clone(&ended)));
        let group = result.unwrap_err().downcast::<ErrorGroup>().unwrap();
        let (found, rest) = group.split::<Fault>();
        assert_eq!(found, [Fault("at the bottom")]);
        assert!(rest.is_none());
    });
}

#[test]
fn a_panic_comes_up_from_the_bottom_of_a_deep_tree() {
    // The compiler's sanitizers make a panic some fifty times as slow.
    let levels = DEEP / 10;
    let ended = Rc::new(Cell::new(0));
    let text =
        in_time(|| panic_text(|| trio::run(|| descend(levels, Bottom::Panic, Rc::clone(&ended)))));
    assert_eq!(text, "at the bottom");
    assert_eq!(ended.get(), levels);
}

#[test]
fn a_deep_tree_goes_with_the_frame_that_it_hangs_from() {
    #[trio::task]
    async fn main(ended: Rc<Cell<usize>>) {
        let mut frame = Box::pin(descend(DEEP, Bottom::Wait, Rc::clone(&ended)).into_future());
        std::future::poll_fn(|cx| {
            assert!(frame.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        wait_all_tasks_blocked().await;
        assert_eq!(statistics().tasks_living, DEEP);
        assert_eq!(ended.get(), 0);
        drop(frame);
        assert_eq!(ended.get(), DEEP);
        assert_eq!(statistics().tasks_living, 1);
        checkpoint().await;
    }
    in_time(|| trio::run(|| main(Rc::default())));
}

#[test]
fn a_deep_tree_is_torn_down_deepest_first() {
    #[trio::task(boxed)]
    async fn note(left: usize, log: Rc<RefCell<Vec<usize>>>) {
        struct Notes(usize, Rc<RefCell<Vec<usize>>>);
        impl Drop for Notes {
            fn drop(&mut self) {
                self.1.borrow_mut().push(self.0);
            }
        }
        let _notes = Notes(left, Rc::clone(&log));
        nursery!(|n| {
            if left > 0 {
                n.spawn(note, left - 1, log);
            }
            sleep_forever().await
        })
        .unwrap();
    }
    #[trio::task]
    async fn main(log: Rc<RefCell<Vec<usize>>>) {
        let mut frame = Box::pin(note(1000, log).into_future());
        std::future::poll_fn(|cx| {
            assert!(frame.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        wait_all_tasks_blocked().await;
    }
    let log = Rc::new(RefCell::default());
    trio::run(|| main(Rc::clone(&log)));
    assert_eq!(*log.borrow(), (0..=1000).collect::<Vec<_>>());
}

#[test]
fn a_deep_tree_goes_with_a_run_that_fails() {
    /// A clock that breaks once everything waits.
    struct Breaks(MockClock);
    impl Clock for Breaks {
        fn now(&self) -> trio::Instant {
            self.0.now()
        }
        fn time_until(&self, _: trio::Instant) -> Option<Duration> {
            panic!("the clock is broken")
        }
    }
    #[trio::task]
    async fn main(ended: Rc<Cell<usize>>) {
        nursery!(|n| {
            n.spawn(descend, DEEP, Bottom::Wait, ended);
            wait_all_tasks_blocked().await;
            trio::sleep(Duration::from_secs(1)).await;
        })
        .unwrap();
    }
    let ended = Rc::new(Cell::new(0));
    let text = in_time(|| {
        panic_text(|| {
            trio::Builder::new().clock(Breaks(MockClock::new())).run(|| main(Rc::clone(&ended)))
        })
    });
    assert_eq!(text, "the clock is broken");
    assert_eq!(ended.get(), DEEP);
}

#[test]
fn a_deep_tree_of_started_tasks_is_cancelled() {
    #[trio::task(boxed)]
    async fn start_next(status: trio::TaskStatus<()>, left: usize) -> trio::Result<()> {
        nursery!(|n| {
            if left > 0 {
                n.start(start_next, left - 1).await?;
            }
            status.started(());
            sleep_forever().await
        })?;
        Ok(())
    }
    #[trio::task]
    async fn main() {
        nursery!(|n| {
            n.start(start_next, DEEP).await?;
            assert_eq!(statistics().tasks_living, DEEP + 2);
            n.cancel();
        })
        .unwrap();
    }
    in_time(|| trio::run(main));
}

#[trio::task]
async fn end() {
    checkpoint().await;
}

#[trio::task]
async fn wait_for_ever() {
    sleep_forever().await
}

#[test]
fn a_wide_nursery_runs() {
    #[trio::task]
    async fn main() {
        nursery!(|n| {
            for _ in 0..WIDE {
                n.spawn(end);
            }
            assert_eq!(n.statistics().children, WIDE);
        })
        .unwrap();
        assert_eq!(statistics().tasks_living, 1);
    }
    in_time(|| trio::run(main));
}

#[test]
fn a_wide_nursery_is_cancelled() {
    #[trio::task]
    async fn main() {
        nursery!(|n| {
            for _ in 0..WIDE {
                n.spawn(wait_for_ever);
            }
            wait_all_tasks_blocked().await;
            assert_eq!(statistics().tasks_living, WIDE + 1);
            n.cancel();
        })
        .unwrap();
        assert_eq!(statistics().tasks_living, 1);
    }
    in_time(|| trio::run(main));
}

#[test]
fn the_services_of_a_wide_nursery_are_ended() {
    #[trio::task]
    async fn main() {
        nursery!(|n| {
            for _ in 0..WIDE {
                n.spawn_service(wait_for_ever);
            }
            wait_all_tasks_blocked().await;
            assert_eq!(n.statistics().services, WIDE);
        })
        .unwrap();
        assert_eq!(statistics().tasks_living, 1);
    }
    in_time(|| trio::run(main));
}

#[test]
fn a_deep_tree_of_services_is_ended() {
    #[trio::task(boxed)]
    async fn descend(left: usize) {
        nursery!(|n| {
            if left > 1 {
                n.spawn_service(descend, left - 1);
            }
            wait_all_tasks_blocked().await;
        })
        .unwrap();
    }
    in_time(|| trio::run(|| descend(DEEP)));
}

#[test]
fn a_wide_nursery_is_asked_to_stop() {
    #[trio::task]
    async fn stops() {
        assert!(trio::until_stop(sleep_forever).await.is_none());
    }
    #[trio::task]
    async fn main() {
        nursery!(|n| {
            for _ in 0..WIDE / 2 {
                n.spawn(stops);
            }
            wait_all_tasks_blocked().await;
            n.request_stop(Duration::from_secs(3600));
        })
        .unwrap();
    }
    in_time(|| trio::run(main));
}

#[test]
fn the_children_of_a_wide_nursery_are_cancelled_one_by_one() {
    #[trio::task]
    async fn main() {
        nursery!(|n| {
            let tasks: Vec<_> = (0..DEEP).map(|_| n.spawn(wait_for_ever)).collect();
            wait_all_tasks_blocked().await;
            for task in tasks.iter().rev() {
                task.cancel();
            }
        })
        .unwrap();
    }
    in_time(|| trio::run(main));
}

#[test]
fn every_child_of_a_wide_nursery_fails() {
    #[trio::task]
    async fn fails() -> Result<(), Fault> {
        trio::lowlevel::cancel_shielded_checkpoint().await;
        Err(Fault("one of many"))
    }
    #[trio::task]
    async fn main() {
        let group = nursery!(|n| {
            for _ in 0..DEEP {
                n.spawn(fails);
            }
        })
        .unwrap_err();
        assert_eq!(group.len(), DEEP);
    }
    in_time(|| trio::run(main));
}

#[test]
fn a_wide_nursery_goes_with_its_frame() {
    #[trio::task]
    async fn open(count: usize) {
        nursery!(|n| {
            for _ in 0..count {
                n.spawn(wait_for_ever);
            }
        })
        .unwrap();
    }
    #[trio::task]
    async fn main() {
        let mut frame = Box::pin(open(WIDE).into_future());
        std::future::poll_fn(|cx| {
            assert!(frame.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        wait_all_tasks_blocked().await;
        drop(frame);
        assert_eq!(statistics().tasks_living, 1);
        checkpoint().await;
    }
    in_time(|| trio::run(main));
}

#[test]
fn a_million_nurseries_are_opened_one_after_the_other() {
    #[trio::task]
    async fn main() -> u32 {
        let mut ended = 0;
        for _ in 0..WIDE {
            nursery!(|_n| ended += 1).unwrap();
        }
        ended
    }
    assert_eq!(in_time(|| trio::run(main)), 1_000_000);
}

#[test]
fn many_tasks_wait_for_one() {
    #[trio::task]
    async fn wait_for(task: &trio::TaskHandle<()>) {
        task.wait().await;
    }
    #[trio::task]
    async fn main() {
        nursery!(|n| {
            let task = n.spawn(wait_for_ever);
            nursery!(|waiters| {
                for _ in 0..DEEP {
                    waiters.spawn(wait_for, &task);
                }
                wait_all_tasks_blocked().await;
                task.cancel();
            })
            .unwrap();
        })
        .unwrap();
    }
    in_time(|| trio::run(main));
}

#[trio::test]
async fn a_monitored_task_deep_down_keeps_its_ending_to_itself() {
    #[trio::task(boxed)]
    async fn nest(left: usize) {
        nursery!(|n| {
            if left > 0 {
                let outcome = n.spawn_monitored(nest, left - 1).outcome().await;
                assert!(matches!(outcome, Outcome::Panicked(_)), "{outcome:?}");
            }
        })
        .unwrap();
        panic!("level {left}");
    }
    let outcome = nursery!(|n| n.spawn_monitored(nest, 100).outcome().await).unwrap();
    assert_eq!(format!("{outcome:?}"), r#"Panicked("level 100")"#);
}

#[test]
fn the_task_tree_of_a_deep_tree_can_be_printed() {
    #[trio::task]
    async fn main() {
        let tree = |cancelled| {
            let tree = trio::lowlevel::task_tree();
            assert_eq!(tree.matches("task `descend").count(), DEEP);
            assert_eq!(tree.matches("[cancelled]").count(), if cancelled { DEEP } else { 0 });
        };
        nursery!(|n| {
            n.spawn(descend, DEEP, Bottom::Wait, Rc::default());
            wait_all_tasks_blocked().await;
            tree(false);
            n.cancel();
            tree(true);
        })
        .unwrap();
    }
    in_time(|| trio::run(main));
}
