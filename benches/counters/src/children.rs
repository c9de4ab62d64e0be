//! Running this program under another.

use std::env;
use std::process::{Command, Stdio};

use crate::workloads::Workload;

/// The command of a child: the name of a workload and a number of operations follow.
pub const RUN: &str = "run";

/// What every x86-64 processor has: the C library is to use nothing else. On others this is ignored.
const TUNABLES: &str =
    "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX2,-AVX_Fast_Unaligned_Load,-SSSE3,-ERMS";

/// Has `tool` run so many operations of a workload.
///
/// # Errors
///
/// If it cannot be run, or fails.
pub fn run(tool: &mut Command, workload: &Workload, operations: u32) -> trio::Result<()> {
    tool.arg(env::current_exe()?).args([RUN, workload.name]);
    // As many digits for N as for 2N, and always the same environment: neither moves the stack.
    tool.arg(format!("{operations:09}"));
    tool.env_clear().envs(env::var_os("PATH").map(|path| ("PATH", path)));
    tool.env("GLIBC_TUNABLES", TUNABLES);
    let output = text(tool)?;
    if output.is_empty() { Ok(()) } else { Err(format!("a child printed: {output}").into()) }
}

/// What `tool` prints.
///
/// # Errors
///
/// If it cannot be run, or fails, with what it has said.
pub fn text(tool: &mut Command) -> trio::Result<String> {
    let name = tool.get_program().to_string_lossy().into_owned();
    let output = tool
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{name} cannot be run ({error}): install it"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{name} failed ({}): {said}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// A file for what a tool finds, which is removed in the end.
pub struct Findings(std::path::PathBuf);

impl Findings {
    /// A file that nobody else uses: `what` is the tool and what it is run with.
    pub fn new(what: &str) -> Findings {
        let name = format!("trio-counters-{}-{what}", std::process::id());
        Findings(env::temp_dir().join(name))
    }

    pub fn path(&self) -> &std::path::Path {
        &self.0
    }

    /// # Errors
    ///
    /// If there is none, or if it is no text.
    pub fn read(&self) -> trio::Result<String> {
        let path = self.0.display();
        Ok(std::fs::read_to_string(&self.0).map_err(|error| format!("{path}: {error}"))?)
    }
}

impl Drop for Findings {
    fn drop(&mut self) {
        // There is none if the tool has failed.
        let _ = std::fs::remove_file(&self.0);
    }
}
