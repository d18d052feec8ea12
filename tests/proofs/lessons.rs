//! Proofs over the lessons as they are given to a learner: each start fails its check for the
//! reason that its manifest states, and each solution passes the same check.
//!
//! They need lessons that nobody has worked on, so they are not part of a plain `cargo test`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the root").to_owned()
}

/// The folders of the lessons, such as `01-metrics-page`, in their order.
fn lessons() -> Vec<String> {
    let names = fs::read_dir(root().join("solutions")).unwrap();
    let mut names: Vec<_> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

fn sources(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut sources = BTreeMap::new();
    for entry in
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let path = entry.unwrap().path();
        let name = PathBuf::from(path.file_name().unwrap());
        sources.insert(name, fs::read_to_string(&path).unwrap());
    }
    sources
}

struct Run {
    passed: bool,
    /// All words of the output, one blank between them: checks wrap their sentences.
    words: String,
    warnings: bool,
    seconds: f64,
}

/// Runs the check of a package.
fn check(package: &str) -> Run {
    let started = Instant::now();
    let output = Command::new(std::env::var_os("CARGO").expect("cargo runs the tests"))
        .args(["test", "--package", package, "--test", "check"])
        .current_dir(root())
        .output()
        .unwrap();
    let messages = String::from_utf8_lossy(&output.stderr);
    assert!(!messages.contains("could not compile"), "{package} does not compile:\n{messages}");
    let printed = String::from_utf8_lossy(&output.stdout);
    Run {
        passed: output.status.success(),
        words: printed.split_whitespace().collect::<Vec<_>>().join(" "),
        warnings: messages.contains("warning: "),
        seconds: started.elapsed().as_secs_f64(),
    }
}

#[test]
#[ignore = "needs lessons that nobody has worked on"]
fn the_starts_that_reset_restores_are_the_lessons() {
    for name in lessons() {
        let lesson = sources(&root().join("lessons").join(&name).join("src"));
        let start = sources(&root().join("lessons/workbook/starts").join(&name).join("src"));
        assert_eq!(lesson, start, "{name}");
    }
}

#[test]
#[ignore = "needs lessons that nobody has worked on, and compiles each of them"]
fn each_start_fails_for_its_stated_reason_and_each_solution_passes() {
    for name in lessons() {
        let number = &name[..2];
        let manifest = root().join("lessons").join(&name).join("Cargo.toml");
        let manifest: toml::Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
        let about = &manifest["package"]["metadata"]["lesson"];
        let reason = about["start_fails_with"].as_str().unwrap();

        let start = check(&format!("lesson-{number}"));
        assert!(!start.passed, "the start of {name} passes its check");
        assert!(!start.warnings, "the start of {name} compiles with warnings");
        assert!(
            start.words.contains(reason),
            "the start of {name} does not fail with\n  {reason}\nbut with\n  {}",
            start.words
        );
        let solution = check(&format!("solution-{number}"));
        assert!(solution.passed, "the solution of {name} fails:\n  {}", solution.words);
        assert!(!solution.warnings, "the solution of {name} compiles with warnings");
        println!(
            "{name:<20} start fails ({:.1} s): {reason}\n{:<20} solution passes ({:.1} s)",
            start.seconds, "", solution.seconds
        );
    }
}
