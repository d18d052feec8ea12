//! The lessons, as their folders and manifests have them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::progress::Progress;
use crate::{Sentence, sources};

/// The whole workbook.
pub struct Workbook {
    pub root: PathBuf,
    /// In the order of their numbers; at least one.
    pub lessons: Vec<Lesson>,
}

pub struct Lesson {
    /// `01`.
    pub number: String,
    pub title: String,
    pub part: String,
    pub minutes: u32,
    /// `lessons/01-metrics-page`, from the root.
    pub folder: PathBuf,
    pub root: PathBuf,
}

impl Lesson {
    /// Whether its check was green, and it is not back at its start since, by whatever way.
    pub fn is_done(&self, progress: &Progress) -> bool {
        progress.is_done(&self.number) && self.is_begun()
    }

    /// Whether the learner has changed anything.
    pub fn is_begun(&self) -> bool {
        match (sources::read(&self.sources()), sources::read(&self.start())) {
            (Ok(yours), Ok(start)) => !sources::are_alike(&yours, &start),
            _ => true,
        }
    }

    /// What the learner edits.
    pub fn sources(&self) -> PathBuf {
        self.root.join(&self.folder).join("src")
    }

    pub fn readme(&self) -> PathBuf {
        self.root.join(&self.folder).join("README.md")
    }

    /// The sources as they were at the start.
    pub fn start(&self) -> PathBuf {
        self.root.join("lessons/workbook/starts").join(self.name()).join("src")
    }

    pub fn solution(&self) -> PathBuf {
        self.root.join("solutions").join(self.name()).join("src")
    }

    /// `01-metrics-page`.
    pub fn name(&self) -> &str {
        self.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// The package's name.
    pub fn package(&self) -> String {
        format!("lesson-{}", self.number)
    }
}

impl Workbook {
    /// Finds the workbook around this program and reads all lessons.
    pub fn open() -> Result<Self, Sentence> {
        let root = find_root()?;
        let lessons = read_lessons(&root)?;
        Ok(Self { root, lessons })
    }

    /// The lesson that the learner names: `2`, `02`, `lesson-02` or `02-only-up`.
    pub fn lesson(&self, name: &str) -> Result<&Lesson, Sentence> {
        let number: String =
            name.trim_start_matches("lesson-").chars().take_while(char::is_ascii_digit).collect();
        let is_it = |lesson: &&Lesson| {
            lesson.number.trim_start_matches('0') == number.trim_start_matches('0')
        };
        if !number.is_empty()
            && let Some(lesson) = self.lessons.iter().find(is_it)
        {
            return Ok(lesson);
        }
        let numbers: Vec<_> = self.lessons.iter().map(|lesson| lesson.number.as_str()).collect();
        Err(format!("there is no lesson `{name}`. There are {}.", numbers.join(", ")))
    }

    /// The lesson that the learner names, or else the one in whose folder they stand, or else the
    /// first that is not done.
    pub fn lesson_or_current(
        &self,
        name: Option<&str>,
        progress: &Progress,
    ) -> Result<&Lesson, Sentence> {
        match name {
            Some(name) => self.lesson(name),
            None => self.around_here().or_else(|| self.current(progress)).ok_or_else(|| {
                "all lessons are done. Say which one you mean, by its number.".to_owned()
            }),
        }
    }

    /// The lesson in whose folder the learner stands.
    fn around_here(&self) -> Option<&Lesson> {
        let here = env::current_dir().ok()?.canonicalize().ok()?;
        self.lessons.iter().find(|lesson| {
            let folder = lesson.root.join(&lesson.folder).canonicalize();
            folder.is_ok_and(|folder| here.starts_with(folder))
        })
    }

    /// The first lesson that is not done yet.
    pub fn current(&self, progress: &Progress) -> Option<&Lesson> {
        self.lessons.iter().find(|lesson| !lesson.is_done(progress))
    }
}

fn find_root() -> Result<PathBuf, Sentence> {
    // Cargo tells where the package is that it runs; without cargo, look from here upwards.
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = env::current_dir().unwrap_or_default();
    let is_root = |folder: &&Path| folder.join("lessons/workbook/Cargo.toml").is_file();
    [package, Some(here)]
        .into_iter()
        .flatten()
        .find_map(|from| from.ancestors().find(is_root).map(Path::to_path_buf))
        .ok_or_else(|| {
            "this is not the workbook's folder. Go to where you have cloned it and call \
             `cargo workbook` there."
                .to_owned()
        })
}

#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    #[serde(default)]
    metadata: Metadata,
}

#[derive(Default, Deserialize)]
struct Metadata {
    lesson: Option<LessonMetadata>,
}

#[derive(Deserialize)]
struct LessonMetadata {
    title: String,
    part: String,
    minutes: u32,
}

fn read_lessons(root: &Path) -> Result<Vec<Lesson>, Sentence> {
    let folder = root.join("lessons");
    let entries = fs::read_dir(&folder)
        .map_err(|error| format!("cannot read {}: {error}", folder.display()))?;
    let mut lessons = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some((number, _)) = name.to_str().and_then(|name| name.split_once('-')) else {
            continue;
        };
        let manifest = entry.path().join("Cargo.toml");
        if number.is_empty()
            || !number.chars().all(|digit| digit.is_ascii_digit())
            || !manifest.is_file()
        {
            continue;
        }
        let text = fs::read_to_string(&manifest)
            .map_err(|error| format!("cannot read {}: {error}", manifest.display()))?;
        let Manifest { package } = toml::from_str(&text).map_err(|error| {
            format!(
                "{} cannot be read as a lesson's manifest. In a git checkout, \
                 `git restore {}` brings it back.\n{error}",
                manifest.display(),
                Path::new("lessons").join(&name).display()
            )
        })?;
        // A folder of the learner's own, perhaps a copy of a lesson, has no start to go back to.
        let is_ours = root.join("lessons/workbook/starts").join(&name).is_dir();
        let (Some(LessonMetadata { title, part, minutes }), true) =
            (package.metadata.lesson, is_ours)
        else {
            continue;
        };
        lessons.push(Lesson {
            number: number.to_owned(),
            title,
            part,
            minutes,
            folder: Path::new("lessons").join(&name),
            root: root.to_owned(),
        });
    }
    if lessons.is_empty() {
        return Err(format!("there is no lesson left in {}.", folder.display()));
    }
    lessons.sort_by(|a, b| a.number.cmp(&b.number));
    Ok(lessons)
}
