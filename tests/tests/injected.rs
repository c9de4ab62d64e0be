//! Threads, signals, requests to stop, services, combinators and streams, cancelled everywhere: nothing
//! is lost, done twice or left behind. Queues and channels are in `injected_queues.rs`, the rest of
//! `sync` in `injected_sync.rs`.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tests::faults::Fault;
use tests::probe::OnDrop;
use tests::rerun::alone;
use tests::schedules::under_several_schedules;
use trio::lowlevel::{checkpoint, current_trio_token, statistics};
use trio::net::{TcpListener, TcpStream, UdpSocket, UnixStream};
use trio::signal::{Signal, open_signal_receiver};
use trio::stream::BufferedStream;
use trio::sync::CapacityLimiter;
use trio::testing::{
    CancelInjector, active_thread_count, cancel_everywhere, wait_all_threads_completed,
};
use trio::thread::{
    AbandonableThread, NoAnswer, WorkerThread, await_in_trio_thread, default_thread_limiter,
    run_in_trio_thread,
};
use trio::{
    CancelScope, Outcome, TaskStatus, gather, join, nursery, race, try_gather, try_join,
    until_stop, wait_for_stop,
};

const SECOND: Duration = Duration::from_secs(1);

/// How many tasks are in what is counted here, and how often it was begun and done.
#[derive(Default)]
struct Counts {
    inside: Cell<u32>,
    begun: Cell<u32>,
    done: Cell<u32>,
}

fn add(counter: &Cell<u32>) {
    counter.set(counter.get() + 1);
}

#[trio::task]
async fn counted<T>(counts: &Counts, pause: Duration, value: T) -> T {
    add(&counts.begun);
    add(&counts.inside);
    let _out = OnDrop(|| counts.inside.set(counts.inside.get() - 1));
    trio::sleep(pause).await;
    add(&counts.done);
    value
}

mod threads {
    use super::*;

    /// Once it was called it is waited for, and its value comes.
    #[trio::task]
    async fn calls() {
        let limiter = CapacityLimiter::new(1);
        let mut injector = CancelInjector::new();
        while let Some(round) = injector.next_round() {
            let (called, returned) = (AtomicU32::new(0), Cell::new(0));
            let all = async {
                nursery!(|n| {
                    for _ in 0..2 {
                        n.spawn(async {
                            let job = || called.fetch_add(1, Ordering::Relaxed);
                            WorkerThread::new().limiter(&limiter).run(job).await;
                            add(&returned);
                        });
                    }
                })
                .unwrap();
            };
            let through = round.run(all).await;
            assert_eq!(called.into_inner(), returned.get(), "{round}");
            assert!(through.is_none() || returned.get() == 2, "{round}");
            let left = limiter.statistics();
            assert_eq!((left.borrowed_tokens, left.tasks_waiting), (0, 0), "{round}");
            assert_eq!(active_thread_count(), 0, "{round}");
        }
        assert!(injector.places().len() > 8);
    }

    #[test]
    fn a_function_that_was_called_in_a_thread_has_its_value_told() {
        under_several_schedules(calls);
    }

    /// Its value is dropped if nobody wants it, and its token is back when it has ended.
    #[trio::task]
    async fn abandoned() {
        let limiter = Rc::new(CapacityLimiter::new(1));
        let mut injector = CancelInjector::new();
        while let Some(round) = injector.next_round() {
            let mark = std::sync::Arc::new(());
            let value = std::sync::Arc::clone(&mark);
            let thread = AbandonableThread::new().limiter(Rc::clone(&limiter));
            let through = round.run(|| thread.run(move || value)).await;
            assert!(through.is_some() || round.place().is_some(), "{round}");
            drop(through);
            wait_all_threads_completed().await;
            assert_eq!(std::sync::Arc::strong_count(&mark), 1, "{round}");
            assert_eq!(limiter.borrowed_tokens(), 0, "{round}");
        }
        assert!(injector.places().len() >= 3);
    }

    #[test]
    fn what_an_abandoned_thread_has_is_dropped() {
        under_several_schedules(abandoned);
    }

