//! Runs the check of a lesson with cargo, and shows of its output what a learner needs.

use std::env;
use std::io::{BufRead, BufReader, IsTerminal, Read};
use std::process::{Command, Stdio};
use std::thread;

use crate::Sentence;
use crate::lessons::Lesson;

/// What came out.
pub enum Verdict {
    Green,
    /// The check's own words.
    NotYet(String),
    /// The compiler has said why.
    DoesNotCompile,
}

/// Compiles the lesson and runs its check. The compiler's messages appear as they come.
pub fn run(lesson: &Lesson) -> Result<Verdict, Sentence> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let color = if wants_color() { "always" } else { "never" };
    let mut child = Command::new(cargo)
        .args(["test", "--color", color, "--package", &lesson.package(), "--test", "check"])
        .current_dir(&lesson.root)
        // For a stack trace, there is `cargo test -p lesson-NN`.
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot run cargo: {error}"))?;

    let mut said = String::new();
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let forwarding = thread::spawn(move || stderr.map(forward));
    if let Some(mut stdout) = stdout {
        let mut bytes = Vec::new();
        stdout
            .read_to_end(&mut bytes)
            .map_err(|error| format!("cannot listen to cargo: {error}"))?;
        said = String::from_utf8_lossy(&bytes).into_owned();
    }
    let status = child.wait().map_err(|error| format!("cannot wait for cargo: {error}"))?;
    let _ = forwarding.join();

    let said = anstream::adapter::strip_str(&said).to_string();
    Ok(if status.success() {
        Verdict::Green
    } else if said.contains("running ") {
        Verdict::NotYet(failures(&said))
    } else {
        Verdict::DoesNotCompile
    })
}

fn wants_color() -> bool {
    std::io::stderr().is_terminal() && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Passes on what cargo says, but for the lines that are about cargo itself.
fn forward(stderr: impl Read) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        let plain = anstream::adapter::strip_str(&line).to_string();
        let plain = plain.trim_start();
        let is_noise = ["Finished ", "Running ", "error: test failed, to rerun"]
            .iter()
            .any(|start| plain.starts_with(start));
        if !is_noise {
            eprintln!("{line}");
        }
    }
}

/// What the failed tests printed.
fn failures(said: &str) -> String {
    let blocks = said.split("\n---- ").skip(1).filter_map(|block| block.split_once(" ----\n"));
    let texts: Vec<_> = blocks
        .map(|(_, text)| text.split("\n\nfailures:\n").next().unwrap_or_default().trim_end())
        .collect();
    if texts.is_empty() { said.to_owned() } else { texts.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_failed_test_only_its_own_words_are_left() {
        let said = "\nrunning 1 test\ntest a ... FAILED\n\nfailures:\n\n---- a stdout ----\n\n  not yet  step\n\n  No page.\n\n\n\nfailures:\n    a\n\ntest result: FAILED. 0 passed\n";
        assert_eq!(failures(said), "\n  not yet  step\n\n  No page.");
    }

    #[test]
    fn what_is_not_understood_is_shown_as_it_is() {
        assert_eq!(failures("running 1 test\nkilled\n"), "running 1 test\nkilled\n");
    }
}
