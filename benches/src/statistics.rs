//! What is left of many measurements.

/// The quantile of sorted values that has the given share of them below it: the nearest one that there is.
///
/// # Panics
///
/// If there are no values.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().checked_sub(1).expect("something was measured");
    sorted[(last as f64 * share).round() as usize]
}

/// The quantiles of values in any order.
pub fn quantiles(mut values: Vec<f64>, shares: &[f64]) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    shares.iter().map(|&share| quantile(&values, share)).collect()
}

/// The median of one contender's rounds, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The value of the middle round.
    pub median: f64,
    /// A quarter of the rounds lie below.
    pub lower: f64,
    /// A quarter of the rounds lie above.
    pub upper: f64,
}

impl Summary {
    /// Of the rounds, in any order.
    pub fn of(rounds: &[f64]) -> Summary {
        let found = quantiles(rounds.to_vec(), &[0.25, 0.5, 0.75]);
        Summary { lower: found[0], median: found[1], upper: found[2] }
    }
}
