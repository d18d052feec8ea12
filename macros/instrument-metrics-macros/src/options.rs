//! Reads what stands in the attribute's parentheses.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{LitStr, Path};

use crate::buckets::Buckets;
use crate::mistakes::Mistakes;
use crate::suggest::suggest;

/// The options of one attribute. What was wrong is left out here and stands in the mistakes.
#[derive(Default)]
pub struct Options {
    pub name: Option<LitStr>,
    /// Sorted by key.
    pub labels: Vec<(String, LitStr)>,
    pub buckets: Option<Buckets>,
    pub skipped: Vec<Family>,
    runtime: Option<Path>,
}

/// A family that `skip(…)` can leave out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Requests,
    Duration,
    InFlight,
    Aborted,
    Heap,
}

impl Family {
    const ALL: [(&str, Self); 5] = [
        ("requests", Self::Requests),
        ("duration", Self::Duration),
        ("in_flight", Self::InFlight),
        ("aborted", Self::Aborted),
        ("heap", Self::Heap),
    ];

    /// `.skip_…()`, to be called on a `Site`.
    pub fn call(self) -> TokenStream {
        match self {
            Self::Requests => quote!(.skip_requests()),
            Self::Duration => quote!(.skip_duration()),
            Self::InFlight => quote!(.skip_in_flight()),
            Self::Aborted => quote!(.skip_aborted()),
            Self::Heap => quote!(.skip_heap()),
        }
    }
}

/// How an option is written.
enum Form {
    /// `option = value`
    Assigned,
    /// `option(value, …)`
    Listed,
}

