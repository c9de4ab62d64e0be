//! What is built on the runtime is built as a third party would build it.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers above the runtime: files and directories of `trio/src`.
const ABOVE: [&str; 8] =
    ["channel", "local.rs", "net", "signal.rs", "stream", "sync", "testing", "thread"];

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../trio/src")
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), files);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        files.push(path.to_owned());
    }
}

/// The lines, by number, that reach into the runtime. Whatever path begins there, it has the name of
/// the module in it, after `crate`, after `super`, or in a list of either.
fn reaching(source: &str) -> Vec<(usize, &str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let names_it = |line: &str| {
        line.match_indices("runtime").any(|(at, name)| {
            let (before, after) = (&line[..at], &line[at + name.len()..]);
            !before.ends_with(is_word)
                && (after.starts_with("::")
                    || (before.ends_with("::") && !after.starts_with(is_word)))
        })
    };
    let lines = (1..).zip(source.lines());
    lines.filter(|(_, line)| !line.trim_start().starts_with("//") && names_it(line)).collect()
}

#[test]
fn the_layers_above_the_runtime_use_what_is_public() {
    let mut files = Vec::new();
    for layer in ABOVE {
        collect(&sources().join(layer), &mut files);
    }
    assert!(files.len() > 10, "{files:?}");
    let mut found = String::new();
    for file in files {
        for (number, line) in reaching(&fs::read_to_string(&file).unwrap()) {
            found += &format!("\n  {}:{number}: {}", file.display(), line.trim());
        }
    }
    assert!(
        found.is_empty(),
        "these reach into the runtime; what they need belongs into `trio::lowlevel`:{found}"
    );
}

#[test]
fn a_use_of_the_runtime_is_found_in_whatever_way_it_is_written() {
    for line in [
        "use crate::runtime::park::ParkingLot;",
        "use crate::{runtime::park, sync};",
        "    super::super::runtime::context::task(|task| task.name());",
        "use crate::runtime;",
        "use trio::{sync, runtime::park};",
    ] {
        assert_eq!(reaching(line), [(1, line)]);
    }
    for line in ["// as in crate::runtime::park", "let runtime = 1;", "use crate::my_runtime::x;"] {
        assert_eq!(reaching(line), []);
    }
}
