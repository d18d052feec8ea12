//! The library as others have it: in a crate outside the workspace, under another name; and what
//! the compiler says of an annotated handler is what it says of a plain one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::{env, fs, thread};

use serde_json::Value;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A copy of the consumer whose lock file is the workspace's, so that nothing has to be fetched.
fn consumer() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("consumer");
    fs::create_dir_all(folder.join("src")).unwrap();
    let original = here().join("tests/consumer");
    let manifest = fs::read_to_string(original.join("Cargo.toml")).unwrap();
    let manifest = manifest.replace("\"../..\"", &format!("{:?}", here().to_str().unwrap()));
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::copy(original.join("src/lib.rs"), folder.join("src/lib.rs")).unwrap();
    fs::copy(here().join("../../Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    folder
}

/// Runs cargo on the consumer. It shares the workspace's build folder: what is the same there is
/// not compiled again.
fn cargo(arguments: &[&str]) -> Output {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let build = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(arguments)
        .arg("--target-dir")
        .arg(build)
        .current_dir(FOLDER.get_or_init(consumer))
        .output()
        .unwrap()
}

#[test]
fn a_crate_that_renames_the_library_uses_it() {
    let output = cargo(&["test", "--offline", "--lib"]);
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stderr}\n{stdout}");
    assert!(stdout.contains("test tests::both_handlers_are_on_the_page ... ok"), "{stdout}");
    assert!(!stderr.contains("warning:"), "{stderr}");
}

/// Where cargo has put the libraries that a fixture uses.
fn libraries() -> BTreeMap<String, PathBuf> {
    let output = cargo(&["build", "--offline", "--lib", "--message-format=json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).unwrap();
    let artifacts = messages.lines().filter_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let name = message["target"]["name"].as_str()?.to_owned();
        let mut files = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
        let is_library = |file: &&str| Path::new(file).extension() == Some("rlib".as_ref());
        Some((name, PathBuf::from(files.find(is_library)?)))
    });
    artifacts.collect()
}

/// The compiler's messages: what each says and of which places, and its notes and suggestions.
type Diagnostics = BTreeMap<Vec<String>, BTreeSet<String>>;

/// What the compiler says of this source.
fn diagnostics(name: &str, source: &str, libraries: &BTreeMap<String, PathBuf>) -> Diagnostics {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("diagnostics");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("{name}.rs"));
    fs::write(&file, source).unwrap();
    let library = |name: &str| format!("{name}={}", libraries[name].display());
    let dependencies = libraries["actix_web"].parent().unwrap();
    // The libraries are beside their dependencies, or one above.
    let dependencies = if dependencies.ends_with("deps") {
        dependencies.to_owned()
    } else {
        dependencies.join("deps")
    };
    let output = Command::new(env::var_os("RUSTC").unwrap_or("rustc".into()))
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--error-format=json"])
        .args(["--extern", &library("actix_web"), "--extern", &library("instrument_metrics")])
        .arg(format!("-Ldependency={}", dependencies.display()))
        .arg("-o")
        .arg(folder.join(format!("{name}.rmeta")))
        .arg(file)
        .output()
        .unwrap();
    let messages = String::from_utf8(output.stderr).unwrap();
    let mut diagnostics = Diagnostics::new();
    for line in messages.lines() {
        let message: Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("the compiler says {line}"));
        // The last two only count the others.
        if message["spans"].as_array().is_some_and(Vec::is_empty) {
            continue;
        }
        let children = message["children"].as_array().unwrap().iter();
        let notes = children.flat_map(said);
        diagnostics.entry(said(&message)).or_default().extend(notes);
    }
    diagnostics
}

/// What one message says, and of which places in the fixture.
fn said(message: &Value) -> Vec<String> {
    let (level, code) = (text(&message["level"]), text(&message["code"]["code"]));
    let mut said = vec![format!("{level} {code}: {}", text(&message["message"]))];
    said.extend(places(message));
    said
}