    /// A thread that waits for something in the run has its answer or hears that there is none.
    #[trio::task]
    async fn calls_back() {
        let mut injector = CancelInjector::new();
        while let Some(round) = injector.next_round() {
            let (begun, done) = (AtomicU32::new(0), AtomicU32::new(0));
            let job = || {
                run_in_trio_thread(|| begun.fetch_add(1, Ordering::Relaxed)).unwrap();
                let answer = await_in_trio_thread(|| async {
                    checkpoint().await;
                    checkpoint().await;
                    done.fetch_add(1, Ordering::Relaxed);
                });
                assert!(matches!(answer, Ok(()) | Err(NoAnswer::Cancelled(_))), "{answer:?}");
                answer.is_ok()
            };
            let answered = round.run(async { WorkerThread::new().run(job).await }).await;
            let (begun, done) = (begun.into_inner(), done.into_inner());
            assert_eq!(done == 1, answered == Some(true), "{round}");
            assert!(done <= begun && begun <= 1, "{round}");
            assert_eq!(begun == 1, answered.is_some(), "{round}");
            assert_eq!(default_thread_limiter().borrowed_tokens(), 0, "{round}");
        }
        assert!(injector.places().len() > 4);
    }

    #[test]
    fn a_thread_that_calls_back_is_answered() {
        under_several_schedules(calls_back);
    }

    #[trio::task]
    async fn receives_a_call(round: &trio::testing::CancelRound) {
        let token = current_trio_token();
        let called = AtomicU32::new(0);
        let answered = round
            .run(async {
                let job = || token.run_in_trio_thread(|| called.fetch_add(1, Ordering::Relaxed));
                WorkerThread::new().run(job).await
            })
            .await;
        assert!(answered.is_none_or(|answer| answer == Ok(0)), "{round}");
        assert_eq!(answered.is_some(), called.into_inner() == 1, "{round}");
    }

    #[trio::test]
    async fn a_call_with_a_token_is_made_though_the_task_is_cancelled() {
        let mut injector = CancelInjector::new();
        while let Some(round) = injector.next_round() {
            receives_a_call(&round).await;
        }
        assert!(injector.places().len() >= 2);
    }
}

mod signals {
    use super::*;

    #[trio::task]
    async fn receives(raised_before: bool) {
        let mut receiver = open_signal_receiver([Signal::SIGUSR1]).unwrap();
        let raise = || signal_hook::low_level::raise(Signal::SIGUSR1.as_raw());
        let mut injector = CancelInjector::new();
        while let Some(round) = injector.next_round() {
            nursery!(|n| {
                // With somebody who is runnable, and goes first.
                if raised_before {
                    raise()?;
                    n.spawn(async {
                        for _ in 0..5 {
                            checkpoint().await;
                        }
                    });
                } else {
                    n.spawn(async {
                        trio::testing::wait_all_tasks_blocked().await;
                        raise()
                    });
                }
                let received = round.run(async { receiver.receive().await }).await;
                if received.is_none() {
                    receiver.receive().await;
                }
            })
            .unwrap();
            assert_eq!(receiver.pending(), 0, "{round}");
        }
        assert!(injector.places().len() >= 3);
    }

    #[test]
    fn a_cancelled_receive_loses_no_signal() {
        if alone("signals::a_cancelled_receive_loses_no_signal") {
            trio::run(|| receives(false));
            trio::run(|| receives(true));
        }
    }
}

mod stopping {
    use super::*;

    /// A request that comes: each is inside, or has heard of it, or is cancelled; nobody is left.
    #[trio::task]
    async fn requested() {
        let counts = Counts::default();
        let mut injector = CancelInjector::new();
        while let Some(round) = injector.next_round() {
            let (scope, heard) = (CancelScope::new(), Cell::new(0));
            let all = async {
                nursery!(|n| {
                    n.spawn(async {
                        let given_up =
                            until_stop(async { counted(&counts, 9 * SECOND, ()).await }).await;
                        assert_eq!(given_up, None);
                        add(&heard);
                    });
                    n.spawn(async {
                        wait_for_stop().await;
                        add(&heard);
                    });
                    n.spawn(counted, &counts, 2 * SECOND, ());
                    trio::sleep(SECOND).await;
                    scope.request_stop(5 * SECOND);
                })
                .unwrap();
            };
            let through = round.run(async { scope.run(all).await }).await;
            assert!(through.is_none() || heard.get() == 2, "{round}");
            assert_eq!((counts.inside.get(), statistics().tasks_living), (0, 1), "{round}");
            assert_eq!(statistics().deadlines, 0, "{round}");
        }
        assert!(injector.places().len() > 10);
    }

    #[test]
    fn a_request_to_stop_leaves_nothing_behind() {
        under_several_schedules(requested);
    }
}

mod services {
    use super::*;

    #[trio::task]
    async fn serves(status: TaskStatus<u32>, serving: &Cell<u32>) {
        checkpoint().await;
        add(serving);
        let _over = OnDrop(|| serving.set(serving.get() - 1));
        status.started(7);
        trio::sleep_forever().await;
    }

