//! What only clippy finds: `clippy/<rule>.rs`, built on request.

use std::process::Command;

fn refused(rule: &str, lint: &str) {
    let mut clippy = Command::new(env!("CARGO"));
    clippy.args(["clippy", "--package", "ui-tests", "--example", rule]);
    let output = clippy.args(["--", "--cfg", "clippy_cases"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains(lint), "{said}");
}

#[test]
fn a_lock_is_not_held_across_an_await() {
    refused("std_lock_across_await", "await_holding_lock");
}

#[test]
fn a_borrow_is_not_held_across_an_await() {
    refused("refcell_across_await", "await_holding_refcell_ref");
}
