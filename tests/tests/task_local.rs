//! `task_local!`: values that follow a task.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tests::panics::panic_text;
use trio::lowlevel::{TaskLocals, checkpoint, current_trio_token, spawn_system_task};
use trio::testing::wait_all_tasks_blocked;
use trio::{TaskStatus, nursery};

trio::task_local! {
    static NUMBER: u32;
    /// A documented one, and visible.
    pub static TEXT: String;
}

#[trio::task]
async fn number_after_a_step() -> Option<u32> {
    checkpoint().await;
    NUMBER.get()
}

#[trio::test]
async fn without_a_scope_there_is_no_value() {
    checkpoint().await;
    assert_eq!(NUMBER.get(), None);
    assert!(NUMBER.with(|value| value.is_none()));
    assert!(TaskLocals::current().is_empty());
}

#[trio::test]
async fn a_value_holds_in_its_scope_and_the_one_before_after_it() {
    let block = async {
        checkpoint().await;
        assert_eq!(NUMBER.get(), Some(1));
        assert_eq!(NUMBER.scope(2, number_after_a_step).await, Some(2));
        assert_eq!(NUMBER.get(), Some(1));
    };
    NUMBER.scope(1, block).await;
    assert_eq!(NUMBER.get(), None);
}

#[trio::test]
async fn variables_are_independent() {
    let block = async {
        checkpoint().await;
        let inner = async {
            checkpoint().await;
            assert_eq!((NUMBER.get(), TEXT.get().as_deref()), (Some(1), Some("a")));
        };
        TEXT.scope("a".to_owned(), inner).await;
        assert_eq!((NUMBER.get(), TEXT.get()), (Some(1), None));
    };
    NUMBER.scope(1, block).await;
}

#[trio::test]
async fn a_child_inherits_from_the_task_that_spawns_it_and_keeps_it() -> trio::Result<()> {
    let seen = RefCell::new(Vec::new());
    nursery!(|n| {
        let spawn = async {
            checkpoint().await;
            n.spawn(async {
                trio::sleep_until(trio::current_time()).await;
                wait_all_tasks_blocked().await;
                seen.borrow_mut().push(NUMBER.get());
            });
        };
        // The nursery was opened without a value: it is the spawner's that counts.
        NUMBER.scope(5, spawn).await;
        n.spawn(async {
            checkpoint().await;
            seen.borrow_mut().push(NUMBER.get());
        });
    })?;
    assert_eq!(*seen.borrow(), [None, Some(5)]);
    Ok(())
}

#[trio::test]
async fn a_child_s_scope_is_not_its_parent_s() -> trio::Result<()> {
    nursery!(|n| {
        n.spawn(async { NUMBER.scope(9, trio::sleep_forever).await });
        wait_all_tasks_blocked().await;
        assert_eq!(NUMBER.get(), None);
        n.cancel();
    })?;
    Ok(())
}

#[trio::test]
async fn a_started_child_inherits_too() -> trio::Result<()> {
    #[trio::task]
    async fn service(status: TaskStatus<Option<u32>>) {
        checkpoint().await;
        status.started(NUMBER.get());
    }
    nursery!(|n| {
        let start = async { n.start(service).await };
        assert_eq!(NUMBER.scope(3, start).await?, Some(3));
    })?;
    Ok(())
}

#[trio::test]
async fn a_system_task_gets_what_the_run_began_with() -> trio::Result<()> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let spawn = async {
        checkpoint().await;
        spawn_system_task(move || async move { sender.send(NUMBER.get()).unwrap() });
    };
    NUMBER.scope(1, spawn).await;
    wait_all_tasks_blocked().await;
    assert_eq!(receiver.try_recv()?, None);
    Ok(())
}

#[test]
fn a_run_begins_with_the_values_of_its_thread() {
    let (main, system) = NUMBER.scope_sync(4, || {
        trio::run(|| async {
            let (sender, receiver) = std::sync::mpsc::channel();
            spawn_system_task(move || async move { sender.send(NUMBER.get()).unwrap() });
            wait_all_tasks_blocked().await;
            (NUMBER.get(), receiver.try_recv().unwrap())
        })
    });
    assert_eq!((main, system), (Some(4), Some(4)));
    assert_eq!(NUMBER.get(), None);
}

