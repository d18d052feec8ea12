//! The difference between the learner's lesson and its solution.

use similar::{ChangeTag, TextDiff};

use crate::lessons::Lesson;
use crate::sources::{self, Sources};
use crate::{Outcome, Sentence, style};

/// Prints it, file by file.
pub fn show(lesson: &Lesson) -> Result<Outcome, Sentence> {
    let yours = sources::read_if_there(&lesson.sources())?;
    let solution = sources::read(&lesson.solution())?;
    let differences = differences(&yours, &solution);
    if differences.is_empty() {
        anstream::println!("Lesson {}: yours is the solution, to the letter.", lesson.number);
        return Ok(Outcome::Fine);
    }
    anstream::println!(
        "From yours ({}) to the solution ({}):",
        style::removed("-"),
        style::added("+"),
    );
    for (path, lines) in differences {
        let path = lesson.folder.join("src").join(path);
        anstream::println!("\n{}", style::strong(&path.display().to_string()));
        for (tag, line) in lines {
            match tag {
                ChangeTag::Delete => anstream::println!("{}", style::removed(&format!("- {line}"))),
                ChangeTag::Insert => anstream::println!("{}", style::added(&format!("+ {line}"))),
                ChangeTag::Equal => anstream::println!("  {line}"),
            }
        }
    }
    anstream::println!(
        "\n{}",
        style::faint("There are other good answers: the check decides, not this one.")
    );
    Ok(Outcome::Fine)
}

type Lines = Vec<(ChangeTag, String)>;

/// For each file that differs its changed lines with three around them, `…` between the places.
fn differences(yours: &Sources, solution: &Sources) -> Vec<(std::path::PathBuf, Lines)> {
    let mut paths: Vec<_> = yours.keys().chain(solution.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let text = |sources: &Sources, path| sources.get(path).map(|bytes| sources::text(bytes));
    let mut differences = Vec::new();
    for path in paths {
        let (old, new) = (text(yours, path), text(solution, path));
        if old == new {
            continue;
        }
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        let diff = TextDiff::from_lines(&old, &new);
        let mut lines = Lines::new();
        for group in diff.grouped_ops(3) {
            if !lines.is_empty() {
                lines.push((ChangeTag::Equal, "…".to_owned()));
            }
            for change in group.iter().flat_map(|operation| diff.iter_changes(operation)) {
                lines.push((change.tag(), change.value().trim_end_matches('\n').to_owned()));
            }
        }
        differences.push((path.clone(), lines));
    }
    differences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_only_one_side_has_differs_as_a_whole() {
        let yours = Sources::from([("by_hand.rs".into(), b"a\r\nb\n".to_vec())]);
        let solution = Sources::from([("lib.rs".into(), b"c\n".to_vec())]);
        let differences = differences(&yours, &solution);
        let line = |tag, line: &str| (tag, line.to_owned());
        assert_eq!(
            differences,
            [
                (
                    "by_hand.rs".into(),
                    vec![line(ChangeTag::Delete, "a"), line(ChangeTag::Delete, "b")]
                ),
                ("lib.rs".into(), vec![line(ChangeTag::Insert, "c")]),
            ]
        );
    }
}
