//! Reads the page that a service shows to Prometheus: the text format 0.0.4.
//!
//! The rules are those of <https://prometheus.io/docs/instrumenting/exposition_formats/>, as
//! Prometheus 3 applies them. It takes more than they allow (an unknown escape stays as it is, the
//! last line needs no end) and refuses what belongs to OpenMetrics: its types and its exemplars.
//!
//! ```
//! use embedded_prometheus::exposition;
//!
//! let page = "# TYPE memos gauge\nmemos{owner=\"a}b\"} 3\n";
//! let exposition = exposition::read(page)?;
//! let sample = &exposition.samples[0];
//! assert_eq!((sample.name.as_str(), sample.label("owner"), sample.value), ("memos", Some("a}b"), 3.0));
//! # Ok::<(), exposition::ReadError>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;

/// A page as it was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Exposition {
    /// What `# HELP` and `# TYPE` say of each family, by the family's name.
    pub families: BTreeMap<String, Family>,
    /// All samples in the order of the page.
    pub samples: Vec<Sample>,
}

impl Exposition {
    /// The samples of this name; a histogram's are named `…_bucket`, `…_sum` and `…_count`.
    pub fn samples_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Sample> {
        self.samples.iter().filter(move |sample| sample.name == name)
    }

    /// The value of the series with this name and exactly these labels, in any order.
    ///
    /// ```
    /// let page = embedded_prometheus::exposition::read("a{x=\"1\",y=\"2\"} 7\n")?;
    /// assert_eq!(page.value("a", &[("y", "2"), ("x", "1")]), Some(7.0));
    /// assert_eq!(page.value("a", &[("x", "1")]), None);
    /// # Ok::<(), embedded_prometheus::exposition::ReadError>(())
    /// ```
    #[must_use]
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let is_it = |sample: &&Sample| {
            sample.labels.len() == labels.len()
                && labels.iter().all(|(name, value)| sample.label(name) == Some(value))
        };
        self.samples_of(name).find(is_it).map(|sample| sample.value)
    }
}

/// What a page says about a family.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Family {
    /// The text after `# HELP name`.
    pub help: Option<String>,
    /// The word after `# TYPE name`.
    pub kind: Kind,
}

/// The type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// Only goes up.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Cumulative buckets, a sum and a count.
    Histogram,
    /// Quantiles, a sum and a count.
    Summary,
    /// Not said, or said to be of no type.
    #[default]
    Untyped,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Untyped => "untyped",
        })
    }
}

/// One line with a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The name of the series.
    pub name: String,
    /// Label names and values, in the order of the page, escapes resolved.
    pub labels: Vec<(String, String)>,
    /// The value; it may be `NaN` or infinite.
    pub value: f64,
    /// Milliseconds since 1970-01-01 UTC, where the line has a timestamp.
    pub timestamp_ms: Option<i64>,
}

impl Sample {
    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        let label = self.labels.iter().find(|(label, _)| label == name);
        label.map(|(_, value)| value.as_str())
    }
}

/// What is wrong with a page, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct ReadError {
    /// The line, counted from 1.
    pub line: usize,
    /// The character in the line, counted from 1.
    pub column: usize,
    /// What is wrong there, and what was expected.
    pub problem: String,
}

/// Reads a whole page.
///
/// # Errors
///
/// The first line that breaks the format.
pub fn read(page: &str) -> Result<Exposition, ReadError> {
    read_as(page, Format::Text)
}