#[trio::test]
async fn what_is_called_into_the_run_sees_no_task_s_values() {
    let token = current_trio_token();
    let (sender, receiver) = std::sync::mpsc::channel();
    let block = async {
        token.call_soon(move || sender.send(NUMBER.get()).unwrap()).unwrap();
        wait_all_tasks_blocked().await;
    };
    NUMBER.scope(1, block).await;
    assert_eq!(receiver.try_recv(), Ok(None));
}

#[trio::test(allow(unstructured_spawn))]
async fn a_snapshot_can_be_entered_in_another_thread() {
    checkpoint().await;
    let locals = NUMBER.scope_sync(8, TaskLocals::current);
    assert_eq!(NUMBER.get(), None);
    let thread = std::thread::spawn(move || {
        let inside = locals.enter(|| NUMBER.get());
        (inside, NUMBER.get())
    });
    assert_eq!(thread.join().unwrap(), (Some(8), None));
}

#[trio::test]
async fn scopes_that_a_foreign_combinator_interleaves_do_not_mix() {
    #[trio::task]
    async fn twice(expected: u32) {
        for _ in 0..3 {
            assert_eq!(NUMBER.get(), Some(expected));
            checkpoint().await;
        }
    }
    let one = NUMBER.scope(1, || twice(1)).into_future();
    let two = NUMBER.scope(2, || twice(2)).into_future();
    futures::future::join(one, two).await;
    assert_eq!(NUMBER.get(), None);
}

#[trio::test(clock = "mock")]
async fn destructors_see_the_value_of_the_scope_that_is_unwound() {
    struct Look<'a>(&'a RefCell<Option<u32>>);
    impl Drop for Look<'_> {
        fn drop(&mut self) {
            *self.0.borrow_mut() = NUMBER.get();
        }
    }
    let seen = RefCell::new(None);
    let block = async {
        let _look = Look(&seen);
        trio::sleep_forever().await;
    };
    let limit = Duration::from_secs(1);
    trio::move_on_after(limit, async { NUMBER.scope(6, block).await }).await;
    assert_eq!(*seen.borrow(), Some(6));
    assert_eq!(NUMBER.get(), None);
}

#[trio::test]
async fn a_panic_restores_the_value_before() {
    checkpoint().await;
    let text = panic_text(|| NUMBER.scope_sync(1, || panic!("inside")));
    assert_eq!(text, "inside");
    assert_eq!(NUMBER.get(), None);
}

#[trio::test]
async fn a_value_lives_as_long_as_a_task_that_has_it_and_no_longer() -> trio::Result<()> {
    trio::task_local! {
        static SHARED: Arc<AtomicU32>;
    }
    let value = Arc::new(AtomicU32::new(0));
    nursery!(|n| {
        let block = async {
            checkpoint().await;
            n.spawn(async {
                wait_all_tasks_blocked().await;
                SHARED.with(|value| value.unwrap().fetch_add(1, Ordering::Relaxed));
            });
        };
        SHARED.scope(Arc::clone(&value), block).await;
        assert_eq!(Arc::strong_count(&value), 2);
    })?;
    assert_eq!((Arc::strong_count(&value), value.load(Ordering::Relaxed)), (1, 1));
    Ok(())
}

#[trio::test]
async fn a_destructor_of_a_value_that_panics_does_no_harm_to_the_run() -> trio::Result<()> {
    struct Rotten;
    impl Drop for Rotten {
        fn drop(&mut self) {
            panic!("in the value's destructor");
        }
    }
    trio::task_local! {
        static ROTTEN: Arc<Rotten>;
    }
    nursery!(|n| {
        let spawn = async {
            checkpoint().await;
            n.spawn(async {
                wait_all_tasks_blocked().await;
                assert!(ROTTEN.get().is_some_and(|value| Arc::strong_count(&value) > 1));
            });
        };
        // The child is the last one to have it.
        ROTTEN.scope(Arc::new(Rotten), spawn).await;
    })?;
    Ok(())
}

#[test]
fn a_hundred_thousand_scopes_within_scopes_are_given_up_one_by_one() {
    #[trio::task(boxed)]
    async fn go_down(depth: u32) -> trio::Result<()> {
        if depth == 0 {
            checkpoint().await;
            return Ok(());
        }
        nursery!(|n| {
            NUMBER.scope_sync(depth, || n.spawn(go_down, depth - 1));
        })?;
        assert_eq!(NUMBER.get(), (depth < 100_000).then_some(depth + 1));
        Ok(())
    }
    trio::run(|| go_down(100_000)).unwrap();
}
