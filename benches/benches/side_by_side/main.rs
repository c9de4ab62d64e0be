//! Trio and its peers in one run.
//!
//! ```text
//! cargo bench -p benches                          # everything
//! cargo bench -p benches -- --quick               # less exact, in less than two minutes
//! cargo bench -p benches -- yield                 # what has this in its name or its group
//! cargo bench -p benches -- --peers trio,smol     # with these alone
//! cargo bench -p benches -- --list                # what there is
//! cargo bench -p benches -- --markdown            # writes the tables of docs/benchmarks.md
//! ```
//!
//! For counting instructions or system calls: one workload of one runtime, so many operations.
//!
//! ```text
//! strace -f -c target/release/deps/side_by_side-… --once "echo, 64 connections" trio 100000
//! ```

mod peers;
mod workloads;

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use benches::allocations::Counting;
use benches::machine::Machine;
use benches::python::Python;
use benches::{Options, Row, Workload, json, markdown, measure, table};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What is measured, for the list of versions.
const PACKAGES: [&str; 9] = [
    "trio",
    "tokio",
    "smol",
    "async-executor",
    "async-io",
    "monoio",
    "compio",
    "compio-executor",
    "futures",
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [first, address, operations] = &arguments[..]
        && first == workloads::TALK
    {
        workloads::talk(address, operations).expect("the server answers");
        return ExitCode::SUCCESS;
    }
    let options = match Options::parse(arguments) {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::FAILURE;
        }
    };
    let mut all = workloads::all(&options);
    if let Some((name, peer, operations)) = &options.once {
        return once(&all, name, peer, *operations);
    }
    all.retain(|workload| options.picks(workload.group, &workload.name));
    if options.list {
        for workload in &all {
            println!("{}: {}", workload.group, workload.name);
        }
        return ExitCode::SUCCESS;
    }
    let python = if options.takes_part(peers::PYTHON) { look_for_python(&mut all) } else { None };
    all.retain(|workload| workload.contenders.iter().any(|it| options.takes_part(it.peer)));
    if all.is_empty() {
        eprintln!(
            "No workload is called so, or none is for these peers: --list says what there is"
        );
        return ExitCode::FAILURE;
    }
    let rows = run(&all, &options);
    let mut machine = Machine::this(&PACKAGES);
    machine.peers.extend(python.map(|python| ("trio of Python", python.version.clone())));
    match keep(&rows, &machine, &options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// Python's Trio, if it is needed and can be had. Otherwise it takes part in nothing.
fn look_for_python(workloads: &mut [Workload]) -> Option<&'static Python> {
    let takes_part = |workload: &Workload| {
        workload.contenders.iter().any(|contender| contender.peer == peers::PYTHON)
    };
    let python = if workloads.iter().any(takes_part) { Python::find() } else { None };
    if python.is_none() {
        for workload in workloads {
            workload.contenders.retain(|contender| contender.peer != peers::PYTHON);
        }
    }
    python
}

/// Measures all of them, and prints each as it is done.
fn run(workloads: &[Workload], options: &Options) -> Vec<Row> {
    println!("{}", table::head());
    let mut rows = Vec::new();
    let mut group = "";
    for workload in workloads {
        if workload.group != group {
            group = workload.group;
            println!("\n{group}\n");
        }
        for row in measure(workload, options) {
            print!("{}", table::lines(&row));
            rows.push(row);
        }
    }
    rows
}

/// Writes the file for machines, and the tables of the documentation if they are asked for.
fn keep(rows: &[Row], machine: &Machine, options: &Options) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let path = root.join("target/benchmarks.json");
    let text = format!("{:#}\n", json::document(rows, machine, options));
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    println!("\nAll rounds are in target/benchmarks.json");
    if options.markdown {
        let path = root.join("docs/benchmarks.md");
        let failed = |error| format!("{}: {error}", path.display());
        let old = fs::read_to_string(&path).map_err(failed)?;
        let new = markdown::replace(&old, &markdown::tables(rows, machine, options.quick))?;
        fs::write(&path, new).map_err(failed)?;
        println!("The tables are in docs/benchmarks.md");
    }
    Ok(())
}

/// One contender of one workload, once.
fn once(workloads: &[Workload], name: &str, peer: &str, operations: u32) -> ExitCode {
    let found = workloads
        .iter()
        .find(|workload| workload.name == name)
        .and_then(|workload| workload.contenders.iter().find(|contender| contender.peer == peer));
    let Some(contender) = found else {
        eprintln!(
            "{name}, by {peer}: there is no such workload (see --list), or not for this peer"
        );
        return ExitCode::FAILURE;
    };
    println!("{:?}", (contender.work)(operations));
    ExitCode::SUCCESS
}
