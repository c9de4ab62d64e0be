//! Does something from time to time, and ends gracefully.
//!
//! ```text
//! $ cargo run --bin ticker -- --every 1
//! tick 1: begun
//! tick 1: done
//! ^C
//! asked to stop; press Ctrl-C again to give up
//! stopped after 1 tick
//! ```
//!
//! Ctrl-C ends the pause between two ticks at once, while a tick that was begun is completed, as long as
//! that does not take longer than its grace. What is said goes through a journal, which is a service of
//! the nursery: it is there until everybody else has ended, with the clean-up.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::process::ExitCode;
use std::time::Duration;

use examples::{Stop, arguments, complain, say, with_causes};
use trio::lowlevel::ParkingLot;
use trio::{Builder, nursery};

const USAGE: &str = "\
usage: ticker [--every SECONDS] [--work SECONDS] [--grace SECONDS] [--count TICKS]

  --every   how much time there is from one tick to the next, 1 second if it is not given; those that
            are missed are left out
  --work    how long a tick takes, a tenth of a second if it is not given
  --grace   how long it may take to end after Ctrl-C, 5 seconds if it is not given
  --count   how many ticks there are, no end of them if it is not given";

fn main() -> ExitCode {
    let options = match Options::parse(arguments()) {
        Ok(options) => options,
        Err(stop) => return stop.explain(USAGE),
    };
    match Builder::new().grace(options.grace).run(|| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

#[trio::task]
async fn run(options: &Options) -> trio::Result<()> {
    let journal = Journal::default();
    let ticks = Cell::new(0);
    nursery!(|n| {
        n.spawn_service(write_down, &journal);
        n.spawn(announce, &journal);
        tick(options, &ticks, &journal).await;
        n.cancel(); // whoever still waits for a request to stop
    })?;
    match ticks.get() {
        1 => say("stopped after 1 tick"),
        ticks => say(format_args!("stopped after {ticks} ticks")),
    }
    Ok(())
}

/// Ticks until the ticks are all done, or until a stop is requested.
#[trio::task]
async fn tick(options: &Options, ticks: &Cell<u64>, journal: &Journal) {
    let start = trio::current_time();
    let mut due = start;
    while options.count.is_none_or(|count| ticks.get() < count) {
        // Only the pause is given up.
        if trio::until_stop(async { trio::sleep_until(due).await }).await.is_none() {
            return;
        }
        work(ticks.get() + 1, options.work, journal).await;
        ticks.update(|count| count + 1);
        let passed = start.elapsed().as_nanos() / options.every.as_nanos();
        let next = u32::try_from(passed + 1).unwrap_or(u32::MAX);
        due = start + options.every.saturating_mul(next);
    }
}

/// What is done at a tick.
#[trio::task]
async fn work(number: u64, takes: Duration, journal: &Journal) {
    journal.note(format!("tick {number}: begun"));
    let done = Cell::new(false);
    let work = async {
        trio::sleep(takes).await;
        done.set(true);
    };
    trio::finally(work, async {
        let how = if done.get() { "done" } else { "given up" };
        journal.note(format!("tick {number}: {how}"));
    })
    .await;
}

/// Says what is going on when a stop is requested.
#[trio::task]
async fn announce(journal: &Journal) {
    trio::wait_for_stop().await;
    journal.note("asked to stop; press Ctrl-C again to give up");
}

/// Writes down what is noted, to the last line.
#[trio::task]
async fn write_down(journal: &Journal) {
    let writing = async {
        loop {
            journal.write();
            journal.more.park().await.expect("nobody breaks this lot");
        }
    };
    trio::finally(writing, async { journal.write() }).await
}

/// Lines on their way to the terminal.
#[derive(Default)]
struct Journal {
    lines: RefCell<VecDeque<String>>,
    more: ParkingLot,
}

impl Journal {
    fn note(&self, line: impl Into<String>) {
        self.lines.borrow_mut().push_back(line.into());
        self.more.unpark_all();
    }

    fn write(&self) {
        for line in self.lines.take() {
            say(line);
        }
    }
}

struct Options {
    every: Duration,
    work: Duration,
    grace: Duration,
    count: Option<u64>,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Options, Stop> {
        let mut options = Options {
            every: Duration::from_secs(1),
            work: Duration::from_millis(100),
            grace: Duration::from_secs(5),
            count: None,
        };
        while let Some(argument) = arguments.next() {
            let option = argument.as_str();
            if matches!(option, "-h" | "--help") {
                return Err(Stop::Help);
            }
            if !matches!(option, "--every" | "--work" | "--grace" | "--count") {
                return Err(format!("unknown argument `{option}`").into());
            }
            let value = arguments.next().ok_or_else(|| format!("`{option}` needs a number"))?;
            match option {
                "--every" => options.every = parse_seconds(&value)?,
                "--work" => options.work = parse_seconds(&value)?,
                "--grace" => options.grace = parse_seconds(&value)?,
                _ => {
                    let count =
                        value.parse().map_err(|_| format!("`{value}` is not a number of ticks"))?;
                    options.count = Some(count);
                }
            }
        }
        if options.every.is_zero() {
            return Err("there is some time from one tick to the next: `--every 0` has none".into());
        }
        Ok(options)
    }
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("`{text}` is not a number of seconds"))
}
