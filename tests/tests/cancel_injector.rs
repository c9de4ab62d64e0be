//! The cancel injector, and what it finds out about the operations of the crate.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tests::panics::panic_text;
use tests::probe::open_descriptors;
use tests::rerun::{rerun, stderr};
use tests::source::line_of;
use trio::lowlevel::{
    Abort, Moment, ParkingLot, Resumer, checkpoint, statistics, suspend, watch_cancellation,
};
use trio::net::{TcpListener, TcpStream};
use trio::stream::{AsyncResource, ReceiveStream, SendStream};
use trio::sync::CapacityLimiter;
use trio::testing::{
    CancelInjector, Sequencer, cancel_everywhere, lockstep_stream_one_way_pair,
    memory_stream_one_way_pair, wait_all_tasks_blocked,
};
use trio::{CancelScope, TaskStatus, nursery};

const SOURCE: &str = include_str!("cancel_injector.rs");

fn places_of(injector: &CancelInjector) -> Vec<String> {
    injector.places().iter().map(ToString::to_string).collect()
}

fn here(mark: &str, expression: &str) -> String {
    let line = line_of(SOURCE, mark);
    format!("`{expression}` at tests/tests/cancel_injector.rs:{line}:")
}

#[trio::test(clock = "mock")]
async fn each_moment_of_a_sleep_is_found_and_named() {
    let mut injector = CancelInjector::new();
    let mut outcomes = Vec::new();
    while let Some(round) = injector.next_round() {
        let piece = async {
            trio::sleep(Duration::from_secs(1)).await; // a sleep
        };
        outcomes.push(round.run(piece).await.is_some());
    }
    let places = places_of(&injector);
    let task = "task `each_moment_of_a_sleep_is_found_and_named`";
    let at = here("a sleep", "trio::sleep(Duration::from_secs(1))");
    for (place, state) in
        places.iter().zip(["at a cancellation point", "while suspended", "when woken"])
    {
        assert!(place.starts_with(&format!("{state} in {task}: {at}")), "{places:?}");
    }
    assert_eq!(places.len(), 3);
    // One that is over has happened.
    assert_eq!(outcomes, [false, false, true, true]);
}

#[trio::test(clock = "mock")]
async fn two_passes_meet_the_same_moments() {
    let mut passes = Vec::new();
    for _ in 0..2 {
        let places = cancel_everywhere(
            async || {
                nursery!(|n| {
                    n.spawn(checkpoint);
                    n.spawn(trio::sleep, Duration::from_millis(5));
                    checkpoint().await;
                })
                .unwrap();
            },
            |_, _| {},
        )
        .await;
        passes.push(places);
    }
    assert!(passes[0].len() > 8);
    assert_eq!(passes[0], passes[1]);
    let tasks: BTreeSet<&str> = passes[0].iter().map(|place| place.task()).collect();
    assert_eq!(tasks.len(), 3, "{tasks:?}");
}

#[trio::test(clock = "mock")]
async fn a_piece_without_a_point_gets_through_at_once() {
    let mut rounds = 0;
    #[trio::task(allow(never_awaits))]
    async fn nothing() {}
    let places = cancel_everywhere(nothing, |outcome, round| {
        rounds += 1;
        assert_eq!(outcome, Some(()));
        assert_eq!(round.to_string(), "round 0, which was not cancelled");
    })
    .await;
    assert_eq!((places.len(), rounds), (0, 1));
}

#[trio::test(clock = "mock")]
async fn what_is_shielded_is_left_alone() {
    let done = Cell::new(0);
    let mut rounds = 0;
    cancel_everywhere(
        async || {
            trio::shield(async {
                for _ in 0..5 {
                    checkpoint().await;
                }
                done.set(done.get() + 1);
            })
            .await;
        },
        |_, _| rounds += 1,
    )
    .await;
    assert_eq!(done.get(), rounds);
}

/// Moves one, carelessly: what is on its way is lost if it is cancelled there.
#[trio::task]
async fn lose_one(from: &Cell<u32>, to: &Cell<u32>) {
    checkpoint().await;
    from.set(from.get() - 1);
    checkpoint().await; // it is lost here
    to.set(to.get() + 1);
}

