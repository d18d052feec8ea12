//! `cargo workbook`: says where the learner is and what to do next.

mod answer;
mod branches;
mod check;
mod guide;
mod hints;
mod lessons;
mod progress;
mod reset;
mod sources;
mod style;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use lessons::Workbook;
use progress::Progress;

/// The guide through the Metrics Workbook. Without a command: where you are, and what to do next.
#[derive(Parser)]
#[command(bin_name = "cargo workbook", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Lists the lessons and how far you are.
    List,
    /// Checks a lesson; by default the one where you are.
    Check {
        /// Its number, such as 01.
        lesson: Option<String>,
    },
    /// Shows the next of three hints; by default for the lesson where you are.
    Hint {
        /// Its number, such as 01.
        lesson: Option<String>,
    },
    /// Shows the difference between your lesson and its solution.
    Answer {
        /// Its number, such as 01.
        lesson: String,
    },
    /// Brings a lesson back to its start, after asking.
    Reset {
        /// Its number, such as 01.
        lesson: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Makes a git branch `answer/NN` of each solution; your files stay as they are.
    Branches,
    /// Starts the memo-service, a Prometheus, and live dashboards; Ctrl-C stops everything.
    #[command(disable_help_flag = true)]
    Up {
        /// Passed on: see `cargo workbook up --help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
    /// Sends requests to the memo-service, so that the dashboards have something to show.
    #[command(disable_help_flag = true)]
    Load {
        /// Passed on: see `cargo workbook load --help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
}

/// A sentence for the learner: what is wrong, and what to do.
type Sentence = String;

/// Whether what was asked for turned out well: a check that is not green yet is no error of the
/// guide, but scripts have to see it.
#[derive(PartialEq, Eq)]
enum Outcome {
    Fine,
    NotYet,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::NotYet) => ExitCode::FAILURE,
        Err(sentence) => {
            anstream::eprintln!("{}: {sentence}", style::bad("cargo workbook"));
            ExitCode::from(2)
        }
    }
}

fn run(command: Option<Command>) -> Result<Outcome, Sentence> {
    let workbook = Workbook::open()?;
    let mut progress = Progress::load(&workbook.root)?;
    match command {
        None => guide::guide(&workbook, &mut progress),
        Some(Command::List) => {
            guide::list(&workbook, &progress);
            Ok(Outcome::Fine)
        }
        Some(Command::Check { lesson }) => {
            let lesson = workbook.lesson_or_current(lesson.as_deref(), &progress)?;
            guide::check(&workbook, lesson, &mut progress)
        }
        Some(Command::Hint { lesson }) => {
            let lesson = workbook.lesson_or_current(lesson.as_deref(), &progress)?;
            hints::show_next(lesson, &mut progress)
        }
        Some(Command::Answer { lesson }) => answer::show(workbook.lesson(&lesson)?),
        Some(Command::Reset { lesson, yes }) => {
            reset::reset(&workbook, workbook.lesson(&lesson)?, yes, &mut progress)
        }
        Some(Command::Branches) => branches::make(&workbook),
        Some(Command::Up { arguments }) => up::run(&workbook, "up", &arguments),
        Some(Command::Load { arguments }) => up::run(&workbook, "load", &arguments),
    }
}
