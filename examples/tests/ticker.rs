//! The ticker ends gracefully, with real signals.

mod programs;

use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use programs::{Program, output};

const TICKER: &str = env!("CARGO_BIN_EXE_ticker");
const SIGINT: i32 = 2;

/// Longer than any test waits.
const LONG: &str = "3600";

#[test]
fn it_ticks_as_often_as_it_is_told() {
    let arguments = ["--every", "0.001", "--work", "0", "--count", "3"];
    let output = output(TICKER, &arguments, Stdio::null());
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "tick 1: begun\ntick 1: done\ntick 2: begun\ntick 2: done\ntick 3: begun\ntick 3: done\n\
         stopped after 3 ticks\n"
    );
}

#[test]
fn ctrl_c_ends_a_pause_at_once_and_the_program_as_its_own_will() {
    let mut ticker = Program::start(TICKER, &["--every", LONG, "--work", "0"]);
    ticker.wait_for("tick 1: done");
    ticker.interrupt();
    assert!(ticker.wait().success());
    assert_eq!(
        ticker.seen()[2..],
        ["asked to stop; press Ctrl-C again to give up", "stopped after 1 tick"]
    );
}

#[test]
fn a_tick_that_was_begun_is_completed() {
    let mut ticker = Program::start(TICKER, &["--work", "1", "--grace", LONG]);
    ticker.wait_for("tick 1: begun");
    ticker.interrupt();
    ticker.wait_for("asked to stop");
    assert!(ticker.wait().success());
    assert_eq!(ticker.seen()[2..], ["tick 1: done", "stopped after 1 tick"]);
}

#[test]
fn a_second_ctrl_c_gives_it_up_and_kills_the_process() {
    let mut ticker = Program::start(TICKER, &["--work", LONG, "--grace", LONG]);
    ticker.wait_for("tick 1: begun");
    ticker.interrupt();
    ticker.wait_for("asked to stop");
    ticker.interrupt();
    assert_eq!(ticker.wait().signal(), Some(SIGINT));
    assert_eq!(ticker.seen()[2..], ["tick 1: given up"]);
}

#[test]
fn so_does_the_end_of_its_grace() {
    let mut ticker = Program::start(TICKER, &["--work", LONG, "--grace", "0.05"]);
    ticker.wait_for("tick 1: begun");
    ticker.interrupt();
    assert_eq!(ticker.wait().signal(), Some(SIGINT));
    assert_eq!(ticker.seen().last().unwrap(), "tick 1: given up");
}

#[test]
fn wrong_arguments_are_explained() {
    for (arguments, problem) in [
        (&["--loud"][..], "unknown argument `--loud`"),
        (&["--every"], "`--every` needs a number"),
        (&["--every", "0"], "there is some time from one tick to the next"),
        (&["--work", "-1"], "`-1` is not a number of seconds"),
        (&["--grace", "nan"], "`nan` is not a number of seconds"),
        (&["--count", "1.5"], "`1.5` is not a number of ticks"),
    ] {
        let output = output(TICKER, arguments, Stdio::null());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.starts_with(problem) && said.contains("usage: ticker"), "{said}");
        assert_eq!(output.status.code(), Some(2));
    }
    let help = output(TICKER, &["--help"], Stdio::null());
    assert!(help.status.success() && help.stdout.starts_with(b"usage: "));
}