#[trio::task]
async fn careless() {
    let (from, to) = (Cell::new(10), Cell::new(0));
    cancel_everywhere(
        || lose_one(&from, &to),
        |_, _| assert_eq!(from.get() + to.get(), 10, "one is lost"),
    )
    .await;
}

#[test]
fn a_loss_is_found_out_and_its_place_printed() {
    let Some(output) = rerun("a_loss_is_found_out_and_its_place_printed") else {
        trio::run(careless);
        return;
    };
    assert!(!output.status.success());
    let stderr = stderr(&output);
    let place = format!(
        "trio: this happened in round 1, cancelled at a cancellation point in task \
         `careless`: {}",
        here("it is lost here", "checkpoint()")
    );
    assert!(stderr.contains("one is lost") && stderr.contains(&place), "{stderr}");
}

#[trio::test]
async fn a_round_is_run_once() {
    let mut injector = CancelInjector::new();
    let text = panic_text(|| {
        let _round = injector.next_round().unwrap();
        injector.next_round()
    });
    assert!(text.contains("await `round.run(…)` in each"), "{text}");
    let round = CancelInjector::new().next_round().unwrap();
    round.run(checkpoint).await;
    nursery!(|n| {
        let again = n.spawn_monitored(async { round.run(checkpoint).await });
        let trio::Outcome::Panicked(payload) = again.outcome().await else { panic!() };
        assert!(tests::panics::text(&*payload).contains("take the `next_round`"));
    })
    .unwrap();
}

#[trio::test]
async fn after_the_last_round_there_is_none() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        round.run(checkpoint).await;
    }
    assert!(injector.next_round().is_none());
    assert!(injector.next_round().is_none());
}

#[trio::test(clock = "mock")]
async fn a_watcher_is_told_every_moment_in_order_and_nothing_afterwards() {
    let scope = CancelScope::new();
    let log = Rc::new(RefCell::new(Vec::new()));
    let watch = watch_cancellation(&scope, {
        let log = Rc::clone(&log);
        move |task, moment| {
            let moment = match moment {
                Moment::Point => "point".to_owned(),
                Moment::Suspended => format!("suspended, waits for {}", task.waits_for()),
                Moment::Woken => "woken".to_owned(),
                Moment::Unwinding(sites) => format!("unwinds from {}", sites.len()),
                _ => unreachable!(),
            };
            log.borrow_mut().push(moment);
        }
    });
    scope
        .run(async {
            trio::sleep(Duration::from_secs(1)).await;
            scope.cancel();
            checkpoint().await;
        })
        .await;
    drop(watch);
    trio::sleep(Duration::from_secs(1)).await;
    assert_eq!(*log.borrow(), ["point", "suspended, waits for a time", "woken", "unwinds from 1"]);
}

#[trio::test(clock = "mock")]
async fn several_can_watch_and_only_what_is_inside_is_seen() {
    let (outer, inner) = (CancelScope::new(), CancelScope::new());
    let counts = Rc::new((Cell::new(0), Cell::new(0)));
    let outside = watch_cancellation(&outer, {
        let counts = Rc::clone(&counts);
        move |_, _| counts.0.set(counts.0.get() + 1)
    });
    let inside = watch_cancellation(&inner, {
        let counts = Rc::clone(&counts);
        move |_, _| counts.1.set(counts.1.get() + 1)
    });
    checkpoint().await;
    assert_eq!((counts.0.get(), counts.1.get()), (0, 0));
    outer
        .run(async {
            checkpoint().await;
            assert_eq!(counts.1.get(), 0);
            inner
                .run(async {
                    checkpoint().await;
                })
                .await;
        })
        .await;
    let seen = (counts.0.get(), counts.1.get());
    assert!(seen.1 > 0 && seen.0 > seen.1, "{seen:?}");
    drop((outside, inside));
    checkpoint().await;
    assert_eq!((counts.0.get(), counts.1.get()), seen);
}

