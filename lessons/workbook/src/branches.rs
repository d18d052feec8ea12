//! A git branch `answer/NN` for each solution, made from git's own objects: no file of the learner
//! is touched, no branch is switched.

use std::path::PathBuf;
use std::process::Command;

use crate::lessons::{Lesson, Workbook};
use crate::{Outcome, Sentence};

/// The line by which a commit is known to be ours.
const TRAILER: &str = "Workbook-Answer: ";

/// And the one who made it.
const COMMITTER: &str = "workbook@localhost";

/// Makes or renews all branches, and says what became of each.
pub fn make(workbook: &Workbook) -> Result<Outcome, Sentence> {
    let git = Git { root: workbook.root.clone(), index: None };
    git.run(&["--version"]).map_err(|_| {
        "branches need git, and there is none to be run. The solutions are in solutions/ as well."
            .to_owned()
    })?;
    git.run(&["rev-parse", "--verify", "HEAD^{commit}"]).map_err(|_| {
        "this folder is no git checkout with a commit, so it can have no branches. The solutions \
         are in solutions/, and `cargo workbook answer NN` shows the difference."
            .to_owned()
    })?;
    if !git.run(&["rev-parse", "--show-prefix"])?.is_empty() {
        return Err(
            "the workbook lies inside of another repository, so its branches would be that \
             one's. Clone it by itself."
                .to_owned(),
        );
    }
    let mut outcome = Outcome::Fine;
    for lesson in &workbook.lessons {
        let branch = format!("answer/{}", lesson.number);
        match answer(&git, lesson, &branch)? {
            Made::New => println!("{branch}  made"),
            Made::Renewed => println!("{branch}  renewed"),
            Made::AsItWas => println!("{branch}  is up to date"),
            Made::LeftAlone(why) => {
                println!("{branch}  left alone: {why}");
                outcome = Outcome::NotYet;
            }
        }
    }
    let first = &workbook.lessons[0];
    println!("\nCompare:  git diff answer/{} -- {}", first.number, first.folder.display());
    println!("Go there: git switch answer/{} (commit your own work before)", first.number);
    Ok(outcome)
}

enum Made {
    New,
    Renewed,
    AsItWas,
    LeftAlone(&'static str),
}

fn answer(git: &Git, lesson: &Lesson, branch: &str) -> Result<Made, Sentence> {
    let reference = format!("refs/heads/{branch}");
    let tip = git.run(&["rev-parse", "--verify", "--quiet", &reference]).ok();
    if let Some(tip) = &tip {
        // Whoever amends our commit keeps its message, and becomes its committer.
        let commit = git.run(&["show", "--no-patch", "--format=%ce%n%B", tip])?;
        if !commit.starts_with(COMMITTER) || !commit.contains(TRAILER) {
            return Ok(Made::LeftAlone("it has a commit of yours"));
        }
        let worktrees = git.run(&["worktree", "list", "--porcelain"])?;
        if worktrees.lines().any(|line| line == format!("branch {reference}")) {
            return Ok(Made::LeftAlone("you are on it"));
        }
    }

    let head = git.run(&["rev-parse", "HEAD"])?;
    let tree = tree_with_solution(git, lesson)?;
    if let Some(tip) = &tip {
        let same_tree = git.run(&["rev-parse", &format!("{tip}^{{tree}}")])? == tree;
        let same_parent = git.run(&["rev-parse", &format!("{tip}^")])? == head;
        if same_tree && same_parent {
            return Ok(Made::AsItWas);
        }
    }
    let Lesson { number, title, .. } = lesson;
    let message = format!("Lesson {number}, solved: {title}\n\n{TRAILER}{number}");
    let commit = git.run(&["commit-tree", &tree, "-p", &head, "-m", &message])?;
    // The old value is named, so that a commit that came in between is not lost.
    let old = tip.as_deref().unwrap_or("");
    git.run(&["update-ref", "-m", "cargo workbook branches", &reference, &commit, old])?;
    Ok(if tip.is_some() { Made::Renewed } else { Made::New })
}

/// HEAD's tree with the lesson's sources taken from the solution.
fn tree_with_solution(git: &Git, lesson: &Lesson) -> Result<String, Sentence> {
    let folder = git.run(&["rev-parse", "--git-dir"])?;
    let index = git.root.join(folder).join(format!("workbook-{}.index", std::process::id()));
    let git = Git { root: git.root.clone(), index: Some(index.clone()) };
    // Git names its paths with `/` on every system.
    let sources = format!("lessons/{}/src", lesson.name());
    let solution = format!("HEAD:solutions/{}/src", lesson.name());
    let tree = git
        .run(&["read-tree", "HEAD"])
        .and_then(|_| {
            git.run(&["rm", "-r", "--cached", "--quiet", "--ignore-unmatch", "--", &sources])
        })
        .and_then(|_| git.run(&["read-tree", &format!("--prefix={sources}"), &solution]))
        .and_then(|_| git.run(&["write-tree"]));
    let _ = std::fs::remove_file(index);
    tree
}

/// Git in the workbook's root.
struct Git {
    root: PathBuf,
    /// An index of its own, so that the learner's staging area stays as it is.
    index: Option<PathBuf>,
}

impl Git {
    /// What the command printed, without its last line end.
    fn run(&self, arguments: &[&str]) -> Result<String, Sentence> {
        let mut command = Command::new("git");
        command.current_dir(&self.root).args(arguments);
        command.envs(
            ["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "Metrics Workbook")),
        );
        command.envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), COMMITTER)));
        // The workbook's own repository, not one that an outer git (a hook, a rebase) points to.
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            command.env_remove(variable);
        }
        if let Some(index) = &self.index {
            command.env("GIT_INDEX_FILE", index);
        }
        let output = command.output().map_err(|error| format!("cannot run git: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        let why = String::from_utf8_lossy(&output.stderr);
        Err(format!("git {} failed: {}", arguments.join(" "), why.trim()))
    }
}
