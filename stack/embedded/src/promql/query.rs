//! Reads a query, and refuses what is not supported.

use promql_parser::label::{MatchOp, Matcher as ParsedMatcher, Matchers};
use promql_parser::parser::value::ValueType;
use promql_parser::parser::{self, Expr, VectorSelector};
use promql_parser::util::{ExprVisitor, walk_expr};

use super::QueryError;
use crate::labels::{Condition, Matcher, NAME, anchored};

/// A query that can be evaluated.
#[derive(Debug, Clone)]
pub struct Query {
    expr: Expr,
}

/// Reads a query.
///
/// # Errors
///
/// [`QueryError::BadData`] where it is none, or where it asks for native histograms or for what
/// Prometheus calls experimental.
pub fn parse(text: &str) -> Result<Query, QueryError> {
    let bad = |why: String| QueryError::BadData(format!("invalid parameter \"query\": {why}"));
    if text.trim().is_empty() {
        return Err(bad("no expression found in input".to_owned()));
    }
    if is_too_deep(text) {
        return Err(bad(format!(
            "the query is too deep: at most {DEEPEST} brackets within each other and {LONGEST} operators"
        )));
    }
    let expr = parser::parse(text).map_err(|why| bad(explained(text, &why)))?;
    walk_expr(&mut Supported, &expr).map_err(bad)?;
    Ok(Query { expr })
}

/// What the parser says, in the words of Prometheus's documentation, and what is mostly meant.
fn explained(text: &str, why: &str) -> String {
    let why = why
        .replace("expected type matrix", "expected type range vector")
        .replace("got matrix", "got range vector")
        .replace("expected type vector", "expected type instant vector")
        .replace("got vector", "got instant vector");
    let hints = [
        (
            r"\b(by|without|on|ignoring)\s+[a-zA-Z_]",
            "labels stand in parentheses, as in `sum by (route) (up)`",
        ),
        (
            r#"\{[^}]*(=|=~|!=|!~)\s*[^\s"'`=~}]"#,
            "the value of a label stands in quotes, as in `up{job=\"api\"}`",
        ),
        (r"\{[^}]*=\s*\}", "a label needs a value in quotes, as in `up{job=\"api\"}`"),
        (
            r#"\{[^}]*["'`]\s+(and|or)\b"#,
            "a comma stands between labels, as in `up{job=\"api\", instance=\"a\"}`",
        ),
        (r"[+\-*/%^<>=]\s*$|\b(and|or|unless)\s*$", "something is missing at the end"),
        (r"[\w}]\s+[a-zA-Z_]\w*\s*(\{|$)", "an operator or a bracket is missing between two names"),
    ];
    if why.contains("range vector") && why.contains("got instant vector") {
        return format!("{why}; give it a range, as in `rate(requests_total[5m])`");
    }
    if why.contains("got range vector") {
        return format!(
            "{why}; take one value of the range first, as in `rate(requests_total[5m])`"
        );
    }
    let hint = hints
        .iter()
        .find(|(pattern, _)| regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(text)));
    match hint {
        Some((_, hint)) => format!("{why}: {hint}"),
        None => why,
    }
}

/// More than any query that a person reads. The parser follows a query's depth on its stack.
const DEEPEST: usize = 100;
const LONGEST: usize = 500;

fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut deepest, mut operators, mut quote) = (0_usize, 0, 0, None);
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (Some('"' | '\''), '\\') => drop(characters.next()),
            (None, '"' | '\'' | '`') => quote = Some(character),
            (None, '(' | '[' | '{') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (None, ')' | ']' | '}') => depth = depth.saturating_sub(1),
            (None, '+' | '-' | '*' | '/' | '%' | '^' | '<' | '>' | '=' | '!' | '@') => {
                operators += 1;
            }
            _ => {}
        }
    }
    let words = text.split(|character: char| !character.is_ascii_alphanumeric());
    operators += words
        .filter(|word| ["and", "or", "unless", "atan2", "AND", "OR", "UNLESS"].contains(word))
        .count();
    deepest > DEEPEST || operators > LONGEST
}

/// Reads a series selector, as `match[]` has it.
///
/// # Errors
///
/// [`QueryError::BadData`] where it is none.
pub fn parse_selector(text: &str) -> Result<Vec<Matcher>, QueryError> {
    let bad = |why: String| QueryError::BadData(format!("invalid parameter \"match[]\": {why}"));
    match parse(text)?.expr {
        Expr::VectorSelector(selector) if selector.offset.is_none() && selector.at.is_none() => {
            matchers(&selector).map_err(bad)
        }
        _ => Err(bad(format!("{text:?} is no series selector"))),
    }
}

