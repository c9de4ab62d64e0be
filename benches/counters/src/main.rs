//! What an operation costs, counted and not timed: instructions, system calls and allocations, with bounds
//! that are committed and that a change must keep.
//!
//! ```text
//! cargo run --profile counting -p counters -- check         measures all, and fails if a bound is exceeded
//! cargo run --profile counting -p counters -- update        measures all, and writes the bounds anew
//! cargo run --profile counting -p counters -- show lock     where the instructions of one path go
//! ```
//!
//! Times depend on the machine and on what else it does; these counts do not, so that a bound can be tight.
//! They are no substitute for the benchmarks, which see what a count does not: caches, branches, the system.
//! It needs `valgrind` and `strace`.
//!
//! # What is counted
//!
//! The paths are those of [`workloads`]: each does as many operations as it is told. The program runs itself
//! twice, with N and with 2N operations, and takes the difference, which is free of what it costs to start
//! and to end. *Instructions* are those of the process, not of the system, as callgrind counts them. *System
//! calls* are those of the network, at both ends, as strace counts them. *Allocations* are the calls of
//! the global allocator, reallocations included, and *bytes* what they ask for in all. *Clock reads* are
//! those of the run's clock, which would be about 20 ns each with the system's.
//!
//! # Why it is exact
//!
//! - The runs have a clock of their own that stands still ([`clock`]). Nothing depends on how fast the
//!   machine is, or how slow callgrind: the length of a turn is a number of steps, 1,024 of them. With the
//!   system's clock a turn is 100 µs, for which that clock is read after every 64 steps; neither is counted.
//! - The operations hash nothing, draw no random numbers, and have one thread. What is random at the start of
//!   a process is in both runs, and small beside what is divided by N.
//! - The C library chooses among variants of `memcpy` and the like by the processor. The children are told
//!   to use those that every processor has.
//! - The profile `counting` has one codegen unit. With more, what is inlined depends on how the crate is
//!   divided, and a bound would be broken by a function that was added elsewhere.
//!
//! Not as exact is the network, where the order in which the system reports two sockets may vary: it is the
//! least of three measurements that counts there.
//!
//! Another compiler makes other instructions, and so does another architecture: the bounds are those of the
//! compiler that they name, and there is a file for each architecture. So does a change of the workloads
//! themselves, a little, since what is inlined into them shifts.
//!
//! # When it fails
//!
//! If it was not meant, `show` tells where the instructions go; compare with the commit before. If it was
//! meant, `update` writes the bounds anew: commit them with the change, and say in its message why it is worth
//! that. What has become cheaper by more than 5 % is said and does not fail; commit its bound as well, or the
//! gain can be lost again without notice.

mod allocations;
mod bounds;
mod callgrind;
mod children;
mod clock;
mod counts;
mod strace;
mod workloads;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use bounds::Bounds;
use workloads::Workload;

/// The profile whose code is counted.
const PROFILE: &str = "counting";
const COMMAND: &str = "cargo run --profile counting -p counters --";
/// Makes the instructions that are counted.
const COMPILER: &str = env!("COMPILER");

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        ["check"] => check(),
        ["update"] => update(),
        ["show", name] => show(name),
        [children::RUN, name, operations] => run(name, operations),
        _ => Err(usage().into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("counters: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = format!("{COMMAND} check | update | show NAME\nThe names are:");
    for workload in workloads::ALL {
        text += &format!("\n  {:17} {}", workload.name, workload.operation);
    }
    text
}

fn check() -> trio::Result<()> {
    require_the_profile()?;
    let path = bounds_path();
    let bounds = Bounds::read(&path)?;
    let report = bounds.compare(&counts::measure()?, COMPILER);
    print!("{report}");
    if report.fails() { Err(report.advice(&path).into()) } else { Ok(()) }
}

fn update() -> trio::Result<()> {
    require_the_profile()?;
    let path = bounds_path();
    Bounds::new(counts::measure()?, COMPILER).write(&path)?;
    println!("written: {}", path.display());
    Ok(())
}

fn show(name: &str) -> trio::Result<()> {
    require_the_profile()?;
    let workload = Workload::find(name)?;
    println!("instructions, by function:");
    for (function, count) in callgrind::profile(workload)? {
        println!("{count:9.1}  {function}");
    }
    if workload.calls_system {
        println!("system calls:");
        for (call, count) in strace::each(workload)? {
            println!("{count:9.2}  {call}");
        }
    }
    Ok(())
}

/// What a child does.
fn run(name: &str, operations: &str) -> trio::Result<()> {
    (Workload::find(name)?.work)(operations.parse()?);
    Ok(())
}

fn require_the_profile() -> trio::Result<()> {
    let program = env::current_exe()?;
    let directory = program.parent().and_then(|parent| parent.file_name());
    if directory.is_some_and(|name| name == PROFILE) {
        return Ok(());
    }
    Err(format!("the bounds are those of the profile `{PROFILE}`: {COMMAND} check").into())
}

fn bounds_path() -> PathBuf {
    let name = format!("bounds-{}.txt", env::consts::ARCH);
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}
