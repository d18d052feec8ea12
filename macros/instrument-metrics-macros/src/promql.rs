//! What the editor shows under the handler's documentation: its queries, ready to paste.

use crate::options::Family;

/// Markdown; empty where every family that it asks is left out. `continues` where the handler has
/// documentation of its own, which this ends.
pub fn documentation(handler: &str, skipped: &[Family], continues: bool) -> String {
    let is_measured = |family: Family| !skipped.contains(&family);
    let of_handler = format!("handler={}", quoted(handler));
    let mut queries = Vec::new();
    if is_measured(Family::Requests) {
        queries.push((
            "Requests a second, by status:",
            format!("sum by (status) (rate(http_requests_total{{{of_handler}}}[5m]))"),
        ));
        queries.push(failed(&of_handler, is_measured(Family::Aborted)));
    }
    if is_measured(Family::Duration) {
        queries.push((
            "Seconds within which 95 % of them were answered:",
            format!(
                "histogram_quantile(0.95,\n  sum by (le) \
                 (rate(http_request_duration_seconds_bucket{{{of_handler}}}[5m])))"
            ),
        ));
    }
    if queries.is_empty() {
        return String::new();
    }
    let first = if continues { String::new() } else { format!("Measured with `{of_handler}`.\n") };
    let queries = queries.into_iter();
    let queries: String =
        queries.map(|(what, query)| format!("\n{what}\n\n```promql\n{query}\n```\n")).collect();
    format!("{first}\n# Metrics\n{queries}")
}

/// The part of all requests that failed. What was aborted has no status; its counters are there
/// from the first request on, so that the part is 0, and not absent, while nothing has failed.
fn failed(of_handler: &str, with_aborted: bool) -> (&'static str, String) {
    if with_aborted {
        let name = r#"__name__=~"http_requests(_aborted)?_total""#;
        (
            "The part that got a 5xx, panicked or was cancelled, 0 to 1:",
            format!(
                "sum(rate({{{name},{of_handler},status=~\"(5..)?\"}}[5m]))\n  \
                 / sum(rate({{{name},{of_handler}}}[5m]))"
            ),
        )
    } else {
        (
            "The part that got a 5xx, 0 to 1:",
            format!(
                "(sum(rate(http_requests_total{{{of_handler},status=~\"5..\"}}[5m])) or vector(0))\n  \
                 / sum(rate(http_requests_total{{{of_handler}}}[5m]))"
            ),
        )
    }
}

/// As a string in PromQL, which has Go's escapes.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queries_of_a_handler() {
        insta::assert_snapshot!(documentation("get_memo", &[], true));
    }

    #[test]
    fn what_is_not_measured_is_not_asked() {
        let without = |skipped: &[Family]| documentation("get_memo", skipped, true);
        assert!(!without(&[Family::Requests]).contains("http_requests"));
        assert!(!without(&[Family::Aborted]).contains("aborted"));
        assert!(!without(&[Family::Duration]).contains("histogram_quantile"));
        assert_eq!(without(&[Family::Requests, Family::Duration]), "");
    }

    #[test]
    fn a_name_with_quotes_stays_one_string() {
        let promql = documentation("say \"hi\"\\\n", &[], false);
        assert!(promql.contains(r#"{handler="say \"hi\"\\\n"}"#), "{promql}");
    }
}
