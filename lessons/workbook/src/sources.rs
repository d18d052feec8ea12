//! The files of a lesson, a start or a solution.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Sentence;

/// Every file below a folder, by its path from there.
pub type Sources = BTreeMap<PathBuf, String>;

/// Reads all files below `folder`. Line ends are read as `\n`, as git may have changed them.
pub fn read(folder: &Path) -> Result<Sources, Sentence> {
    let mut sources = Sources::new();
    read_into(folder, Path::new(""), &mut sources)?;
    Ok(sources)
}

fn read_into(folder: &Path, inner: &Path, sources: &mut Sources) -> Result<(), Sentence> {
    let here = folder.join(inner);
    let failed = |error| format!("cannot read {}: {error}", here.display());
    for entry in fs::read_dir(&here).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = inner.join(entry.file_name());
        if entry.path().is_dir() {
            read_into(folder, &path, sources)?;
        } else {
            let text = fs::read(entry.path())
                .map_err(|error| format!("cannot read {}: {error}", entry.path().display()))?;
            sources.insert(path, String::from_utf8_lossy(&text).replace("\r\n", "\n"));
        }
    }
    Ok(())
}

/// Writes all files below `folder`.
pub fn write(folder: &Path, sources: &Sources) -> Result<(), Sentence> {
    for (path, text) in sources {
        let file = folder.join(path);
        let parent = file.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&file, text))
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    Ok(())
}
