//! Random programs of senders and receivers, in tasks and in the hands of foreign combinators, with
//! cancellations, dropping, closing and cloning, under several orders of running, against a sequential
//! model: what comes of each operation, and what the statistics say after each step.
//!
//! ```text
//!                  ┌─▶ driver.rs: a run of the runtime ──▶ outcomes, counts ─┐
//!   program.rs ────┤                                                         ├─▶ equal
//!   (some steps)   └─▶ model.rs: a line of values ───────▶ outcomes, counts ─┘
//! ```
//!
//! More programs: `PROPTEST_CASES=100000`; others: `PROPTEST_RNG_SEED=…`.

mod driver;
mod model;
mod program;

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use driver::Reached;
use program::{Program, programs};

fn check(program: &Program, seed: u64, reached: &RefCell<Reached>) -> Result<(), TestCaseError> {
    for seed in [None, Some(seed), Some(!seed)] {
        let run = AssertUnwindSafe(|| driver::run(program, seed, reached));
        if let Err(payload) = catch_unwind(run) {
            let text = tests::panics::text(&*payload);
            return Err(TestCaseError::fail(format!("in the order of seed {seed:?}: {text}")));
        }
    }
    Ok(())
}

#[test]
fn every_program_does_what_the_model_says() {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    // The same programs each time, unless others are asked for.
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(7);
    }
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 1000;
    }
    let reached = RefCell::default();
    let mut runner = TestRunner::new(config);
    let result =
        runner.run(&(programs(), any::<u64>()), |(program, seed)| check(&program, seed, &reached));
    if let Err(failure) = result {
        panic!("{failure}");
    }
    // The programs are worth something: they reach everything that can come of an operation.
    let reached = reached.into_inner();
    assert_eq!(reached.len(), 11, "{reached:?}");
    assert!(reached.values().all(|count| *count >= 50), "{reached:?}");
}
