//! What is measured, in groups.

mod spawning;
mod stopwatch;
mod yielding;

use benches::{Options, Workload};

/// All workloads, in the order in which they are measured.
pub fn all(options: &Options) -> Vec<Workload> {
    [yielding::workloads, spawning::workloads]
        .into_iter()
        .flat_map(|workloads| workloads(options))
        .collect()
}

const FINE: &str = "nothing fails";
