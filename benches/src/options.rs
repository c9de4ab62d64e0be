//! The command line.

use std::ops::RangeInclusive;
use std::time::Duration;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Workloads are measured whose name or group contains one of these; all, if there is none.
    pub filters: Vec<String>,
    /// The peers that take part; all, if there is none.
    pub peers: Vec<String>,
    /// Less exact, in less time.
    pub quick: bool,
    /// Writes the tables of the documentation.
    pub markdown: bool,
    /// Says what there is, and measures nothing.
    pub list: bool,
    /// One contender of one workload, once: the name of the workload, the peer and the number of operations.
    pub once: Option<(String, String, u32)>,
    /// How long a round of a contender should take.
    pub round: Duration,
    /// How many rounds there are, at least and at most.
    pub rounds: RangeInclusive<usize>,
    /// How long all rounds of a contender may take, if there are more than the least number of them.
    pub budget: Duration,
}

impl Options {
    /// From the arguments, without the program's name.
    ///
    /// # Errors
    ///
    /// What is wrong with them, for the user.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Options, String> {
        let mut options = Options {
            filters: Vec::new(),
            peers: Vec::new(),
            quick: false,
            markdown: false,
            list: false,
            once: None,
            round: Duration::from_millis(40),
            rounds: 3..=15,
            budget: Duration::from_millis(600),
        };
        let mut arguments = arguments.into_iter();
        let value = |arguments: &mut dyn Iterator<Item = String>, what: &str| {
            arguments.next().ok_or_else(|| format!("{what} is missing"))
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                // Cargo says so to every benchmark.
                "--bench" => {}
                "--quick" => {
                    options.quick = true;
                    options.round = Duration::from_millis(6);
                    options.rounds = 1..=5;
                    options.budget = Duration::from_millis(80);
                }
                "--markdown" => options.markdown = true,
                "--list" => options.list = true,
                "--peers" => {
                    let peers = value(&mut arguments, "--peers: a list, with commas")?;
                    options.peers = peers.split(',').map(str::to_owned).collect();
                }
                "--once" => {
                    let workload = value(&mut arguments, "--once: the workload")?;
                    let peer = value(&mut arguments, "--once: the peer")?;
                    let operations = value(&mut arguments, "--once: the number of operations")?;
                    let operations =
                        operations.parse().map_err(|error| format!("{operations}: {error}"))?;
                    options.once = Some((workload, peer, operations));
                }
                unknown if unknown.starts_with('-') => {
                    return Err(format!("{unknown}: there is no such option"));
                }
                _ => options.filters.push(argument.to_lowercase()),
            }
        }
        if options.markdown && !(options.filters.is_empty() && options.peers.is_empty()) {
            return Err("--markdown writes whole tables: leave out what picks from them".into());
        }
        Ok(options)
    }

    /// Whether a workload is to be measured.
    pub fn picks(&self, group: &str, name: &str) -> bool {
        let text = format!("{group}: {name}").to_lowercase();
        self.filters.is_empty() || self.filters.iter().any(|filter| text.contains(filter))
    }

    /// Whether a peer takes part.
    pub fn takes_part(&self, peer: &str) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|it| it == peer)
    }

    /// In how many rounds a contender takes part that takes so long for one.
    pub fn rounds(&self, takes: Duration) -> usize {
        let (least, most) = (*self.rounds.start(), *self.rounds.end());
        let fit = self.budget.as_nanos() / takes.as_nanos().max(1);
        usize::try_from(fit).unwrap_or(most).clamp(least, most)
    }
}
