//! The rules over code that nobody wrote for them. `docs/false-positives.md` has the figures, and what
//! is behind each kind of finding.

use std::collections::BTreeMap;

use quote::quote;

use super::findings::Findings;
use super::foreign::{self, Foreign};
use crate::entry;
use crate::item::{Body, Item};
use crate::options::Kind;

/// The rules that foreign code breaks as an error, each looked at by hand.
///
/// An `async fn` without an `.await` is ordinary elsewhere, and often what a trait or a framework
/// dictates.
const TRUE_FINDINGS: [&str; 1] = ["never_awaits"];

/// Functions that break a rule on purpose: examples of what must not be done.
const MEANT: [(&str, &str); 1] = [("endless_loop_no_checkpoint", "never_yields")];

#[test]
fn no_error_is_found_in_foreign_code_but_true_ones() {
    let functions = foreign::functions();
    let mut kinds: BTreeMap<(&str, String), Vec<&Foreign>> = BTreeMap::new();
    for function in &functions {
        let findings = findings(function);
        for error in findings.errors {
            if MEANT.contains(&(error.as_str(), function.name.as_str())) {
                continue;
            }
            kinds.entry(("error", error)).or_default().push(function);
        }
        for warning in findings.warnings {
            kinds.entry(("warning", warning)).or_default().push(function);
        }
    }
    let readable = functions.iter().filter(|function| is_readable(function)).count();
    println!("{} async functions, {readable} of which parse", functions.len());
    for ((level, kind), found) in &kinds {
        println!("{level} {kind}: {}", found.len());
        for function in found {
            println!("    {} {}", function.file.display(), function.name);
        }
    }
    let listed = std::env::var_os("TRIO_FOREIGN_SOURCES").is_some();
    let unexpected: Vec<_> = kinds
        .keys()
        .filter(|(level, kind)| *level == "error" && !TRUE_FINDINGS.contains(&kind.as_str()))
        .collect();
    assert!(listed || unexpected.is_empty(), "{unexpected:?}");
    // The sources of tokio are there wherever this is built.
    assert!(readable >= 300, "only {readable} functions are found that parse");
}

fn findings(function: &Foreign) -> Findings {
    let tokens = function.tokens.clone();
    Findings::of(&match function.kind {
        Kind::Task => entry::task(quote!(), tokens),
        Kind::Main => entry::main(quote!(), tokens),
        Kind::Test => entry::test(quote!(), tokens),
    })
}

/// Not the pattern of a macro, nor a test of what a parser refuses.
fn is_readable(function: &Foreign) -> bool {
    match Item::parse(function.tokens.clone()) {
        Item::Function(function) => !matches!(function.body, Body::Opaque(..)),
        _ => false,
    }
}
