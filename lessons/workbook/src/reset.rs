//! Back to the start of a lesson.

use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use crate::lessons::{Lesson, Workbook};
use crate::progress::Progress;
use crate::sources::{self, Sources};
use crate::{Outcome, Sentence};

/// Asks, keeps a copy of the learner's files, and writes the start's.
pub fn reset(
    workbook: &Workbook,
    lesson: &Lesson,
    yes: bool,
    progress: &mut Progress,
) -> Result<Outcome, Sentence> {
    let start = sources::read(&lesson.start())?;
    let yours = sources::read_if_there(&lesson.sources())?;
    if sources::are_alike(&yours, &start) {
        anstream::println!("Lesson {} is at its start already.", lesson.number);
        progress.forget(&lesson.number)?;
        return Ok(Outcome::Fine);
    }
    if !yes && !confirmed(lesson)? {
        anstream::println!("Nothing was changed.");
        return Ok(Outcome::NotYet);
    }

    let kept = keep(workbook, lesson, &yours)?;
    for path in yours.keys().filter(|path| !start.contains_key(*path)) {
        let file = lesson.sources().join(path);
        fs::remove_file(&file)
            .map_err(|error| format!("cannot remove {}: {error}", file.display()))?;
    }
    sources::write(&lesson.sources(), &start)?;
    progress.forget(&lesson.number)?;
    anstream::println!("Lesson {} is at its start again.", lesson.number);
    if let Some(kept) = kept {
        anstream::println!("Your files are kept in {}.", kept.display());
    }
    Ok(Outcome::Fine)
}

/// Writes a copy of the learner's files into a folder that nobody has used before. `None` where
/// there are none.
fn keep(
    workbook: &Workbook,
    lesson: &Lesson,
    yours: &Sources,
) -> Result<Option<PathBuf>, Sentence> {
    if yours.is_empty() {
        return Ok(None);
    }
    let all = PathBuf::from(".workbook-kept");
    fs::create_dir_all(workbook.root.join(&all)).map_err(|error| {
        format!("cannot keep a copy of your files in {}: {error}", all.display())
    })?;
    for number in 1.. {
        let kept = all.join(format!("{}-{number}", lesson.name()));
        match fs::create_dir(workbook.root.join(&kept)) {
            Ok(()) => {
                sources::write(&workbook.root.join(&kept), yours)?;
                return Ok(Some(kept));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(format!(
                    "cannot keep a copy of your files in {}: {error}",
                    kept.display()
                ));
            }
        }
    }
    unreachable!("there is always a next number")
}

fn confirmed(lesson: &Lesson) -> Result<bool, Sentence> {
    let folder = lesson.folder.join("src");
    if !io::stdin().is_terminal() {
        return Err(format!(
            "there is nobody to ask whether your changes in {} may go. If they may: \
             `cargo workbook reset {} --yes`.",
            folder.display(),
            lesson.number
        ));
    }
    anstream::print!("Replace your files in {} by those of the start? [y/N] ", folder.display());
    let mut answer = String::new();
    io::stdout()
        .flush()
        .and_then(|()| io::stdin().read_line(&mut answer))
        .map_err(|error| format!("cannot ask: {error}"))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}
