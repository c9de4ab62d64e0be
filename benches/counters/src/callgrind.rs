//! Instructions, by valgrind's callgrind.

use std::collections::BTreeMap;
use std::process::Command;

use crate::children::{self, Findings};
use crate::workloads::Workload;

/// How many functions a profile shows.
const SHOWN: usize = 40;

/// Instructions an operation.
///
/// # Errors
///
/// If valgrind cannot be run, or finds something else than a number of instructions.
pub fn measure(workload: &Workload) -> trio::Result<f64> {
    let counted = |operations| instructions(&record(workload, operations)?.read()?);
    Ok(workload.per_operation(counted(workload.operations)?, counted(2 * workload.operations)?))
}

/// How many instructions of an operation are in which function, the most first: by the file that they come
/// from, since functions are inlined.
///
/// # Errors
///
/// As [`measure`], and if `callgrind_annotate` cannot be run.
pub fn profile(workload: &Workload) -> trio::Result<Vec<(String, f64)>> {
    let recorded = |operations| {
        let findings = record(workload, operations)?;
        let mut annotate = Command::new("callgrind_annotate");
        annotate.args(["--auto=no", "--threshold=100"]).arg(findings.path());
        Ok::<_, trio::Error>(functions(&children::text(&mut annotate)?))
    };
    let once = recorded(workload.operations)?;
    let twice = recorded(2 * workload.operations)?;
    let mut profile = Vec::new();
    for (function, count) in twice {
        let before = once.get(&function).copied().unwrap_or(0);
        profile.push((function, workload.per_operation(before, count)));
    }
    profile.sort_by(|a, b| b.1.total_cmp(&a.1));
    profile.truncate(SHOWN);
    Ok(profile)
}

fn record(workload: &Workload, operations: u32) -> trio::Result<Findings> {
    let findings = Findings::new(&format!("callgrind-{}-{operations}", workload.name));
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--quiet"]);
    valgrind.arg(format!("--callgrind-out-file={}", findings.path().display()));
    children::run(&mut valgrind, workload, operations)?;
    Ok(findings)
}

/// The number of instructions in what callgrind has written.
fn instructions(written: &str) -> trio::Result<u64> {
    let value = |key| written.lines().find_map(|line| line.strip_prefix(key));
    if value("events:").map(str::trim) != Some("Ir") {
        return Err("callgrind has counted other events than instructions".into());
    }
    let totals = value("totals:").ok_or("callgrind has not come to an end")?;
    Ok(totals.trim().parse()?)
}

/// The lines of callgrind's table: a number, its share, and a file with a function, perhaps of an object.
fn functions(table: &str) -> BTreeMap<String, u64> {
    let mut functions = BTreeMap::new();
    for line in table.lines() {
        let Some((number, rest)) = line.split_once('(') else { continue };
        let Some((_, function)) = rest.split_once("%)") else { continue };
        let Ok(number) = number.replace(',', "").trim().parse::<u64>() else { continue };
        let function = function.trim();
        if function != "PROGRAM TOTALS" {
            let function = function.rsplit_once(" [").map_or(function, |(function, _)| function);
            *functions.entry(function.to_owned()).or_default() += number;
        }
    }
    functions
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = "\
# callgrind format
version: 1
creator: callgrind-3.19.0
pid: 42
cmd:  counters run yield 000020000
part: 1

desc: I1 cache: 
desc: Trigger: Program termination

positions: line
events: Ir
summary: 2318271

ob=(2) /usr/lib/ld.so
fl=(2) ???
fn=(4) _start
0 3
totals: 2318271
";

    #[test]
    fn the_total_is_the_number_of_instructions() {
        assert_eq!(instructions(WRITTEN).unwrap(), 2_318_271);
    }

    #[test]
    fn what_ends_early_is_an_error() {
        let cut = WRITTEN.replace("totals: 2318271\n", "");
        assert!(instructions(&cut).unwrap_err().to_string().contains("come to an end"));
    }

    #[test]
    fn other_events_are_an_error() {
        let other = WRITTEN.replace("events: Ir", "events: Ir Bc Bcm");
        assert!(instructions(&other).unwrap_err().to_string().contains("other events"));
    }

    #[test]
    fn functions_are_counted_without_their_objects() {
        let table = "\
--------------------------------------------------------------------------------
Ir
--------------------------------------------------------------------------------
2,318,271 (100.0%)  PROGRAM TOTALS

Ir                  file:function
1,300,000 (56.08%)  src/a.rs:<A<F> as B>::poll [/target/counters]
1,000,000 (43.14%)  src/b.rs:f([u8; 4]) (.part.0)
        3 ( 0.00%)  src/a.rs:<A<F> as B>::poll [/lib/other]
";
        let expected = [
            ("src/a.rs:<A<F> as B>::poll", 1_300_003),
            ("src/b.rs:f([u8; 4]) (.part.0)", 1_000_000),
        ];
        let expected = expected.map(|(name, count)| (name.to_owned(), count));
        assert_eq!(functions(table), BTreeMap::from(expected));
    }
}
