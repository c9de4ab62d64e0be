//! The paths that are counted: what they do, by how many operations.

mod cancelling;
mod network;
mod passing;
mod scheduling;

use trio::{Builder, Thunk};

use crate::clock::StandingClock;

/// One path.
pub struct Workload {
    pub name: &'static str,
    /// What one operation is.
    pub operation: &'static str,
    /// So many, and twice as many, are counted.
    pub operations: u32,
    /// It makes system calls, which are counted, too. What is counted is then not quite exact.
    pub calls_system: bool,
    /// Does so many operations.
    pub work: fn(u32),
}

/// All, in the order of the table.
pub const ALL: &[Workload] = &[
    Workload::new("yield", "a step of one of two tasks that give way to each other", |n| {
        run(|| scheduling::yielding(n))
    }),
    Workload::new("yield-deep", "a step of a task that is ten calls deep, woken by itself", |n| {
        run(|| scheduling::deep_yielding(n))
    }),
    Workload::new("self-wake", "a step of a task that a foreign future wakes", |n| {
        run(|| scheduling::self_waking(n))
    }),
    Workload::new("checkpoint", "a checkpoint of the only task, which goes on", |n| {
        run(|| scheduling::checkpoints(n))
    }),
    Workload::new("call", "a call that is ten deep, with a checkpoint at its bottom", |n| {
        run(|| scheduling::calls(n))
    }),
    Workload::new("spawn", "a child, spawned and joined, of a nursery of 100", |n| {
        run(|| scheduling::spawning(n))
    }),
    Workload::new("nursery", "a nursery without children, in and out", |n| {
        run(|| scheduling::nurseries(n))
    }),
    Workload::new("join", "two operations at once, each with a checkpoint", |n| {
        run(|| scheduling::joins(n))
    }),
    Workload::new("hand-off", "a task that waits in a parking lot and wakes another", |n| {
        run(|| passing::hand_off(n))
    }),
    Workload::new("event", "one of 100 tasks that wait for an event, woken", |n| {
        run(|| passing::events(n))
    }),
    Workload::new("lock", "a lock that nobody else wants, taken and released", |n| {
        run(|| passing::locking(n))
    }),
    Workload::new("lock-contended", "the same, by eight tasks that all want it", |n| {
        run(|| passing::contending(n))
    }),
    Workload::new("channel", "a value through a bounded channel, from one task to one", |n| {
        run(|| passing::through_a_channel(n))
    }),
    Workload::new("scope", "a scope with a deadline, in and out", |n| {
        run(|| cancelling::scopes(n))
    }),
    Workload::new("scope-suspended", "the same, and the task is suspended inside", |n| {
        run(|| cancelling::suspended_scopes(n))
    }),
    Workload::new("sleep", "a sleep of the only task, to its end", |n| {
        run(|| cancelling::sleeps(n))
    }),
    Workload::new("sleep-cancelled", "a sleep in a scope that another task cancels", |n| {
        run(|| cancelling::cancelled_sleeps(n))
    }),
    Workload::new("cancel", "a sleeping child of a nursery of 100, spawned and cancelled", |n| {
        run(|| cancelling::cancelled_children(n))
    }),
    Workload::on_the_network("echo-1", "64 bytes there and back, both ends", |n| {
        run(|| network::echo(1, n)).expect(network::FINE)
    }),
    Workload::on_the_network("echo-64", "the same, with 64 connections at once", |n| {
        run(|| network::echo(64, n)).expect(network::FINE)
    }),
    Workload::on_the_network("datagram", "64 bytes there and back by UDP, both ends", |n| {
        run(|| network::datagrams(n)).expect(network::FINE)
    }),
    Workload::on_the_network("connection", "a connection, made, accepted and closed", |n| {
        run(|| network::connections(n)).expect(network::FINE)
    }),
];

impl Workload {
    const fn new(name: &'static str, operation: &'static str, work: fn(u32)) -> Workload {
        Workload { name, operation, operations: 20_000, calls_system: false, work }
    }

    const fn on_the_network(
        name: &'static str,
        operation: &'static str,
        work: fn(u32),
    ) -> Workload {
        Workload { name, operation, operations: 1_280, calls_system: true, work }
    }

    /// # Errors
    ///
    /// If there is none of this name.
    pub fn find(name: &str) -> Result<&'static Workload, String> {
        let found = ALL.iter().find(|workload| workload.name == name);
        found.ok_or_else(|| format!("there is no `{name}`.\n{}", crate::usage()))
    }

    /// What one operation takes, if N take `once` and 2N take `twice`.
    pub fn per_operation(&self, once: u64, twice: u64) -> f64 {
        (twice as f64 - once as f64) / f64::from(self.operations)
    }
}

/// The place of a workload among all; behind them if there is none of this name.
pub fn place(name: &str) -> usize {
    ALL.iter().position(|workload| workload.name == name).unwrap_or(ALL.len())
}

/// A run in which time stands still.
fn run<T: Thunk>(thunk: T) -> T::Output {
    Builder::new().clock(StandingClock::new()).run(thunk)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_works_and_has_a_name_of_its_own() {
        for (place, workload) in ALL.iter().enumerate() {
            assert_eq!(super::place(workload.name), place);
            (workload.work)(6_400);
        }
    }

    #[test]
    fn the_difference_is_free_of_what_it_costs_to_start() {
        let workload = Workload::find("lock").unwrap();
        let cost = |operations: u32| 1_000_000 + 41 * u64::from(operations);
        let (once, twice) = (cost(workload.operations), cost(2 * workload.operations));
        assert_eq!(workload.per_operation(once, twice), 41.0);
    }

    #[test]
    fn who_asks_for_what_is_not_there_gets_the_names() {
        let error = Workload::find("loc").err().unwrap();
        assert!(error.contains("no `loc`") && error.contains("hand-off"), "{error}");
    }
}
