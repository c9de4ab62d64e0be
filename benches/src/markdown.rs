//! The tables of the documentation.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::OURS;
use crate::machine::Machine;
use crate::measure::Row;
use crate::table::{Amount, Times};

/// What stands before the tables in the document.
const BEGIN: &str = "<!-- The tables, as `cargo bench -p benches -- --markdown` writes them: -->\n";
/// What stands after them.
const END: &str = "<!-- The end of the tables. -->\n";

/// A document with other tables.
///
/// # Errors
///
/// If it does not say where they are.
pub fn replace(document: &str, tables: &str) -> Result<String, String> {
    let (before, rest) = document.split_once(BEGIN).ok_or_else(|| format!("no {BEGIN}"))?;
    let (_, after) = rest.split_once(END).ok_or_else(|| format!("no {END}"))?;
    Ok(format!("{before}{BEGIN}\n{tables}\n{END}{after}"))
}

/// The machine, a table for each group, and one of what grows.
pub fn tables(rows: &[Row], machine: &Machine, quick: bool) -> String {
    let mut text = describe(machine, quick);
    let mut groups: Vec<&str> = Vec::new();
    for row in rows {
        if !groups.contains(&row.group) {
            groups.push(row.group);
        }
    }
    for group in groups {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.group == group).collect();
        text += &format!("\n## {group}\n\n{}", of_group(&rows));
    }
    let growth = growth(rows);
    if !growth.is_empty() {
        text += &format!("\n## Growth\n\n{growth}");
    }
    text
}

fn describe(machine: &Machine, quick: bool) -> String {
    let versions: Vec<String> =
        machine.peers.iter().map(|(name, version)| format!("{name} {version}")).collect();
    format!(
        "Measured{} {}{}, on {} with {} threads and {:.0} GiB, {}, {}.\n\n{}.\n",
        if quick { " with `--quick`" } else { "" },
        machine.date,
        machine.commit.as_ref().map(|commit| format!(" at {commit}")).unwrap_or_default(),
        machine.processor,
        machine.threads,
        machine.memory,
        machine.kernel,
        machine.rustc,
        versions.join(", "),
    )
}

/// A line for each workload, and a column for each peer that takes part in one of them.
fn of_group(rows: &[&Row]) -> String {
    // In the order of the workload that has the most of them.
    let mut fullest_first = rows.to_vec();
    fullest_first.sort_by_key(|row| Reverse(row.results.len()));
    let mut peers: Vec<&str> = Vec::new();
    for result in fullest_first.iter().flat_map(|row| &row.results) {
        if !peers.contains(&result.peer) {
            peers.push(result.peer);
        }
    }
    let mut text = format!("| | {} | to the least of them |\n", peers.join(" | "));
    text += &format!("|---|{}---|\n", "--:|".repeat(peers.len()));
    for row in rows {
        let cells: Vec<String> = peers.iter().map(|peer| cell(row, peer)).collect();
        let least = row.fastest_peer().and_then(|peer| Some((peer, row.ratio(peer)?)));
        let least = least.map(|(peer, ratio)| format!("**{}** {peer}", Times(ratio)));
        text +=
            &format!("| {} | {} | {} |\n", row.name, cells.join(" | "), least.unwrap_or_default());
    }
    text
}

/// The median, how far the rounds lie around it, and the ratio.
fn cell(row: &Row, peer: &str) -> String {
    let Some(result) = row.results.iter().find(|result| result.peer == peer) else {
        return String::new();
    };
    let summary = result.summary();
    let mut text = Amount(summary.median, row.unit).to_string();
    let spread = (summary.upper - summary.lower) / 2.0 / summary.median;
    if spread >= 0.005 {
        text += &format!(" ±{:.0} %", spread * 100.0);
    }
    if peer != OURS
        && let Some(ratio) = row.ratio(peer)
    {
        text += &format!(", {}", Times(ratio));
    }
    text
}

/// For each family of sizes and each peer: the median at each size, and the most to the least of them.
fn growth(rows: &[Row]) -> String {
    let mut text = String::new();
    let families: BTreeSet<&str> = rows.iter().filter_map(|row| Some(row.size?.0)).collect();
    for family in families {
        let of_family: Vec<(u32, &Row)> = rows
            .iter()
            .filter_map(|row| row.size.filter(|it| it.0 == family).map(|it| (it.1, row)))
            .collect();
        let sizes: BTreeSet<u32> = of_family.iter().map(|it| it.0).collect();
        let titles: Vec<String> = sizes.iter().map(|size| thousands(*size)).collect();
        text += &format!("| {family} | {} | most to least |\n", titles.join(" | "));
        text += &format!("|---|{}--:|\n", "--:|".repeat(sizes.len()));
        let (_, first) = of_family[0];
        for peer in first.results.iter().map(|result| result.peer) {
            let medians: Vec<Option<f64>> = sizes
                .iter()
                .map(|size| of_family.iter().find(|it| it.0 == *size)?.1.median(peer))
                .collect();
            let there: Vec<f64> = medians.iter().flatten().copied().collect();
            let least = there.iter().copied().fold(f64::INFINITY, f64::min);
            let most = there.iter().copied().fold(0.0, f64::max);
            let cells: Vec<String> = medians
                .iter()
                .map(|it| it.map(|it| Amount(it, first.unit).to_string()).unwrap_or_default())
                .collect();
            text += &format!("| {peer} | {} | {} |\n", cells.join(" | "), Times(most / least));
        }
        text += "\n";
    }
    text
}

/// A number with commas.
pub fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