#[trio::test(clock = "mock")]
async fn a_cancelled_park_is_out_of_the_queue() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (lot, turns) = (ParkingLot::new(), Cell::new(0));
        let piece = async {
            nursery!(|n| {
                for _ in 0..2 {
                    n.spawn(async {
                        lot.park().await?;
                        turns.set(turns.get() + 1);
                        Ok::<_, trio::BrokenResourceError>(())
                    });
                }
                wait_all_tasks_blocked().await;
                let count = lot.unpark(1);
                assert_eq!(count, 1);
                checkpoint().await;
                lot.unpark(1);
            })
            .unwrap();
        };
        let through = round.run(piece).await;
        assert!(lot.is_empty(), "{round}");
        assert!(through.is_none() || turns.get() == 2, "{round}");
    }
    assert!(injector.places().len() > 15);
}

#[trio::test(clock = "mock")]
async fn a_cancelled_suspension_calls_its_callback_once_or_has_its_value() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let place: Cell<Option<Resumer<u32>>> = Cell::new(None);
        let (begun, aborts) = (Cell::new(0), Cell::new(0));
        let got = Cell::new(None);
        let piece = async {
            nursery!(|n| {
                n.spawn(async {
                    let value = suspend(|resumer| {
                        begun.set(begun.get() + 1);
                        place.set(Some(resumer));
                        || {
                            aborts.set(aborts.get() + 1);
                            Abort::Succeeded
                        }
                    });
                    got.set(Some(value.await));
                });
                wait_all_tasks_blocked().await;
                if let Some(resumer) = place.take() {
                    resumer.resume(7);
                }
            })
            .unwrap();
        };
        round.run(piece).await;
        let outcome = (begun.get(), aborts.get(), got.get());
        assert!(
            matches!(outcome, (0, 0, None) | (1, 1, None) | (1, 0, Some(7))),
            "{round}: {outcome:?}"
        );
        drop(place.take());
    }
    assert!(injector.places().len() > 8);
}

#[trio::test(clock = "mock")]
async fn a_cancelled_sleep_leaves_no_deadline_behind() {
    let before = statistics().deadlines;
    cancel_everywhere(
        async || {
            trio::move_on_after(Duration::from_secs(1), async {
                trio::sleep(Duration::from_secs(2)).await;
            })
            .await;
            trio::sleep(Duration::from_secs(3)).await;
        },
        |_, round| assert_eq!(statistics().deadlines, before, "{round}"),
    )
    .await;
}

#[trio::task]
async fn service(status: TaskStatus<u32>, living: &Cell<i32>) {
    living.set(living.get() + 1);
    let _gone = scopeguard(|| living.set(living.get() - 1));
    checkpoint().await;
    status.started(7);
    trio::sleep(Duration::from_secs(1)).await;
}

fn scopeguard<F: FnMut()>(f: F) -> tests::probe::OnDrop<F> {
    tests::probe::OnDrop(f)
}

#[trio::test(clock = "mock")]
async fn a_cancelled_start_leaves_no_task_behind() {
    let living = Cell::new(0);
    let mut through = 0;
    let places = cancel_everywhere(
        async || {
            nursery!(|n| {
                let value = n.start(service, &living).await?;
                assert_eq!(value, 7);
                checkpoint().await;
            })
            .unwrap();
        },
        |outcome, round| {
            assert_eq!((living.get(), statistics().tasks_living), (0, 1), "{round}");
            through += usize::from(outcome.is_some());
        },
    )
    .await;
    assert!(places.len() > 9 && through >= 1, "{places:?}");
}

#[trio::test(clock = "mock")]
async fn a_cancelled_limiter_gets_its_tokens_back() {
    let limiter = CapacityLimiter::new(1);
    let places = cancel_everywhere(
        async || {
            nursery!(|n| {
                for _ in 0..3 {
                    n.spawn(async {
                        let _token = limiter.acquire().await;
                        checkpoint().await;
                    });
                }
            })
            .unwrap();
        },
        |_, round| {
            let statistics = limiter.statistics();
            assert_eq!((statistics.borrowed_tokens, statistics.tasks_waiting), (0, 0), "{round}");
            drop(limiter.try_acquire().expect("there is one"));
        },
    )
    .await;
    assert!(places.len() > 15);
}

