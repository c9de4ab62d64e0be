//! Where and with what it was measured.

use std::fs;
use std::process::Command;
use std::thread;

/// The machine, and what the programs were built with.
#[derive(Clone, Debug)]
pub struct Machine {
    /// The processor.
    pub processor: String,
    /// How many of its threads are there for this process.
    pub threads: usize,
    /// The memory, in GiB.
    pub memory: f64,
    /// The kernel's name and release.
    pub kernel: String,
    /// What `rustc -V` says.
    pub rustc: String,
    /// The commit of this source, if that is known.
    pub commit: Option<String>,
    /// The date and time, of UTC.
    pub date: String,
    /// The packages that are measured, with their versions.
    pub peers: Vec<(&'static str, String)>,
}

impl Machine {
    /// This one, now, with the versions of these packages.
    pub fn this(packages: &[&'static str]) -> Machine {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal")
            .and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
        let unknown = || String::from("unknown");
        Machine {
            processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(unknown),
            threads: thread::available_parallelism().map_or(0, usize::from),
            memory: memory.map_or(0.0, |kib| kib / f64::from(1 << 20)),
            kernel: said_by("uname", &["-sr"]).unwrap_or_else(unknown),
            rustc: said_by("rustc", &["-V"]).unwrap_or_else(unknown),
            commit: said_by("git", &["describe", "--always", "--dirty"]),
            date: said_by("date", &["-u", "+%F %H:%M UTC"]).unwrap_or_else(unknown),
            peers: packages.iter().map(|&name| (name, version(name))).collect(),
        }
    }
}

/// What a program prints, if it succeeds.
fn said_by(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The version of a package that the workspace is locked to: the newest, if there are several.
pub fn version(package: &str) -> String {
    let head = format!("name = \"{package}\"\nversion = \"");
    let after = include_str!("../../Cargo.lock").split(&head).skip(1);
    let versions = after.filter_map(|text| text.split('"').next());
    versions.last().unwrap_or("unknown").to_owned()
}
