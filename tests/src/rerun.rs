//! Tests that look at what their process prints, or at how it dies: they run themselves once more, in
//! a process of their own.

use std::process::{Command, Output};

const MARK: &str = "TRIO_TESTS_RERUN";

/// Runs the test of this name in a child process and gives what came of it. `None` in the child,
/// where the test goes on to what it is about.
pub fn rerun(test: &str) -> Option<Output> {
    if std::env::var(MARK).is_ok_and(|name| name == test) {
        return None;
    }
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .args(["--exact", test, "--nocapture"])
        .env(MARK, test)
        .output()
        .expect("this program can be started once more");
    Some(output)
}

/// Runs the test of this name in a child process, where it must pass. `true` in the child.
#[track_caller]
pub fn alone(test: &str) -> bool {
    match rerun(test) {
        None => true,
        Some(output) => {
            assert!(output.status.success(), "{}", stderr(&output));
            false
        }
    }
}

/// What the child printed on standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
