//! The bounds, and the comparison with them.
//!
//! The file has a line for each count: unit, name, value. Lines with `#` are not read, and one says by which
//! compiler the bounds were found.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

use crate::COMMAND;
use crate::counts::{Count, Unit};

/// How much more than its bound a count may be, and how much less without being said.
const TOLERANCE: f64 = 0.05;

const COMPILER: &str = "compiler";

/// The committed bounds.
#[derive(PartialEq, Debug)]
pub struct Bounds {
    compiler: String,
    counts: Vec<Count>,
}

impl Bounds {
    /// What has been counted, as the bounds from now on.
    pub fn new(counts: Vec<Count>, compiler: &str) -> Bounds {
        Bounds { compiler: compiler.to_owned(), counts }
    }

    /// # Errors
    ///
    /// If there is no such file, or if it is not one of bounds.
    pub fn read(path: &Path) -> trio::Result<Bounds> {
        let path_shown = path.display();
        let text = fs::read_to_string(path).map_err(|error| {
            format!(
                "{path_shown}: {error}\nIf this architecture has no bounds yet: {COMMAND} update"
            )
        })?;
        Ok(Bounds::parse(&text).map_err(|error| format!("{path_shown}: {error}"))?)
    }

    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write(&self, path: &Path) -> trio::Result<()> {
        Ok(fs::write(path, self.to_string())?)
    }

    fn parse(text: &str) -> trio::Result<Bounds> {
        let mut bounds = Bounds { compiler: String::new(), counts: Vec::new() };
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(compiler) = line.strip_prefix(COMPILER) {
                bounds.compiler = compiler.trim().to_owned();
            } else if !line.is_empty() && !line.starts_with('#') {
                let count = parse_line(line).map_err(|error| format!("line {number}: {error}"))?;
                bounds.counts.push(count);
            }
        }
        Ok(bounds)
    }

    fn of(&self, count: &Count) -> Option<f64> {
        let same = |bound: &&Count| bound.unit == count.unit && bound.name == count.name;
        self.counts.iter().find(same).map(|bound| bound.value)
    }

    /// Compares what has been counted, in code of `compiler`.
    pub fn compare(&self, counts: &[Count], compiler: &str) -> Report {
        let mut lines = Vec::new();
        for count in counts {
            let verdict = match self.of(count) {
                None => Verdict::Unbounded,
                Some(bound) => Verdict::of(count.value, bound),
            };
            lines.push((count.clone(), verdict));
        }
        let counted = |bound: &Count| {
            counts.iter().any(|count| count.unit == bound.unit && count.name == bound.name)
        };
        for bound in self.counts.iter().filter(|bound| !counted(bound)) {
            lines.push((bound.clone(), Verdict::Uncounted));
        }
        let other_compiler =
            (self.compiler != compiler).then(|| (self.compiler.clone(), compiler.to_owned()));
        Report { lines, other_compiler }
    }
}

fn parse_line(line: &str) -> trio::Result<Count> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [unit, name, value] = fields[..] else {
        return Err("a bound is a unit, a name and a number".into());
    };
    let unit: Unit = unit.parse()?;
    let value: f64 = value.parse()?;
    if !value.is_finite() || value < 0.0 {
        return Err(format!("{value} is no bound").into());
    }
    Ok(Count { unit, name: name.to_owned(), value })
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# What one operation costs. `{COMMAND} check` fails at 5 % more.")?;
        writeln!(f, "# Written by `{COMMAND} update`: say why in the message of the commit.\n")?;
        writeln!(f, "{COMPILER} {}", self.compiler)?;
        let mut unit = None;
        for count in &self.counts {
            if unit.replace(count.unit) != Some(count.unit) {
                writeln!(f)?;
            }
            writeln!(f, "{count}")?;
        }
        Ok(())
    }
}

/// How a count stands to its bound, which is in it.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Verdict {
    Holds(f64),
    Over(f64),
    /// Less than the tolerance allows: the bound can be lowered.
    Under(f64),
    /// It has no bound.
    Unbounded,
    /// There is a bound, and nothing that it bounds.
    Uncounted,
}

impl Verdict {
    fn of(value: f64, bound: f64) -> Verdict {
        if value > bound * (1.0 + TOLERANCE) {
            Verdict::Over(bound)
        } else if value < bound * (1.0 - TOLERANCE) {
            Verdict::Under(bound)
        } else {
            Verdict::Holds(bound)
        }
    }

    fn fails(self) -> bool {
        matches!(self, Verdict::Over(_) | Verdict::Unbounded | Verdict::Uncounted)
    }
}

/// All counts, with how they stand to their bounds.
pub struct Report {
    lines: Vec<(Count, Verdict)>,
    /// That of the bounds, and that of the counts.
    other_compiler: Option<(String, String)>,
}

impl Report {
    pub fn fails(&self) -> bool {
        self.lines.iter().any(|(_, verdict)| verdict.fails())
    }

