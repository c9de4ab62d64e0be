//! Signal receivers, with real signals. Those that touch what a process does on a signal run in a
//! process of their own.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt;
use signal_hook::low_level::raise;
use tests::rerun::{rerun, stderr};
use trio::nursery;
use trio::signal::{Signal, SignalReceiver, open_signal_receiver};
use trio::testing::{assert_future_checkpoints, wait_all_tasks_blocked};

const USR1: Signal = Signal::SIGUSR1;
const USR2: Signal = Signal::SIGUSR2;

/// Sends a signal to this thread; it has come when this returns.
fn send(signal: Signal) {
    raise(signal.as_raw()).unwrap();
}

/// Whether this process has a handler for the signal.
fn is_caught(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(caught.trim(), 16).unwrap() & (1 << (signal.as_raw() - 1)) != 0
}

/// Runs the test of this name in a process of its own. `true` in that process.
#[track_caller]
fn alone(test: &str) -> bool {
    match rerun(test) {
        None => true,
        Some(output) => {
            assert!(output.status.success(), "{}", stderr(&output));
            false
        }
    }
}

async fn receive_both(receiver: &mut SignalReceiver) -> [Signal; 2] {
    [receiver.receive().await, receiver.receive().await]
}

// P137
#[test]
fn a_signal_that_comes_several_times_is_received_once() {
    if alone("a_signal_that_comes_several_times_is_received_once") {
        trio::run(|| async {
            let mut receiver = open_signal_receiver([USR1]).unwrap();
            send(USR1);
            send(USR1);
            assert_eq!(receiver.pending(), 1);
            assert_eq!(receiver.receive().await, USR1);
            assert_eq!(receiver.pending(), 0);
            send(USR1);
            assert_eq!(receiver.receive().await, USR1);
        });
    }
}

#[test]
fn a_signal_wakes_the_task_that_waits_for_it() {
    if alone("a_signal_wakes_the_task_that_waits_for_it") {
        #[trio::task]
        async fn main() -> trio::Result<()> {
            let mut receiver = open_signal_receiver([USR1, USR2])?;
            nursery!(|n| {
                n.spawn(async { assert_eq!(receive_both(&mut receiver).await, [USR2, USR1]) });
                wait_all_tasks_blocked().await;
                send(USR2);
                wait_all_tasks_blocked().await;
                send(USR1);
            })?;
            Ok(())
        }
        trio::run(main).unwrap();
    }
}

// P137, P140
#[test]
fn what_the_signal_did_before_it_does_again_afterwards() {
    if alone("what_the_signal_did_before_it_does_again_afterwards") {
        let seen = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(USR1.as_raw(), Arc::clone(&seen)).unwrap();
        trio::run(|| async {
            let mut receiver = open_signal_receiver([USR1]).unwrap();
            send(USR1);
            assert_eq!(receiver.receive().await, USR1);
            assert!(!seen.load(Ordering::SeqCst));
            drop(receiver);
            send(USR1);
            assert!(seen.load(Ordering::SeqCst));
        });
    }
}

// P137, P138
#[test]
fn a_signal_without_a_handler_has_none_afterwards() {
    if alone("a_signal_without_a_handler_has_none_afterwards") {
        trio::run(|| async {
            let receiver = open_signal_receiver([USR1, Signal::SIGTERM]).unwrap();
            assert!(is_caught(USR1) && is_caught(Signal::SIGTERM));
            drop(receiver);
            assert!(!is_caught(USR1) && !is_caught(Signal::SIGTERM));
        });
    }
}