fn places(message: &Value) -> Vec<String> {
    let spans = message["spans"].as_array().unwrap().iter();
    spans
        .filter(|span| text(&span["file_name"]).contains("diagnostics"))
        .map(|span| {
            let [line, column, to_line, to_column] =
                ["line_start", "column_start", "line_end", "column_end"].map(|key| &span[key]);
            let label = text(&span["label"]);
            format!("  {line}:{column} to {to_line}:{to_column} {label}")
        })
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

const IMPORTS: &str = "#[allow(unused_imports)]\n\
                       use {actix_web::{get, web}, instrument_metrics::instrument_metrics};\n";

#[test]
fn the_compiler_says_of_an_annotated_handler_what_it_says_of_a_plain_one() {
    let libraries = libraries();
    let mut fixtures: Vec<_> = fs::read_dir(here().join("tests/diagnostics"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    fixtures.sort();
    assert!(fixtures.len() > 25, "{}", fixtures.len());
    let compare = |fixture: &Path| {
        let name = fixture.file_stem().unwrap().to_str().unwrap();
        let annotated = format!("{IMPORTS}{}", fs::read_to_string(fixture).unwrap());
        let attribute = "#[instrument_metrics]";
        assert!(annotated.contains(attribute), "{name}: nothing is annotated");
        let plain = annotated.replace(attribute, &" ".repeat(attribute.len()));
        let plain = diagnostics(&format!("{name}_plain"), &plain, &libraries);
        let annotated = diagnostics(&format!("{name}_annotated"), &annotated, &libraries);
        assert!(!plain.is_empty(), "{name}: the compiler finds no mistake");
        // The annotated one may have more notes: that the answer is `Metered`, for one.
        let same = plain.keys().eq(annotated.keys())
            && plain.iter().all(|(message, notes)| notes.is_subset(&annotated[message]));
        (!same).then(|| format!("== {name}\nplain: {plain:#?}\nannotated: {annotated:#?}"))
    };
    let half = fixtures.len() / 2;
    let differences: Vec<_> = thread::scope(|scope| {
        let halves = [&fixtures[..half], &fixtures[half..]];
        let threads = halves.map(|fixtures| {
            scope.spawn(|| fixtures.iter().filter_map(|file| compare(file)).collect::<Vec<_>>())
        });
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn a_const_that_makes_no_buckets_is_refused_where_it_is_named() {
    let libraries = libraries();
    let table = [
        ("const B: [f64; 0] = [];", "buckets: a histogram needs at least one bound"),
        (
            "const B: [f64; 2] = [2.0, 1.0];",
            "buckets: bounds go up, each one more than the one before",
        ),
        (
            "const B: &[f64] = &[1.0, 1.0];",
            "buckets: bounds go up, each one more than the one before",
        ),
        ("const B: [f64; 1] = [0.0];", "buckets: a bound is more than 0 seconds"),
        ("const B: [f64; 1] = [f64::NAN];", "buckets: a bound is a finite number of seconds"),
        ("const B: [f64; 1] = [f64::INFINITY];", "buckets: a bound is a finite number of seconds"),
        ("const B: u8 = 7;", "mismatched types"),
        ("", "cannot find value `B` in this scope"),
    ];
    for (index, (constant, expected)) in table.into_iter().enumerate() {
        let source = format!(
            "{IMPORTS}{constant}\n#[instrument_metrics(buckets = B)]\n\
             pub async fn handler() -> String {{ String::new() }}\n"
        );
        let diagnostics = diagnostics(&format!("const_{index}"), &source, &libraries);
        let found: Vec<_> = diagnostics.keys().collect();
        let [said] = found[..] else { panic!("{constant} {found:#?}") };
        assert!(said[0].contains(expected), "{constant} {said:#?}");
        assert!(said[1].starts_with("  4:32 to 4:33"), "{constant} {said:#?}");
    }
}
