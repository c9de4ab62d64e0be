//! Measuring everything.

use std::fmt;
use std::str::FromStr;
use std::sync::Mutex;
use std::thread;

use crate::workloads::{self, Workload};
use crate::{allocations, callgrind, strace};

/// How often what is not exact is measured. The least counts.
const TRIES: usize = 3;

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Unit {
    Instructions,
    SystemCalls,
    Allocations,
}

impl Unit {
    pub const ALL: [Unit; 3] = [Unit::Instructions, Unit::SystemCalls, Unit::Allocations];

    fn name(self) -> &'static str {
        match self {
            Unit::Instructions => "instructions",
            Unit::SystemCalls => "system-calls",
            Unit::Allocations => "allocations",
        }
    }

    /// Its digits after the point.
    pub fn decimals(self) -> usize {
        match self {
            Unit::Instructions => 1,
            Unit::SystemCalls | Unit::Allocations => 2,
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

/// Everything that is counted, of all workloads: by unit, in the order of the workloads.
///
/// # Errors
///
/// If a tool is missing or fails.
pub fn measure() -> trio::Result<Vec<Count>> {
    // First, and alone: they are those of this process.
    let mut counts: Vec<Count> = workloads::ALL
        .iter()
        .map(|workload| {
            Count::new(Unit::Allocations, workload.name, allocations::measure(workload))
        })
        .collect();
    let instructions = workloads::ALL.iter().map(|workload| (Unit::Instructions, workload));
    let calls = workloads::ALL.iter().filter(|workload| workload.calls_system);
    let calls = calls.map(|workload| (Unit::SystemCalls, workload));
    counts.extend(in_parallel(calls.chain(instructions).collect())?);
    counts.sort_by_key(|count| (count.unit, workloads::place(&count.name)));
    Ok(counts)
}

/// Measures in children, as many at once as there are processors.
fn in_parallel(jobs: Vec<(Unit, &Workload)>) -> trio::Result<Vec<Count>> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let jobs = Mutex::new(jobs.into_iter());
    let next = || jobs.lock().expect("nothing panics while it is held").next();
    let work = || -> trio::Result<Vec<Count>> {
        let mut counts = Vec::new();
        while let Some((unit, workload)) = next() {
            counts.push(Count::new(unit, workload.name, least(unit, workload)?));
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

fn least(unit: Unit, workload: &Workload) -> trio::Result<f64> {
    let measure = match unit {
        Unit::Instructions => callgrind::measure,
        Unit::SystemCalls => strace::measure,
        Unit::Allocations => |workload: &Workload| Ok(allocations::measure(workload)),
    };
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
