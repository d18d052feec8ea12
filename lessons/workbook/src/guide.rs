//! Where the learner is, and what to do next.

use crate::check::{self, Verdict};
use crate::lessons::{Lesson, Workbook};
use crate::progress::Progress;
use crate::{Outcome, Sentence, style};

/// `cargo workbook`: a lesson that was begun is checked, and the next thing to do is said.
pub fn guide(workbook: &Workbook, progress: &mut Progress) -> Result<Outcome, Sentence> {
    while let Some(lesson) = workbook.current(progress) {
        if lesson.is_begun() {
            match judge(lesson, progress)? {
                Outcome::Fine => continue,
                Outcome::NotYet => return Ok(Outcome::NotYet),
            }
        }
        list(workbook, progress);
        begin(lesson);
        return Ok(Outcome::Fine);
    }
    list(workbook, progress);
    all_done();
    Ok(Outcome::Fine)
}

fn all_done() {
    anstream::println!(
        "\n{} Now annotate a service of your own: macros/instrument-metrics/README.md",
        style::good("All lessons are done.")
    );
}

/// `cargo workbook check`: checks, and says what to do next.
pub fn check(
    workbook: &Workbook,
    lesson: &Lesson,
    progress: &mut Progress,
) -> Result<Outcome, Sentence> {
    let outcome = judge(lesson, progress)?;
    if outcome == Outcome::Fine {
        match workbook.current(progress) {
            Some(next) => begin(next),
            None => all_done(),
        }
    }
    Ok(outcome)
}

/// `cargo workbook list`.
pub fn list(workbook: &Workbook, progress: &Progress) {
    let done = workbook.lessons.iter().filter(|lesson| lesson.is_done(progress)).count();
    let title = format!("Metrics Workbook: {done} of {} lessons done", workbook.lessons.len());
    anstream::println!("{}", style::strong(&title));
    let current = workbook.current(progress).map(|lesson| lesson.number.as_str());
    let mut part = "";
    for lesson in &workbook.lessons {
        if lesson.part != part {
            part = &lesson.part;
            anstream::println!("\n  {part}");
        }
        let state = if lesson.is_done(progress) {
            style::good("done")
        } else if current == Some(&lesson.number) {
            style::strong("here")
        } else {
            "    ".to_owned()
        };
        anstream::println!(
            "    {state}  {}  {:<36} {:>2} min",
            lesson.number,
            lesson.title,
            lesson.minutes
        );
    }
}

fn judge(lesson: &Lesson, progress: &mut Progress) -> Result<Outcome, Sentence> {
    let number = &lesson.number;
    anstream::println!("Checking lesson {number}: {}", lesson.title);
    match check::run(lesson)? {
        Verdict::Green => {
            progress.set_done(number)?;
            anstream::println!("{}", style::good(&format!("Lesson {number} is green.")));
            let readme = lesson.folder.join("README.md");
            anstream::println!(
                "Look at what you have made: \"Look at it\" in {}",
                readme.display()
            );
            Ok(Outcome::Fine)
        }
        Verdict::NotYet(words) => {
            progress.set_not_done(number)?;
            anstream::println!("{words}\n");
            not_yet(lesson, "is not green yet");
            Ok(Outcome::NotYet)
        }
        Verdict::DoesNotCompile => {
            progress.set_not_done(number)?;
            not_yet(lesson, "does not compile yet; the first message above says where");
            Ok(Outcome::NotYet)
        }
    }
}

fn not_yet(lesson: &Lesson, what: &str) {
    let number = &lesson.number;
    anstream::println!("{}", style::bad(&format!("Lesson {number} {what}.")));
    anstream::println!("  stuck?   cargo workbook hint {number}");
    anstream::println!("  again    cargo workbook check {number}");
}

fn begin(lesson: &Lesson) {
    let Lesson { number, title, minutes, folder, .. } = lesson;
    let title = format!("Next: lesson {number}, {title} (about {minutes} minutes)");
    anstream::println!("\n{}", style::strong(&title));
    anstream::println!("  read     {}", folder.join("README.md").display());
    anstream::println!("  edit     {}", folder.join("src").join("lib.rs").display());
    anstream::println!("  check    cargo workbook check");
    anstream::println!("  stuck?   cargo workbook hint");
}
