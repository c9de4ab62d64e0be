//! Measuring everything.

use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use std::thread;

use crate::workloads::{self, Workload};
use crate::{allocations, callgrind, clock, strace};

/// How often what is not exact is measured. The least counts.
const TRIES: usize = 3;

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Unit {
    Instructions,
    SystemCalls,
    Allocations,
    Bytes,
    ClockReads,
}

impl Unit {
    const ALL: [Unit; 5] =
        [Unit::Instructions, Unit::SystemCalls, Unit::Allocations, Unit::Bytes, Unit::ClockReads];

    fn name(self) -> &'static str {
        match self {
            Unit::Instructions => "instructions",
            Unit::SystemCalls => "system-calls",
            Unit::Allocations => "allocations",
            Unit::Bytes => "bytes",
            Unit::ClockReads => "clock-reads",
        }
    }

    /// Its digits after the point.
    pub fn decimals(self) -> usize {
        match self {
            Unit::Instructions | Unit::Bytes => 1,
            Unit::SystemCalls | Unit::Allocations | Unit::ClockReads => 2,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Unit {
    type Err = String;

    fn from_str(name: &str) -> Result<Unit, String> {
        let found = Unit::ALL.into_iter().find(|unit| unit.name() == name);
        found.ok_or_else(|| format!("`{name}` is nothing that is counted"))
    }
}

/// So much of something for an operation of a workload.
#[derive(Clone, PartialEq, Debug)]
pub struct Count {
    pub unit: Unit,
    pub name: String,
    pub value: f64,
}

impl Count {
    /// A count as it is written: the digits that it does not show are not there.
    pub fn new(unit: Unit, name: &str, value: f64) -> Count {
        let scale = 10_f64.powi(unit.decimals() as i32);
        let value = (value * scale).round() / scale;
        // Nothing has no sign, and by a hair less than nothing is nothing.
        let value = if value > 0.0 { value } else { 0.0 };
        Count { unit, name: name.to_owned(), value }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.unit.decimals();
        write!(f, "{:12}  {:17} {:>9.decimals$}", self.unit, self.name, self.value)
    }
}

/// A measurement that a child makes.
type Job = (Unit, &'static Workload, fn(&Workload) -> trio::Result<f64>);

/// Everything that is counted, of all workloads: by unit, in the order of the workloads.
///
/// # Errors
///
/// If a tool is missing or fails.
pub fn measure() -> trio::Result<Vec<Count>> {
    let mut counts = Vec::new();
    // First, and alone: what is counted here is what this process does.
    for workload in workloads::ALL {
        for (unit, counter) in [
            (Unit::Allocations, allocations::count as fn() -> u64),
            (Unit::Bytes, allocations::bytes),
            (Unit::ClockReads, clock::reads),
        ] {
            counts.push(Count::new(unit, workload.name, in_this_process(workload, counter)));
        }
    }
    let mut jobs: Vec<Job> = Vec::new();
    for workload in workloads::ALL {
        jobs.push((Unit::Instructions, workload, callgrind::measure));
        if workload.calls_system {
            jobs.push((Unit::SystemCalls, workload, strace::measure));
        }
    }
    counts.extend(in_parallel(jobs)?);
    counts.sort_by_key(|count| (count.unit, workloads::place(&count.name)));
    Ok(counts)
}

fn in_this_process(workload: &Workload, counter: fn() -> u64) -> f64 {
    let counted = |operations| {
        let before = counter();
        (workload.work)(operations);
        counter() - before
    };
    // What is done once in a process is done now.
    counted(workload.operations);
    workload.per_operation(counted(workload.operations), counted(2 * workload.operations))
}

/// Measures in children, as many at once as there are processors.
fn in_parallel(jobs: Vec<Job>) -> trio::Result<Vec<Count>> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let jobs = Mutex::new(jobs.into_iter());
    let next = || jobs.lock().expect("nothing panics while it is held").next();
    let work = || -> trio::Result<Vec<Count>> {
        let mut counts = Vec::new();
        while let Some((unit, workload, measure)) = next() {
            counts.push(Count::new(unit, workload.name, least(workload, measure)?));
        }
        Ok(counts)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        let mut counts = Vec::new();
        for thread in threads {
            counts.extend(thread.join().expect("no measurement panics")?);
        }
        Ok(counts)
    })
}

fn least(workload: &Workload, measure: fn(&Workload) -> trio::Result<f64>) -> trio::Result<f64> {
    let mut least = measure(workload)?;
    if workload.calls_system {
        for _ in 1..TRIES {
            least = least.min(measure(workload)?);
        }
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_read_as_it_is_written() {
        for unit in Unit::ALL {
            assert_eq!(unit.to_string().parse(), Ok(unit));
        }
        assert!("seconds".parse::<Unit>().is_err());
    }

    #[test]
    fn a_count_has_the_digits_that_it_shows() {
        assert_eq!(Count::new(Unit::Instructions, "lock", 41.26).value, 41.3);
        assert_eq!(Count::new(Unit::Allocations, "lock", 0.004).value, 0.0);
        let negative = Count::new(Unit::Allocations, "lock", -0.001);
        assert_eq!(negative.to_string(), "allocations   lock                   0.00");
    }
}
