//! The file for machines.

use serde_json::{Value, json};

use crate::machine::Machine;
use crate::measure::{Measurement, Row};
use crate::workload::Unit;
use crate::{OURS, Options};

/// Everything that was measured, with all rounds.
pub fn document(rows: &[Row], machine: &Machine, options: &Options) -> Value {
    let peers: serde_json::Map<String, Value> =
        machine.peers.iter().map(|(name, version)| ((*name).into(), json!(version))).collect();
    json!({
        "date": machine.date,
        "commit": machine.commit,
        "quick": options.quick,
        "machine": {
            "processor": machine.processor,
            "threads": machine.threads,
            "memory_gib": machine.memory,
            "kernel": machine.kernel,
        },
        "rustc": machine.rustc,
        "versions": peers,
        "workloads": rows.iter().map(workload).collect::<Vec<_>>(),
    })
}

fn workload(row: &Row) -> Value {
    let contender = |result: &Measurement| {
        let summary = result.summary();
        json!({
            "peer": result.peer,
            "median": summary.median,
            "lower_quartile": summary.lower,
            "upper_quartile": summary.upper,
            "to_trio": row.ratio(result.peer).filter(|_| result.peer != OURS),
            "rounds": result.rounds,
        })
    };
    json!({
        "group": row.group,
        "name": row.name,
        "unit": match row.unit {
            Unit::Nanos => "ns",
            Unit::Bytes => "B",
        },
        "family": row.size.map(|(family, _)| family),
        "size": row.size.map(|(_, size)| size),
        "least_of_the_peers": row.fastest_peer(),
        "contenders": row.results.iter().map(contender).collect::<Vec<_>>(),
    })
}
