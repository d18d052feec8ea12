//! The three hints of a lesson: its README keeps them folded in `<details>`.

use std::fs;

use crate::lessons::Lesson;
use crate::progress::Progress;
use crate::{Outcome, Sentence, style};

/// Shows the hint after the last one that was shown; after the third, the third again.
pub fn show_next(lesson: &Lesson, progress: &mut Progress) -> Result<Outcome, Sentence> {
    let readme = lesson.readme();
    let text = fs::read_to_string(&readme)
        .map_err(|error| format!("cannot read {}: {error}", readme.display()))?;
    let hints = hints(&text);
    let shown = progress.hints(&lesson.number);
    let Some(hint) = hints.get(shown).or(hints.last()) else {
        return Err(format!("there is no hint in {}.", readme.display()));
    };
    let number = (shown + 1).min(hints.len());
    let title = format!("Lesson {}, hint {number} of {}", lesson.number, hints.len());
    anstream::println!("{}\n\n{hint}\n", style::strong(&title));
    if number < hints.len() {
        let more = format!("More: cargo workbook hint {}", lesson.number);
        anstream::println!("{}", style::faint(&more));
    } else {
        let number = &lesson.number;
        let more = format!("That was the last one. The solution: cargo workbook answer {number}");
        anstream::println!("{}", style::faint(&more));
    }
    if shown < hints.len() {
        progress.set_hints(&lesson.number, number)?;
    }
    Ok(Outcome::Fine)
}

/// What stands in each `<details>`, without its summary.
fn hints(readme: &str) -> Vec<&str> {
    readme
        .split("<details>")
        .skip(1)
        .filter_map(|rest| rest.split_once("</details>"))
        .map(|(hint, _)| hint.split_once("</summary>").map_or(hint, |(_, hint)| hint).trim())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_are_what_the_readme_folds_away() {
        let readme = "# T\n<details><summary>Hint 1</summary>\n\nLook up.\n\n</details>\ntext\n<details>\n<summary>Hint 2</summary>\n`code`\n</details>\n<details>open end";
        assert_eq!(hints(readme), ["Look up.", "`code`"]);
    }
}
