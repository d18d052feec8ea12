//! The templates in an alert's labels and annotations: `{{ $labels.job }}` and
//! `{{ $value | humanizePercentage }}`.
//!
//! It is the part of Go's templates that alert rules are usually made of: fields, `$value`,
//! strings, and functions applied one after the other.

use crate::labels::Labels;
use crate::promql::{format_value, go_exponent};

/// A text with places to be filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Filled { from: Source, functions: Vec<Function> },
}

#[derive(Debug, Clone, PartialEq)]
enum Source {
    Label(String),
    Value,
    Text(String),
}

#[derive(Debug, Clone, PartialEq)]
enum Function {
    Humanize,
    Humanize1024,
    HumanizeDuration,
    HumanizePercentage,
    /// `printf` with one place for a number: before it, its decimals, after it.
    Printf(String, Option<usize>, String),
    ToUpper,
    ToLower,
    Title,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    ///
    /// A sentence that names what is not understood.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("{{") {
            let (action, after) = after
                .split_once("}}")
                .ok_or_else(|| format!("{text:?}: a `{{{{` has no `}}}}`"))?;
            let trimmed = action.trim_start_matches('-').trim_end_matches('-');
            parts.push(Part::Text(
                if action.starts_with('-') { before.trim_end() } else { before }.to_owned(),
            ));
            parts.push(filled(trimmed.trim())?);
            rest = if action.ends_with('-') { after.trim_start() } else { after };
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The text for one series.
    #[must_use]
    pub fn fill(&self, labels: &Labels, value: f64) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Filled { from, functions } => {
                let first = match from {
                    Source::Label(name) => labels.get(name).to_owned(),
                    Source::Value => format_value(value),
                    Source::Text(text) => text.clone(),
                };
                functions.iter().fold(first, |text, function| function.apply(&text))
            }
        });
        parts.collect()
    }
}

fn filled(action: &str) -> Result<Part, String> {
    let unknown = |what: &str| {
        format!(
            "the template {{{{ {action} }}}} has `{what}`, which is not understood here: there are \
             $labels.NAME, $value, and after a `|` humanize, humanize1024, humanizeDuration, \
             humanizePercentage, printf, toUpper, toLower and title"
        )
    };
    let mut steps = split_pipes(action).into_iter();
    let first = steps.next().unwrap_or_default();
    let mut functions = Vec::new();
    let words = words(&first);
    // `humanize $value` is `$value | humanize`.
    let from = match words.as_slice() {
        [source] => source_of(source).ok_or_else(|| unknown(source))?,
        [function, arguments @ .., source] => {
            let found = Function::read(function, arguments).ok_or_else(|| unknown(&first))?;
            functions.push(found);
            source_of(source).ok_or_else(|| unknown(source))?
        }
        [] => return Err(unknown("")),
    };
    for step in steps {
        let words = self::words(&step);
        let function =
            words.split_first().and_then(|(name, arguments)| Function::read(name, arguments));
        functions.push(function.ok_or_else(|| unknown(&step))?);
    }
    Ok(Part::Filled { from, functions })
}

/// At each `|` outside of quotes.
fn split_pipes(action: &str) -> Vec<String> {
    let mut quoted = false;
    let parts = action.split(|character| {
        quoted ^= character == '"';
        character == '|' && !quoted
    });
    parts.map(|part| part.trim().to_owned()).collect()
}