// P140
#[test]
fn what_was_not_received_goes_to_the_handler_before() {
    if alone("what_was_not_received_goes_to_the_handler_before") {
        let seen = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(USR1.as_raw(), Arc::clone(&seen)).unwrap();
        trio::run(|| async {
            // Not looked at at all.
            let receiver = open_signal_receiver([USR1]).unwrap();
            send(USR1);
            drop(receiver);
            assert!(seen.swap(false, Ordering::SeqCst));
            // Looked at, but not received.
            let mut receiver = open_signal_receiver([USR1, USR2]).unwrap();
            send(USR1);
            send(USR2);
            let first = receiver.receive().await;
            assert_eq!((first, receiver.pending()), (USR1, 1));
            send(USR1);
            assert_eq!(receiver.receive().await, USR2);
            drop(receiver);
            assert!(seen.load(Ordering::SeqCst));
        });
    }
}

// P140
#[test]
fn what_was_ignored_before_is_ignored_afterwards() {
    if alone("what_was_ignored_before_is_ignored_afterwards") {
        // Rust ignores SIGPIPE.
        trio::run(|| async {
            let receiver = open_signal_receiver([Signal::SIGPIPE]).unwrap();
            assert!(is_caught(Signal::SIGPIPE));
            send(Signal::SIGPIPE);
            drop(receiver);
            assert!(!is_caught(Signal::SIGPIPE));
            send(Signal::SIGPIPE);
        });
    }
}

#[test]
fn a_handler_that_was_put_over_ours_is_left_alone() {
    if alone("a_handler_that_was_put_over_ours_is_left_alone") {
        let seen = Arc::new(AtomicBool::new(false));
        trio::run(|| async {
            let receiver = open_signal_receiver([USR1]).unwrap();
            signal_hook::flag::register(USR1.as_raw(), Arc::clone(&seen)).unwrap();
            drop(receiver);
            send(USR1);
            assert!(seen.load(Ordering::SeqCst));
        });
    }
}

// P139
#[test]
fn two_signals_that_are_always_there_take_turns() {
    if alone("two_signals_that_are_always_there_take_turns") {
        trio::run(|| async {
            let mut receiver = open_signal_receiver([USR1, USR2]).unwrap();
            let mut received = Vec::new();
            for _ in 0..6 {
                send(USR1);
                send(USR2);
                received.push(receiver.receive().await);
            }
            assert_eq!(received, [USR1, USR2, USR1, USR2, USR1, USR2]);
            receiver.receive().await;
        });
    }
}

// P141
#[test]
fn the_receiver_opened_last_gets_the_signal() {
    if alone("the_receiver_opened_last_gets_the_signal") {
        trio::run(|| async {
            let mut first = open_signal_receiver([USR1]).unwrap();
            let mut second = open_signal_receiver([USR1]).unwrap();
            send(USR1);
            assert_eq!((first.pending(), second.pending()), (0, 1));
            assert_eq!(second.receive().await, USR1);
            // What the second one leaves behind goes to the first.
            send(USR1);
            drop(second);
            assert_eq!(first.receive().await, USR1);
            // In whatever order they go.
            let mut third = open_signal_receiver([USR1]).unwrap();
            drop(first);
            send(USR1);
            assert!(is_caught(USR1));
            assert_eq!(third.receive().await, USR1);
        });
    }
}

// P138
#[test]
fn a_signal_given_twice_counts_once() {
    if alone("a_signal_given_twice_counts_once") {
        trio::run(|| async {
            let mut receiver = open_signal_receiver([USR1, USR1]).unwrap();
            send(USR1);
            assert_eq!(receiver.receive().await, USR1);
            assert_eq!(receiver.pending(), 0);
            drop(receiver);
            assert!(!is_caught(USR1));
        });
    }
}

