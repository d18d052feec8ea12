//! Proofs over the files of the stack that need nothing but the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the root").to_owned()
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

#[test]
fn nothing_else_is_unsafe() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("\nunsafe_code = \"deny\"\n"));
    let mut allowed = Vec::new();
    for file in rust_files(&root()) {
        let text = fs::read_to_string(&file).unwrap();
        let levels = ["allow(unsafe_code", "expect(unsafe_code", "warn(unsafe_code"];
        if levels.iter().any(|level| text.replace(' ', "").contains(level)) {
            allowed.push(file.strip_prefix(root()).unwrap().to_owned());
        }
    }
    // This file names them, too.
    assert_eq!(
        allowed,
        [Path::new("macros/instrument-metrics/src/heap.rs"), Path::new("tests/proofs/files.rs")]
    );
}

/// Every Rust file of the workbook, the learner's own folders left out.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && name != "lessons" && !name.starts_with('.') {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn both_published_crates_carry_the_licences() {
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        let original = fs::read_to_string(root().join(licence)).unwrap();
        for package in ["instrument-metrics", "instrument-metrics-macros"] {
            let copy = root().join("macros").join(package).join(licence);
            assert_eq!(fs::read_to_string(&copy).unwrap(), original, "{}", copy.display());
        }
    }
}
