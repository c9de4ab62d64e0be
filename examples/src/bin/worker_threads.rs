//! Counts primes in worker threads, and says how far it is.
//!
//! ```text
//! $ cargo run --release --bin worker_threads 30000000
//! counting the primes below 30000000 in 4 threads
//!  12% of it done
//! ...
//! 1857859 primes
//! ```
//!
//! The threads borrow from the task that waits for them: where they note what they find, and a progress
//! that is for the run's thread alone, which they reach by calling back. On Ctrl-C, or when the time is
//! up, they are told, and the program says how far they have got.

use std::cell::Cell;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use examples::{Stop, arguments, say};
use trio::nursery;
use trio::thread::{HomeRef, NoAnswer, check_cancelled, run_in_trio_thread, run_in_worker_thread};

const USAGE: &str = "\
usage: worker_threads [--threads COUNT] [--within SECONDS] LIMIT

  LIMIT      counts the primes below it
  --threads  how many threads work at once, 4 if it is not given
  --within   gives up after so many seconds";

/// How many numbers a thread looks at before it says how far it is.
const STEP: u64 = 10_000;

#[trio::main]
async fn main() -> trio::Result<ExitCode> {
    let options = match Options::parse(arguments()) {
        Ok(options) => options,
        Err(stop) => return Ok(stop.explain(USAGE)),
    };
    say(format_args!("counting the primes below {} in {} threads", options.limit, options.threads));

    let work = Work::new(options.limit);
    let counting = trio::finally(
        async {
            match options.within {
                Some(limit) => trio::move_on_after(limit, async {
                    count_in_threads(&work, options.threads).await
                })
                .await
                .unwrap_or(Ok(())),
                None => count_in_threads(&work, options.threads).await,
            }
        },
        // Also on Ctrl-C: the threads are done by now, having been told.
        async { say(work.summary()) },
    );
    counting.await?;
    Ok(ExitCode::SUCCESS)
}

/// Divides the work among threads. It is left when all of them have returned.
#[trio::task]
async fn count_in_threads(work: &Work, threads: u64) -> trio::Result<()> {
    nursery!(|n| {
        let (found, progress) = (&work.found, HomeRef::new(&work.progress));
        for part in divide(work.limit, threads) {
            n.spawn(run_in_worker_thread, move || count(part, found, progress));
        }
    })?;
    Ok(())
}

/// What a thread does. A task that is cancelled is unwound; a thread has to ask.
fn count(
    numbers: Range<u64>,
    found: &AtomicU64,
    progress: HomeRef<'_, Progress>,
) -> Result<(), NoAnswer> {
    let mut looked_at = 0;
    for number in numbers {
        if check_cancelled().is_err() {
            return Ok(());
        }
        if is_prime(number) {
            found.fetch_add(1, Ordering::Relaxed);
        }
        looked_at += 1;
        if looked_at == STEP {
            tell(progress, looked_at)?;
            looked_at = 0;
        }
    }
    tell(progress, looked_at)
}

/// Done in the run's thread, as a part of the task: there the progress needs no lock.
fn tell(progress: HomeRef<'_, Progress>, looked_at: u64) -> Result<(), NoAnswer> {
    run_in_trio_thread(|| progress.get().add(looked_at))
}

fn is_prime(number: u64) -> bool {
    number >= 2
        && (2..)
            .take_while(|divisor| divisor * divisor <= number)
            .all(|divisor| !number.is_multiple_of(divisor))
}

/// Parts of the same size, but for the last.
fn divide(limit: u64, parts: u64) -> impl Iterator<Item = Range<u64>> {
    let size = limit.div_ceil(parts);
    (0..parts).map(move |part| (part * size).min(limit)..((part + 1) * size).min(limit))
}

/// What there is to do, and what was done.
struct Work {
    limit: u64,
    found: AtomicU64,
    progress: Progress,
}

impl Work {
    fn new(limit: u64) -> Work {
        let progress = Progress { total: limit, done: Cell::new(0), said: Cell::new(0) };
        Work { limit, found: AtomicU64::new(0), progress }
    }

    fn summary(&self) -> String {
        let (found, done) = (self.found.load(Ordering::Relaxed), self.progress.percent());
        if done == 100 {
            format!("{found} primes")
        } else {
            format!("stopped at {done}%: {found} primes so far")
        }
    }
}

/// How far the threads are. It belongs to the run's thread.
struct Progress {
    total: u64,
    done: Cell<u64>,
    /// How many tenths were said.
    said: Cell<u64>,
}

impl Progress {
    fn percent(&self) -> u64 {
        (self.done.get() * 100).checked_div(self.total).unwrap_or(100)
    }

    fn add(&self, numbers: u64) {
        self.done.update(|done| done + numbers);
        let percent = self.percent();
        if percent / 10 > self.said.replace(percent / 10) {
            say(format_args!("{percent:3}% of it done"));
        }
    }
}

struct Options {
    limit: u64,
    threads: u64,
    within: Option<Duration>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, Stop> {
        let (mut limit, mut threads, mut within) = (None, 4, None);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "-h" | "--help" => return Err(Stop::Help),
                "--threads" => {
                    let count = arguments.next().and_then(|count| count.parse().ok());
                    threads = count.filter(|count| (1..=40).contains(count)).ok_or(
                        "`--threads` needs a number from 1 to 40, which is as many as run at once",
                    )?;
                }
                "--within" => {
                    let seconds = arguments.next().and_then(|seconds| seconds.parse().ok());
                    let time = seconds.map(Duration::try_from_secs_f64);
                    within = Some(
                        time.and_then(Result::ok).ok_or("`--within` needs a number of seconds")?,
                    );
                }
                option if option.starts_with('-') => {
                    return Err(format!("unknown option `{option}`").into());
                }
                number if limit.is_none() => {
                    let parsed = number.parse().ok().filter(|number| *number <= 1 << 40);
                    limit = Some(parsed.ok_or_else(|| format!("`{number}` is no limit"))?);
                }
                more => return Err(format!("`{more}` is one too many").into()),
            }
        }
        Ok(Options { limit: limit.ok_or("the limit is missing")?, threads, within })
    }
}
