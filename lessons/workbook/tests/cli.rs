//! The guide as a learner calls it, in a small workbook of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A workbook with two lessons, in which a fake cargo judges: a lesson is green when its source
/// says so.
struct Workbook {
    folder: TempDir,
}

impl Workbook {
    fn new() -> Self {
        let workbook = Self { folder: tempfile::tempdir().unwrap() };
        workbook.write("lessons/workbook/Cargo.toml", "");
        for (name, title) in [("01-first", "The first"), ("02-second", "The second")] {
            let manifest = format!(
                "[package.metadata.lesson]\ntitle = \"{title}\"\npart = \"I\"\nminutes = 15\n"
            );
            workbook.write(&format!("lessons/{name}/Cargo.toml"), &manifest);
            let hints = "<details><summary>1</summary>\nLook.\n</details>\n<details><summary>2</summary>\nLook again.\n</details>\n";
            workbook.write(&format!("lessons/{name}/README.md"), hints);
            for folder in ["lessons", "lessons/workbook/starts"] {
                workbook.write(&format!("{folder}/{name}/src/lib.rs"), "start\n");
            }
            workbook.write(&format!("solutions/{name}/src/lib.rs"), "green\n");
            workbook.write(&format!("solutions/{name}/src/more.rs"), "more\n");
        }
        workbook.write(
            "fake-cargo",
            "#!/bin/sh\n\
             case \"$5\" in lesson-01) src=lessons/01-first;; lesson-02) src=lessons/02-second;; esac\n\
             grep -q green $src/src/lib.rs && exit 0\n\
             grep -q broken $src/src/lib.rs && { echo 'error: expected item' >&2; exit 101; }\n\
             printf 'running 1 test\\n\\nfailures:\\n\\n---- check stdout ----\\n\\n  No page.\\n\\n\\nfailures:\\n    check\\n'\n\
             echo 'error: test failed, to rerun pass ...' >&2\n\
             exit 101\n",
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let executable = fs::Permissions::from_mode(0o755);
            fs::set_permissions(workbook.path("fake-cargo"), executable).unwrap();
        }
        workbook
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.path(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn call(&self, arguments: &[&str]) -> Called {
        self.call_in(self.folder.path(), arguments)
    }

    fn call_in(&self, folder: &Path, arguments: &[&str]) -> Called {
        let output = Command::new(env!("CARGO_BIN_EXE_workbook"))
            .args(arguments)
            .current_dir(folder)
            .env_remove("CARGO_MANIFEST_DIR")
            .env("CARGO", self.path("fake-cargo"))
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        Called::from(&output)
    }

    fn git(&self, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=Learner", "-c", "user.email=learner@localhost"];
        let output = Command::new("git")
            .args(identity)
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "git {arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

struct Called {
    code: i32,
    out: String,
    err: String,
}

impl From<&Output> for Called {
    fn from(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code().unwrap(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

impl Called {
    #[track_caller]
    fn says(&self, code: i32, words: &[&str]) {
        let all = format!("{}{}", self.out, self.err);
        assert_eq!(self.code, code, "{all}");
        for words in words {
            assert!(all.contains(words), "`{words}` is not in\n{all}");
        }
        assert!(!all.contains('\u{1b}'), "colour, though nobody looks: {all:?}");
    }
}

#[test]
fn a_fresh_workbook_says_where_to_begin_and_writes_nothing() {
    let workbook = Workbook::new();
    let words = ["0 of 2 lessons done", "here  01  The first", "read", "01-first", "README.md"];
    workbook.call(&[]).says(0, &words);
    assert!(!workbook.path(".workbook.toml").exists());
}

#[cfg(unix)]
#[test]
fn a_lesson_that_was_begun_is_checked_and_when_green_the_next_one_comes() {
    let workbook = Workbook::new();
    workbook.write("lessons/01-first/src/lib.rs", "begun\n");
    let not_yet = workbook.call(&[]);
    not_yet.says(1, &["No page.", "Lesson 01 is not green yet", "cargo workbook hint 01"]);
    assert!(!not_yet.err.contains("to rerun"), "{}", not_yet.err);

    workbook.write("lessons/01-first/src/lib.rs", "broken\n");
    workbook.call(&[]).says(1, &["error: expected item", "does not compile yet"]);

    workbook.write("lessons/01-first/src/lib.rs", "green\n");
    workbook.call(&[]).says(0, &["Lesson 01 is green", "1 of 2", "Next: lesson 02"]);
    workbook.write("lessons/02-second/src/lib.rs", "green\n");
    workbook.call(&["check"]).says(0, &["Lesson 02 is green", "All lessons are done"]);
    workbook.call(&[]).says(0, &["2 of 2", "All lessons are done"]);
    workbook.call(&["check"]).says(2, &["all lessons are done. Say which one"]);
}

#[cfg(unix)]
#[test]
fn lost_progress_is_found_again() {
    let workbook = Workbook::new();
    workbook.write("lessons/01-first/src/lib.rs", "green\n");
    workbook.call(&[]).says(0, &["1 of 2"]);
    fs::remove_file(workbook.path(".workbook.toml")).unwrap();
    workbook.call(&[]).says(0, &["Lesson 01 is green", "1 of 2"]);
}

#[cfg(unix)]
#[test]
fn done_is_what_is_green_now() {
    let workbook = Workbook::new();
    workbook.write("lessons/01-first/src/lib.rs", "green\n");
    workbook.call(&["check", "1"]).says(0, &["Lesson 01 is green"]);
    workbook.write("lessons/01-first/src/lib.rs", "start\n");
    workbook.call(&["list"]).says(0, &["0 of 2 lessons done"]);
    workbook.write("lessons/01-first/src/lib.rs", "green\n");
    workbook.call(&["list"]).says(0, &["1 of 2 lessons done"]);
    workbook.write("lessons/01-first/src/lib.rs", "begun\n");
    workbook.call(&["check", "1"]).says(1, &["not green yet"]);
    workbook.call(&["list"]).says(0, &["0 of 2 lessons done"]);
}

#[test]
fn in_a_lessons_folder_that_lesson_is_meant() {
    let workbook = Workbook::new();
    let folder = workbook.path("lessons/02-second/src");
    workbook.call_in(&folder, &["hint"]).says(0, &["Lesson 02, hint 1"]);
}

#[test]
fn a_lesson_is_named_in_any_way_and_a_wrong_name_is_told() {
    let workbook = Workbook::new();
    for name in ["2", "02", "lesson-02", "02-second"] {
        workbook.call(&["hint", name]).says(0, &["Lesson 02, hint"]);
    }
    for name in ["3", "0", "two", "", "9999999999999999999999"] {
        workbook.call(&["hint", name]).says(2, &["there is no lesson", "There are 01, 02."]);
    }
}

#[test]
fn each_hint_is_the_next_one() {
    let workbook = Workbook::new();
    workbook.call(&["hint"]).says(0, &["hint 1 of 2", "Look."]);
    workbook.call(&["hint"]).says(0, &["hint 2 of 2", "Look again.", "cargo workbook answer 01"]);
    workbook.call(&["hint"]).says(0, &["hint 2 of 2"]);
}

#[test]
fn the_answer_is_the_difference_to_the_solution() {
    let workbook = Workbook::new();
    let words = ["lib.rs", "- start", "+ green", "more.rs", "+ more"];
    workbook.call(&["answer", "1"]).says(0, &words);
}

#[test]
fn reset_asks_keeps_a_copy_and_restores_the_start() {
    let workbook = Workbook::new();
    workbook.call(&["reset", "1"]).says(0, &["at its start already"]);
    workbook.write("lessons/01-first/src/lib.rs", "mine\n");
    workbook.write("lessons/01-first/src/extra/mine.rs", "mine too\n");

    // Nobody is there to answer.
    workbook.call(&["reset", "1"]).says(2, &["nobody to ask", "cargo workbook reset 01 --yes"]);
    assert_eq!(workbook.read("lessons/01-first/src/lib.rs"), "mine\n");

    // What editors leave: a lock that points nowhere, a swap file, a backup.
    workbook.write("lessons/01-first/src/.lib.rs.swp", "swap");
    workbook.write("lessons/01-first/src/lib.rs~", "backup");
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere", workbook.path("lessons/01-first/src/.#lib.rs")).unwrap();
    workbook.call(&["reset", "1", "--yes"]).says(0, &["at its start again", "are kept in"]);
    assert_eq!(workbook.read("lessons/01-first/src/lib.rs"), "start\n");
    assert!(!workbook.path("lessons/01-first/src/extra/mine.rs").exists());
    let kept = ".workbook-kept/01-first-1";
    assert_eq!(workbook.read(&format!("{kept}/lib.rs")), "mine\n");
    assert_eq!(workbook.read(&format!("{kept}/extra/mine.rs")), "mine too\n");
}

#[test]
fn reset_keeps_every_copy_byte_for_byte() {
    let workbook = Workbook::new();
    let bytes: &[u8] = b"mine \xff\r\n";
    fs::write(workbook.path("lessons/01-first/src/lib.rs"), bytes).unwrap();
    workbook.call(&["reset", "1", "--yes"]).says(0, &["01-first-1"]);
    workbook.write("lessons/01-first/src/lib.rs", "mine, later\n");
    workbook.call(&["reset", "1", "--yes"]).says(0, &["01-first-2"]);
    assert_eq!(fs::read(workbook.path(".workbook-kept/01-first-1/lib.rs")).unwrap(), bytes);
    assert_eq!(workbook.read(".workbook-kept/01-first-2/lib.rs"), "mine, later\n");
}

#[cfg(unix)]
#[test]
fn reset_changes_nothing_when_it_cannot_read_what_it_would_replace() {
    let workbook = Workbook::new();
    workbook.write("lessons/01-first/src/lib.rs", "mine\n");
    let dangling = workbook.path("lessons/01-first/src/more.rs");
    std::os::unix::fs::symlink("nowhere", dangling).unwrap();
    workbook.call(&["reset", "1", "--yes"]).says(2, &["cannot read", "more.rs"]);
    assert_eq!(workbook.read("lessons/01-first/src/lib.rs"), "mine\n");
}

#[test]
fn a_folder_of_the_learners_own_is_no_lesson() {
    let workbook = Workbook::new();
    workbook.write("lessons/99-mine/Cargo.toml", "[package]\nname = \"mine\"\n");
    workbook.call(&["list"]).says(0, &["0 of 2 lessons done"]);
    let copy = workbook.read("lessons/01-first/Cargo.toml");
    workbook.write("lessons/99-mine/Cargo.toml", &copy);
    workbook.call(&["list"]).says(0, &["0 of 2 lessons done"]);
    workbook.write("lessons/99-mine/Cargo.toml", "[package");
    workbook.call(&["list"]).says(2, &["99-mine", "cannot be read"]);
}

#[test]
fn reset_brings_back_sources_that_were_deleted() {
    let workbook = Workbook::new();
    fs::remove_dir_all(workbook.path("lessons/01-first/src")).unwrap();
    workbook.call(&["reset", "1", "--yes"]).says(0, &["at its start again"]);
    assert_eq!(workbook.read("lessons/01-first/src/lib.rs"), "start\n");
}

#[test]
fn branches_need_git_and_say_so() {
    let workbook = Workbook::new();
    workbook.call(&["branches"]).says(2, &["no git checkout", "cargo workbook answer NN"]);
}

#[test]
fn branches_hold_the_solutions_and_touch_nothing_else() {
    let workbook = Workbook::new();
    workbook.git(&["init", "--quiet", "--initial-branch", "main"]);
    workbook.git(&["add", "."]);
    workbook.git(&["commit", "--quiet", "-m", "start"]);
    workbook.write("lessons/01-first/src/lib.rs", "staged\n");
    workbook.git(&["add", "."]);
    workbook.write("lessons/01-first/src/lib.rs", "not staged\n");
    let before = workbook.git(&["status", "--porcelain=v2", "--branch"]);

    workbook.call(&["branches"]).says(0, &["answer/01  made", "answer/02  made"]);
    assert_eq!(workbook.git(&["status", "--porcelain=v2", "--branch"]), before);
    assert_eq!(workbook.read("lessons/01-first/src/lib.rs"), "not staged\n");
    assert_eq!(workbook.git(&["show", "answer/01:lessons/01-first/src/lib.rs"]), "green\n");
    assert_eq!(workbook.git(&["show", "answer/01:lessons/01-first/src/more.rs"]), "more\n");
    assert_eq!(workbook.git(&["show", "answer/01:lessons/02-second/src/lib.rs"]), "start\n");
    assert!(no_index_is_left(&workbook.path(".git")));

    workbook.call(&["branches"]).says(0, &["answer/01  is up to date"]);
    workbook.git(&["commit", "--quiet", "-a", "-m", "mine"]);
    workbook.call(&["branches"]).says(0, &["answer/01  renewed"]);
}

#[test]
fn a_branch_with_the_learners_own_commit_is_left_alone() {
    let workbook = Workbook::new();
    workbook.git(&["init", "--quiet", "--initial-branch", "main"]);
    workbook.git(&["add", "."]);
    workbook.git(&["commit", "--quiet", "-m", "start"]);
    workbook.call(&["branches"]).says(0, &["answer/01  made"]);
    workbook.git(&["switch", "--quiet", "answer/02"]);
    workbook.git(&["switch", "--quiet", "answer/01"]);
    workbook.write("lessons/01-first/src/lib.rs", "mine\n");
    workbook.git(&["commit", "--quiet", "-a", "--amend", "--no-edit"]);
    workbook.git(&["switch", "--quiet", "answer/02"]);
    let words =
        ["answer/01  left alone: it has a commit of yours", "answer/02  left alone: you are on it"];
    workbook.call(&["branches"]).says(1, &words);
    assert_eq!(workbook.git(&["show", "answer/01:lessons/01-first/src/lib.rs"]), "mine\n");
}

fn no_index_is_left(git: &Path) -> bool {
    let entries = fs::read_dir(git).unwrap();
    entries.flatten().all(|entry| !entry.file_name().to_string_lossy().starts_with("workbook-"))
}
