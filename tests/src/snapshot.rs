//! Comparing what a scrape got with what it should get.
//!
//! The snapshots are insta's, in `tests/snapshots`: one file for a lesson and its solution. Insta
//! keeps them, and `INSTA_UPDATE=always` writes them anew. A learner sees the difference in our
//! words, and no advice to accept it.

use insta::Snapshot;
use insta::comparator::Comparator;
use similar::{ChangeTag, TextDiff};

use crate::Failure;

/// Compares `found` with the snapshot `name`; `meaning` says what a difference means to whoever
/// reads the metrics.
#[track_caller]
pub fn expect(name: &str, found: &str, meaning: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(meaning);
    if std::env::var_os("INSTA_UPDATE").is_none_or(|update| update != "always") {
        settings.set_comparator(Box::new(InWords { meaning: meaning.to_owned() }));
    }
    settings.bind(|| insta::assert_snapshot!(name, found));
}

#[derive(Clone)]
struct InWords {
    meaning: String,
}

impl Comparator for InWords {
    fn matches(&self, wanted: &Snapshot, found: &Snapshot) -> bool {
        let (wanted, found) = (text(wanted), text(found));
        if wanted == found {
            return true;
        }
        Failure::new("The page is there, but it says something else than it should.")
            .means(&self.meaning)
            .next("Go from your lines, marked -, to those that are wanted, marked +.")
            .show("The difference", &difference(&found, &wanted))
            .raise()
    }

    fn dyn_clone(&self) -> Box<dyn Comparator> {
        Box::new(self.clone())
    }
}

fn text(snapshot: &Snapshot) -> String {
    snapshot.as_text().map(ToString::to_string).unwrap_or_default()
}

/// Marked as `cargo workbook answer` marks it: from the learner's to what is wanted.
fn difference(found: &str, wanted: &str) -> String {
    let diff = TextDiff::from_lines(found, wanted);
    let lines = diff.iter_all_changes().map(|change| {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        format!("{sign} {}\n", change.value().trim_end_matches('\n'))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_page_than_the_snapshots_fails_in_words() {
        let snapshot = |name: &str| {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
            Snapshot::from_file(&folder.join(name)).expect(name)
        };
        let in_words = InWords { meaning: "A panel is empty.".to_owned() };
        let [one, other] = ["02_only_up.snap", "07_one_attribute.snap"].map(snapshot);
        assert!(in_words.matches(&one, &one));
        let panic = std::panic::catch_unwind(|| in_words.matches(&one, &other)).unwrap_err();
        let failure = panic.downcast::<Failure>().expect("a failure in words").to_string();
        for words in
            ["A panel is empty.", "  | - http_requests_total{", "  | + http_requests_total 5"]
        {
            assert!(failure.contains(words), "{failure}");
        }
    }

    #[test]
    fn a_difference_shows_what_is_wanted_and_what_is_there() {
        assert_eq!(difference("a 1\nb 2", "a 1\nb 3"), "  a 1\n- b 2\n+ b 3\n");
    }
}
