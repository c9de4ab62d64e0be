//! Ctrl-C, with real processes and real signals. The programs are in `src/bin/interrupted.rs`.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

const PROGRAM: &str = env!("CARGO_BIN_EXE_interrupted");
const SIGINT: Option<i32> = Some(Signal::INT.as_raw());

/// A program that runs.
struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

/// How it ended.
#[derive(Debug)]
struct End {
    status: ExitStatus,
    /// The lines that nobody has waited for, without regard to their order.
    lines: Vec<String>,
    stderr: String,
}

impl Program {
    fn start(name: &str) -> Program {
        Program::from(Command::new(PROGRAM).arg(name))
    }

    fn from(command: &mut Command) -> Program {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.env("RUST_BACKTRACE", "0").spawn().unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Program { child, stdin, stdout }
    }

    /// Reads on up to this line.
    #[track_caller]
    fn wait_for(&mut self, expected: &str) -> &mut Self {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), expected);
        self
    }

    fn interrupt(&mut self) -> &mut Self {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        self
    }

    /// Waits until the program has nothing to do.
    fn wait_until_it_waits(&mut self) -> &mut Self {
        let state = format!("/proc/{}/stat", self.child.id());
        // The state comes after the name, which is in parentheses.
        while !std::fs::read_to_string(&state).unwrap().contains(") S ") {
            std::thread::yield_now();
        }
        self
    }

    fn close_input(&mut self) -> &mut Self {
        self.stdin = None;
        self
    }

    /// Whether the program has a handler for SIGINT now.
    fn catches_interrupts(&self) -> bool {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        let caught = u64::from_str_radix(caught.trim(), 16).unwrap();
        caught & (1 << (Signal::INT.as_raw() - 1)) != 0
    }

    fn end(&mut self) -> End {
        let mut stdout = String::new();
        self.stdout.read_to_string(&mut stdout).unwrap();
        let mut stderr = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let mut lines: Vec<String> = stdout.lines().map(str::to_owned).collect();
        lines.sort();
        End { status: self.child.wait().unwrap(), lines, stderr }
    }
}