/// Reads a whole page of `OpenMetrics` text: what it adds is read over, so that its samples are
/// there. Types that the text format has not become [`Kind::Untyped`], exemplars and units are left
/// out, and times in seconds become milliseconds.
///
/// ```
/// let page = "# TYPE a info\na_info{v=\"1\"} 1\nb_total 7 1.5 # {trace=\"x\"} 0.5\n# EOF\n";
/// let exposition = embedded_prometheus::exposition::read_openmetrics(page)?;
/// assert_eq!(exposition.samples[1].timestamp_ms, Some(1_500));
/// # Ok::<(), embedded_prometheus::exposition::ReadError>(())
/// ```
///
/// # Errors
///
/// The first line that breaks the format, and a page without its end, `# EOF`.
pub fn read_openmetrics(page: &str) -> Result<Exposition, ReadError> {
    let (page, end) = match page.trim_end_matches('\n').strip_suffix("# EOF") {
        Some(page) => (page, None),
        None => (page, Some(page.lines().count() + 1)),
    };
    let exposition = read_as(page, Format::OpenMetrics)?;
    match end {
        None => Ok(exposition),
        Some(line) => Err(ReadError {
            line,
            column: 1,
            problem: "the page has no end: `# EOF` has to be its last line".to_owned(),
        }),
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Format {
    Text,
    OpenMetrics,
}

impl Format {
    /// A timestamp as this format has it; else its unit.
    fn milliseconds(self, word: &str) -> Result<i64, &'static str> {
        match self {
            Self::Text => word.parse().map_err(|_| "milliseconds"),
            Self::OpenMetrics => match word.parse::<f64>() {
                #[expect(clippy::cast_possible_truncation, reason = "within what a date can be")]
                Ok(seconds) if seconds.abs() < 1e12 => Ok((seconds * 1000.0).round() as i64),
                _ => Err("seconds"),
            },
        }
    }
}

fn read_as(page: &str, format: Format) -> Result<Exposition, ReadError> {
    let mut exposition = Exposition::default();
    for (index, text) in page.split_inclusive('\n').enumerate() {
        let mut line = Line { text, position: 0, number: index + 1, format };
        line.skip_blanks();
        match line.peek() {
            None | Some('\n') => {}
            Some('#') => line.comment(&mut exposition)?,
            Some(_) => exposition.samples.push(line.sample()?),
        }
    }
    Ok(exposition)
}

/// A line of the page, and how far it is read.
struct Line<'a> {
    text: &'a str,
    /// In bytes.
    position: usize,
    number: usize,
    format: Format,
}

