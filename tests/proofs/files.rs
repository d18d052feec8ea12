//! Proofs over the files of the workbook that need nothing but the files: they hold whatever a
//! learner writes into a lesson.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

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

fn dashboards() -> Vec<(PathBuf, Value)> {
    let entries = fs::read_dir(root().join("stack/grafana/dashboards")).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .map(|file| {
            let text = fs::read_to_string(&file).unwrap();
            let json = serde_json::from_str(&text);
            let json = json.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            (file, json)
        })
        .collect()
}

#[test]
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

#[test]
fn dashboards_are_portable_and_read_only() {
    let mut uids = BTreeSet::new();
    for (file, dashboard) in dashboards() {
        let file = file.display();
        let text = dashboard.to_string();
        let uid = dashboard["uid"].as_str().unwrap_or_default().to_owned();
        assert!(!uid.is_empty() && uids.insert(uid), "{file}: a uid of its own");
        assert_eq!(dashboard["id"], Value::Null, "{file}: Grafana gives the id");
        assert_eq!(dashboard["editable"], false, "{file}: what is edited would be lost");
        for foreign in ["${DS_", "__inputs", "__requires"] {
            assert!(!text.contains(foreign), "{file}: {foreign} works only where it was exported");
        }
        for panel in panels(&dashboard) {
            let title = panel["title"].as_str().unwrap_or_default();
            let has = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
            assert!(has(&panel["title"]) && has(&panel["description"]), "{file}: {title}");
            assert!(has(&panel["fieldConfig"]["defaults"]["unit"]), "{file}: {title}: a unit");
            for target in panel["targets"].as_array().unwrap() {
                let expr = target["expr"].as_str().unwrap();
                let metrics = expr.matches('{').count();
                let selected = expr.matches(r#"job=~"$job",instance=~"$instance""#).count();
                assert_eq!(metrics, selected, "{file}: {title}: job and instance in {expr}");
            }
        }
    }
    assert!(!uids.is_empty());
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    let panels = dashboard["panels"].as_array().expect("a dashboard has panels");
    panels.iter().filter(|panel| panel["type"] != "row")
}

#[test]
fn no_two_panels_overlap() {
    for (file, dashboard) in dashboards() {
        let mut taken = BTreeMap::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(place("x") + place("w") <= 24, "{}: {}", file.display(), panel["title"]);
            for x in place("x")..place("x") + place("w") {
                for y in place("y")..place("y") + place("h") {
                    if let Some(other) = taken.insert((x, y), &panel["title"]) {
                        panic!("{}: {} lies on {other}", file.display(), panel["title"]);
                    }
                }
            }
        }
    }
}

#[test]
fn the_stack_is_closed_and_its_images_are_pinned() {
    let compose = fs::read_to_string(root().join("stack/compose.yaml")).unwrap();
    let values = |key: &str| -> Vec<String> {
        let lines = compose.lines().filter_map(|line| line.trim().strip_prefix(key));
        lines.map(|value| value.trim().to_owned()).collect()
    };
    let images = values("image:");
    assert!(!images.is_empty());
    for image in images {
        assert!(image.starts_with("${") && image.contains("_IMAGE:-"), "{image}: no variable");
        let ours = image.contains("metrics-workbook/");
        assert!(ours || image.contains("@sha256:"), "{image}: no digest");
        assert!(!image.contains(":latest"), "{image}");
    }
    for ports in values("ports:") {
        assert!(ports.starts_with("[\"127.0.0.1:${"), "{ports}: open, or not to be moved");
    }
    let secrets = fs::read_dir(root().join("stack/secrets")).unwrap();
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap();
    assert!(ignored.contains("/stack/secrets/*"));
    assert!(secrets.count() >= 1, "the folder says how to make them");
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
