//! What belongs to the run borrows from nobody.
use std::cell::Cell;
use std::time::Duration;

use trio::Instant;
use trio::lowlevel::{Clock, RunVar, current_trio_token, spawn_system_task};

#[trio::task]
async fn read(text: &str) {
    trio::lowlevel::checkpoint().await;
    println!("{text}");
}

fn a_system_task(text: &str) {
    spawn_system_task(|| read(text));
}

fn a_callback(count: &Cell<u32>) {
    let _ = current_trio_token().call_soon(|| count.set(1));
}

fn a_variable<'a>(text: &'a str) {
    let variable: RunVar<&'a str> = RunVar::new("text");
    variable.set(text);
}

struct Stopped<'a>(&'a Instant);

impl Clock for Stopped<'_> {
    fn now(&self) -> Instant {
        *self.0
    }
    fn time_until(&self, _: Instant) -> Option<Duration> {
        None
    }
}

fn a_clock(now: &Instant) -> trio::Builder {
    trio::Builder::new().clock(Stopped(now))
}

#[trio::task]
async fn lent(text: &str) -> &str {
    trio::lowlevel::checkpoint().await;
    text
}

fn the_value_of_main() -> &'static str {
    let text = String::from("a");
    trio::run(|| lent(&text))
}

fn main() {}
