//! Back to the start of a lesson.

use std::fs;
use std::io::{self, IsTerminal, Write};

use crate::lessons::{Lesson, Workbook};
use crate::progress::Progress;
use crate::sources;
use crate::{Outcome, Sentence};

/// Asks, keeps a copy of the learner's files, and writes the start's.
pub fn reset(
    workbook: &Workbook,
    lesson: &Lesson,
    yes: bool,
    progress: &mut Progress,
) -> Result<Outcome, Sentence> {
    let start = sources::read(&lesson.start())?;
    // A folder that is not there holds nothing that could be lost.
    let yours = sources::read(&lesson.sources()).unwrap_or_default();
    if yours == start {
        anstream::println!("Lesson {} is at its start already.", lesson.number);
        progress.forget(&lesson.number)?;
        return Ok(Outcome::Fine);
    }
    if !yes && !confirmed(lesson)? {
        anstream::println!("Nothing was changed.");
        return Ok(Outcome::NotYet);
    }

    let kept =
        workbook.root.join("target/workbook").join(format!("{}-before-reset", lesson.name()));
    let failed = |error| format!("cannot keep a copy of your files in {}: {error}", kept.display());
    if kept.exists() {
        fs::remove_dir_all(&kept).map_err(failed)?;
    }
    sources::write(&kept, &yours)?;
    for path in yours.keys().filter(|path| !start.contains_key(*path)) {
        let file = lesson.sources().join(path);
        fs::remove_file(&file)
            .map_err(|error| format!("cannot remove {}: {error}", file.display()))?;
    }
    sources::write(&lesson.sources(), &start)?;
    progress.forget(&lesson.number)?;
    anstream::println!(
        "Lesson {} is at its start again. Your files are kept in {} until the next reset.",
        lesson.number,
        kept.display()
    );
    Ok(Outcome::Fine)
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