/// Words, and texts in quotes.
fn words(text: &str) -> Vec<String> {
    let mut quoted = false;
    let words = text.split(|character: char| {
        quoted ^= character == '"';
        character.is_whitespace() && !quoted
    });
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn source_of(word: &str) -> Option<Source> {
    let quoted = word.strip_prefix('"').and_then(|word| word.strip_suffix('"'));
    let label = word.strip_prefix("$labels.").or_else(|| word.strip_prefix(".Labels."));
    match (word, label, quoted) {
        ("$value" | ".Value", ..) => Some(Source::Value),
        (_, Some(label), _) => Some(Source::Label(label.to_owned())),
        (_, _, Some(text)) => Some(Source::Text(text.to_owned())),
        _ => None,
    }
}

impl Function {
    fn read(name: &str, arguments: &[String]) -> Option<Self> {
        Some(match (name, arguments) {
            ("humanize", []) => Self::Humanize,
            ("humanize1024", []) => Self::Humanize1024,
            ("humanizeDuration", []) => Self::HumanizeDuration,
            ("humanizePercentage", []) => Self::HumanizePercentage,
            ("toUpper", []) => Self::ToUpper,
            ("toLower", []) => Self::ToLower,
            ("title", []) => Self::Title,
            ("printf", [format]) => {
                let format = format.strip_prefix('"')?.strip_suffix('"')?;
                let (before, place) = format.split_once('%')?;
                let end = place.find(['f', 'v', 's'])?;
                let decimals = match &place[..end] {
                    "" => None,
                    decimals => Some(decimals.strip_prefix('.')?.parse().ok()?),
                };
                let decimals =
                    if place[end..].starts_with('f') { decimals.or(Some(6)) } else { decimals };
                let after = place[end + 1..].replace("%%", "%");
                Self::Printf(before.to_owned(), decimals, after)
            }
            _ => return None,
        })
    }

    fn apply(&self, text: &str) -> String {
        let number = text.parse::<f64>();
        match (self, number) {
            (Self::ToUpper, _) => text.to_uppercase(),
            (Self::ToLower, _) => text.to_lowercase(),
            (Self::Title, _) => {
                let mut characters = text.chars();
                characters.next().map_or_else(String::new, |first| {
                    first.to_uppercase().chain(characters).collect()
                })
            }
            (Self::Printf(before, Some(decimals), after), Ok(number)) => {
                format!("{before}{number:.decimals$}{after}")
            }
            (Self::Printf(before, _, after), _) => format!("{before}{text}{after}"),
            (_, Err(_)) => text.to_owned(),
            (Self::Humanize, Ok(number)) => {
                with_prefix(number, 1000.0, &["", "k", "M", "G", "T", "P", "E", "Z", "Y"], true)
            }
            (Self::Humanize1024, Ok(number)) => with_prefix(
                number,
                1024.0,
                &["", "ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"],
                false,
            ),
            (Self::HumanizePercentage, Ok(number)) => format!("{}%", four_digits(number * 100.0)),
            (Self::HumanizeDuration, Ok(number)) => duration(number),
        }
    }
}

/// As Go's `%.4g`: four significant digits, without zeros at the end.
fn four_digits(number: f64) -> String {
    if !number.is_finite() || number == 0.0 {
        return format_value(number);
    }
    #[expect(clippy::cast_possible_truncation, reason = "the exponent of a float")]
    let exponent = number.abs().log10().floor() as i32;
    if !(-4..4).contains(&exponent) {
        let written = format!("{number:.3e}");
        let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
        let digits = if digits.contains('.') {
            digits.trim_end_matches('0').trim_end_matches('.')
        } else {
            digits
        };
        return go_exponent(&format!("{digits}e{exponent}"));
    }
    let decimals = usize::try_from(3 - exponent).unwrap_or(0);
    let written = format!("{number:.decimals$}");
    if written.contains('.') {
        written.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        written
    }
}

fn with_prefix(number: f64, base: f64, prefixes: &[&str], small: bool) -> String {
    if number == 0.0 || !number.is_finite() {
        return four_digits(number);
    }
    let mut scaled = number;
    if number.abs() >= 1.0 || !small {
        let mut prefix = 0;
        while scaled.abs() >= base && prefix + 1 < prefixes.len() {
            scaled /= base;
            prefix += 1;
        }
        return format!("{}{}", four_digits(scaled), prefixes[prefix]);
    }
    let mut prefix = "";
    for smaller in ["m", "u", "n", "p", "f", "a", "z", "y"] {
        if scaled.abs() >= 1.0 {
            break;
        }
        prefix = smaller;
        scaled *= base;
    }
    format!("{}{prefix}", four_digits(scaled))
}

fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return format_value(seconds);
    }
    if seconds == 0.0 {
        return "0s".to_owned();
    }
    if seconds.abs() < 1.0 {
        let mut scaled = seconds;
        let mut prefix = "";
        for smaller in ["m", "u", "n"] {
            if scaled.abs() >= 1.0 {
                break;
            }
            prefix = smaller;
            scaled *= 1000.0;
        }
        return format!("{}{prefix}s", four_digits(scaled));
    }
    let sign = if seconds < 0.0 { "-" } else { "" };
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a duration")]
    let whole = seconds.abs() as i64;
    let (days, hours, minutes, rest) =
        (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    if days > 0 {
        format!("{sign}{days}d {hours}h {minutes}m {rest}s")
    } else if hours > 0 {
        format!("{sign}{hours}h {minutes}m {rest}s")
    } else if minutes > 0 {
        format!("{sign}{minutes}m {rest}s")
    } else {
        format!("{sign}{}s", four_digits(seconds.abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(template: &str, value: f64) -> String {
        let labels = [("job", "api"), ("route", "/memos/{id}")].into_iter().collect();
        Template::read(template).unwrap().fill(&labels, value)
    }

    #[test]
    fn labels_and_values_are_filled_in() {
        let table = [
            ("nothing", 1.0, "nothing"),
            ("{{ $labels.job }} on {{$labels.route}}", 1.0, "api on /memos/{id}"),
            ("{{ .Labels.job }}: {{ .Value }}", 0.25, "api: 0.25"),
            ("{{ $labels.absent }}!", 1.0, "!"),
            ("{{ $value | humanizePercentage }}", 0.1234, "12.34%"),
            ("{{ humanizePercentage $value }}", 0.05, "5%"),
            ("{{ $value | humanize }}", 12_345.0, "12.35k"),
            ("{{ $value | humanize }}", 0.0123, "12.3m"),
            ("{{ $value | humanize1024 }}B", 3.5 * 1024.0 * 1024.0, "3.5MiB"),
            ("{{ $value | humanize }}", 1e30, "1e+06Y"),
            ("{{ $value | humanizeDuration }}", 3_725.0, "1h 2m 5s"),
            ("{{ $value | humanizeDuration }}", 0.25, "250ms"),
            ("{{ $value | printf \"%.2f s\" }}", 1.005_9, "1.01 s"),
            ("{{ printf \"%.1f%%\" $value }}", 12.34, "12.3%"),
            ("{{ $labels.job | toUpper }}", 1.0, "API"),
            ("a {{- \"b\" -}} c", 1.0, "abc"),
        ];
        for (template, value, expected) in table {
            assert_eq!(fill(template, value), expected, "{template}");
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for wrong in
            ["{{ if gt $value 1 }}", "{{ $labels }}", "{{ $value | shout }}", "{{ }}", "{{ $value"]
        {
            assert!(Template::read(wrong).is_err(), "{wrong}");
        }
        let error = Template::read("{{ $value | shout }}").unwrap_err();
        assert!(error.contains("`shout`"), "{error}");
    }
}
