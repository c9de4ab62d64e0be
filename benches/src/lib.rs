//! Timing workloads side by side: the same work on several runtimes, interleaved, several rounds, so
//! that whatever the machine is doing meanwhile happens to all of them.

use std::future::Future;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;

/// One runtime's version of a workload: does `operations` of it and returns.
pub struct Contender {
    /// The runtime.
    pub name: &'static str,
    /// Does the work.
    pub work: Box<dyn Fn(u32)>,
}

impl Contender {
    /// A contender.
    pub fn new(name: &'static str, work: impl Fn(u32) + 'static) -> Contender {
        Contender { name, work: Box::new(work) }
    }
}

/// The times of one contender, a round each, in nanoseconds per operation.
pub struct Times {
    /// The runtime.
    pub name: &'static str,
    /// Sorted.
    pub nanos: Vec<f64>,
}

impl Times {
    /// The middle one.
    pub fn median(&self) -> f64 {
        self.nanos[self.nanos.len() / 2]
    }
}

/// Runs all contenders in turn, `rounds` times, and sorts what each has needed.
pub fn measure(contenders: &[Contender], operations: u32, rounds: usize) -> Vec<Times> {
    let mut times: Vec<Times> = contenders
        .iter()
        .map(|contender| Times { name: contender.name, nanos: Vec::new() })
        .collect();
    for contender in contenders {
        (contender.work)(operations / 10 + 1);
    }
    for _ in 0..rounds {
        for (contender, times) in contenders.iter().zip(&mut times) {
            let start = Instant::now();
            (contender.work)(operations);
            times.nanos.push(per_operation(start.elapsed(), operations));
        }
    }
    for times in &mut times {
        times.nanos.sort_by(f64::total_cmp);
    }
    times
}

fn per_operation(time: Duration, operations: u32) -> f64 {
    time.as_secs_f64() * 1e9 / f64::from(operations)
}

/// Prints one workload as a line of a Markdown table: the first contender's median and spread, then the
/// others' with the ratio to it.
pub fn print_row(workload: &str, times: &[Times]) {
    let own = times[0].median();
    print!("| {workload} ");
    for (index, times) in times.iter().enumerate() {
        let (least, most) = (times.nanos[0], times.nanos[times.nanos.len() - 1]);
        print!("| {}: {:.1} ns ({least:.1}–{most:.1})", times.name, times.median());
        if index > 0 {
            print!(", **{:.1}x**", times.median() / own);
        }
    }
    println!(" |");
}

/// Runs a future on tokio: its current-thread runtime, with a `LocalSet`.
///
/// # Panics
///
/// If the runtime cannot be built.
pub fn on_tokio<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a current-thread runtime can be built");
    LocalSet::new().block_on(&runtime, future)
}

/// Compares trio with tokio, and prints each workload as a line of a table.
pub struct SideBySide {
    rounds: usize,
    scale: u32,
}

impl SideBySide {
    /// Prints the head of the table. With `--quick` on the command line it is measured less.
    pub fn begin() -> SideBySide {
        println!("| workload | trio | tokio, ratio |");
        println!("|---|---|---|");
        match std::env::args().any(|argument| argument == "--quick") {
            true => SideBySide { rounds: 5, scale: 1 },
            false => SideBySide { rounds: 15, scale: 5 },
        }
    }

    /// Measures one workload, of so many operations or, without `--quick`, a multiple of it.
    pub fn compare(&self, workload: &str, operations: u32, trio: fn(u32), tokio: fn(u32)) {
        let contenders = [Contender::new("trio", trio), Contender::new("tokio", tokio)];
        print_row(workload, &measure(&contenders, operations * self.scale, self.rounds));
    }
}
