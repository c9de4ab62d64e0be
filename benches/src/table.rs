//! The table on the terminal: a line for each contender, below its workload.

use std::fmt::{self, Display};

use crate::OURS;
use crate::measure::Row;
use crate::workload::Unit;

/// A number with its unit, in three digits.
#[derive(Clone, Copy, Debug)]
pub struct Amount(pub f64, pub Unit);

impl Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, names) = match self.1 {
            Unit::Nanos => (self.0, ["ns", "µs", "ms", "s"]),
            Unit::Bytes => return f.pad(&format!("{:.0} B", self.0)),
        };
        // What would be rounded to four digits belongs to the next unit.
        let thousands = (0..3).take_while(|&power| value >= 999.5 * 1000_f64.powi(power)).count();
        let shown = value / 1000_f64.powi(i32::try_from(thousands).expect("it is at most three"));
        f.pad(&format!("{} {}", three_digits(shown), names[thousands]))
    }
}

/// A number in three digits, if it is less than a thousand.
fn three_digits(value: f64) -> String {
    let digits = match value {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$}")
}

/// How many times as much.
#[derive(Clone, Copy, Debug)]
pub struct Times(pub f64);

impl Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}x", three_digits(self.0)))
    }
}

/// What stands above the lines.
pub fn head() -> String {
    format!("{:24} {:>10}   {:21} {:>9}", "", "median", "half of the rounds", "to trio's")
}

/// The lines of a row.
pub fn lines(row: &Row) -> String {
    let mut text = format!("{}\n", row.name);
    let fastest = row.fastest_peer();
    for result in &row.results {
        let summary = result.summary();
        let [lower, median, upper] =
            [summary.lower, summary.median, summary.upper].map(|value| Amount(value, row.unit));
        let spread = format!("{lower} – {upper}");
        text += &format!("  {:22} {median:>10}   {spread:21}", result.peer);
        if result.peer != OURS
            && let Some(ratio) = row.ratio(result.peer)
        {
            text += &format!(" {:>9}", Times(ratio));
        }
        if Some(result.peer) == fastest {
            text += "  the least of the peers";
        }
        text.truncate(text.trim_end().len());
        text += "\n";
    }
    text
}
