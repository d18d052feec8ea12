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
    let status = Command::new(cargo)
        .args(["run", "--package", "local-stack", "--manifest-path"])
        .arg(manifest)
        .args(["--", what])
        .args(arguments)
        .status()
        .map_err(|error| format!("cannot run cargo: {error}"))?;
    Ok(if status.success() { Outcome::Fine } else { Outcome::NotYet })
}
