//! System calls, by strace.

use std::collections::BTreeMap;
use std::process::Command;

use crate::children::{self, Findings};
use crate::workloads::Workload;

/// Calls, by their names.
type Calls = BTreeMap<String, u64>;

/// System calls an operation.
///
/// # Errors
///
/// If strace cannot be run, or writes something else than its table.
pub fn measure(workload: &Workload) -> trio::Result<f64> {
    let counted = |operations| Ok::<u64, trio::Error>(record(workload, operations)?.values().sum());
    Ok(workload.per_operation(counted(workload.operations)?, counted(2 * workload.operations)?))
}

/// How often an operation makes which system call, without those that it hardly ever makes.
///
/// # Errors
///
/// As [`measure`].
pub fn each(workload: &Workload) -> trio::Result<Vec<(String, f64)>> {
    let once = record(workload, workload.operations)?;
    let twice = record(workload, 2 * workload.operations)?;
    let mut each = Vec::new();
    for (name, count) in twice {
        let before = once.get(&name).copied().unwrap_or(0);
        each.push((name, workload.per_operation(before, count)));
    }
    each.retain(|(_, count)| count.abs() >= 0.005);
    Ok(each)
}

fn record(workload: &Workload, operations: u32) -> trio::Result<Calls> {
    let findings = Findings::new(&format!("strace-{}-{operations}", workload.name));
    let mut strace = Command::new("strace");
    strace.args(["-c", "-f", "-o"]).arg(findings.path());
    children::run(&mut strace, workload, operations)?;
    calls(&findings.read()?)
}

/// The calls in strace's table: percentage, seconds, microseconds a call, calls, perhaps errors, name.
fn calls(table: &str) -> trio::Result<Calls> {
    let mut calls = Calls::new();
    let refuse = |line| format!("no line of a table of system calls: {line}");
    for line in table.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields[..] {
            ["%", ..] | [] => {}
            [rule, ..] if rule.starts_with("---") => {}
            [.., "total"] => return Ok(calls),
            [_, _, _, count, name] | [_, _, _, count, _, name] => {
                calls.insert(name.to_owned(), count.parse().map_err(|_| refuse(line))?);
            }
            _ => return Err(refuse(line).into()),
        }
    }
    Err("strace has not come to an end".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 62.50    0.000015           0      2000           sendto
 37.50    0.000009           9         1         1 access
  0.00    0.000000           0      1001           epoll_wait
------ ----------- ----------- --------- --------- ----------------
100.00    0.000024           0      3002         1 total
";

    #[test]
    fn calls_are_counted_by_name_with_and_without_errors() {
        let expected = [("access", 1), ("epoll_wait", 1001), ("sendto", 2000)];
        let expected = expected.map(|(name, count)| (name.to_owned(), count));
        assert_eq!(calls(TABLE).unwrap(), BTreeMap::from(expected));
    }

    #[test]
    fn a_table_without_its_total_is_an_error() {
        let (cut, _) = TABLE.rsplit_once("100.00").unwrap();
        assert!(calls(cut).unwrap_err().to_string().contains("come to an end"));
        assert!(calls("").is_err());
    }

    #[test]
    fn what_is_no_table_is_an_error() {
        let error = calls("strace: attach: Operation not permitted\n").unwrap_err().to_string();
        assert!(error.contains("Operation not permitted"), "{error}");
    }
}
