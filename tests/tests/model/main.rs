//! Random programs of nurseries, services, starts, scopes, shields, deadlines, requests to stop,
//! clean-up, failures and panics, run under virtual time, against a model that shares nothing with the
//! runtime: who ended how, and when; that nothing is left running; and that every error is accounted
//! for.
//!
//! ```text
//!                     ┌─▶ interpreter.rs: a run of the runtime ──▶ log ─┐
//!   program.rs ───────┤                                                 ├─▶ equal
//!   (a random tree)   └─▶ oracle.rs: causes and effects ─────────▶ log ─┘
//! ```
//!
//! More programs: `PROPTEST_CASES=100000`; others: `PROPTEST_RNG_SEED=…`.

mod causes;
mod interpreter;
mod oracle;
mod program;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use program::{Node, programs};

/// Runs a program in the batch order of waking and in two others, and compares.
fn check(program: &Node, seed: u64) -> Result<(), TestCaseError> {
    let expected = oracle::predict(program);
    for seed in [None, Some(seed), Some(!seed)] {
        let actual = interpreter::run_in_virtual_time(program, seed);
        prop_assert_eq!(&actual, &expected, "in the order of seed {:?}", seed);
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
    let mut runner = TestRunner::new(config);
    let result = runner.run(&(programs(), any::<u64>()), |(program, seed)| check(&program, seed));
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

/// The random programs are worth something: they reach every way in which things can end.
#[test]
fn the_programs_reach_every_ending() {
    use program::What;
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..1000 {
        let program = programs().new_tree(&mut runner).unwrap().current();
        for entry in oracle::predict(&program).log {
            let kind = match entry.what {
                What::Began => "began",
                What::HasValue => "value",
                What::Failed(_) => "failed",
                What::Panicked => "panicked",
                What::Unwound => "unwound",
                What::Absorbed => "absorbed",
                What::Caught(_) => "caught",
            };
            *seen.entry(kind).or_insert(0) += 1;
        }
    }
    assert_eq!(seen.len(), 7, "{seen:?}");
    assert!(seen.values().all(|count| *count >= 50), "{seen:?}");
}