impl Drop for Program {
    /// A test that fails leaves no program behind.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const CLEANED_UP: [&str; 4] = ["one cleaned up", "one dropped", "two cleaned up", "two dropped"];

#[test]
fn ctrl_c_unwinds_everything_with_its_clean_up_and_the_process_dies_of_it() {
    let end = Program::start("cleans_up").wait_for("ready").interrupt().end();
    assert_eq!(end.lines, CLEANED_UP);
    assert_eq!(end.status.signal(), SIGINT);
    assert_eq!(end.stderr, "");
}

#[test]
fn a_main_made_by_the_macro_does_the_same() {
    let end = Program::start("hello").wait_for("ready").interrupt().end();
    assert_eq!(end.lines, ["dropped"]);
    assert_eq!(end.status.signal(), SIGINT);
    assert_eq!(end.stderr, "");
}

#[test]
fn a_shell_sees_a_program_that_was_interrupted() {
    let script = r#""$0" raises_and_goes_on; echo "status $?""#;
    let end = Program::from(Command::new("sh").args(["-c", script, PROGRAM])).end();
    assert_eq!(end.lines, ["status 130", "still here"]);
}

#[test]
fn a_second_ctrl_c_ends_the_process_at_once() {
    let mut program = Program::start("cleans_up_forever");
    program.wait_for("ready").interrupt().wait_for("cleaning up").interrupt();
    let end = program.end();
    assert_eq!(end.status.signal(), SIGINT);
    assert_eq!(end.stderr, "");
}

#[test]
fn a_second_ctrl_c_ends_a_task_that_computes_without_a_checkpoint() {
    let mut program = Program::start("computes");
    program.wait_for("ready");
    assert!(program.catches_interrupts());
    program.interrupt();
    // The first has come when the handler has given itself up; the task computes on.
    while program.catches_interrupts() {
        std::thread::yield_now();
    }
    assert!(program.child.try_wait().unwrap().is_none());
    assert_eq!(program.interrupt().end().status.signal(), SIGINT);
}

// H87, H90
#[test]
fn code_runs_on_after_ctrl_c_until_a_checkpoint() {
    let end = Program::start("raises_and_goes_on").end();
    assert_eq!(end.lines, ["still here"]);
    assert_eq!(end.status.signal(), SIGINT);
}

// H87
#[test]
fn tasks_that_never_block_are_interrupted() {
    let end = Program::start("checks").wait_for("ready").interrupt().end();
    assert_eq!(end.lines, ["one dropped", "two dropped"]);
    assert_eq!(end.status.signal(), SIGINT);
}

// H87
#[test]
fn a_shielded_part_is_completed_first() {
    let end = Program::start("shielded").end();
    assert_eq!(end.lines, ["the shielded part is done"]);
    assert_eq!(end.status.signal(), SIGINT);
}

// H88
#[test]
fn a_ctrl_c_before_main_has_started_interrupts_it_at_its_first_point() {
    let end = Program::start("raises_before_main").end();
    assert_eq!(end.lines, ["interrupted", "main has started", "went on"]);
    assert!(end.status.success());
}

// H88
#[test]
fn a_ctrl_c_as_main_returns_is_not_lost() {
    let end = Program::start("raises_and_returns").end();
    assert_eq!(end.lines, ["interrupted with 7", "went on"]);
}

// H88
#[test]
fn a_ctrl_c_while_the_run_shuts_down_is_not_lost() {
    let end = Program::start("raises_at_shutdown").end();
    assert_eq!(end.lines, ["interrupted with 7", "went on"]);
}

// H88
#[test]
fn a_ctrl_c_at_the_last_moment_is_not_lost() {
    let end = Program::start("raises_when_all_is_over").end();
    assert_eq!(end.lines, ["interrupted with 7", "went on"]);
}

// H89
#[test]
fn a_ctrl_c_in_a_cancelled_scope_is_delivered_after_the_scope_is_left() {
    let end = Program::start("raises_in_a_scope").end();
    assert_eq!(end.lines.last().unwrap(), "went on");
    assert!(end.lines.contains(&"interrupted".to_owned()));
    assert!(!end.lines.contains(&"this must not be reached".to_owned()));
}

// H91
#[test]
fn a_program_with_a_handler_of_its_own_is_left_alone() {
    let mut program = Program::start("has_a_handler");
    program.wait_for("ready").interrupt().wait_for("own handler");
    program.interrupt().wait_for("own handler");
    let end = program.close_input().end();
    assert_eq!(end.lines, ["done", "went on"]);
    assert!(end.status.success());
}

// H91
#[test]
fn a_handler_that_was_replaced_during_the_run_stays_replaced() {
    let mut program = Program::start("takes_the_handler_over");
    program.wait_for("ready").interrupt().wait_for("own handler");
    program.close_input().wait_for("done").wait_for("the run is over");
    program.interrupt().wait_for("own handler");
}

// H91
#[test]
fn a_program_that_was_started_with_sigint_ignored_goes_on_ignoring_it() {
    let script = r#"trap "" INT; exec "$0" waits_for_input"#;
    let mut program = Program::from(Command::new("sh").args(["-c", script, PROGRAM]));
    let end = program.wait_for("ready").interrupt().close_input().end();
    assert_eq!(end.lines, ["done", "went on"]);
    assert!(end.status.success());
}

#[test]
fn run_interruptible_returns_when_everything_has_unwound() {
    let end = Program::start("returns").wait_for("ready").interrupt().end();
    assert!(end.lines.contains(&"interrupted".to_owned()));
    assert!(CLEANED_UP.iter().all(|line| end.lines.contains(&(*line).to_owned())));
    assert_eq!(end.lines.last().unwrap(), "went on");
    assert!(end.status.success());
}

#[test]
fn waiting_for_ctrl_c_is_no_deadlock_and_detecting_one_can_be_left_off() {
    for name in ["sleeps", "sleeps_for_long", "hangs_on_purpose"] {
        let end = Program::start(name).wait_for("ready").wait_until_it_waits().interrupt().end();
        assert_eq!(end.status.signal(), SIGINT, "{end:?}");
        assert_eq!(end.stderr, "");
    }
}

#[test]
fn an_interrupt_that_has_come_is_not_taken_for_a_deadlock() {
    let end = Program::start("raises_and_hangs").wait_for("ready").end();
    assert_eq!(end.status.signal(), SIGINT, "{end:?}");
    assert_eq!(end.stderr, "");
}

// J97
#[test]
fn the_host_of_a_guest_run_is_told_and_goes_on() {
    let end = Program::start("hosts_a_guest").wait_for("ready").interrupt().end();
    assert!(end.lines.contains(&"interrupted by Ctrl-C".to_owned()), "{end:?}");
    assert!(CLEANED_UP.iter().all(|line| end.lines.contains(&(*line).to_owned())));
    assert_eq!(end.lines.last().unwrap(), "went on");
    assert!(end.status.success());
}

#[test]
fn after_an_interrupted_run_the_next_can_be_interrupted_and_after_all_the_process() {
    let mut program = Program::start("runs_twice");
    for _ in 0..2 {
        program.wait_for("ready").interrupt();
        while {
            let mut line = String::new();
            program.stdout.read_line(&mut line).unwrap();
            line.trim_end() != "interrupted"
        } {}
    }
    program.wait_for("no run");
    assert!(!program.catches_interrupts());
    assert_eq!(program.interrupt().end().status.signal(), SIGINT);
}

#[test]
fn a_run_that_ignores_interrupts_leaves_sigint_to_its_default_action() {
    let mut program = Program::start("ignores");
    program.wait_for("ready");
    assert!(!program.catches_interrupts());
    let end = program.interrupt().end();
    assert_eq!(end.status.signal(), SIGINT);
    assert_eq!(end.lines, [""; 0]);
}

#[test]
fn a_run_in_another_thread_than_the_main_one_leaves_sigint_alone() {
    let mut program = Program::start("in_a_thread");
    program.wait_for("ready");
    assert!(!program.catches_interrupts());
    let end = program.interrupt().end();
    assert_eq!(end.status.signal(), SIGINT);
    assert_eq!(end.lines, [""; 0]);
}

#[test]
fn what_was_printed_while_cleaning_up_is_not_lost() {
    let end = Program::start("prints_without_newline").wait_for("ready").interrupt().end();
    assert_eq!(end.lines, ["bye"]);
    assert_eq!(end.status.signal(), SIGINT);
}

#[test]
fn an_error_that_main_returns_all_the_same_is_printed() {
    let mut program = Program::start("returns_an_error");
    let end = program.wait_for("ready").interrupt().close_input().end();
    assert!(end.stderr.contains("the disk is full"), "{}", end.stderr);
    assert_eq!(end.status.signal(), SIGINT);
}

#[test]
fn a_panic_while_cleaning_up_goes_on_as_a_panic() {
    let end = Program::start("panics_when_cleaning_up").wait_for("ready").interrupt().end();
    assert!(end.stderr.contains("on purpose"), "{}", end.stderr);
    assert_eq!(end.status.code(), Some(101));
}

#[test]
fn while_a_receiver_is_open_ctrl_c_cancels_nothing() {
    let mut program = Program::start("receives");
    program.wait_for("ready").interrupt().wait_for("SIGINT received");
    program.interrupt().wait_for("SIGINT received").wait_for("enough").interrupt();
    let end = program.end();
    assert_eq!(end.lines, [""; 0]);
    assert_eq!(end.status.signal(), SIGINT);
}

#[test]
fn a_ctrl_c_that_a_receiver_leaves_behind_cancels_the_run() {
    let end = Program::start("receives_one_too_many").end();
    assert_eq!(end.lines, ["1 pending"]);
    assert_eq!(end.status.signal(), SIGINT);
}

#[test]
fn a_receiver_that_outlives_its_run_leaves_the_default_behind() {
    let end = Program::start("keeps_a_receiver").end();
    assert_eq!(end.lines, ["still here"]);
    assert_eq!(end.status.signal(), SIGINT);
}

#[test]
fn with_a_grace_the_first_ctrl_c_asks_and_a_main_that_ends_has_its_own_status() {
    let mut program = Program::start("ends_when_asked");
    program.wait_for("ready").interrupt().wait_for("asked");
    assert!(program.catches_interrupts());
    let end = program.close_input().end();
    assert_eq!(end.lines, ["done", "went on"]);
    assert!(end.status.success());
    assert_eq!(end.stderr, "");
}

#[test]
fn a_main_that_ends_within_its_grace_was_not_interrupted() {
    let mut program = Program::start("ends_when_asked_with_a_value");
    program.wait_for("ready").interrupt().wait_for("asked");
    assert_eq!(program.close_input().end().lines, ["done", "ended with 7", "went on"]);
}

#[test]
fn a_main_made_by_the_macro_can_have_a_grace() {
    let mut program = Program::start("hello_with_a_grace");
    let end = program.wait_for("ready").interrupt().wait_for("asked").end();
    assert_eq!(end.status.code(), Some(3));
}

#[test]
fn the_second_ctrl_c_cancels_and_the_process_dies_of_it() {
    let mut program = Program::start("goes_on_when_asked");
    program.wait_for("ready").interrupt().wait_for("asked");
    program.interrupt().wait_for("cleaning up");
    assert!(!program.catches_interrupts());
    let end = program.close_input().end();
    assert_eq!(end.lines, ["cleaned up", "dropped"]);
    assert_eq!(end.status.signal(), SIGINT);
}

#[test]
fn the_third_ctrl_c_ends_the_process_at_once() {
    let mut program = Program::start("goes_on_when_asked");
    program.wait_for("ready").interrupt().wait_for("asked");
    program.interrupt().wait_for("cleaning up");
    let end = program.interrupt().end();
    assert_eq!(end.lines, [""; 0]);
    assert_eq!(end.status.signal(), SIGINT);
}

#[test]
fn when_its_grace_is_over_main_is_cancelled_and_the_process_dies_of_the_ctrl_c() {
    let mut program = Program::start("goes_on_beyond_its_grace");
    program.wait_for("ready").interrupt().wait_for("asked").wait_for("cleaning up");
    let end = program.close_input().end();
    assert_eq!(end.lines, ["cleaned up", "dropped"]);
    assert_eq!(end.status.signal(), SIGINT);
}

#[test]
fn a_main_that_returns_after_its_grace_was_interrupted() {
    let end = Program::start("returns_beyond_its_grace").wait_for("ready").interrupt().end();
    assert_eq!(end.lines, ["interrupted with 7", "went on"]);
}

#[test]
fn a_main_that_returns_as_it_is_asked_is_the_answer() {
    for program in ["raises_and_returns_with_a_grace", "raises_when_all_is_over_with_a_grace"] {
        assert_eq!(Program::start(program).end().lines, ["ended with 7", "went on"]);
    }
}

#[test]
fn two_ctrl_c_that_come_at_once_are_not_taken_for_one() {
    let end = Program::start("raises_twice_and_returns_with_a_grace").end();
    assert_eq!(end.lines, ["interrupted with 7", "went on"]);
}

#[test]
fn the_grace_is_mains_and_not_that_of_system_tasks() {
    let end = Program::start("lets_its_grace_pass_at_shutdown").end();
    assert_eq!(end.lines, ["ended with 7", "went on"]);
}
