//! Labels of a series, and matchers that select series by them.

use std::fmt;
use std::sync::Arc;

use regex::Regex;

/// The label that holds a metric's name.
pub const NAME: &str = "__name__";

/// The labels of a series, the metric's name among them, sorted by name; none is empty.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Arc<[(String, String)]>);

impl Labels {
    /// No label at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The value of a label; empty where there is none, as PromQL sees it.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        match self.0.binary_search_by(|(known, _)| known.as_str().cmp(name)) {
            Ok(index) => &self.0[index].1,
            Err(_) => "",
        }
    }

    /// Name and value of each label, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Those labels whose name `keep` wants.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(&str) -> bool) -> Self {
        if self.iter().all(|(name, _)| keep(name)) {
            return self.clone();
        }
        self.0.iter().filter(|(name, _)| keep(name)).cloned().collect()
    }

    /// All but the metric's name.
    #[must_use]
    pub fn without_name(&self) -> Self {
        self.filter(|name| name != NAME)
    }

    /// With this label; an empty value takes the label away.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let others = self.0.iter().filter(|(known, _)| known != name).cloned();
        others.chain([(name.to_owned(), value.to_owned())]).collect()
    }

    /// How many bytes they take, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|(name, value)| 2 * size_of::<String>() + name.len() + value.len()).sum()
    }
}

/// Labels in any order; a name that comes twice has its last value, and an empty value is no label.
impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(labels: I) -> Self {
        let labels = labels.into_iter().map(|(name, value)| (name.into(), value.into()));
        let sorted: std::collections::BTreeMap<String, String> = labels.collect();
        Self(sorted.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }
}

/// As in PromQL: `up{job="memo-service"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.get(NAME);
        f.write_str(name)?;
        let others: Vec<_> = self
            .iter()
            .filter(|(name, _)| *name != NAME)
            .map(|(name, value)| format!("{name}={value:?}"))
            .collect();
        if !others.is_empty() || name.is_empty() {
            write!(f, "{{{}}}", others.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// What one label of a series has to be.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// The label.
    pub name: String,
    /// What it has to be.
    pub condition: Condition,
}

/// What a label has to be, where an absent one is empty.
#[derive(Debug, Clone)]
pub enum Condition {
    /// `=`
    Is(String),
    /// `!=`
    IsNot(String),
    /// `=~`
    Matches(Regex),
    /// `!~`
    MatchesNot(Regex),
}

impl Matcher {
    /// Whether the series with these labels is selected.
    #[must_use]
    pub fn selects(&self, labels: &Labels) -> bool {
        self.takes(labels.get(&self.name))
    }

    /// Whether the label may have this value.
    #[must_use]
    pub fn takes(&self, value: &str) -> bool {
        match &self.condition {
            Condition::Is(wanted) => value == wanted,
            Condition::IsNot(unwanted) => value != unwanted,
            Condition::Matches(regex) => regex.is_match(value),
            Condition::MatchesNot(regex) => !regex.is_match(value),
        }
    }
}

/// A regular expression as PromQL means it: of the whole value, and `.` is any character.
///
/// # Errors
///
/// Where it is none.
pub fn anchored(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!("^(?s:{pattern})$"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_unique_and_not_empty() {
        let labels: Labels = [("b", "2"), ("a", "1"), ("b", "3"), ("c", "")].into_iter().collect();
        assert_eq!(labels.to_string(), r#"{a="1", b="3"}"#);
        assert_eq!(labels.get("c"), "");
        assert_eq!(labels.with("a", "").with("__name__", "up").to_string(), r#"up{b="3"}"#);
        assert_eq!(Labels::none().to_string(), "{}");
    }

    #[test]
    fn a_regular_expression_is_of_the_whole_value() {
        let regex = anchored("a.c|b").unwrap();
        for (value, expected) in
            [("abc", true), ("a\nc", true), ("b", true), ("xb", false), ("abcd", false)]
        {
            assert_eq!(regex.is_match(value), expected, "{value:?}");
        }
    }
}
