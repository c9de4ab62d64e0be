//! The rounds: every contender in turn, again and again.

use std::time::{Duration, Instant};

use crate::statistics::Summary;
use crate::workload::{Contender, Unit, Workload};
use crate::{OURS, Options};

/// One figure of one workload, as all contenders have measured it.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is called, with the name of the figure.
    pub name: String,
    /// What it is listed under.
    pub group: &'static str,
    /// What the numbers are.
    pub unit: Unit,
    /// Which size of what family, if it is one.
    pub size: Option<(&'static str, u32)>,
    /// The contenders, in their order.
    pub results: Vec<Measurement>,
}

/// What one contender has measured.
#[derive(Clone, Debug)]
pub struct Measurement {
    /// The peer.
    pub peer: &'static str,
    /// A value for each round, in the order of the rounds.
    pub rounds: Vec<f64>,
}

impl Measurement {
    /// What is left of the rounds.
    pub fn summary(&self) -> Summary {
        Summary::of(&self.rounds)
    }
}

impl Row {
    /// The median of one peer, if it takes part.
    pub fn median(&self, peer: &str) -> Option<f64> {
        self.results.iter().find(|result| result.peer == peer).map(|it| it.summary().median)
    }

    /// How many times as much as ours one of its contenders takes.
    pub fn ratio(&self, peer: &str) -> Option<f64> {
        Some(self.median(peer)? / self.median(OURS)?)
    }

    /// The peer that takes the least, ours left out.
    pub fn fastest_peer(&self) -> Option<&'static str> {
        let peers = self.results.iter().filter(|result| result.peer != OURS);
        let least = peers.min_by(|a, b| a.summary().median.total_cmp(&b.summary().median));
        least.map(|result| result.peer)
    }
}

/// Measures a workload: a row for each of its figures.
pub fn measure(workload: &Workload, options: &Options) -> Vec<Row> {
    let contenders: Vec<&Contender> =
        workload.contenders.iter().filter(|contender| options.takes_part(contender.peer)).collect();
    let paces: Vec<Pace> =
        contenders.iter().map(|contender| pace(contender, workload, options)).collect();
    let rounds = paces.iter().map(|pace| pace.rounds).max().unwrap_or_default();
    let mut rows: Vec<Row> =
        workload.figures.iter().map(|figure| row(workload, figure, &contenders)).collect();
    if rounds == 1 {
        // It has been done.
        for (index, pace) in paces.into_iter().enumerate() {
            keep(&mut rows, index, pace.figures);
        }
        return rows;
    }
    for round in 0..rounds {
        // By turns, and another one first in each round: whoever comes after a hungry one is not always
        // the same.
        for turn in 0..contenders.len() {
            let index = (round + turn) % contenders.len();
            if !takes_part(round, rounds, paces[index].rounds) {
                continue;
            }
            let figures = (contenders[index].work)(paces[index].operations);
            keep(&mut rows, index, figures);
        }
    }
    rows
}

/// Keeps what a contender has measured in a round.
fn keep(rows: &mut [Row], contender: usize, figures: Vec<f64>) {
    assert_eq!(figures.len(), rows.len(), "{}: a value for each figure", rows[0].name);
    for (row, figure) in rows.iter_mut().zip(figures) {
        row.results[contender].rounds.push(figure);
    }
}

fn row(workload: &Workload, figure: &str, contenders: &[&Contender]) -> Row {
    let name = match figure {
        "" => workload.name.clone(),
        figure => format!("{}: {figure}", workload.name),
    };
    let result = |it: &&Contender| Measurement { peer: it.peer, rounds: Vec::new() };
    Row {
        name,
        group: workload.group,
        unit: workload.unit,
        size: workload.size,
        results: contenders.iter().map(result).collect(),
    }
}

/// Whether a contender that takes part in so many of all rounds takes part in this one: in every second one,
/// say.
pub fn takes_part(round: usize, all: usize, own: usize) -> bool {
    round * own / all != (round + 1) * own / all
}

/// How many operations one round of a contender is, and in how many rounds it takes part.
struct Pace {
    operations: u32,
    rounds: usize,
    /// What the last try has measured.
    figures: Vec<f64>,
}

/// Finds the number of operations that takes about as long as a round should. It is the warm-up, too.
fn pace(contender: &Contender, workload: &Workload, options: &Options) -> Pace {
    let mut operations = workload.operations.unwrap_or(workload.step);
    let mut was_enough = false;
    loop {
        let start = Instant::now();
        let figures = (contender.work)(operations);
        let takes = start.elapsed();
        let counts = Duration::from_secs_f64(figures[0].max(0.0) * f64::from(operations) / 1e9);
        let is_fixed = workload.operations.is_some() || contender.paces_itself;
        let is_enough = counts >= options.round / 2 || takes >= options.round * 8;
        if is_fixed || is_enough && was_enough {
            return Pace { operations, rounds: options.rounds(takes), figures };
        }
        was_enough = is_enough;
        if is_enough {
            // Once can be the machine's fault, which had something else to do.
            continue;
        }
        let factor = options.round.as_secs_f64() / counts.as_secs_f64().max(1e-9);
        let wanted = f64::from(operations) * factor.clamp(2.0, 16.0);
        operations = (wanted as u32).div_ceil(workload.step) * workload.step;
    }
}
