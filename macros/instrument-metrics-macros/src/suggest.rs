//! "Did you mean": the known word that is nearest to what was typed.

/// `: did you mean …?` or, where nothing is near, all the words there are.
pub fn suggest(typed: &str, known: &[&str]) -> String {
    let distance = |word: &&str| strsim::damerau_levenshtein(&typed.to_lowercase(), word);
    let near = |word: &&&str| distance(word) <= 1 + word.len() / 4 || holds(typed, word);
    match known.iter().filter(near).min_by_key(|word| distance(word)) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("there are {}", list(known)),
    }
}

/// Whether `typed` is a longer name of the same thing: `http_request_duration_seconds` of
/// `duration`.
fn holds(typed: &str, word: &str) -> bool {
    let suffixes = ["", "_total", "_seconds", "_bytes"];
    suffixes.iter().any(|suffix| typed.ends_with(&format!("_{word}{suffix}")))
}

/// `a`, `b` and `c`.
fn list(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_suggested_and_else_everything_is_listed() {
        let known = ["name", "labels", "in_flight"];
        let table = [
            ("nmae", "did you mean `name`?"),
            ("label", "did you mean `labels`?"),
            ("Labels", "did you mean `labels`?"),
            ("inflight", "did you mean `in_flight`?"),
            ("http_requests_in_flight", "did you mean `in_flight`?"),
            ("http_requests_in_flight_total", "did you mean `in_flight`?"),
            ("path", "there are `name`, `labels` and `in_flight`"),
            ("", "there are `name`, `labels` and `in_flight`"),
        ];
        for (typed, expected) in table {
            assert_eq!(suggest(typed, &known), expected, "{typed}");
        }
    }
}
