//! The files of a lesson, a start or a solution.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::Sentence;

/// Every file below a folder, byte for byte, by its path from there.
pub type Sources = BTreeMap<PathBuf, Vec<u8>>;

/// Reads all files below `folder`, but for what editors leave beside them.
///
/// # Errors
///
/// Where any of them cannot be read: half of somebody's work must not pass for all of it.
pub fn read(folder: &Path) -> Result<Sources, Sentence> {
    let mut sources = Sources::new();
    read_into(folder, Path::new(""), &mut sources)?;
    Ok(sources)
}

/// As [`read`], but a folder that is not there has no files.
pub fn read_if_there(folder: &Path) -> Result<Sources, Sentence> {
    match fs::metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Sources::new()),
        _ => read(folder),
    }
}

fn read_into(folder: &Path, inner: &Path, sources: &mut Sources) -> Result<(), Sentence> {
    let here = folder.join(inner);
    let failed = |error| format!("cannot read {}: {error}", here.display());
    for entry in fs::read_dir(&here).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if is_an_editors(&entry.file_name()) {
            continue;
        }
        let path = inner.join(entry.file_name());
        if entry.path().is_dir() {
            read_into(folder, &path, sources)?;
        } else {
            let bytes = fs::read(entry.path())
                .map_err(|error| format!("cannot read {}: {error}", entry.path().display()))?;
            sources.insert(path, bytes);
        }
    }
    Ok(())
}

/// Lock, swap and backup files: `.#lib.rs`, `.lib.rs.swp`, `#lib.rs#`, `lib.rs~`.
fn is_an_editors(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with(['.', '#']) || name.ends_with('~')
}

/// Whether both have the same files with the same text. Line ends do not count: git may have
/// changed them.
pub fn are_alike(one: &Sources, other: &Sources) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|((path, bytes), (other_path, other_bytes))| {
            path == other_path && text(bytes) == text(other_bytes)
        })
}

/// A file's text with `\n` at the end of each line, for comparing.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace("\r\n", "\n")
}

/// Writes all files below `folder`.
pub fn write(folder: &Path, sources: &Sources) -> Result<(), Sentence> {
    for (path, bytes) in sources {
        let file = folder.join(path);
        let parent = file.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&file, bytes))
            .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    }
    Ok(())
}