// P138
#[test]
fn what_cannot_be_received_is_refused_and_changes_nothing() {
    if alone("what_cannot_be_received_is_refused_and_changes_nothing") {
        trio::run(|| async {
            let fault = Signal::from_raw(11);
            let numbers = [Signal::from_raw(9), fault, Signal::from_raw(0), Signal::from_raw(65)];
            for number in numbers.into_iter().chain([Signal::from_raw(-1)]) {
                let error = open_signal_receiver([USR1, number]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                assert_eq!(
                    error.to_string(),
                    format!("signal {} cannot be received", number.as_raw())
                );
                assert!(!is_caught(USR1));
            }
            let error = open_signal_receiver([]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert_eq!(error.to_string(), "there is no signal to receive");
            trio::lowlevel::checkpoint().await;
        });
    }
}

#[test]
fn receiving_is_a_checkpoint_and_a_cancelled_one_loses_nothing() {
    if alone("receiving_is_a_checkpoint_and_a_cancelled_one_loses_nothing") {
        #[trio::task]
        async fn main() {
            let mut receiver = open_signal_receiver([USR1]).unwrap();
            send(USR1);
            assert_eq!(assert_future_checkpoints(receiver.receive()).await, USR1);
            // Cancelled before it looks.
            send(USR1);
            let expired = trio::move_on_after(Duration::ZERO, async { receiver.receive().await });
            assert_eq!(expired.await, None);
            assert_eq!(receiver.receive().await, USR1);
            // Cancelled while it waits, and in the moment in which the signal comes.
            let scope = trio::CancelScope::new();
            nursery!(|n| {
                n.spawn(async {
                    wait_all_tasks_blocked().await;
                    send(USR1);
                    scope.cancel();
                });
                assert_eq!(scope.run(async { receiver.receive().await }).await, None);
            })
            .unwrap();
            assert_eq!(receiver.receive().await, USR1);
        }
        trio::run(main);
    }
}

#[test]
fn a_receive_that_is_dropped_while_it_lets_others_run_loses_nothing() {
    if alone("a_receive_that_is_dropped_while_it_lets_others_run_loses_nothing") {
        #[trio::task]
        async fn main() {
            let mut receiver = open_signal_receiver([USR1]).unwrap();
            send(USR1);
            nursery!(|n| {
                // Somebody who is runnable.
                n.spawn(trio::lowlevel::checkpoint);
                assert!(receiver.receive().now_or_never().is_none());
            })
            .unwrap();
            assert_eq!(receiver.pending(), 1);
            assert_eq!(receiver.receive().await, USR1);
            assert_eq!(receiver.pending(), 0);
        }
        trio::run(main);
    }
}

#[test]
fn signals_that_come_from_other_processes_are_received() {
    if alone("signals_that_come_from_other_processes_are_received") {
        trio::run(|| async {
            let mut receiver = open_signal_receiver([USR1, Signal::SIGCHLD]).unwrap();
            let command = format!("kill -USR1 {}", std::process::id());
            let mut child =
                std::process::Command::new("sh").args(["-c", &command]).spawn().unwrap();
            let mut both = receive_both(&mut receiver).await;
            both.sort();
            assert_eq!(both, [USR1, Signal::SIGCHLD]);
            assert!(child.wait().unwrap().success());
        });
    }
}

// P141
#[test]
fn runs_on_several_threads_have_receivers_of_their_own() {
    if alone("runs_on_several_threads_have_receivers_of_their_own") {
        let run = |signal: Signal| {
            trio::run(move || async move {
                let mut receiver = open_signal_receiver([signal]).unwrap();
                for _ in 0..1000 {
                    send(signal);
                    assert_eq!(receiver.receive().await, signal);
                }
            });
        };
        std::thread::scope(|threads| {
            threads.spawn(|| run(USR1));
            threads.spawn(|| run(USR2));
        });
    }
}

#[test]
fn a_receiver_of_a_run_that_is_over_says_so() {
    if alone("a_receiver_of_a_run_that_is_over_says_so") {
        let mut receiver = trio::run(|| async { open_signal_receiver([USR1]).unwrap() });
        let text = tests::panics::panic_text(|| {
            trio::run(|| async move {
                receiver.receive().await;
            });
        });
        assert!(text.starts_with("a signal receiver is used in the run that it was opened in"));
    }
}

#[test]
fn signals_have_names() {
    assert_eq!(Signal::SIGTERM.to_string(), "SIGTERM");
    assert_eq!(format!("{:?}", Signal::from_raw(40)), "signal 40");
    assert_eq!(Signal::SIGINT.as_raw(), 2);
}