impl Query {
    pub(super) fn expr(&self) -> &Expr {
        &self.expr
    }

    /// What kind of value it has: `scalar`, `vector`, `matrix` or `string`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.expr.value_type() {
            ValueType::Scalar => "scalar",
            ValueType::Vector => "vector",
            ValueType::Matrix => "matrix",
            ValueType::String => "string",
        }
    }

    pub(super) fn check_for_range(&self) -> Result<(), QueryError> {
        match self.kind() {
            "scalar" | "vector" => Ok(()),
            kind => {
                let kind = if kind == "matrix" { "range vector" } else { kind };
                Err(QueryError::BadData(format!(
                    "invalid parameter \"query\": invalid expression type \"{kind}\" for range query, must be Scalar or instant Vector"
                )))
            }
        }
    }
}

/// As its text, in one line.
impl std::fmt::Display for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.expr)
    }
}

/// The matchers of a selector, its name among them.
pub(super) fn matchers(selector: &VectorSelector) -> Result<Vec<Matcher>, String> {
    let name = selector
        .name
        .iter()
        .map(|name| Matcher { name: NAME.to_owned(), condition: Condition::Is(name.clone()) });
    let Matchers { matchers, .. } = &selector.matchers;
    name.map(Ok).chain(matchers.iter().map(matcher)).collect()
}

fn matcher(parsed: &ParsedMatcher) -> Result<Matcher, String> {
    let regex = |known: &regex::Regex| {
        // What the parser made of it is right but for `.`, which means any character here.
        anchored(&parsed.value)
            .or_else(|_| regex::Regex::new(known.as_str()))
            .map_err(|why| why.to_string())
    };
    let condition = match &parsed.op {
        MatchOp::Equal => Condition::Is(parsed.value.clone()),
        MatchOp::NotEqual => Condition::IsNot(parsed.value.clone()),
        MatchOp::Re(known) => Condition::Matches(regex(known)?),
        MatchOp::NotRe(known) => Condition::MatchesNot(regex(known)?),
    };
    Ok(Matcher { name: parsed.name.clone(), condition })
}

/// Looks for what the parser takes and Prometheus 3.5 without feature flags does not.
struct Supported;

impl ExprVisitor for Supported {
    type Error = String;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, String> {
        match expr {
            Expr::Call(call) if call.func.experimental => {
                Err(format!("function {:?} is not enabled", call.func.name))
            }
            Expr::Call(call)
                if call.func.name.starts_with("histogram_")
                    && !matches!(call.func.name, "histogram_quantile" | "histogram_fraction") =>
            {
                Err(format!(
                    "native histograms are not supported here, and {:?} is for them",
                    call.func.name
                ))
            }
            Expr::Call(call) if call.func.name == "first_over_time" => {
                Err("unknown function with name \"first_over_time\"".to_owned())
            }
            Expr::Aggregate(aggregate)
                if ["limitk", "limit_ratio"].contains(&aggregate.op.to_string().as_str()) =>
            {
                Err(format!("{}() is experimental and is not enabled", aggregate.op))
            }
            Expr::Binary(binary)
                if binary.modifier.as_ref().is_some_and(|modifier| {
                    modifier.fill_values.lhs.is_some() || modifier.fill_values.rhs.is_some()
                }) =>
            {
                Err("fill modifiers are experimental and not enabled".to_owned())
            }
            Expr::VectorSelector(selector) if !selector.matchers.or_matchers.is_empty() => {
                Err("`or` between matchers is not PromQL".to_owned())
            }
            Expr::MatrixSelector(matrix) if !matrix.vs.matchers.or_matchers.is_empty() => {
                Err("`or` between matchers is not PromQL".to_owned())
            }
            Expr::Extension(_) => Err("an extension is no expression".to_owned()),
            _ => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mostly_meant_is_said() {
        let table = [
            ("sum by route (up)", "labels stand in parentheses"),
            ("up{job=api}", "the value of a label stands in quotes"),
            ("up{status=200}", "the value of a label stands in quotes"),
            ("up{job=}", "a label needs a value in quotes"),
            ("up{job=\"a\" and x=\"y\"}", "a comma stands between labels"),
            ("1 +", "something is missing at the end"),
            ("rate(up)", "give it a range, as in `rate(requests_total[5m])`"),
            ("sum(up[5m])", "take one value of the range first"),
            ("http requests total", "an operator or a bracket is missing"),
        ];
        for (query, hint) in table {
            let error = parse(query).unwrap_err().to_string();
            assert!(error.contains(hint), "{query}: {error}");
        }
    }
}