/// Each option, its form, and an example.
const OPTIONS: [(&str, Form, &str); 5] = [
    ("name", Form::Assigned, r#"name = "get_user""#),
    ("labels", Form::Listed, r#"labels(team = "accounts")"#),
    ("buckets", Form::Assigned, "buckets = [0.005, 0.05, 0.5]"),
    ("skip", Form::Listed, "skip(in_flight)"),
    ("crate", Form::Assigned, "crate = my_facade::metrics"),
];

/// Labels that the families have themselves, or that Prometheus gives a meaning of its own.
const RESERVED_LABELS: [(&str, &str); 8] = [
    ("handler", "the attribute sets it; `name = \"…\"` changes it"),
    ("route", "it is the matched route of each request"),
    ("method", "it is the method of each request"),
    ("status", "it is the status of each response"),
    ("reason", "it says why a request was aborted"),
    ("le", "it holds the bound of a histogram's bucket"),
    ("job", "Prometheus sets it for each target that it scrapes"),
    ("instance", "Prometheus sets it for each target that it scrapes"),
];

impl Options {
    /// Reads all of them, however many are wrong.
    pub fn read(arguments: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut options = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for tokens in between_commas(arguments, mistakes) {
            let [TokenTree::Ident(option), written @ ..] = tokens.as_slice() else {
                let examples = OPTIONS.map(|(_, _, example)| format!("`{example}`")).join(", ");
                mistakes.add(
                    tokens.into_iter().collect::<TokenStream>(),
                    format!("an option has to stand here: {examples}"),
                );
                continue;
            };
            let Some((name, form, example)) = OPTIONS.iter().find(|(name, ..)| option == name)
            else {
                let suggestion = suggest(&option.to_string(), &OPTIONS.map(|(name, ..)| name));
                mistakes.add(option, format!("there is no option `{option}`; {suggestion}"));
                continue;
            };
            if seen.contains(name) {
                mistakes.add(option, format!("the option `{name}` stands here twice"));
                continue;
            }
            seen.push(name);
            match form.value(written) {
                Some(value) => options.set(name, value, mistakes),
                None => mistakes.add(
                    tokens.into_iter().collect::<TokenStream>(),
                    format!("write the option `{name}` as in `{example}`"),
                ),
            }
        }
        options
    }

    fn set(&mut self, name: &str, value: TokenStream, mistakes: &mut Mistakes) {
        match name {
            "name" => self.name = handler_name(value, mistakes),
            "labels" => self.labels = labels(value, mistakes),
            "buckets" => self.buckets = Buckets::read(value, mistakes),
            "skip" => self.skipped = skipped(value, mistakes),
            _ => self.runtime = path(value, mistakes),
        }
    }

    /// The options of one function in a block that has these: its own, and no others but where the
    /// runtime lives.
    pub fn of_one(&self, own: TokenStream, mistakes: &mut Mistakes) -> Self {
        let mut options = Self::read(own, mistakes);
        options.runtime = options.runtime.or_else(|| self.runtime.clone());
        options
    }

    /// Where the runtime lives.
    pub fn runtime(&self) -> TokenStream {
        match &self.runtime {
            Some(path) => path.to_token_stream(),
            None => quote!(::instrument_metrics),
        }
    }
}

impl Form {
    /// The value in what stands after the option's name; `None` where it has another form.
    fn value(&self, written: &[TokenTree]) -> Option<TokenStream> {
        match (self, written) {
            (Self::Assigned, [TokenTree::Punct(equals), value @ ..])
                if equals.as_char() == '=' && !value.is_empty() && !is_equals(&value[0]) =>
            {
                Some(value.iter().cloned().collect())
            }
            (Self::Listed, [TokenTree::Group(list)])
                if list.delimiter() == Delimiter::Parenthesis && !list.stream().is_empty() =>
            {
                Some(list.stream())
            }
            _ => None,
        }
    }
}

fn is_equals(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == '=')
}

/// What stands between commas; a comma at the end is allowed.
fn between_commas(tokens: TokenStream, mistakes: &mut Mistakes) -> Vec<Vec<TokenTree>> {
    let mut parts = vec![Vec::new()];
    for token in tokens {
        match (&token, parts.last_mut()) {
            (TokenTree::Punct(comma), Some(part)) if comma.as_char() == ',' => {
                if part.is_empty() {
                    mistakes.add(comma, "nothing stands before this comma: take it out");
                } else {
                    parts.push(Vec::new());
                }
            }
            (_, Some(part)) => part.push(token),
            (_, None) => {}
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn handler_name(value: TokenStream, mistakes: &mut Mistakes) -> Option<LitStr> {
    let name = text(value, "the handler's name", mistakes)?;
    match name.value().as_str() {
        "" => mistakes.add(
            &name,
            "an empty handler label means that no annotated handler answered: write a name, or \
             leave `name` out for the function's own",
        ),
        "<overflow>" => mistakes.add(
            &name,
            "`<overflow>` is the handler label of what the series cap folds together: write \
             another name",
        ),
        _ => return Some(name),
    }
    None
}

fn labels(list: TokenStream, mistakes: &mut Mistakes) -> Vec<(String, LitStr)> {
    let mut labels: Vec<(String, LitStr)> = Vec::new();
    for tokens in between_commas(list, mistakes) {
        let equals = tokens.iter().position(is_equals).filter(|index| *index > 0);
        let Some((key, [_, value @ ..])) = equals.map(|index| tokens.split_at(index)) else {
            let tokens: TokenStream = tokens.into_iter().collect();
            mistakes.add(tokens, r#"write a label as `key = "value"`"#);
            continue;
        };
        let name: String = key.iter().map(ToString::to_string).collect();
        let name = name.strip_prefix("r#").unwrap_or(&name).to_owned();
        let key: TokenStream = key.iter().cloned().collect();
        if value.is_empty() {
            mistakes.add(key, format!("write the label as `{name} = \"value\"`"));
            continue;
        }
        let value = text(value.iter().cloned().collect(), "a label's value", mistakes);
        if let Some(why) = why_no_label(&name) {
            mistakes.add(key, format!("`{name}` cannot be a label of yours: {why}"));
        } else if labels.iter().any(|(earlier, _)| *earlier == name) {
            mistakes.add(key, format!("the label `{name}` stands here twice"));
        } else if let Some(value) = value {
            if value.value().is_empty() {
                mistakes.add(
                    value,
                    "to Prometheus an empty label is no label: write a value, or leave it out",
                );
            } else {
                labels.push((name, value));
            }
        }
    }
    labels.sort_by(|(one, _), (other, _)| one.cmp(other));
    labels
}

/// Prometheus's rule for a label's name: `[a-zA-Z_][a-zA-Z0-9_]*`, and `__` only for itself.
fn why_no_label(name: &str) -> Option<String> {
    if let Some((_, why)) = RESERVED_LABELS.iter().find(|(reserved, _)| *reserved == name) {
        return Some((*why).to_owned());
    }
    if name.starts_with("__") {
        return Some("names that begin with `__` are Prometheus's own".to_owned());
    }
    let wrong =
        name.chars().find(|character| !character.is_ascii_alphanumeric() && *character != '_');
    wrong.map(|wrong| format!("`{wrong}` is none of the letters a to z, the digits and `_`"))
}

/// A string literal.
fn text(value: TokenStream, what: &str, mistakes: &mut Mistakes) -> Option<LitStr> {
    let mut tokens = value.clone().into_iter();
    let first = tokens.next().map(TokenStream::from).unwrap_or_default();
    match (syn::parse2::<LitStr>(first), tokens.next()) {
        (Ok(text), None) if text.suffix().is_empty() => return Some(text),
        (Ok(_), Some(more)) => {
            mistakes.add(more, format!("{what} is one text: is a comma missing before this?"));
        }
        _ => mistakes.add(
            value,
            format!(
                "{what} is text in \"quotes\": no const, no macro and no number can stand here"
            ),
        ),
    }
    None
}

fn skipped(list: TokenStream, mistakes: &mut Mistakes) -> Vec<Family> {
    let mut skipped = Vec::new();
    for tokens in between_commas(list, mistakes) {
        let name = tokens.iter().map(ToString::to_string).collect::<String>();
        let family = Family::ALL.iter().find(|(known, _)| *known == name);
        let tokens: TokenStream = tokens.into_iter().collect();
        match family {
            Some((_, family)) if skipped.contains(family) => {
                mistakes.add(tokens, format!("the family `{name}` stands here twice"));
            }
            Some((_, family)) => skipped.push(*family),
            None => {
                let suggestion = suggest(&name, &Family::ALL.map(|(name, _)| name));
                mistakes.add(tokens, format!("there is no family `{name}` to skip; {suggestion}"));
            }
        }
    }
    skipped
}

fn path(value: TokenStream, mistakes: &mut Mistakes) -> Option<Path> {
    match syn::parse::Parser::parse2(Path::parse_mod_style, value.clone()) {
        Ok(path) => Some(path),
        Err(_) => {
            mistakes.add(
                value,
                "the crate is a path without quotes: write it as in `crate = my_facade::metrics`",
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(arguments: &str) -> Vec<String> {
        let mut mistakes = Mistakes::default();
        Options::read(arguments.parse().expect("the test writes tokens"), &mut mistakes);
        let error = mistakes.into_error();
        error.into_iter().flatten().map(|mistake| mistake.to_string()).collect()
    }

    #[test]
    fn everything_that_is_right_is_read() {
        let arguments = r#"
            name = "get_user",
            labels(team = "accounts", r#type = "read", a1 = "\"x\""),
            buckets = [0.005, 1, 2.5f64],
            skip(in_flight, heap),
            crate = my_facade::metrics,
        "#;
        let mut mistakes = Mistakes::default();
        let options = Options::read(arguments.parse().unwrap(), &mut mistakes);
        assert!(mistakes.into_error().is_none());
        assert_eq!(options.name.unwrap().value(), "get_user");
        let labels = options.labels.iter().map(|(key, value)| (key.as_str(), value.value()));
        let labels: Vec<_> = labels.collect();
        assert_eq!(
            labels,
            [("a1", "\"x\"".into()), ("team", "accounts".into()), ("type", "read".into())]
        );
        assert!(
            matches!(options.buckets, Some(Buckets::Numbers(bounds)) if bounds == [0.005, 1.0, 2.5])
        );
        assert!(options.skipped == [Family::InFlight, Family::Heap]);
        assert_eq!(options.runtime.unwrap().to_token_stream().to_string(), "my_facade :: metrics");
    }

    #[test]
    fn no_options_are_right_and_so_are_few() {
        for arguments in ["", "buckets = BOUNDS", "buckets = crate::BOUNDS,", "crate = ::m"] {
            assert_eq!(mistakes(arguments), Vec::<String>::new(), "{arguments}");
        }
    }

    /// The others, with their places, are in `tests/ui`.
    #[test]
    fn what_is_half_written_is_told_how_to_go_on() {
        let name = "write the option `name` as in `name = \"get_user\"`";
        let labels = "write the option `labels` as in `labels(team = \"accounts\")`";
        let table = [
            ("name", name),
            ("name =", name),
            ("name: \"x\"", name),
            (
                "name = a + \"b\"",
                "the handler's name is text in \"quotes\": no const, no macro and no number can \
                 stand here",
            ),
            (
                "name = \"a\" labels(b = \"c\")",
                "the handler's name is one text: is a comma missing before this?",
            ),
            ("name == \"a\"", name),
            ("labels", labels),
            ("labels()", labels),
            ("labels[team = \"a\"]", labels),
            ("labels(team: \"a\")", "write a label as `key = \"value\"`"),
            (
                "labels(team-name = \"a\")",
                "`team-name` cannot be a label of yours: `-` is none of the letters a to z, the \
                 digits and `_`",
            ),
            ("labels(team =)", "write the label as `team = \"value\"`"),
            (
                "labels(\"team\" = \"a\")",
                "`\"team\"` cannot be a label of yours: `\"` is none of the letters a to z, the \
                 digits and `_`",
            ),
            ("name = \"a\",, skip(heap)", "nothing stands before this comma: take it out"),
            (", name = \"a\"", "nothing stands before this comma: take it out"),
            (
                "buckets = [1e999]",
                "a bound is a finite number of seconds, and 1e999 is not; the `+Inf` bucket is \
                 always there",
            ),
        ];
        for (arguments, expected) in table {
            assert_eq!(mistakes(arguments), [expected], "{arguments}");
        }
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let arguments =
            r#"nme = "x", labels(le = "1", team = 2), buckets = [2, 1, -1], skip(al), crate = """#;
        assert_eq!(mistakes(arguments).len(), 7, "{:#?}", mistakes(arguments));
    }
}