    /// A child cleans up with the help of the service.
    #[trio::task]
    async fn uses(serving: &Cell<u32>, helped: &Cell<u32>) {
        trio::finally(async { trio::sleep(SECOND).await }, async {
            trio::sleep(SECOND).await;
            assert_eq!(serving.get(), 1);
            add(helped);
        })
        .await;
    }

    #[trio::task]
    async fn used() {
        let serving = Cell::new(0);
        let mut injector = CancelInjector::new();
        while let Some(round) = injector.next_round() {
            let (begun, helped) = (Cell::new(0), Cell::new(0));
            let all = async {
                nursery!(|n| {
                    let value = n.start_service(serves, &serving).await?;
                    assert_eq!(value, 7);
                    for _ in 0..2 {
                        add(&begun);
                        n.spawn(uses, &serving, &helped);
                    }
                    checkpoint().await;
                })
                .unwrap();
            };
            round.run(all).await;
            assert_eq!(begun.get(), helped.get(), "{round}");
            assert_eq!((serving.get(), statistics().tasks_living), (0, 1), "{round}");
        }
        assert!(injector.places().len() > 10);
    }

    #[test]
    fn a_service_is_there_for_every_clean_up() {
        under_several_schedules(used);
    }
}

mod combinators {
    use super::*;

    /// Runs the piece everywhere; in the end nobody is inside, and every value is gone or told.
    macro_rules! everywhere {
        ($name:ident, $least:expr, |$counts:ident, $mark:ident| $piece:expr, |$outcome:ident| $check:expr) => {
            #[test]
            fn $name() {
                #[trio::task]
                async fn main() {
                    let ($counts, $mark) = (Counts::default(), Rc::new(()));
                    let places = cancel_everywhere(
                        async || $piece.await,
                        |$outcome, round| {
                            let inside = $counts.inside.get();
                            assert_eq!((inside, statistics().tasks_living), (0, 1), "{round}");
                            assert_eq!(statistics().deadlines, 0, "{round}");
                            if let Some($outcome) = $outcome {
                                assert!($check, "{round}");
                            }
                            assert_eq!(Rc::strong_count(&$mark), 1, "{round}");
                        },
                    )
                    .await;
                    assert!(places.len() > $least);
                }
                under_several_schedules(main);
            }
        };
    }

    #[trio::task]
    async fn fallible(counts: &Counts, pause: Duration, mark: &Rc<()>) -> Result<Rc<()>, Fault> {
        Ok(counted(counts, pause, Rc::clone(mark)).await)
    }

    #[trio::task]
    async fn fails(counts: &Counts, pause: Duration) -> Result<(), Fault> {
        counted(counts, pause, ()).await;
        Err(Fault("it fails"))
    }

    everywhere!(
        what_is_joined_is_gone,
        8,
        |counts, mark| join!(
            counted(&counts, SECOND, Rc::clone(&mark)),
            counted(&counts, 2 * SECOND, Rc::clone(&mark))
        ),
        |both| Rc::ptr_eq(&both.0, &both.1)
    );

    everywhere!(
        what_fails_together_is_gone,
        8,
        |counts, mark| try_join!(fallible(&counts, SECOND, &mark), fails(&counts, 2 * SECOND)),
        |result| result.is_err()
    );

    everywhere!(
        of_what_races_one_wins_and_all_are_gone,
        8,
        |counts, mark| race!(
            counted(&counts, SECOND, (1, Rc::clone(&mark))),
            counted(&counts, 2 * SECOND, (2, Rc::clone(&mark)))
        ),
        |winner| winner.0 == 1
    );

    everywhere!(
        what_is_gathered_is_in_order_and_gone,
        15,
        |counts, mark| gather(
            2,
            (1..5).map(|number| counted(
                &counts,
                SECOND * (7 / number),
                (number, Rc::clone(&mark))
            ))
        ),
        |all| all.iter().map(|(number, _)| *number).eq(1..5)
    );

    everywhere!(
        what_is_gathered_and_does_not_fail_is_gone,
        10,
        |counts, mark| try_gather(
            2,
            (1..4).map(|number| fallible(&counts, SECOND * number, &mark))
        ),
        |all| all.is_ok_and(|all| all.len() == 3)
    );

