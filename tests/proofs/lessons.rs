//! Proofs over the lessons as they are given to a learner: each start fails its check for the
//! reason that its manifest states, and each solution passes the same check.
//!
//! They need lessons that nobody has worked on, so they are not part of a plain `cargo test`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the root").to_owned()
}

/// The names of the numbered folders below `folder`.
fn numbered(folder: &str) -> BTreeSet<String> {
    let names = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().expect("a lesson's name is ASCII"));
    names.filter(|name| name.starts_with(|first: char| first.is_ascii_digit())).collect()
}

fn manifest(folder: &str, name: &str) -> toml::Table {
    let file = root().join(folder).join(name).join("Cargo.toml");
    let text =
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()))
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
    for name in numbered("solutions") {
        let lesson = sources(&root().join("lessons").join(&name).join("src"));
        let start = sources(&root().join("lessons/workbook/starts").join(&name).join("src"));
        assert_eq!(lesson, start, "{name}");
    }
}

#[test]
#[ignore = "needs lessons that nobody has worked on, and compiles each of them"]
fn each_start_fails_for_its_stated_reason_and_each_solution_passes() {
    for name in numbered("solutions") {
        let number = &name[..2];
        let manifest = manifest("lessons", &name);
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

#[test]
#[ignore = "needs lessons that nobody has worked on"]
fn every_lesson_has_its_solution_its_start_and_its_check() {
    let lessons = numbered("lessons");
    assert_eq!(lessons, numbered("solutions"));
    assert_eq!(lessons, numbered("lessons/workbook/starts"));
    for name in &lessons {
        let number = &name[..2];
        let (lesson, solution) = (manifest("lessons", name), manifest("solutions", name));
        assert_eq!(lesson["package"]["name"].as_str(), Some(&*format!("lesson-{number}")));
        assert_eq!(solution["package"]["name"].as_str(), Some(&*format!("solution-{number}")));
        // One check judges both, under one library name.
        for same in ["lib", "test", "dependencies", "dev-dependencies", "lints"] {
            assert_eq!(lesson[same], solution[same], "{name}: [{same}]");
        }
        let check = lesson["test"][0]["path"].as_str().unwrap();
        assert!(root().join("lessons").join(name).join(check).is_file(), "{name}: {check}");
        let about = &lesson["package"]["metadata"]["lesson"];
        for key in ["title", "part", "start_fails_with"] {
            assert!(about[key].as_str().is_some_and(|text| !text.is_empty()), "{name}: {key}");
        }
        let minutes = about["minutes"].as_integer().unwrap();
        assert!((15..=30).contains(&minutes), "{name}: {minutes} minutes");
    }
}

#[test]
#[ignore = "needs lessons that nobody has worked on"]
fn every_lesson_reads_as_a_lesson() {
    for name in numbered("lessons") {
        let readme =
            fs::read_to_string(root().join("lessons").join(&name).join("README.md")).unwrap();
        let number = &name[..2];
        let about = manifest("lessons", &name);
        let about = &about["package"]["metadata"]["lesson"];
        let title = format!("# Lesson {number}: {}\n", about["title"].as_str().unwrap());
        assert!(readme.starts_with(&title), "{name}: the title is not `{}`", title.trim());
        let minutes = format!("About {} minutes.", about["minutes"]);
        assert!(readme.replace('\n', " ").contains(&minutes), "{name}: `{minutes}` is not said");
        let headings: Vec<_> = readme.lines().filter_map(|line| line.strip_prefix("## ")).collect();
        assert_eq!(
            headings,
            [
                "What the check wants, and why",
                "The idea",
                "The task",
                "Look at it",
                "What you have learned"
            ],
            "{name}"
        );
        assert_eq!(readme.matches("<details><summary>Hint ").count(), 3, "{name}: three hints");
        assert_eq!(readme.matches("</details>").count(), 3, "{name}: three hints");
    }
}

/// The features of every crate that cargo would build.
fn features(arguments: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").expect("cargo runs the tests");
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--no-dedupe", "--prefix", "none", "--format", "{p}|{f}"])
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut features: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some((package, list)) = line.split_once('|') {
            let package = package.split(" (").next().unwrap_or_default().to_owned();
            features.entry(package).or_default().insert(list.to_owned());
        }
    }
    features
}

#[test]
#[ignore = "needs lessons that nobody has worked on"]
fn one_lesson_builds_what_the_whole_workbook_builds() {
    let whole = features(&[]);
    for name in numbered("lessons") {
        let package = format!("lesson-{}", &name[..2]);
        let differing: Vec<_> = features(&["--package", &package])
            .into_iter()
            .filter(|(krate, features)| {
                whole.get(krate).is_some_and(|whole| !whole.is_superset(features))
            })
            .map(|(krate, features)| format!("{krate}: {features:?}, not {:?}", whole[&krate]))
            .collect();
        assert!(
            differing.is_empty(),
            "these would be compiled twice; name them in tests/Cargo.toml: {differing:#?}"
        );
    }
}
