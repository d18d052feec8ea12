//! What the guide remembers: one small file, which git ignores and nobody misses when it is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Sentence;

const FILE: &str = ".workbook.toml";
const HEADER: &str =
    "# Your progress through the Metrics Workbook. Deleted, it is found again by checking.\n";

/// Which lessons are done, and how many hints were asked for.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct State {
    done: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    hints: BTreeMap<String, usize>,
}

pub struct Progress {
    file: PathBuf,
    state: State,
}

impl Progress {
    /// Reads the file; without one, nothing is done yet.
    pub fn load(root: &Path) -> Result<Self, Sentence> {
        let file = root.join(FILE);
        let state = match fs::read_to_string(&file) {
            Ok(text) => toml::from_str(&text).map_err(|error| {
                format!(
                    "cannot read your progress in {FILE}. Mend it or delete it; what is done is \
                     found again by `cargo workbook check`.\n{error}"
                )
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => State::default(),
            Err(error) => return Err(format!("cannot read {}: {error}", file.display())),
        };
        Ok(Self { file, state })
    }

    pub fn is_done(&self, number: &str) -> bool {
        self.state.done.contains(number)
    }

    pub fn set_done(&mut self, number: &str) -> Result<(), Sentence> {
        if self.state.done.insert(number.to_owned()) { self.save() } else { Ok(()) }
    }

    pub fn set_not_done(&mut self, number: &str) -> Result<(), Sentence> {
        if self.state.done.remove(number) { self.save() } else { Ok(()) }
    }

    /// The lesson begins anew, hints included.
    pub fn forget(&mut self, number: &str) -> Result<(), Sentence> {
        let was_done = self.state.done.remove(number);
        let had_hints = self.state.hints.remove(number).is_some();
        if was_done || had_hints { self.save() } else { Ok(()) }
    }

    /// How many hints for this lesson were shown.
    pub fn hints(&self, number: &str) -> usize {
        self.state.hints.get(number).copied().unwrap_or(0)
    }

    pub fn set_hints(&mut self, number: &str, shown: usize) -> Result<(), Sentence> {
        self.state.hints.insert(number.to_owned(), shown);
        self.save()
    }

    fn save(&self) -> Result<(), Sentence> {
        let text = toml::to_string(&self.state).map_err(|error| error.to_string())?;
        // Written beside and renamed: a file that is cut short is never read.
        let new = self.file.with_extension("toml.new");
        fs::write(&new, format!("{HEADER}{text}"))
            .and_then(|()| fs::rename(&new, &self.file))
            .map_err(|error| {
                format!("cannot save your progress in {}: {error}", self.file.display())
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_remembered_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut progress = Progress::load(folder.path()).unwrap();
        progress.set_done("01").unwrap();
        progress.set_hints("02", 2).unwrap();
        let mut progress = Progress::load(folder.path()).unwrap();
        assert!(progress.is_done("01") && !progress.is_done("02"));
        assert_eq!(progress.hints("02"), 2);
        progress.forget("01").unwrap();
        assert!(!Progress::load(folder.path()).unwrap().is_done("01"));
    }

    #[test]
    fn a_broken_file_is_told_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        for broken in ["done = [", "done = 3", "finished = []", "\u{0}"] {
            fs::write(&file, broken).unwrap();
            let Err(sentence) = Progress::load(folder.path()) else {
                panic!("{broken:?} was read")
            };
            assert!(sentence.contains("Mend it or delete it"), "{sentence}");
            assert_eq!(fs::read_to_string(&file).unwrap(), broken);
        }
    }
}
