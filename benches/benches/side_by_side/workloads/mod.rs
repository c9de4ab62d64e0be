//! What is measured, in groups.

mod cancelling;
mod deadlines;
mod echo;
mod events;
mod fairness;
mod handing_over;
mod locks;
mod memory;
mod network;
mod requests;
mod sleeping;
mod spawning;
mod stopwatch;
mod threads;
mod yielding;

use benches::{Options, Workload};

pub use self::echo::{TALK, talk};

/// All workloads, in the order in which they are measured.
pub fn all(options: &Options) -> Vec<Workload> {
    [
        yielding::workloads,
        spawning::workloads,
        handing_over::workloads,
        locks::workloads,
        events::workloads,
        deadlines::workloads,
        sleeping::workloads,
        cancelling::workloads,
        threads::workloads,
        echo::workloads,
        network::workloads,
        requests::workloads,
        fairness::workloads,
        memory::workloads,
    ]
    .into_iter()
    .flat_map(|workloads| workloads(options))
    .collect()
}

const FINE: &str = "nothing fails";