    /// What a child has is told once, however often the waiting is cancelled.
    #[trio::task]
    async fn outcomes() {
        let mut injector = CancelInjector::new();
        while let Some(round) = injector.next_round() {
            let mark = Rc::new(());
            nursery!(|n| {
                let child = n.spawn(async {
                    checkpoint().await;
                    checkpoint().await;
                    Rc::clone(&mark)
                });
                round.run(async { child.wait().await }).await;
                child.wait().await;
                assert_eq!(child.take().map(|value| Rc::strong_count(&value)), Some(2), "{round}");
                let child = n.spawn_monitored(async {
                    checkpoint().await;
                    Err::<(), _>(Fault("it fails"))
                });
                child.wait().await;
                assert!(matches!(child.outcome().await, Outcome::Err(_)), "{round}");
            })
            .unwrap();
            assert_eq!(Rc::strong_count(&mark), 1, "{round}");
        }
        assert!(injector.places().len() >= 3);
    }

    #[test]
    fn a_child_that_is_not_waited_for_any_more_keeps_its_value() {
        under_several_schedules(outcomes);
    }
}

mod streams {
    use super::*;

    const LOCAL: &str = "127.0.0.1:0";

    #[trio::test]
    async fn a_cancelled_accept_loses_no_connection() {
        let listener = TcpListener::bind(LOCAL.parse().unwrap()).unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let mut injector = CancelInjector::new();
        while let Some(round) = injector.next_round() {
            nursery!(|n| {
                n.spawn(async {
                    let stream = TcpStream::connect(address).await?;
                    stream.send_all(b"x").await
                });
                let accepted = match round.run(async { listener.accept().await }).await {
                    Some(accepted) => accepted?,
                    None => listener.accept().await?,
                };
                assert_eq!(accepted.receive_some(&mut [0; 2]).await?, 1, "{round}");
                assert_eq!(accepted.receive_some(&mut [0; 2]).await?, 0, "{round}");
            })
            .unwrap();
        }
        assert!(injector.places().len() >= 2);
    }

    #[trio::task]
    async fn receives(socket: &UdpSocket, got: &RefCell<Vec<u8>>) {
        while got.borrow().len() < 4 {
            let mut datagram = [0];
            socket.recv(&mut datagram).await.unwrap();
            got.borrow_mut().extend(datagram);
        }
    }

    #[trio::test]
    async fn a_cancelled_receive_loses_no_datagram() {
        let mut injector = CancelInjector::new();
        while let Some(round) = injector.next_round() {
            let local = LOCAL.parse().unwrap();
            let (a, b) = (UdpSocket::bind(local).unwrap(), UdpSocket::bind(local).unwrap());
            let to = b.local_addr().unwrap();
            let got = RefCell::default();
            nursery!(|n| {
                n.spawn(async {
                    for number in 0..4 {
                        a.send_to(&[number], to).await?;
                        checkpoint().await;
                    }
                    Ok::<_, io::Error>(())
                });
                round.run(|| receives(&b, &got)).await;
                receives(&b, &got).await;
            })
            .unwrap();
            assert_eq!(*got.borrow(), [0, 1, 2, 3], "{round}");
        }
        assert!(injector.places().len() > 4);
    }

    #[trio::task]
    async fn reads(stream: &BufferedStream<UnixStream>, lines: &RefCell<Vec<String>>) {
        while let Some(line) = stream.receive_line().await.unwrap() {
            lines.borrow_mut().push(line);
        }
    }

    #[trio::test]
    async fn a_line_that_was_begun_is_there_for_the_next_one() {
        let mut injector = CancelInjector::new();
        while let Some(round) = injector.next_round() {
            let (a, b) = UnixStream::pair().unwrap();
            let (b, lines) = (BufferedStream::new(b), RefCell::default());
            nursery!(|n| {
                n.spawn(async {
                    for piece in ["on", "e\ntw", "o\n", "three"] {
                        a.send_all(piece.as_bytes()).await?;
                        trio::testing::wait_all_tasks_blocked().await;
                    }
                    a.send_eof().await
                });
                round.run(|| reads(&b, &lines)).await;
                reads(&b, &lines).await;
            })
            .unwrap();
            assert_eq!(*lines.borrow(), ["one", "two", "three"], "{round}");
        }
        assert!(injector.places().len() > 8);
    }

    #[trio::test]
    async fn a_cancelled_end_can_be_sent_again() {
        let mut injector = CancelInjector::new();
        while let Some(round) = injector.next_round() {
            let (a, b) = UnixStream::pair().unwrap();
            let ended = round.run(async { a.send_eof().await }).await;
            assert!(ended.is_none_or(|ended| ended.is_ok()), "{round}");
            a.send_eof().await.unwrap();
            assert_eq!(b.receive_some(&mut [0]).await.unwrap(), 0, "{round}");
        }
        assert!(!injector.places().is_empty());
    }
}
