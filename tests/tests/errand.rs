//! What worker threads are made of: errands of tasks, and requests of threads.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use tests::faults::OnDrop;
use tests::panics::{panic_text, text};
use trio::lowlevel::{
    Errand, ErrandHost, abandonable_errand, checkpoint, current_task, current_trio_token, errand,
    request, task_request,
};
use trio::testing::{assert_checkpoints, wait_all_tasks_blocked};
use trio::thread::HomeRef;
use trio::{CancelScope, nursery};

fn in_a_thread(errand: Errand) {
    thread::spawn(move || errand.run());
}

#[trio::test]
async fn an_errand_is_a_checkpoint_however_soon_it_is_over() {
    assert_checkpoints(|| errand(|_| (), in_a_thread)).await;
    // Here and now.
    assert_checkpoints(|| errand(|_| (), |errand| drop(errand.run()))).await;
    assert_checkpoints(|| abandonable_errand(|_| (), |errand| drop(errand.run()))).await;
}

#[trio::test]
async fn the_task_goes_on_when_what_is_left_of_the_errand_is_dropped() {
    let (send, receive) = channel();
    let over = Cell::new(false);
    nursery!(|n| {
        n.spawn(async {
            let value = errand(|_| 7, |errand| send.send(errand).unwrap()).await;
            assert_eq!(value, 7);
            over.set(true);
        });
        wait_all_tasks_blocked().await;
        let finished = receive.recv().unwrap().run();
        wait_all_tasks_blocked().await;
        assert!(!over.get());
        drop(finished);
    })
    .unwrap();
    assert!(over.get());
}

#[test]
fn an_errand_that_nobody_runs_is_a_panic_and_its_job_is_gone() {
    let (send, receive) = channel();
    let dropped = OnDrop(move || send.send(()).unwrap());
    let job = move |_: &ErrandHost| drop(dropped);
    let text = panic_text(|| trio::run(|| errand(job, drop)));
    assert_eq!(text, "the `Errand` of this task was dropped: nobody has run it");
    receive.try_recv().unwrap();
}

#[test]
fn a_panic_while_it_is_sent_waits_for_what_was_sent() {
    let done = AtomicBool::new(false);
    let text = panic_text(|| {
        trio::run(|| {
            errand(
                |_| done.store(true, Ordering::Relaxed),
                |errand| {
                    in_a_thread(errand);
                    panic!("while it was sent")
                },
            )
        })
    });
    assert_eq!(text, "while it was sent");
    assert!(done.into_inner());
}

#[trio::test]
async fn an_errand_that_may_be_abandoned_is_and_one_that_is_over_is_not() {
    for is_over in [false, true] {
        let (send, receive) = channel();
        let (scope, value) = (CancelScope::new(), Cell::new(None));
        nursery!(|n| {
            n.spawn(async {
                let inside = scope.run(async {
                    abandonable_errand(|_| 7, |errand| send.send(errand).unwrap()).await
                });
                value.set(inside.await);
            });
            wait_all_tasks_blocked().await;
            let errand = receive.recv().unwrap();
            if is_over {
                drop(errand.run());
                scope.cancel();
            } else {
                scope.cancel();
                wait_all_tasks_blocked().await;
                drop(errand.run());
            }
        })
        .unwrap();
        assert_eq!(value.get(), is_over.then_some(7));
    }
}

#[trio::test]
async fn a_host_that_does_not_wait_any_more_refuses() {
    let host = errand(|host| host.clone(), in_a_thread).await;
    let asks = move |_: &ErrandHost| {
        let called = request(|| unreachable!(), |request| host.call(request));
        let awaited = task_request(checkpoint, |request| host.run(request));
        (called, awaited)
    };
    assert_eq!(errand(asks, in_a_thread).await, (None::<()>, None));
}

#[trio::test(allow(blocking_sync))]
async fn a_host_serves_its_guests_one_after_the_other() {
    let (task, running) = (current_task(), Cell::new(false));
    let (task, running) = (HomeRef::new(&task), HomeRef::new(&running));
    let served = errand(
        |host| {
            let ask = || {
                task_request(
                    || async {
                        assert!(current_task() == *task.get() && !running.get().replace(true));
                        checkpoint().await;
                        running.get().set(false);
                    },
                    |request| host.run(request),
                )
            };
            thread::scope(|threads| {
                let guests: Vec<_> = (0..3).map(|_| threads.spawn(ask)).collect();
                guests.into_iter().filter_map(|guest| guest.join().unwrap()).count()
            })
        },
        in_a_thread,
    );
    assert_eq!(served.await, 3);
}

#[trio::test]
async fn a_request_that_is_dropped_has_no_answer() {
    let dropped = |_: &ErrandHost| {
        let function = request(|| unreachable!(), drop);
        let thunk = task_request(checkpoint, drop);
        (function, thunk)
    };
    assert_eq!(errand(dropped, in_a_thread).await, (None::<()>, None));
}

#[trio::test]
async fn a_panic_while_a_request_is_sent_waits_for_what_was_sent() {
    let token = current_trio_token();
    let job = move |_: &ErrandHost| {
        let mut called = false;
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            request(
                || called = true,
                |request| {
                    token.call_soon(|| request.call()).unwrap();
                    panic!("while it was sent")
                },
            )
        }));
        (called, text(&*panicked.unwrap_err()))
    };
    let (called, text) = errand(job, in_a_thread).await;
    assert!(called);
    assert_eq!(text, "while it was sent");
}

#[trio::test]
async fn a_request_may_be_run_by_any_task() {
    let (send, receive) = channel();
    nursery!(|n| {
        n.spawn(async {
            let job =
                |_: &ErrandHost| task_request(checkpoint, |request| send.send(request).unwrap());
            assert_eq!(errand(job, in_a_thread).await, Some(()));
        });
        wait_all_tasks_blocked().await;
        receive.recv().unwrap().into_call().await;
    })
    .unwrap();
}