/// Sends in pieces, receives in other pieces: what was received is always what was sent, and with what
/// is left there is all of it.
#[trio::test(clock = "mock")]
async fn a_cancelled_receive_loses_nothing_in_memory() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (send, receive) = memory_stream_one_way_pair();
        let received = RefCell::new(Vec::new());
        let sent = Cell::new(false);
        nursery!(|n| {
            n.spawn(async {
                for piece in [&b"abc"[..], b"d", b"efg"] {
                    send.send_all(piece).await?;
                    checkpoint().await;
                }
                send.close().await?;
                sent.set(true);
                Ok::<_, io::Error>(())
            });
            let piece = async {
                let mut buffer = [0; 2];
                loop {
                    let count = receive.receive_some(&mut buffer).await?;
                    if count == 0 {
                        return Ok::<_, io::Error>(());
                    }
                    received.borrow_mut().extend_from_slice(&buffer[..count]);
                }
            };
            if let Some(result) = round.run(piece).await {
                result?;
            }
            let mut buffer = [0; 2];
            loop {
                match receive.receive_some(&mut buffer).await? {
                    0 => break,
                    count => received.borrow_mut().extend_from_slice(&buffer[..count]),
                }
            }
        })
        .unwrap();
        assert!(sent.get());
        assert_eq!(*received.borrow(), b"abcdefg", "{round}");
    }
    assert!(injector.places().len() > 15);
}

#[trio::test(clock = "mock")]
async fn a_cancelled_lockstep_receive_loses_nothing() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (send, receive) = lockstep_stream_one_way_pair();
        let received = Cell::new(0);
        nursery!(|n| {
            n.spawn(async {
                send.send_all(b"abcdef").await?;
                send.close().await
            });
            let piece = async {
                let mut buffer = [0; 4];
                while let count @ 1.. = receive.receive_some(&mut buffer).await? {
                    received.set(received.get() + count);
                }
                Ok::<_, io::Error>(())
            };
            if let Some(result) = round.run(piece).await {
                result?;
            }
            while let count @ 1.. = receive.receive_some(&mut [0; 4]).await? {
                received.set(received.get() + count);
            }
        })
        .unwrap();
        assert_eq!(received.get(), 6, "{round}");
    }
}

#[trio::test(clock = "mock")]
async fn a_cancelled_sequencer_never_waits_for_ever() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let order = Sequencer::new();
        let piece = async {
            nursery!(|n| {
                for number in [2, 0, 1] {
                    let order = &order;
                    n.spawn(async move {
                        let _step = order.step(number).await;
                        checkpoint().await;
                    });
                }
            })
            .unwrap();
        };
        round.run(piece).await;
    }
}

#[trio::test(clock = "mock")]
async fn a_clean_up_is_done_exactly_once_wherever_the_body_is_cancelled() {
    let (begun, cleaned) = (Cell::new(0), Cell::new(0));
    let places = cancel_everywhere(
        async || {
            checkpoint().await;
            begun.set(begun.get() + 1);
            trio::finally(
                async {
                    trio::sleep(Duration::from_secs(1)).await;
                    checkpoint().await;
                },
                async {
                    trio::sleep(Duration::from_secs(1)).await;
                    cleaned.set(cleaned.get() + 1);
                },
            )
            .await;
        },
        |_, round| assert_eq!(begun.get(), cleaned.get(), "{round}"),
    )
    .await;
    assert!(places.len() > 6 && begun.get() > 0);
}

#[trio::test(clock = "mock")]
async fn a_cancelled_tree_of_tasks_is_gone_with_its_services() {
    let living = Cell::new(0);
    let places = cancel_everywhere(
        async || {
            nursery!(|n| {
                n.spawn_service(async {
                    living.set(living.get() + 1);
                    let _gone = tests::probe::OnDrop(|| living.set(living.get() - 1));
                    trio::sleep_forever().await;
                });
                for _ in 0..2 {
                    n.spawn(async {
                        nursery!(|n| {
                            n.spawn(trio::sleep, Duration::from_secs(1));
                            let child = n.spawn_monitored(checkpoint);
                            child.outcome().await;
                        })
                    });
                }
            })
            .unwrap();
        },
        |_, round| {
            assert_eq!((living.get(), statistics().tasks_living), (0, 1), "{round}");
            assert_eq!(statistics().deadlines, 0, "{round}");
        },
    )
    .await;
    assert!(places.len() > 30);
}

