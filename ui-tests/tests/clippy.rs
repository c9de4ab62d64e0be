//! What only clippy finds: `clippy/<rule>.rs`, built on request.

use std::process::Command;

fn refused(rule: &str, lint: &str) {
    said(rule, &[lint]);
}

/// What clippy says about a case with the configuration that users are given, all of it.
fn said(case: &str, expected: &[&str]) {
    let mut clippy = Command::new(env!("CARGO"));
    clippy.args(["clippy", "--no-deps", "--package", "ui-tests", "--example", case]);
    clippy.env("CLIPPY_CONF_DIR", concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
    let output = clippy.args(["--", "--cfg", "clippy_cases", "-D", "warnings"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    for text in expected {
        assert!(said.contains(text), "{said}");
    }
}

#[test]
fn a_lock_is_not_held_across_an_await() {
    refused("std_lock_across_await", "await_holding_lock");
}

#[test]
fn a_borrow_is_not_held_across_an_await() {
    refused("refcell_across_await", "await_holding_refcell_ref");
}

#[test]
fn what_blocks_is_known_by_what_it_is() {
    said(
        "blocking",
        &[
            "use of a disallowed method `std::sync::mpsc::Receiver::recv`",
            "use of a disallowed method `std::thread::JoinHandle::join`",
            "use of a disallowed method `std::thread::sleep`",
            "use trio::sleep(d).await: `trio::sleep`",
        ],
    );
}
