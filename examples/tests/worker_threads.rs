//! The worker threads, as they are told to stop and as they are not.

mod programs;

use std::os::unix::process::ExitStatusExt;
use std::process::{Output, Stdio};

use programs::{Program, output};

const COUNTER: &str = env!("CARGO_BIN_EXE_worker_threads");

/// So many numbers that no machine comes to their end.
const FOR_EVER: &str = "10000000000";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn it_counts_the_primes_and_says_how_far_it_is() {
    for threads in ["1", "3", "40"] {
        let output = output(COUNTER, &["--threads", threads, "100000"], Stdio::null());
        assert!(output.status.success(), "{}", said(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], format!("counting the primes below 100000 in {threads} threads"));
        assert_eq!(lines[lines.len() - 2..], ["100% of it done", "9592 primes"]);
        // Percentages rise.
        let percentages: Vec<u64> = lines[1..lines.len() - 1]
            .iter()
            .map(|line| line.trim_end_matches("% of it done").trim().parse().unwrap())
            .collect();
        assert!(percentages.is_sorted(), "{text}");
    }
}

#[test]
fn the_smallest_limits_have_none() {
    for limit in ["0", "2"] {
        let output = output(COUNTER, &[limit], Stdio::null());
        assert!(output.status.success(), "{}", said(&output));
        assert!(output.stdout.ends_with(b"\n0 primes\n"));
    }
}

#[test]
fn when_the_time_is_up_the_threads_stop() {
    let output = output(COUNTER, &["--within", "0.05", FOR_EVER], Stdio::null());
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("\nstopped at 0%: "), "{text}");
}

#[test]
fn on_ctrl_c_the_threads_stop_and_the_program_dies_of_it() {
    let mut counter = Program::start(COUNTER, &[FOR_EVER]);
    counter.wait_for("counting");
    counter.interrupt();
    let status = counter.wait();
    assert_eq!(status.signal(), Some(2));
    assert!(counter.seen().last().unwrap().starts_with("stopped at 0%: "), "{:?}", counter.seen());
}

#[test]
fn wrong_arguments_are_explained() {
    for (arguments, problem) in [
        (&[][..], "the limit is missing"),
        (&["many"], "`many` is no limit"),
        (&["1", "2"], "`2` is one too many"),
        (&["--threads", "0", "1"], "`--threads` needs a number from 1 to 40"),
        (&["--within", "-1", "1"], "`--within` needs a number of seconds"),
        (&["-x"], "unknown option `-x`"),
    ] {
        let output = output(COUNTER, arguments, Stdio::null());
        assert!(said(&output).starts_with(problem), "{}", said(&output));
        assert!(said(&output).contains("usage: worker_threads"));
        assert_eq!(output.status.code(), Some(2));
    }
}
