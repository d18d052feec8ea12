//! How a check fails: in words for the learner, without a stack trace.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::panic;
use std::sync::Once;

/// What a check has found, for whoever reads the metrics and for the learner.
///
/// ```should_panic
/// course::Failure::new("Prometheus asks for /metrics and gets 404 Not Found.")
///     .means("It scrapes nothing: your service is a blank on every dashboard.")
///     .next("Add a route for GET /metrics.")
///     .raise()
/// ```
#[must_use = "a failure fails the check only when it is raised"]
pub struct Failure {
    seen: String,
    meaning: Option<String>,
    next: Option<String>,
    shown: Vec<(String, String)>,
}

impl Failure {
    /// `seen` says what Prometheus, or a person before a dashboard, gets to see.
    pub fn new(seen: impl Into<String>) -> Self {
        Self { seen: seen.into(), meaning: None, next: None, shown: Vec::new() }
    }

    /// Why that is bad.
    pub fn means(mut self, meaning: impl Into<String>) -> Self {
        self.meaning = Some(meaning.into());
        self
    }

    /// What to do next.
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Shows a text, such as the whole page, under a title.
    pub fn show(mut self, title: &str, text: &str) -> Self {
        self.shown.push((title.to_owned(), text.to_owned()));
        self
    }

    /// Fails the check.
    ///
    /// # Panics
    ///
    /// Always: that is how a test fails.
    pub fn raise(self) -> ! {
        print_failures_plainly();
        panic::panic_any(self)
    }
}

/// Begins a step of the check; a failure tells which steps were passed before it.
pub fn step(title: &'static str) {
    print_failures_plainly();
    STEPS.with_borrow_mut(|steps| steps.push(title));
}

thread_local! {
    /// The steps of the check that runs on this thread, the last one under way.
    static STEPS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// From now on, panics of this process are told in words where we have them.
pub fn print_failures_plainly() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            STEPS.with_borrow(|steps| eprint!("{}", progress(steps)));
            let registered_twice =
                panic.payload_as_str().is_some_and(|words| words.contains("AlreadyReg"));
            match panic.payload().downcast_ref::<Failure>() {
                Some(failure) => eprintln!("{failure}"),
                None if registered_twice => eprintln!("{}", two_of_one_name(panic)),
                None => usual(panic),
            }
        }));
    });
}

/// The most frequent panic of them all, in words.
fn two_of_one_name(panic: &panic::PanicHookInfo<'_>) -> Failure {
    let place = panic.location().map(|place| format!(" in {place}")).unwrap_or_default();
    Failure::new(format!("A metric was registered{place}, and the registry has that name already."))
        .means("The handler panics. Its client gets no answer, and what it counted is lost.")
        .next("Register each name once: not in two places, and not by hand and by an attribute.")
}

fn progress(steps: &[&str]) -> String {
    let Some((here, passed)) = steps.split_last() else { return String::new() };
    let passed: String = passed.iter().map(|step| format!("  passed   {step}\n")).collect();
    format!("\n{passed}  not yet  {here}\n")
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("\n{}\n", wrapped(&self.seen));
        let parts = [("What this means", &self.meaning), ("What to do next", &self.next)];
        for (title, part) in parts {
            if let Some(part) = part {
                write!(text, "\n{title}:\n{}\n", wrapped(part))?;
            }
        }
        for (title, shown) in &self.shown {
            write!(text, "\n{title}:\n")?;
            for line in shown.lines() {
                writeln!(text, "  | {line}")?;
            }
            if shown.is_empty() {
                writeln!(text, "  (empty)")?;
            }
        }
        f.write_str(&text)
    }
}

/// Lines of at most 88 characters, indented by two.
fn wrapped(text: &str) -> String {
    let mut wrapped = String::new();
    for paragraph in text.lines() {
        let mut width = 0;
        for word in paragraph.split(' ') {
            if width > 0 && width + 1 + word.chars().count() > 86 {
                wrapped.push('\n');
                width = 0;
            }
            wrapped.push_str(if width == 0 { "  " } else { " " });
            wrapped.push_str(word);
            width += 1 + word.chars().count();
        }
        wrapped.push('\n');
    }
    wrapped.truncate(wrapped.trim_end().len());
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_tell_how_far_the_check_came() {
        assert_eq!(progress(&["one", "two"]), "\n  passed   one\n  not yet  two\n");
        assert_eq!(progress(&[]), "");
    }

    #[test]
    fn a_failure_reads_as_sentences() {
        let failure = Failure::new("Prometheus sees nothing, and that is a sentence which is too long for one line of a terminal.")
            .means("Blank.")
            .next("Add a route.")
            .show("The page", "a 1\nb 2\n");
        let text = "
  Prometheus sees nothing, and that is a sentence which is too long for one line of a
  terminal.

What this means:
  Blank.

What to do next:
  Add a route.

The page:
  | a 1
  | b 2
";
        assert_eq!(failure.to_string(), text);
    }
}
