//! How long a crate of 300 task functions takes to compile, against the same crate with plain
//! `async fn`.
//!
//! `cargo bench -p benches --bench compile_time -- [rounds]` writes the crates under `target/`, and
//! compiles them by turns, so that whatever else the machine does falls on both. An empty crate shows
//! what is left if nothing has to be compiled.

mod generate;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};
use std::{env, fs};

use self::generate::Flavour;

const FUNCTIONS: usize = 300;
const PROFILES: [&[&str]; 3] = [&["check"], &["build"], &["build", "--release"]];

fn main() {
    let rounds = env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(5);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/compile_time");
    let crates = [
        ("empty", generate::program(Flavour::Plain, 0)),
        ("plain", generate::program(Flavour::Plain, FUNCTIONS)),
        ("tasks", generate::program(Flavour::Tasks, FUNCTIONS)),
    ];
    let directories = crates.map(|(name, program)| write(&root.join(name), name, &program));
    println!("{FUNCTIONS} functions, median of {rounds} rounds\n");
    println!(
        "{:18}{:>9}{:>9}{:>9}{:>8}{:>14}",
        "", "empty", "plain", "tasks", "ratio", "without empty"
    );
    for profile in PROFILES {
        let mut times: [Vec<Duration>; 3] = Default::default();
        // The first compiles what they depend on.
        for directory in &directories {
            compile(directory, profile);
        }
        for _ in 0..rounds {
            for (directory, times) in directories.iter().zip(&mut times) {
                times.push(compile(directory, profile));
            }
        }
        let [empty, plain, tasks] = times.map(median);
        println!(
            "cargo {:12}{empty:>8.2}s{plain:>8.2}s{tasks:>8.2}s{:>8.2}{:>14.2}",
            profile.join(" "),
            tasks / plain,
            (tasks - empty) / (plain - empty),
        );
    }
}

/// Writes a crate that depends on `trio`, whether it uses it or not.
fn write(directory: &Path, name: &str, program: &str) -> PathBuf {
    let trio = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trio");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\ntrio = {{ path = {trio:?} }}\n\n[workspace]\n"
    );
    fs::create_dir_all(directory.join("src")).expect("the directory can be made");
    fs::write(directory.join("Cargo.toml"), manifest).expect("the manifest can be written");
    fs::write(directory.join("src/main.rs"), program).expect("the program can be written");
    directory.to_owned()
}

/// Compiles the crate anew, but not what it depends on.
fn compile(directory: &Path, profile: &[&str]) -> Duration {
    let program = fs::File::options().write(true).open(directory.join("src/main.rs"));
    program.and_then(|file| file.set_modified(SystemTime::now())).expect("it was just written");
    let begin = Instant::now();
    let output = Command::new(env!("CARGO"))
        .args(profile)
        .args(["--quiet", "--offline"])
        .current_dir(directory)
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_TARGET_DIR", directory.with_file_name("target"))
        .stdin(Stdio::null())
        .output()
        .expect("cargo runs");
    let time = begin.elapsed();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    time
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}
