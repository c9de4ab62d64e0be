//! What must agree with the table: the constants of `trio::lint`, `docs/rules.md`, the texts on the
//! traits of the runtime, and the UI cases.
//!
//! `RULES=overwrite cargo test -p trio-macros` writes the first two anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{RULES, Rule, Severity};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Compares all but the white space, which a formatter may have changed.
fn agree(path: &str, expected: &str) {
    let path = workspace().join(path);
    if std::env::var_os("RULES").is_some_and(|value| value == "overwrite") {
        std::fs::write(&path, expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    let same = plain(&found).replace(",)]", ")]") == plain(expected).replace(",)]", ")]");
    assert!(
        same,
        "{} is not what the table says; `RULES=overwrite cargo test -p trio-macros` writes it",
        path.display()
    );
}

#[test]
fn every_warning_has_its_constant() {
    let mut text = String::from(
        "//! The warnings of the macros. Stable Rust lets a macro warn only of what is deprecated, so each\n\
         //! of these is.\n//!\n\
         //! A warning is switched off with `#[trio(allow(name))]` where it is said, or with\n\
         //! `#[trio::task(allow(name))]` for a function; `deny(name)` makes it an error. The rules, with\n\
         //! examples, are in `docs/rules.md`, from whose table this file is written.\n\n\
         #![allow(non_upper_case_globals)]\n",
    );
    for rule in RULES {
        if !matches!(rule.severity, Severity::Warning | Severity::OptIn) {
            continue;
        }
        let Rule { name, message, help, .. } = rule;
        assert!(!message.contains("{0}") && !help.contains("{0}"), "{name} is said as it stands");
        let said = format!("{message}\nhelp: {help}");
        let (first, rest) = message.split_at(1);
        let _ = write!(
            text,
            "\n/// {}{rest}.\n#[deprecated(note = {said:?})]\npub const {name}: () = ();\n",
            first.to_uppercase(),
        );
    }
    agree("trio/src/lint.rs", &text);
}

#[test]
fn the_documentation_lists_every_rule() {
    let mut text = String::from(
        "# The rules\n\n\
         What the macros of trio refuse, what they say, and how the code looks when it is put right. A\n\
         rule is switched off at its place with `#[trio(allow(name))]` on the statement, `let`, loop or\n\
         expression, and for a whole function with `#[trio::task(allow(name))]`; `deny(name)` makes a\n\
         warning an error, `warn(name)` asks for one that is silent otherwise. What is held by the\n\
         types, and what the macros cannot do without, cannot be switched off. The rules that the\n\
         compiler or clippy find (`unawaited_statement`, `std_lock_across_await`,\n\
         `refcell_across_await`) are switched off by function, or at a place with their own lints.\n\n\
         What blocks is known to the macros by its name alone. `clippy.toml` beside this file lets clippy\n\
         find it by what it is; it is meant to be copied.\n\n\
         This file is written from the table in `trio-macros/src/rules/table.rs`.\n",
    );
    for rule in RULES {
        let hard = match rule.severity {
            Severity::Structure => "error, always",
            Severity::Types => "error, by the types",
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::OptIn => "opt-in",
        };
        let plain = |text: &str| {
            ["{0}", "{1}", "{2}"].iter().fold(text.to_owned(), |text, gap| text.replace(gap, "…"))
        };
        let (message, help) = (plain(rule.message), plain(rule.help));
        let _ = write!(
            text,
            "\n## {}\n\n*{hard}*: {message}\n\nhelp: {help}\n\n```rust\n// not\n{}\n// but\n{}\n```\n",
            rule.name, rule.bad, rule.good,
        );
    }
    agree("docs/rules.md", &text);
}

/// Texts that the type checker says stand on traits, where no constant can be used.
#[test]
fn the_texts_of_the_types_are_those_of_the_table() {
    let source = |file: &str| {
        let path = workspace().join("trio/src/runtime").join(file);
        std::fs::read_to_string(path).unwrap()
    };
    let probes = source("unawaited.rs");
    for rule in [
        super::UNAWAITED_LET_UNDERSCORE,
        super::UNAWAITED_DEAD_BINDING,
        super::UNAWAITED_DROP,
        super::TRY_BEFORE_AWAIT,
        super::UNAWAITED_IN_FORMAT,
        super::UNAWAITED_TAIL,
    ] {
        for text in [
            format!("message = \"{}\"", rule.message),
            format!("note = \"{}\"", rule.help),
            format!("note = \"rule: {}\"", rule.name),
        ] {
            assert!(probes.contains(&text), "{text}");
        }
    }
    let statement = format!(
        "#[must_use = \"{}: {}\"]",
        super::UNAWAITED_STATEMENT.message,
        super::UNAWAITED_STATEMENT.help
    );
    assert!(source("call.rs").contains(&statement), "{statement}");
    for (file, rule) in [
        ("thunk.rs", super::NOT_A_THUNK),
        ("thunk.rs", super::SPAWN_STARTABLE),
        ("task/handle.rs", super::JOIN_FOR_RESULT),
        ("awaiting.rs", super::SPAWN_SYNC_FUNCTION),
        ("awaiting.rs", super::AWAIT_NOT_ASYNC),
        ("call.rs", super::POLLED_BY_HAND),
        ("main_result.rs", super::MAIN_RESULT),
    ] {
        let message = rule.message.replace("{0}", "{Self}");
        for text in [format!("message = \"{message}\""), format!("note = \"rule: {}\"", rule.name)]
        {
            assert!(source(file).contains(&text), "{file}: {text}");
        }
    }
}

#[test]
fn every_rule_has_cases_that_fail_and_cases_that_pass() {
    let mut missing = Vec::new();
    for rule in RULES {
        for kind in ["fail", "pass"] {
            let folder = workspace().join("ui-tests").join(kind).join(rule.name);
            let cases = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let mut names = cases.map(|entry| entry.path());
            let by_clippy = workspace().join("ui-tests/clippy").join(format!("{}.rs", rule.name));
            if kind == "fail" && by_clippy.exists() {
                continue;
            }
            if !names.any(|path| path.extension().is_some_and(|extension| extension == "rs")) {
                missing.push(format!("{kind}/{}", rule.name));
            }
        }
    }
    assert!(missing.is_empty(), "without a case: {missing:?}");
}
