//! The stack on this machine: a program of its own, which cargo builds first.

use std::env;
use std::ffi::OsString;
use std::process::Command;

use crate::lessons::Workbook;
use crate::{Outcome, Sentence};

/// Runs it, `up` or `load`, until it stops; Ctrl-C reaches it, too.
pub fn run(workbook: &Workbook, what: &str, arguments: &[OsString]) -> Result<Outcome, Sentence> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = workbook.root.join("Cargo.toml");
    let mut command = Command::new(cargo);
    command
        .args(["run", "--package", "local-stack", "--manifest-path"])
        .arg(manifest)
        .args(["--", what])
        .args(arguments);
    let failed = |error| format!("cannot run cargo: {error}");
    // Cargo becomes this process, and then the program becomes cargo: one process, so that whoever
    // ends it ends all of it.
    #[cfg(unix)]
    return Err(failed(std::os::unix::process::CommandExt::exec(&mut command)));
    #[cfg(not(unix))]
    {
        let status = command.status().map_err(failed)?;
        Ok(if status.success() { Outcome::Fine } else { Outcome::NotYet })
    }
}
