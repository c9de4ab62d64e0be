//! What is measured, and by whom.

use std::fmt::Debug;
use std::time::Duration;

/// What the numbers of a workload are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds, for each operation.
    Nanos,
    /// Bytes, for each thing.
    Bytes,
}

/// What a contender's work says of itself: nothing, so that all of its time counts; the time of the part
/// that counts; or the figures themselves.
pub trait Measured {
    /// The figures, given the time of everything and the number of operations.
    fn figures(self, time: Duration, operations: u32) -> Vec<f64>;
}

impl Measured for () {
    fn figures(self, time: Duration, operations: u32) -> Vec<f64> {
        time.figures(time, operations)
    }
}

impl Measured for Duration {
    fn figures(self, _: Duration, operations: u32) -> Vec<f64> {
        vec![self.as_secs_f64() * 1e9 / f64::from(operations)]
    }
}

impl Measured for f64 {
    fn figures(self, _: Duration, _: u32) -> Vec<f64> {
        vec![self]
    }
}

impl Measured for Vec<f64> {
    fn figures(self, _: Duration, _: u32) -> Vec<f64> {
        self
    }
}

impl<M: Measured, E: Debug> Measured for Result<M, E> {
    fn figures(self, time: Duration, operations: u32) -> Vec<f64> {
        self.expect("nothing fails").figures(time, operations)
    }
}

/// Does so many operations of a workload, and gives its figures.
pub type Work = Box<dyn Fn(u32) -> Vec<f64>>;

/// One peer's version of a workload.
pub struct Contender {
    /// The peer.
    pub peer: &'static str,
    /// Does the work.
    pub work: Work,
    /// It does as much as it thinks right, whatever number it is given.
    pub paces_itself: bool,
}

/// One piece of work, done by several peers.
pub struct Workload {
    /// What it is called. A filter picks it by a part of this.
    pub name: String,
    /// What it is listed under.
    pub group: &'static str,
    /// What its numbers are.
    pub unit: Unit,
    /// What distinguishes its figures, if it has several.
    pub figures: &'static [&'static str],
    /// The number of operations is a multiple of this.
    pub step: u32,
    /// How many operations it takes, if that does not follow from how long they take.
    pub operations: Option<u32>,
    /// Of a workload that is done in several sizes: which one, and of what.
    pub size: Option<(&'static str, u32)>,
    /// One for each peer that can do it.
    pub contenders: Vec<Contender>,
}

impl Workload {
    /// One without contenders, which is measured in nanoseconds for each operation, as often as it takes to
    /// be exact.
    pub fn new(group: &'static str, name: impl Into<String>) -> Workload {
        Workload {
            name: name.into(),
            group,
            unit: Unit::Nanos,
            figures: &[""],
            step: 1,
            operations: None,
            size: None,
            contenders: Vec::new(),
        }
    }

    /// The same with that unit.
    pub fn unit(self, unit: Unit) -> Workload {
        Workload { unit, ..self }
    }

    /// The same with several figures, which are called so.
    pub fn figures(self, figures: &'static [&'static str]) -> Workload {
        Workload { figures, ..self }
    }

    /// The same with its operations in multiples of that.
    pub fn step(self, step: u32) -> Workload {
        Workload { step, ..self }
    }

    /// The same with exactly so many operations.
    pub fn operations(self, operations: u32) -> Workload {
        Workload { operations: Some(operations), ..self }
    }

    /// The same as one size of a family.
    pub fn size(self, family: &'static str, size: u32) -> Workload {
        Workload { size: Some((family, size)), ..self }
    }

    /// Adds a peer.
    pub fn contender<M: Measured>(
        mut self,
        peer: &'static str,
        work: impl Fn(u32) -> M + 'static,
    ) -> Workload {
        let work = Box::new(move |operations| {
            let start = std::time::Instant::now();
            let measured = work(operations);
            measured.figures(start.elapsed(), operations)
        });
        self.contenders.push(Contender { peer, work, paces_itself: false });
        self
    }
}