#[trio::test(clock = "mock")]
async fn a_cancelled_receive_from_a_foreign_channel_loses_nothing() {
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (mut send, mut receive) = futures::channel::mpsc::channel(1);
        let mut received = Vec::new();
        nursery!(|n| {
            n.spawn(async {
                for number in 0..5 {
                    futures::SinkExt::send(&mut send, number).await?;
                }
                send.close_channel();
                Ok::<_, futures::channel::mpsc::SendError>(())
            });
            let piece = async {
                while let Some(number) = futures::StreamExt::next(&mut receive).await {
                    received.push(number);
                }
            };
            round.run(piece).await;
            while let Some(number) = futures::StreamExt::next(&mut receive).await {
                received.push(number);
            }
        })
        .unwrap();
        assert_eq!(received, [0, 1, 2, 3, 4], "{round}");
    }
    assert!(injector.places().len() > 8);
}

/// Each round is shuffled in another way; every one of them has to hold.
#[test]
fn the_rounds_hold_under_any_schedule() {
    #[trio::task]
    async fn borrows_everywhere() {
        let limiter = CapacityLimiter::new(2);
        cancel_everywhere(
            async || {
                nursery!(|n| {
                    for _ in 0..4 {
                        n.spawn(async {
                            let _token = limiter.acquire().await;
                            checkpoint().await;
                        });
                    }
                })
                .unwrap();
            },
            |_, round| assert_eq!(limiter.borrowed_tokens(), 0, "{round}"),
        )
        .await;
    }
    for seed in 0..10 {
        trio::Builder::new().scheduler_seed(seed).run(borrows_everywhere);
    }
}

#[trio::task]
async fn tcp_pair(
    listener: &TcpListener,
    address: SocketAddr,
) -> io::Result<(TcpStream, TcpStream)> {
    let mut ours = None;
    let theirs = nursery!(|n| {
        n.spawn(async {
            ours = Some(TcpStream::connect(address).await?);
            Ok::<_, io::Error>(())
        });
        listener.accept().await?
    })
    .map_err(io::Error::other)?;
    Ok((ours.expect("it has connected"), theirs))
}

#[trio::test]
async fn a_cancelled_tcp_receive_loses_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        let (a, b) = tcp_pair(&listener, address).await.unwrap();
        let received = Cell::new(0);
        nursery!(|n| {
            n.spawn(async {
                a.send_all(b"abc").await?;
                a.send_all(b"def").await?;
                a.send_eof().await
            });
            let piece = async {
                while let count @ 1.. = b.receive_some(&mut [0; 2]).await? {
                    received.set(received.get() + count);
                }
                Ok::<_, io::Error>(())
            };
            if let Some(result) = round.run(piece).await {
                result?;
            }
            while let count @ 1.. = b.receive_some(&mut [0; 2]).await? {
                received.set(received.get() + count);
            }
        })
        .unwrap();
        assert_eq!(received.get(), 6, "{round}");
    }
    assert!(injector.places().len() > 5);
}

/// In a process of its own: the descriptors of other tests are none of its business.
#[test]
fn a_cancelled_connection_attempt_is_closed() {
    let Some(output) = rerun("a_cancelled_connection_attempt_is_closed") else {
        return trio::run(connects_and_is_cancelled);
    };
    assert!(output.status.success(), "{}", stderr(&output));
}

#[trio::task]
async fn connects_and_is_cancelled() {
    let listener = TcpListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    let before = open_descriptors();
    let mut injector = CancelInjector::new();
    while let Some(round) = injector.next_round() {
        round.run(async { tcp_pair(&listener, address).await.map(drop) }).await;
        // Those that were made and not accepted.
        let accepts = trio::move_on_after(Duration::from_millis(1), async {
            loop {
                drop(listener.accept().await);
            }
        });
        let _: Option<()> = accepts.await;
        assert_eq!(open_descriptors(), before, "{round}");
    }
    assert!(injector.places().len() > 5);
}