    /// What to do, if it fails.
    pub fn advice(&self, path: &Path) -> String {
        let count = self.lines.iter().filter(|(_, verdict)| verdict.fails()).count();
        let mut text = format!("{count} of {} do not hold.\n", self.lines.len());
        if let Some((bounds, counts)) = &self.other_compiler {
            let _ = writeln!(text, "The bounds are those of {bounds}, and this is {counts}.");
        }
        let over = self.lines.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Over(_)));
        for name in over.map(|(count, _)| &*count.name).collect::<BTreeSet<_>>() {
            let _ = writeln!(text, "Look where it goes: {COMMAND} show {name}");
        }
        let path = path.display();
        text + &format!("Or, with a reason in the same commit: {COMMAND} update\nwrites {path}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (count, verdict) in &self.lines {
            write!(f, "{count}")?;
            let decimals = count.unit.decimals();
            let change = |bound: f64| {
                let percent = (count.value / bound - 1.0) * 100.0;
                if bound > 0.0 { format!(" ({percent:+.1} %)") } else { String::new() }
            };
            match *verdict {
                Verdict::Holds(_) => writeln!(f)?,
                Verdict::Over(bound) => {
                    let more = change(bound);
                    writeln!(f, "  FAILS: its bound is {bound:.decimals$}{more}")?;
                }
                Verdict::Under(bound) => {
                    let less = change(bound);
                    writeln!(
                        f,
                        "  less than its bound, {bound:.decimals$}{less}: commit this line"
                    )?;
                }
                Verdict::Unbounded => writeln!(f, "  FAILS: it has no bound: add this line")?,
                Verdict::Uncounted => writeln!(f, "  FAILS: it is not counted: remove this line")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(value: f64) -> Count {
        Count::new(Unit::Instructions, "lock", value)
    }

    fn bounds(value: f64) -> Bounds {
        Bounds::new(vec![lock(value)], "rustc 1")
    }

    #[test]
    fn bounds_are_read_as_they_are_written() {
        let spawn = Count::new(Unit::Allocations, "spawn", 1.0);
        let written = Bounds::new(vec![lock(41.5), spawn], "rustc 1 (a 2026-01-01)");
        assert_eq!(Bounds::parse(&written.to_string()).unwrap(), written);
    }

    #[test]
    fn a_line_that_is_no_bound_is_an_error_with_its_number() {
        for line in ["instructions lock", "seconds lock 1", "instructions lock x 1"] {
            let error = Bounds::parse(&format!("# bounds\n{line}\n")).unwrap_err().to_string();
            assert!(error.starts_with("line 2: "), "{error}");
        }
        for value in ["x", "-1", "NaN", "inf"] {
            assert!(Bounds::parse(&format!("instructions lock {value}\n")).is_err());
        }
    }

    #[test]
    fn five_percent_more_hold_and_what_is_above_fails() {
        for (value, verdict) in [
            (100.0, Verdict::Holds(100.0)),
            (105.0, Verdict::Holds(100.0)),
            (105.1, Verdict::Over(100.0)),
            (95.0, Verdict::Holds(100.0)),
            (94.9, Verdict::Under(100.0)),
        ] {
            assert_eq!(Verdict::of(value, 100.0), verdict);
        }
        assert!(bounds(100.0).compare(&[lock(105.1)], "rustc 1").fails());
        assert!(!bounds(100.0).compare(&[lock(50.0)], "rustc 1").fails());
    }

    #[test]
    fn a_bound_of_nothing_allows_nothing() {
        assert_eq!(Verdict::of(0.0, 0.0), Verdict::Holds(0.0));
        assert_eq!(Verdict::of(0.01, 0.0), Verdict::Over(0.0));
        let report = bounds(0.0).compare(&[lock(1.0)], "rustc 1").to_string();
        assert!(report.ends_with("1.0  FAILS: its bound is 0.0\n"), "{report}");
    }

    #[test]
    fn the_report_says_by_how_much_and_the_advice_what_to_do() {
        let report = bounds(100.0).compare(&[lock(110.0)], "rustc 1");
        assert!(report.to_string().ends_with("110.0  FAILS: its bound is 100.0 (+10.0 %)\n"));
        let advice = report.advice(Path::new("bounds.txt"));
        for part in ["1 of 1 do", "show lock", "update\nwrites bounds.txt"] {
            assert!(advice.contains(part), "{advice}");
        }
        assert!(!advice.contains("rustc"), "{advice}");
    }

    #[test]
    fn a_path_that_exceeds_several_bounds_is_to_be_looked_at_once() {
        let counts = |value| [lock(value), Count::new(Unit::Allocations, "lock", value)];
        let report = Bounds::new(counts(1.0).to_vec(), "rustc 1").compare(&counts(2.0), "rustc 1");
        let advice = report.advice(Path::new("bounds.txt"));
        assert!(advice.starts_with("2 of 2 do"), "{advice}");
        assert_eq!(advice.matches("show lock").count(), 1, "{advice}");
    }

    #[test]
    fn the_line_to_commit_is_shown_when_it_has_become_cheaper() {
        let count = lock(90.0);
        let report = bounds(100.0).compare(std::slice::from_ref(&count), "rustc 1").to_string();
        let expected = format!("{count}  less than its bound, 100.0 (-10.0 %): commit this line\n");
        assert_eq!(report, expected);
    }

    #[test]
    fn a_count_without_a_bound_and_a_bound_without_a_count_fail() {
        let spawn = Count::new(Unit::Instructions, "spawn", 1.0);
        let report = bounds(100.0).compare(&[spawn], "rustc 1");
        assert!(report.fails());
        let text = report.to_string();
        assert!(text.contains("no bound: add") && text.contains("not counted: remove"), "{text}");
        let same_name = Count::new(Unit::Allocations, "lock", 1.0);
        assert!(bounds(100.0).compare(&[lock(100.0), same_name], "rustc 1").fails());
    }

    #[test]
    fn another_compiler_is_said() {
        let advice = bounds(100.0).compare(&[lock(110.0)], "rustc 2").advice(Path::new("b"));
        assert!(advice.contains("those of rustc 1, and this is rustc 2."), "{advice}");
    }
}
