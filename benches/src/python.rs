//! Programs of Python's Trio, which measure themselves.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The interpreter, which has Trio, and the version of that.
#[derive(Clone, Debug)]
pub struct Python {
    interpreter: PathBuf,
    /// Python's and Trio's versions.
    pub version: String,
}

impl Python {
    /// One that there is, or one for which Trio is installed under `target/python`. `None`, and a line that
    /// says so, if there is neither. It is looked for once.
    pub fn find() -> Option<&'static Python> {
        static FOUND: OnceLock<Option<Python>> = OnceLock::new();
        FOUND
            .get_or_init(|| {
                find().inspect_err(|why| println!("Without Python's Trio: {why}\n")).ok()
            })
            .as_ref()
    }

    /// What one of the programs in `benches/python` has measured: nanoseconds for each operation.
    ///
    /// # Panics
    ///
    /// If the program fails.
    pub fn run(&self, program: &str, arguments: &[&str]) -> f64 {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(program);
        let output = Command::new(&self.interpreter)
            .arg(path)
            .args(arguments)
            // The folder stays as it is.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output();
        let output = output.expect("the interpreter has run before");
        let said = String::from_utf8_lossy(&output.stdout);
        match said.trim().parse() {
            Ok(nanos) if output.status.success() => nanos,
            _ => panic!("{program} fails: {said}{}", String::from_utf8_lossy(&output.stderr)),
        }
    }
}

fn find() -> Result<Python, String> {
    let environment = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/python");
    let own = environment.join("bin/python3");
    for interpreter in [PathBuf::from("python3"), own.clone()] {
        if let Some(version) = version(&interpreter) {
            return Ok(Python { interpreter, version });
        }
    }
    let mut make = Command::new("python3");
    let mut install = Command::new(&own);
    for command in [
        make.args(["-m", "venv"]).arg(&environment),
        install.args(["-m", "pip", "install", "--quiet", "trio"]),
    ] {
        let status = command.output().map(|output| output.status);
        if !status.is_ok_and(|status| status.success()) {
            return Err(format!("it is not there, and {command:?} fails"));
        }
    }
    let version = version(&own).ok_or("it is installed, and cannot be imported")?;
    Ok(Python { interpreter: own, version })
}

fn version(interpreter: &Path) -> Option<String> {
    const ASK: &str =
        "import sys, trio; print(trio.__version__, 'on Python', sys.version.split()[0])";
    let output = Command::new(interpreter).args(["-c", ASK]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
