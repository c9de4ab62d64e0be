//! The harness of the benchmarks: the same work on several runtimes, interleaved, several rounds, so that
//! whatever the machine is doing meanwhile happens to all of them.
//!
//! It knows no runtime. A [`Workload`] has a [`Contender`] for each peer, whose work says what it has
//! measured; [`measure()`] runs them by turns; the [`Row`]s that come of it are printed ([`table`]), kept for
//! the documentation ([`markdown`]) and for machines ([`json`]). What is measured is in
//! `benches/side_by_side`.

pub mod allocations;
pub mod json;
pub mod machine;
pub mod markdown;
pub mod measure;
pub mod options;
pub mod python;
pub mod statistics;
pub mod table;
pub mod workload;

pub use measure::{Row, measure};
pub use options::Options;
pub use statistics::Summary;
pub use workload::{Contender, Measured, Unit, Workload};

/// The peer that the others are compared with.
pub const OURS: &str = "trio";