impl<'a> Line<'a> {
    fn error(&self, problem: impl Into<String>) -> ReadError {
        ReadError {
            line: self.number,
            column: self.text[..self.position].chars().count() + 1,
            problem: problem.into(),
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.position += next.len_utf8();
        Some(next)
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    /// The characters up to the next blank or the end of the line.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find([' ', '\t', '\n']).unwrap_or(rest.len());
        self.position += end;
        &rest[..end]
    }

    fn expect_end(&mut self) -> Result<(), ReadError> {
        self.skip_blanks();
        match self.peek() {
            None | Some('\n') => Ok(()),
            Some('#') if self.format == Format::OpenMetrics => Ok(()),
            Some('#') => Err(self.error(
                "expected the end of the line: an exemplar belongs to OpenMetrics, another format",
            )),
            Some(found) => Err(self
                .error(format!("expected the end of the line, found `{}`", found.escape_debug()))),
        }
    }

    fn comment(&mut self, exposition: &mut Exposition) -> Result<(), ReadError> {
        self.take();
        self.skip_blanks();
        let word = self.word();
        self.skip_blanks();
        match word {
            // Nothing but the word is a comment like any other.
            "HELP" | "TYPE" if matches!(self.peek(), None | Some('\n')) => Ok(()),
            "HELP" => {
                let name = self.name("a metric name", is_metric_name)?;
                self.skip_blanks();
                let help = unescape(self.rest().trim_end_matches('\n'));
                exposition.families.entry(name).or_default().help = Some(help);
                Ok(())
            }
            "TYPE" => {
                let name = self.name("a metric name", is_metric_name)?;
                self.skip_blanks();
                let at = self.position;
                let kind = match self.word() {
                    "counter" => Kind::Counter,
                    "gauge" => Kind::Gauge,
                    "histogram" => Kind::Histogram,
                    "summary" => Kind::Summary,
                    "untyped" => Kind::Untyped,
                    "unknown" | "info" | "stateset" | "gaugehistogram"
                        if self.format == Format::OpenMetrics =>
                    {
                        Kind::Untyped
                    }
                    other => {
                        self.position = at;
                        return Err(self.error(format!(
                            "`{other}` is no type: counter, gauge, histogram, summary or untyped"
                        )));
                    }
                };
                exposition.families.entry(name).or_default().kind = kind;
                self.expect_end()
            }
            _ => Ok(()),
        }
    }

    fn sample(&mut self) -> Result<Sample, ReadError> {
        let name = self.name("a metric name", is_metric_name)?;
        self.skip_blanks();
        let labels = if self.peek() == Some('{') { self.labels()? } else { Vec::new() };
        self.skip_blanks();
        let at = self.position;
        let word = self.word();
        let Ok(value) = word.parse() else {
            self.position = at;
            return Err(self.error(match word {
                "" => "expected a value after the series".to_owned(),
                word => {
                    format!("`{}` is no value: a number, NaN, +Inf or -Inf", word.escape_debug())
                }
            }));
        };
        self.skip_blanks();
        let mut timestamp_ms = None;
        if !matches!(self.peek(), None | Some('\n' | '#')) {
            let at = self.position;
            let word = self.word();
            timestamp_ms = Some(self.format.milliseconds(word).map_err(|unit| {
                self.position = at;
                self.error(format!("`{word}` is no timestamp in {unit}"))
            })?);
            self.skip_blanks();
        }
        self.expect_end()?;
        Ok(Sample { name, labels, value, timestamp_ms })
    }

    fn name(&mut self, what: &str, belongs: fn(usize, char) -> bool) -> Result<String, ReadError> {
        let rest = self.rest();
        let end = rest
            .char_indices()
            .find(|(index, character)| !belongs(*index, *character))
            .map_or(rest.len(), |(index, _)| index);
        if end == 0 {
            let found = self.peek().filter(|next| *next != '\n');
            return Err(self.error(match found {
                Some(found) => format!("expected {what}, found `{found}`"),
                None => format!("expected {what}, found the end of the line"),
            }));
        }
        self.position += end;
        Ok(rest[..end].to_owned())
    }

    fn labels(&mut self) -> Result<Vec<(String, String)>, ReadError> {
        self.take();
        let mut labels: Vec<(String, String)> = Vec::new();
        loop {
            self.skip_blanks();
            if self.peek() == Some('}') {
                self.take();
                return Ok(labels);
            }
            let at = self.position;
            let name = self.name("a label name or `}`", is_label_name)?;
            if labels.iter().any(|(earlier, _)| *earlier == name) {
                self.position = at;
                return Err(self.error(format!("the label `{name}` stands here twice")));
            }
            self.skip_blanks();
            self.expect('=', "after the label's name")?;
            self.skip_blanks();
            let value = self.quoted()?;
            labels.push((name, value));
            self.skip_blanks();
            match self.peek() {
                Some(',') => _ = self.take(),
                Some('}') => {}
                _ => return Err(self.error("expected `,` or `}` after a label")),
            }
        }
    }

    fn expect(&mut self, expected: char, place: &str) -> Result<(), ReadError> {
        if self.peek() == Some(expected) {
            self.take();
            return Ok(());
        }
        Err(self.error(format!("expected `{expected}` {place}")))
    }

    fn quoted(&mut self) -> Result<String, ReadError> {
        self.expect('"', "before the label's value")?;
        let mut value = String::new();
        loop {
            match self.take() {
                Some('"') => return Ok(value),
                Some('\\') => {
                    let escaped = match self.peek() {
                        Some('\\') => Some('\\'),
                        Some('"') => Some('"'),
                        Some('n') => Some('\n'),
                        _ => None,
                    };
                    if escaped.is_some() {
                        self.take();
                    }
                    value.push(escaped.unwrap_or('\\'));
                }
                None | Some('\n') => {
                    return Err(self.error("the label's value has no `\"` at its end"));
                }
                Some(character) => value.push(character),
            }
        }
    }
}

fn is_metric_name(index: usize, character: char) -> bool {
    is_label_name(index, character) || character == ':'
}

fn is_label_name(index: usize, character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_' || (index > 0 && character.is_ascii_digit())
}

/// A HELP text knows two escapes.
fn unescape(help: &str) -> String {
    let mut text = String::new();
    let mut characters = help.chars();
    while let Some(character) = characters.next() {
        match (character, characters.as_str().chars().next()) {
            ('\\', Some('n')) => {
                text.push('\n');
                characters.next();
            }
            ('\\', Some('\\')) => {
                text.push('\\');
                characters.next();
            }
            _ => text.push(character),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Sample {
        read(line).expect(line).samples.remove(0)
    }

    #[test]
    fn a_page_is_read_with_its_families() {
        let page = "# HELP a_total What \\\\ it\\nis.\n# TYPE a_total counter\n# just a comment\n# HELP\n\na_total 3\n# EOF";
        let exposition = read(page).unwrap();
        let family = &exposition.families["a_total"];
        assert_eq!((family.help.as_deref(), family.kind), (Some("What \\ it\nis."), Kind::Counter));
        assert_eq!(exposition.value("a_total", &[]), Some(3.0));
    }

    #[test]
    fn label_values_may_hold_anything() {
        let table = [
            ("a{b=\"/memos/{id}\"} 1\n", "/memos/{id}"),
            ("a{b=\"x,y=z\"} 1\n", "x,y=z"),
            ("a{b=\"say \\\"hi\\\"\"} 1\n", "say \"hi\""),
            ("a{b=\"C:\\\\dir\\nnext\"} 1\n", "C:\\dir\nnext"),
            ("a{b=\"größe 두\"} 1\n", "größe 두"),
            ("a{b=\"\"} 1\n", ""),
            ("a { b = \"x\" , } 1\n", "x"),
            ("a{b=\"\\t\\ü\"} 1\n", "\\t\\ü"),
        ];
        for (line, value) in table {
            assert_eq!(one(line).label("b"), Some(value), "{line}");
        }
    }

    #[test]
    fn values_and_timestamps() {
        assert_eq!(one("a 1.5e3\n").value.to_bits(), 1500f64.to_bits());
        assert_eq!(one("a +Inf\n").value, f64::INFINITY);
        assert_eq!(one("a -Inf\n").value, f64::NEG_INFINITY);
        assert!(one("a NaN\n").value.is_nan());
        assert_eq!(one("a 1 1700000000000\n").timestamp_ms, Some(1_700_000_000_000));
        assert_eq!(one("a\t1 -5").timestamp_ms, Some(-5));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let table = [
            ("a 1\nb\n", "line 2, column 2: expected a value after the series"),
            ("a one\n", "line 1, column 3: `one` is no value: a number, NaN, +Inf or -Inf"),
            ("1a 1\n", "line 1, column 1: expected a metric name, found `1`"),
            ("a{b=\"ü\" c=\"x\"} 1\n", "line 1, column 9: expected `,` or `}` after a label"),
            ("a{b=\"x} 1\n", "line 1, column 11: the label's value has no `\"` at its end"),
            ("a{b=x} 1\n", "line 1, column 5: expected `\"` before the label's value"),
            ("a{b=\"1\",b=\"2\"} 1\n", "line 1, column 9: the label `b` stands here twice"),
            (
                "a 1 # {trace=\"x\"} 0.5\n",
                "line 1, column 5: expected the end of the line: an exemplar belongs to OpenMetrics, another format",
            ),
            ("a 1\r\n", "line 1, column 3: `1\\r` is no value: a number, NaN, +Inf or -Inf"),
            (
                "# TYPE a count\n",
                "line 1, column 10: `count` is no type: counter, gauge, histogram, summary or untyped",
            ),
            ("a 1 now\n", "line 1, column 5: `now` is no timestamp in milliseconds"),
            ("a 1 2 3\n", "line 1, column 7: expected the end of the line, found `3`"),
            ("<html>\n", "line 1, column 1: expected a metric name, found `<`"),
            ("a", "line 1, column 2: expected a value after the series"),
        ];
        for (page, message) in table {
            assert_eq!(read(page).expect_err(page).to_string(), message);
        }
    }

    #[test]
    fn openmetrics_is_read_over_where_it_is_asked_for() {
        let page = "# TYPE a stateset\n# UNIT b_seconds seconds\na{a=\"on\"} 1\nb_seconds_bucket{le=\"+Inf\"} 7 1.5 # {trace=\"x y\"} 0.5 1.4\n# EOF\n";
        let read = read_openmetrics(page).unwrap();
        assert_eq!(read.samples.len(), 2);
        assert_eq!(read.samples[1].timestamp_ms, Some(1_500));
        assert_eq!(super::read(page).unwrap_err().line, 1);
        let error = read_openmetrics("a 1\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2, column 1: the page has no end: `# EOF` has to be its last line"
        );
        assert!(read_openmetrics("a 1 soon\n# EOF").is_err());
    }
}
